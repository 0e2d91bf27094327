package gcp

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"gkeaudit/audit"

	"google.golang.org/api/cloudasset/v1"
	"google.golang.org/api/cloudresourcemanager/v3"
)

// DiscoverAuto finds projects by [audit.ByAsset] or, where that API is off or
// refuses, by [audit.ByResourceManager].
const DiscoverAuto = "auto"

// Discoveries are the ways to find projects.
var Discoveries = []string{DiscoverAuto, audit.ByAsset, audit.ByResourceManager}

// Discover finds the projects of a scope's organizations and folders in one of the
// ways of [Discoveries]. It returns the scope with the IDs of all its projects, each
// once and sorted, without those that it excludes, and a gap for each organization or
// folder that could not be listed.
//
// By Cloud Asset Inventory it finds projects that have clusters, by Resource Manager
// all that are not pending deletion. Either way, folders are excluded below those that are named
// alone: one that is named is looked into even if it lies in one that is excluded.
//
// A project that is named by its number gets its ID: Resource Manager's or, if that may
// not be read, the one in the links of its clusters. Without either it keeps the number,
// and that is no gap.
func (c *Client) Discover(ctx context.Context, scope audit.Scope, way string) (audit.Scope, []audit.Gap) {
	d := c.discover(ctx, scope, way)
	return d.scope, audit.DistinctGaps(d.gaps)
}

func (c *Client) discover(ctx context.Context, scope audit.Scope, way string) *discovery {
	d := &discovery{client: c, scope: scope, way: way, roots: map[string]searched{},
		walked: map[string]bool{}, projects: map[string]bool{}, unread: map[string]fault{}}
	for _, number := range scope.Organizations {
		d.wg.Go(func() { d.root(ctx, "organizations/"+number) })
	}
	for _, number := range scope.Folders {
		d.wg.Go(func() { d.root(ctx, "folders/"+number) })
	}
	d.wg.Wait()

	found := d.ids(ctx, slices.Collect(maps.Keys(d.projects)))
	projects := slices.Concat(found, d.ids(ctx, scope.Projects))
	slices.Sort(projects)
	d.scope.Projects = orEmpty(slices.Compact(projects))
	if len(d.roots) > 0 {
		methods := map[string]bool{}
		for _, s := range d.roots {
			methods[s.method] = true
		}
		d.scope.Discovery = &audit.Discovery{Methods: slices.Sorted(maps.Keys(methods)), Projects: len(found), Note: d.note()}
	}
	return d
}

// A discovery is one run of Discover.
type discovery struct {
	client *Client
	scope  audit.Scope
	way    string
	wg     sync.WaitGroup

	mu       sync.Mutex
	roots    map[string]searched // the organizations and folders of the scope
	walked   map[string]bool     // folders and organizations
	projects map[string]bool     // IDs, or numbers where the ID is not known yet
	unread   map[string]fault    // why Resource Manager did not tell the IDs of numbers, by what they became
	gaps     []audit.Gap
}

// searched is how projects were looked for in an organization or folder.
type searched struct {
	method  string // of audit.Discovery
	refused string // why the other method was not used; empty if it was not tried
}

// note says what the methods may miss, and where one was refused.
func (d *discovery) note() string {
	var sentences []string
	refused := map[string][]string{}
	for _, root := range slices.Sorted(maps.Keys(d.roots)) {
		switch s := d.roots[root]; {
		case s.method == audit.ByAsset:
			sentences = []string{audit.AssetNote}
		case s.refused != "":
			refused[s.refused] = append(refused[s.refused], root)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(refused)) {
		sentences = append(sentences, "Cloud Asset Inventory refused a search of "+strings.Join(refused[why], ", ")+
			" ("+why+"), so Resource Manager was walked there.")
	}
	return strings.Join(sentences, " ")
}

func (d *discovery) root(ctx context.Context, root string) {
	if d.way != audit.ByResourceManager {
		f, ok := d.search(ctx, root)
		refused := !ok && f.code == "PERMISSION_DENIED" // or off
		if !refused || d.way == audit.ByAsset {
			d.used(root, searched{method: audit.ByAsset})
			if !ok {
				d.gap(f.gap(searchResources, "", root+"/projects"))
			}
			return
		}
		d.client.config.Log.Info("walking Resource Manager, as Cloud Asset Inventory refuses",
			"root", root, "reason", f.reason, "permission", f.permission, "because", f.message)
		d.used(root, searched{method: audit.ByResourceManager, refused: f.short()})
	} else {
		d.used(root, searched{method: audit.ByResourceManager})
	}
	d.walk(ctx, root)
}

// short says why a call was refused in words that are the same each time.
func (f fault) short() string {
	switch {
	case f.permission != "":
		return "missing permission " + f.permission
	case f.reason == "SERVICE_DISABLED":
		return f.message
	}
	return cmp.Or(f.reason, f.code)
}

// search finds the projects that have clusters.
func (d *discovery) search(ctx context.Context, root string) (fault, bool) {
	var excluded []*cloudasset.ResourceSearchResult
	f, ok := d.searchFor(ctx, root, "container.googleapis.com/Cluster", func(r *cloudasset.ResourceSearchResult) {
		if slices.ContainsFunc(r.Folders, d.excludesFolder) {
			excluded = append(excluded, r)
		} else {
			d.foundCluster(root, r)
		}
	})
	if !ok || len(excluded) == 0 || strings.HasPrefix(root, "organizations/") {
		return f, ok
	}
	// A result names all folders that it is in, in no order that is documented:
	// whether the excluded one lies above the root or below takes the folders below.
	below := map[string]bool{}
	f, ok = d.searchFor(ctx, root, "cloudresourcemanager.googleapis.com/Folder", func(r *cloudasset.ResourceSearchResult) {
		folder := "folders/" + audit.LastSegment(r.Name)
		below[folder] = folder != root
	})
	if !ok {
		return f, false
	}
	around := ""
	for _, r := range excluded {
		if !slices.ContainsFunc(r.Folders, func(folder string) bool { return below[folder] && d.excludesFolder(folder) }) {
			around = r.Folders[slices.IndexFunc(r.Folders, d.excludesFolder)]
			d.foundCluster(root, r)
		}
	}
	if around != "" {
		d.client.config.Log.Warn("a folder that is named is looked into, though it lies in one that is excluded", "root", root, "excluded", around)
	}
	return f, true
}

// searchFor hands on the resources of a type below a folder or an organization.
func (d *discovery) searchFor(ctx context.Context, root, assetType string, result func(*cloudasset.ResourceSearchResult)) (fault, bool) {
	return d.client.pages(ctx, searchResources, root, func(ctx context.Context, token string) (string, error) {
		answer, err := whole(d.client.assets.V1.SearchAllResources(root).AssetTypes(assetType).
			ReadMask("name,project,folders").PageSize(500).PageToken(token).Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, r := range answer.Results {
			result(cmp.Or(r, &cloudasset.ResourceSearchResult{}))
		}
		return answer.NextPageToken, nil
	})
}

func (d *discovery) foundCluster(root string, r *cloudasset.ResourceSearchResult) {
	if !d.found(audit.Segment(r.Name, "projects"), audit.LastSegment(r.Project)) {
		d.gap(nameless.gap(searchResources, "", root+"/projects"))
	}
}

// nameless is the fault of an answer that does not say what it holds.
var nameless = fault{code: "DATA_LOSS", reason: "MALFORMED_ANSWER", message: "a project or folder in the answer has no name"}

// walk finds the projects below a folder or an organization, and goes on in the
// folders there.
func (d *discovery) walk(ctx context.Context, parent string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.walked[parent] {
		return // one root may lie below another
	}
	d.walked[parent] = true
	d.wg.Go(func() { d.listProjects(ctx, parent) })
	d.wg.Go(func() { d.listFolders(ctx, parent) })
}

func (d *discovery) listProjects(ctx context.Context, parent string) {
	f, ok := d.client.pages(ctx, listProjects, parent, func(ctx context.Context, token string) (string, error) {
		answer, err := whole(d.client.manager.Projects.List().Parent(parent).PageSize(500).PageToken(token).Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, p := range answer.Projects {
			p = cmp.Or(p, &cloudresourcemanager.Project{})
			if p.State != pendingDeletion && !d.found(p.ProjectId, audit.LastSegment(p.Name)) {
				d.gap(nameless.gap(listProjects, "", parent+"/projects"))
			}
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		d.gap(f.gap(listProjects, "", parent+"/projects"))
	}
}

func (d *discovery) listFolders(ctx context.Context, parent string) {
	f, ok := d.client.pages(ctx, listFolders, parent, func(one context.Context, token string) (string, error) {
		answer, err := whole(d.client.manager.Folders.List().Parent(parent).PageSize(500).PageToken(token).Context(one).Do())
		if err != nil {
			return "", err
		}
		for _, folder := range answer.Folders {
			folder = cmp.Or(folder, &cloudresourcemanager.Folder{})
			switch {
			case folder.State == pendingDeletion || d.excludesFolder(folder.Name):
			case strings.HasPrefix(folder.Name, "folders/"):
				d.walk(ctx, folder.Name)
			default:
				d.gap(nameless.gap(listFolders, "", parent+"/folders"))
			}
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		d.gap(f.gap(listFolders, "", parent+"/folders"))
	}
}

// whole makes an error of an answer that is null, which the client library takes
// for one without fields.
func whole[T any](answer *T, err error) (*T, error) {
	if err == nil && answer == nil {
		err = errNoAnswer
	}
	return answer, err
}

// pendingDeletion is the state of a project or folder that is not looked into; of all
// others that there may be, projects have clusters.
const pendingDeletion = "DELETE_REQUESTED"

// found notes a project. It reports false if that has neither an ID nor a number.
func (d *discovery) found(id, number string) bool {
	d.client.named(id, number)
	id = cmp.Or(id, number)
	if id == "" {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.projects[id] = true
	return true
}

func (d *discovery) used(root string, how searched) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roots[root] = how
}

func (d *discovery) gap(g audit.Gap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gaps = append(d.gaps, g)
	d.client.progress.count(func(p *Progress) { p.Gaps++ })
}

// excludesFolder reports whether a folder, such as folders/123, is excluded.
func (d *discovery) excludesFolder(folder string) bool {
	return matches(d.scope.ExcludeFolders, audit.LastSegment(folder))
}

// matches reports whether any of the globs fits a name. A malformed one fits none.
func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}

// ids returns the IDs of projects, each once and without those that are excluded.
func (d *discovery) ids(ctx context.Context, names []string) []string {
	ids := slices.Clone(names)
	byNumber := slices.ContainsFunc(d.scope.ExcludeProjects, fitsNumbers)
	var wg sync.WaitGroup
	for i, name := range ids {
		switch {
		case isNumber(name):
			wg.Go(func() { ids[i] = d.id(ctx, name) })
		case byNumber && !matches(d.scope.ExcludeProjects, name):
			wg.Go(func() {
				if number, f := d.client.otherName(ctx, name); number == "" {
					d.client.config.Log.Warn("a project is audited, as it could not be found out whether its number is excluded",
						"project", name, "code", f.code, "because", f.message)
				}
			})
		}
	}
	wg.Wait()
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool {
		number, _ := d.client.names.Load(id)
		text, _ := number.(string)
		return matches(d.scope.ExcludeProjects, id) || text != "" && matches(d.scope.ExcludeProjects, text)
	})
}

// fitsNumbers reports whether a glob is made to fit numbers: 1234*, [0-9]*.
func fitsNumbers(glob string) bool {
	return strings.Trim(glob, "0123456789*?[]^-") == "" && strings.ContainsAny(glob, "0123456789")
}

// id returns the ID of the project with a number, or the number if the ID may not be
// read.
func (d *discovery) id(ctx context.Context, number string) string {
	id, f := d.client.otherName(ctx, number)
	if id != "" {
		return id
	}
	if id = d.client.idInLinks(ctx, number); id == "" {
		d.client.config.Log.Warn("a project keeps its number, as its ID could not be read", "project", number, "code", f.code, "because", f.message)
		id = number
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unread[id] = f
	return id
}

// named remembers that an ID and a number are of the same project.
func (c *Client) named(id, number string) {
	if isNumber(number) && id != "" && !isNumber(id) {
		c.names.Store(id, number)
		c.names.Store(number, id)
	}
}

// idInLinks returns the ID of the project with a number as the links of its clusters
// have it, whatever the project was asked for by; empty if there is none.
func (c *Client) idInLinks(ctx context.Context, number string) string {
	answer, _, _ := c.listClusters(ctx, number)
	for _, cluster := range answer.GetClusters() {
		if id := audit.Segment(cluster.GetSelfLink(), "projects"); id != "" && !isNumber(id) {
			c.named(id, number)
			return id
		}
	}
	return ""
}

// projectID returns the ID of a project's number, or the number where it could not be
// read.
func (c *Client) projectID(ctx context.Context, number string) string {
	id, f := c.otherName(ctx, number)
	if id == "" {
		c.config.Log.Warn("a project keeps its number, as its ID could not be read", "project", number, "code", f.code, "because", f.message)
		return number
	}
	return id
}

// projectNumber returns the number of a project, if it may be read.
func (c *Client) projectNumber(ctx context.Context, id string) (string, bool) {
	if isNumber(id) {
		return id, true
	}
	number, _ := c.otherName(ctx, id)
	return number, number != ""
}

// otherName returns the number of a project's ID, or the ID of its number; empty
// if it could not be read.
func (c *Client) otherName(ctx context.Context, name string) (string, fault) {
	if other, ok := c.names.Load(name); ok {
		return other.(string), fault{}
	}
	var p *cloudresourcemanager.Project
	f, ok := c.call(ctx, getProject, name, func(ctx context.Context) (err error) {
		p, err = whole(c.manager.Projects.Get("projects/" + name).Context(ctx).Do())
		return err
	})
	if !ok {
		return "", f
	}
	c.named(p.ProjectId, audit.LastSegment(p.Name))
	if isNumber(name) {
		return p.ProjectId, f
	}
	return audit.LastSegment(p.Name), f
}

func isNumber(name string) bool {
	return name != "" && strings.Trim(name, "0123456789") == ""
}
