package gcp

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"gkeaudit/audit"

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
// all that are active. A project that is named by its number gets its ID; it keeps
// the number, without a gap, if the ID may not be read.
func (c *Client) Discover(ctx context.Context, scope audit.Scope, way string) (audit.Scope, []audit.Gap) {
	d := &discovery{client: c, scope: scope, way: way,
		walked: map[string]bool{}, methods: map[string]bool{}, projects: map[string]bool{}}
	for _, number := range scope.Organizations {
		d.wg.Go(func() { d.root(ctx, "organizations/"+number) })
	}
	for _, number := range scope.Folders {
		d.wg.Go(func() { d.root(ctx, "folders/"+number) })
	}
	d.wg.Wait()

	found := d.ids(ctx, slices.Collect(maps.Keys(d.projects)))
	scope.Projects = slices.Concat(found, d.ids(ctx, scope.Projects))
	slices.Sort(scope.Projects)
	scope.Projects = orEmpty(slices.Compact(scope.Projects))
	if len(scope.Organizations)+len(scope.Folders) > 0 {
		scope.Discovery = &audit.Discovery{Methods: slices.Sorted(maps.Keys(d.methods)), Projects: len(found)}
		if d.methods[audit.ByAsset] {
			scope.Discovery.Note = audit.AssetNote
		}
	}
	return scope, audit.DistinctGaps(d.gaps)
}

// A discovery is one run of Discover.
type discovery struct {
	client *Client
	scope  audit.Scope
	way    string
	wg     sync.WaitGroup

	mu       sync.Mutex
	walked   map[string]bool // folders and organizations
	methods  map[string]bool
	projects map[string]bool // IDs, or numbers where the ID is not known yet
	gaps     []audit.Gap
}

func (d *discovery) root(ctx context.Context, root string) {
	if d.way != audit.ByResourceManager {
		f, ok := d.search(ctx, root)
		refused := !ok && f.code == "PERMISSION_DENIED" // or off
		if !refused || d.way == audit.ByAsset {
			d.used(audit.ByAsset)
			if !ok {
				d.gap(f.gap(searchResources, "", root+"/projects"))
			}
			return
		}
		d.client.config.Log.Info("walking Resource Manager, as Cloud Asset Inventory refuses",
			"root", root, "reason", f.reason, "permission", f.permission, "because", f.message)
	}
	d.used(audit.ByResourceManager)
	d.walk(ctx, root)
}

// search finds the projects that have clusters.
func (d *discovery) search(ctx context.Context, root string) (fault, bool) {
	return d.client.pages(ctx, searchResources, root, func(ctx context.Context, token string) (string, error) {
		answer, err := whole(d.client.assets.V1.SearchAllResources(root).AssetTypes("container.googleapis.com/Cluster").
			ReadMask("name,project,folders").PageSize(500).PageToken(token).Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, r := range answer.Results {
			if r != nil && !slices.ContainsFunc(r.Folders, d.excludesFolder) {
				d.found(audit.Segment(r.Name, "projects"), audit.LastSegment(r.Project))
			}
		}
		return answer.NextPageToken, nil
	})
}

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
			if p != nil && p.State == "ACTIVE" {
				d.found(p.ProjectId, audit.LastSegment(p.Name))
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
			if folder != nil && folder.State == "ACTIVE" && !d.excludesFolder(folder.Name) {
				d.walk(ctx, folder.Name)
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

func (d *discovery) found(id, number string) {
	d.client.named(id, number)
	if id == "" {
		id = number
	}
	if id == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.projects[id] = true
}

func (d *discovery) used(method string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.methods[method] = true
}

func (d *discovery) gap(g audit.Gap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gaps = append(d.gaps, g)
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
	var wg sync.WaitGroup
	for i, name := range ids {
		if isNumber(name) {
			wg.Go(func() { ids[i] = d.client.projectID(ctx, name) })
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

// named remembers that an ID and a number are of the same project.
func (c *Client) named(id, number string) {
	if isNumber(number) && id != "" && !isNumber(id) {
		c.names.Store(id, number)
		c.names.Store(number, id)
	}
}

// projectID returns the ID of the project with a number, or the number if the ID may
// not be read.
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
