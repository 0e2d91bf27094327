package gcp

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/api/cloudresourcemanager/v3"
)

// Permissions returns the IAM permissions that a run needs, sorted. They are those of
// the operations that it calls; those for finding projects are among them if asked.
func Permissions(discovery bool) []string {
	ops := slices.Concat(clusterOperations, networkOperations, iamOperations)
	if discovery {
		ops = slices.Concat(ops, discoveryOperations, ancestorOperations)
	}
	return permissionsOf(ops)
}

// The operations by what they are called on.
var (
	clusterOperations   = []operation{listClusters}
	networkOperations   = []operation{aggregatedSubnets, regionalSubnets, aggregatedRouters, regionalRouters, listRoutes}
	iamOperations       = []operation{getAncestry, projectPolicy, projectRoles, listAccounts, searchPolicies, searchKeys}
	ancestorOperations  = []operation{folderPolicy, orgPolicy, orgRoles} // on what is above the projects
	discoveryOperations = []operation{searchResources, listFolders, listProjects, getProject}
)

// methodOperations are those of the methods of an audit.Discovery.
var methodOperations = map[string][]operation{
	audit.ByAsset:           {searchResources},
	audit.ByResourceManager: {listFolders, listProjects},
}

func permissionsOf(ops []operation) []string {
	var ps []string
	for _, op := range ops {
		ps = append(ps, op.permission)
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

// Access is what the caller may do with one resource.
type Access struct {
	// Resource is a project, folder or organization: "projects/shop-prod".
	Resource string `json:"resource"`

	// Discovery is the way by which projects were looked for in a folder or an
	// organization, audit.ByAsset or audit.ByResourceManager; empty for a project.
	Discovery string `json:"discovery,omitempty"`

	// Refused says why Cloud Asset Inventory was not that way, though it would do;
	// empty if it was, or was not asked.
	Refused string `json:"refused,omitempty"`

	// Needed are the permissions that a run needs there, sorted; none for a project
	// where GKE is off, if it could not be found out whether they are there.
	Needed []string `json:"needed"`

	// Missing are those of them that the caller does not have, sorted.
	Missing []string `json:"missing"`

	// Helpful are permissions that the caller does not have either, and that a run
	// does without: it shows a project by its number then.
	Helpful []string `json:"helpful,omitempty"`

	// Unknown says why it could not be found out; empty if it could.
	Unknown string `json:"unknown,omitempty"`
}

// Access finds out which of the permissions that a run needs the caller has: for
// discovery, by one of the ways of [Discoveries], in each organization and folder of the
// scope and in each folder below that could not be listed, for clusters in each project,
// and for networks in each project that owns one of a cluster, or may own one as its
// clusters could not be read. It returns them in the order of their resources; none if
// the scope excludes all projects that it names.
//
// Projects are found and clusters are listed as a run does, so what that shows is not
// asked for. Besides that the API is asked by testIamPermissions, and where that is off or
// refused by the reading calls.
func (c *Client) Access(ctx context.Context, scope audit.Scope, way string) []Access {
	d := c.discover(ctx, scope, way)
	col := &collection{client: c, projects: map[string]*audit.Project{}}
	c.progress.count(func(p *Progress) { p.Projects = len(d.scope.Projects) })
	var wg sync.WaitGroup
	for _, id := range d.scope.Projects {
		project := &audit.Project{ID: id}
		col.projects[id] = project
		wg.Go(func() {
			col.clusters(ctx, project)
			c.progress.count(func(p *Progress) { p.ProjectsDone++; p.Clusters += len(project.Clusters) })
		})
	}
	wg.Wait()
	col.decideDisabled()

	needed := map[string][]operation{}
	for id, p := range col.projects {
		needed[id] = clusterOperations
		if p.Clusters == nil {
			needed[id] = slices.Concat(clusterOperations, networkOperations)
		}
	}
	for id := range col.networks() {
		needed[id] = append(slices.Clip(needed[id]), networkOperations...)
	}
	gaps := map[string][]audit.Gap{}
	for _, g := range col.gaps {
		gaps[g.Project] = append(gaps[g.Project], g)
	}
	all := d.access()
	var mu sync.Mutex
	for id, ops := range needed {
		wg.Go(func() {
			a := c.test(ctx, id, permissionsOf(ops), col.off[id])
			for _, g := range gaps[id] {
				a.lacks(g)
			}
			if f := d.unread[id]; f.permission != "" {
				a.Helpful = []string{f.permission}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, a)
		})
	}
	wg.Wait()
	slices.SortFunc(all, func(a, b Access) int { return strings.Compare(a.Resource, b.Resource) })
	return all
}

// access returns what the discovery showed: of the organizations and folders of the
// scope, and of the folders below that could not be listed.
func (d *discovery) access() []Access {
	all := map[string]*Access{}
	for root, how := range d.roots {
		all[root] = newAccess(root, methodOperations[how.method])
		all[root].Discovery, all[root].Refused = how.method, how.refused
	}
	for _, g := range d.gaps {
		folder := path.Dir(g.Resource)
		if all[folder] == nil {
			all[folder] = newAccess(folder, methodOperations[audit.ByResourceManager])
			all[folder].Discovery = audit.ByResourceManager
		}
		all[folder].lacks(g)
	}
	var list []Access
	for _, a := range all {
		list = append(list, *a)
	}
	return list
}

func newAccess(resource string, ops []operation) *Access {
	return &Access{Resource: resource, Needed: permissionsOf(ops), Missing: []string{}}
}

// lacks notes what a gap shows: that a permission is missing, or that nothing could be
// found out.
func (a *Access) lacks(g audit.Gap) {
	if !slices.Contains(a.Needed, g.Permission) {
		a.Unknown = cmp.Or(a.Unknown, g.Message)
		return
	}
	if !slices.Contains(a.Missing, g.Permission) {
		a.Missing = append(a.Missing, g.Permission)
		slices.Sort(a.Missing)
	}
}

func (c *Client) listClusters(ctx context.Context, id string) (answer *containerpb.ListClustersResponse, f fault, ok bool) {
	f, ok = c.call(ctx, listClusters, id, func(ctx context.Context) (err error) {
		answer, err = c.clusters.ListClusters(ctx, &containerpb.ListClustersRequest{Parent: "projects/" + id + "/locations/-"}, once)
		return err
	})
	return answer, f, ok
}

// test asks which permissions the caller has on a project, where GKE may be off.
func (c *Client) test(ctx context.Context, id string, needed []string, off bool) Access {
	a := Access{Resource: "projects/" + id, Needed: needed, Missing: []string{}}
	var granted []string
	f, ok := c.call(ctx, testPermissions, id, func(ctx context.Context) error {
		request := &cloudresourcemanager.TestIamPermissionsRequest{Permissions: needed}
		response, err := whole(c.manager.Projects.TestIamPermissions(a.Resource, request).Context(ctx).Do())
		if err == nil {
			granted = response.Permissions
		}
		return err
	})
	switch {
	case ok:
		for _, p := range needed {
			if !slices.Contains(granted, p) {
				a.Missing = append(a.Missing, p)
			}
		}
	case f.code == "PERMISSION_DENIED" && off: // which was the answer to the reading call
		a.Needed = slices.DeleteFunc(needed, func(p string) bool { return p == listClusters.permission })
		fallthrough
	case f.code == "PERMISSION_DENIED":
		if slices.Contains(needed, listRoutes.permission) {
			c.tryNetworks(ctx, &a, id)
		}
	default:
		a.Unknown = f.message
	}
	return a
}

// tryNetworks finds out by reading what testIamPermissions did not tell. The clusters
// have been read before.
func (c *Client) tryNetworks(ctx context.Context, a *Access, id string) {
	col := &collection{client: c, projects: map[string]*audit.Project{}}
	p := &audit.Project{ID: id}
	col.subnetworks(ctx, p, nil)
	col.routers(ctx, p, nil)
	col.routes(ctx, p)
	for _, permission := range a.Needed {
		if !slices.Contains(permissionsOf(append(slices.Clone(clusterOperations), networkOperations...)), permission) {
			a.Unknown = "the API that tells refused, and reading does not tell all: " + permission
			break
		}
	}
	for _, g := range col.gaps {
		a.lacks(g)
	}
}
