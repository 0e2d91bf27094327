package gcp

import (
	"cmp"
	"context"
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

	// Needed are the permissions that a run needs there, sorted.
	Needed []string `json:"needed"`

	// Missing are those of them that the caller does not have.
	Missing []string `json:"missing"`

	// Unknown says why it could not be found out; empty if it could.
	Unknown string `json:"unknown,omitempty"`
}

// Access finds out which of the permissions that a run needs the caller has: for
// clusters and networks in each project of the scope, for networks in each other
// project that owns one of a cluster that can be read, and for discovery in each
// organization and folder. It returns them in the order of their resources.
//
// The API is asked by testIamPermissions, and where that is off or refused by the
// cheapest reading call.
func (c *Client) Access(ctx context.Context, scope audit.Scope) []Access {
	var mu sync.Mutex
	var all []Access
	networks := map[string]bool{}
	add := func(a Access) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, a)
	}
	var wg sync.WaitGroup
	for _, number := range scope.Organizations {
		wg.Go(func() { add(c.test(ctx, "organizations/"+number, permissionsOf(discoveryOperations))) })
	}
	for _, number := range scope.Folders {
		wg.Go(func() { add(c.test(ctx, "folders/"+number, permissionsOf(discoveryOperations))) })
	}
	for _, id := range scope.Projects {
		wg.Go(func() {
			add(c.test(ctx, "projects/"+id, Permissions(false)))
			for _, project := range c.networkProjects(ctx, id) {
				mu.Lock()
				networks[project] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id := range networks {
		if !slices.Contains(scope.Projects, id) {
			wg.Go(func() { add(c.test(ctx, "projects/"+id, permissionsOf(networkOperations))) })
		}
	}
	wg.Wait()
	slices.SortFunc(all, func(a, b Access) int { return strings.Compare(a.Resource, b.Resource) })
	return all
}

// networkProjects returns the projects that own networks of a project's clusters,
// none if the clusters cannot be read.
func (c *Client) networkProjects(ctx context.Context, id string) []string {
	var projects []string
	answer, _, ok := c.listClusters(ctx, id)
	if !ok {
		return nil
	}
	for _, cluster := range answer.GetClusters() {
		projects = append(projects, audit.NewCluster(id, cluster).NetworkProjects()...)
	}
	return projects
}

func (c *Client) listClusters(ctx context.Context, id string) (answer *containerpb.ListClustersResponse, f fault, ok bool) {
	f, ok = c.call(ctx, listClusters, id, func(ctx context.Context) (err error) {
		answer, err = c.clusters.ListClusters(ctx, &containerpb.ListClustersRequest{Parent: "projects/" + id + "/locations/-"}, once)
		return err
	})
	return answer, f, ok
}

// test asks which permissions the caller has on a resource.
func (c *Client) test(ctx context.Context, resource string, needed []string) Access {
	a := Access{Resource: resource, Needed: needed, Missing: []string{}}
	var granted []string
	f, ok := c.call(ctx, testPermissions, resource, func(ctx context.Context) error {
		request := &cloudresourcemanager.TestIamPermissionsRequest{Permissions: needed}
		var response *cloudresourcemanager.TestIamPermissionsResponse
		var err error
		switch kind, _, _ := strings.Cut(resource, "/"); kind {
		case "organizations":
			response, err = c.manager.Organizations.TestIamPermissions(resource, request).Context(ctx).Do()
		case "folders":
			response, err = c.manager.Folders.TestIamPermissions(resource, request).Context(ctx).Do()
		default:
			response, err = c.manager.Projects.TestIamPermissions(resource, request).Context(ctx).Do()
		}
		if err != nil {
			return err
		}
		if response == nil { // the answer was null
			return errNoAnswer
		}
		granted = response.Permissions
		return nil
	})
	if ok {
		for _, p := range needed {
			if !slices.Contains(granted, p) {
				a.Missing = append(a.Missing, p)
			}
		}
		return a
	}
	id, isProject := strings.CutPrefix(resource, "projects/")
	if !isProject || f.code != "PERMISSION_DENIED" {
		a.Unknown = f.message
		return a
	}
	return c.tryReading(ctx, a, id)
}

// tryReading finds out by reading what testIamPermissions did not tell.
func (c *Client) tryReading(ctx context.Context, a Access, id string) Access {
	col := &collection{client: c, projects: map[string]*audit.Project{}}
	p := &audit.Project{ID: id}
	if slices.Contains(a.Needed, listClusters.permission) {
		if _, f, ok := c.listClusters(ctx, id); !ok && f.reason != "SERVICE_DISABLED" {
			col.gap(f.gap(listClusters, id, "projects/"+id+"/locations/-/clusters"))
		}
	}
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
		switch {
		case slices.Contains(a.Needed, g.Permission) && !slices.Contains(a.Missing, g.Permission):
			a.Missing = append(a.Missing, g.Permission)
		case !slices.Contains(a.Needed, g.Permission):
			a.Unknown = cmp.Or(a.Unknown, g.Message)
		}
	}
	slices.Sort(a.Missing)
	return a
}
