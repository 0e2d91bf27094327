package gcp

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"sync"

	"gkeaudit/audit"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	container "cloud.google.com/go/container/apiv1"
	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/api/cloudresourcemanager/v3"
)

// The operations that read each kind of data, by what they are called on.
var (
	// onProjects are the projects that are audited; but for the first two kinds, only
	// those that have clusters.
	onProjects = map[audit.Data][]operation{
		audit.Clusters:        {listClusters},
		audit.OtherClusters:   {listClusters},
		audit.ServerConfigs:   {getServerConfig},
		audit.IAMPolicies:     {getAncestry, projectPolicy},
		audit.Roles:           {projectRoles},
		audit.ServiceAccounts: {listAccounts, getProject},
	}

	// onNetworks are the projects that own networks of clusters.
	onNetworks = map[audit.Data][]operation{
		audit.Subnetworks: {aggregatedSubnets, regionalSubnets},
		audit.Routers:     {aggregatedRouters, regionalRouters},
		audit.Routes:      {listRoutes},
		audit.Networks:    {listNetworks},
		audit.Firewalls:   {getFirewalls},
	}

	// onHomes are the projects that nodes' service accounts belong to.
	onHomes = map[audit.Data][]operation{
		audit.IAMPolicies:            {getAncestry, projectPolicy},
		audit.Roles:                  {projectRoles},
		audit.ServiceAccounts:        {listAccounts},
		audit.ServiceAccountPolicies: {searchPolicies},
		audit.ServiceAccountKeys:     {searchKeys},
	}

	// aboveProjects are the folders and the organization above those with policies.
	aboveProjects = map[string]map[audit.Data][]operation{
		"folders":       {audit.IAMPolicies: {folderPolicy}},
		"organizations": {audit.IAMPolicies: {orgPolicy}, audit.Roles: {orgRoles}},
	}
)

// opsFor returns the operations for the data.
func opsFor(table map[audit.Data][]operation, data []audit.Data) []operation {
	var ops []operation
	for _, d := range data {
		ops = append(ops, table[d]...)
	}
	return ops
}

// Permissions returns the IAM permissions that it takes to read data, sorted. They are
// those of the operations that are called; those for finding projects by one of the ways
// of [Discoveries] are among them, unless the way is empty.
func Permissions(data []audit.Data, way string) []string {
	ops := slices.Concat(opsFor(onProjects, data), opsFor(onNetworks, data), opsFor(onHomes, data),
		opsFor(aboveProjects["folders"], data), opsFor(aboveProjects["organizations"], data))
	for method, found := range methodOperations {
		if way == method || way == DiscoverAuto {
			ops = append(append(ops, found...), getProject)
		}
	}
	return permissionsOf(ops)
}

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

	// UnknownCode is the code of the call that would have told, for [TroubleOf]; empty if
	// Unknown is, or if no call is to blame.
	UnknownCode string `json:"-"`
}

// unknown notes why it could not be found out, unless that was noted before.
func (a *Access) unknown(code, message string) {
	if a.Unknown == "" {
		a.Unknown, a.UnknownCode = message, code
	}
}

// Access finds out which of the permissions that reading data takes the caller has: for
// discovery, by one of the ways of [Discoveries], in each organization and folder of the
// scope and in each folder below that could not be listed; for clusters in each project;
// for networks in each project that owns one of a cluster, or may own one as its clusters
// could not be read; and for policies and service accounts in each project that has
// clusters or that nodes' service accounts belong to, and in what is above. It returns
// them in the order of their resources; none if the scope excludes all projects that it
// names.
//
// Projects are found, and clusters and policies read, as a run does, so what that shows is
// not asked for. Besides that the API is asked by testIamPermissions, and each other API
// that a run calls for one item, as it may be off or refuse for another reason. Where
// testIamPermissions is off or refused, the reading calls tell.
func (c *Client) Access(ctx context.Context, scope audit.Scope, data []audit.Data, way string) []Access {
	d := c.discover(ctx, scope, way)
	col := newCollection(c, d.scope)
	c.progress.count(func(p *Progress) { p.Projects = len(d.scope.Projects) })
	var wg sync.WaitGroup
	for _, id := range d.scope.Projects {
		project := col.project(id)
		wg.Go(func() {
			col.clusters(ctx, project)
			c.progress.count(func(p *Progress) { p.ProjectsDone++; p.Clusters += len(project.Clusters) })
		})
	}
	wg.Wait()
	col.decideDisabled()

	always := []audit.Data{audit.Clusters, audit.ServerConfigs}
	needed := map[string][]operation{}
	for id, p := range col.projects {
		switch {
		case p.Clusters == nil:
			needed[id] = slices.Concat(opsFor(onProjects, data), opsFor(onNetworks, data), opsFor(onHomes, data))
		case len(p.Clusters) == 0:
			needed[id] = opsFor(onProjects, slices.DeleteFunc(slices.Clone(data), func(d audit.Data) bool { return !slices.Contains(always, d) }))
		default:
			needed[id] = opsFor(onProjects, data)
		}
	}
	for id := range col.networks() {
		needed[id] = append(slices.Clip(needed[id]), opsFor(onNetworks, data)...)
	}
	homes := col.homes(ctx, data)
	for _, id := range homes {
		needed[id] = append(slices.Clip(needed[id]), opsFor(onHomes, data)...)
	}
	col.iam(ctx, homes, slices.DeleteFunc(slices.Clone(data), func(d audit.Data) bool { return d != audit.IAMPolicies }))
	if slices.Contains(data, audit.Roles) {
		col.customRoles(ctx, col.granted()) // predefined ones take no permission
	}

	gaps := map[string][]audit.Gap{}
	for _, g := range col.gaps {
		where := cmp.Or(g.Project, path.Dir(g.Resource))
		gaps[where] = append(gaps[where], g)
	}
	all := d.access()
	for name := range col.ancestors {
		kind, _, _ := strings.Cut(name, "/")
		a := newAccess(name, opsFor(aboveProjects[kind], data))
		for _, g := range gaps[name] {
			a.lacks(g)
		}
		if col.ancestors[name].CustomRoles == nil {
			c.testRoles(ctx, a)
		}
		all = merged(all, *a)
	}
	var mu sync.Mutex
	for id, ops := range needed {
		wg.Go(func() {
			a := c.test(ctx, col.projects[id], id, permissionsOf(ops), data, col.off[id])
			for _, g := range gaps[id] {
				a.lacks(g)
			}
			if f := d.unread[id]; f.permission != "" && !slices.Contains(a.Missing, f.permission) {
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

// merged adds what was found out about a folder or an organization to what the discovery
// showed of it, if it showed anything.
func merged(all []Access, a Access) []Access {
	i := slices.IndexFunc(all, func(other Access) bool { return other.Resource == a.Resource })
	if i < 0 {
		return append(all, a)
	}
	all[i].Needed = union(all[i].Needed, a.Needed)
	all[i].Missing = union(all[i].Missing, a.Missing)
	all[i].unknown(a.UnknownCode, a.Unknown)
	return all
}

func union(a, b []string) []string {
	all := slices.Concat([]string{}, a, b)
	slices.Sort(all)
	return slices.Compact(all)
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
		a.unknown(g.Code, g.Message)
		return
	}
	if !slices.Contains(a.Missing, g.Permission) {
		a.Missing = append(a.Missing, g.Permission)
		slices.Sort(a.Missing)
	}
}

func (c *Client) listClusters(ctx context.Context, id string) (answer *containerpb.ListClustersResponse, f fault, ok bool) {
	f, ok = c.call(ctx, listClusters, id, func(ctx context.Context) error {
		answer = &containerpb.ListClustersResponse{}
		return c.gke(ctx, answer, func(client *container.ClusterManagerClient) error {
			_, err := client.ListClusters(ctx, &containerpb.ListClustersRequest{Parent: "projects/" + id + "/locations/-"}, once)
			return err
		})
	})
	return answer, f, ok
}

// testRoles asks whether the caller may list the custom roles of an organization, which
// have not been read.
func (c *Client) testRoles(ctx context.Context, a *Access) {
	permission := orgRoles.permission
	if !slices.Contains(a.Needed, permission) || slices.Contains(a.Missing, permission) {
		return
	}
	f, ok := c.call(ctx, testPermissions, a.Resource, func(ctx context.Context) error {
		request := &cloudresourcemanager.TestIamPermissionsRequest{Permissions: []string{permission}}
		response, err := whole(c.manager.Organizations.TestIamPermissions(a.Resource, request).Context(ctx).Do())
		if err == nil && !slices.Contains(response.Permissions, permission) {
			a.lacks(audit.Gap{Permission: permission})
		}
		return err
	})
	if !ok {
		a.unknown(f.code, f.message)
	}
}

// test asks which permissions the caller has on a project, where GKE may be off. Its
// clusters have been read before, and what known has of its policies.
func (c *Client) test(ctx context.Context, known *audit.Project, id string, needed []string, data []audit.Data, off bool) Access {
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
		c.tryAPIs(ctx, &a, known, id)
	case f.code == "PERMISSION_DENIED":
		if off { // which was the answer to the reading call
			a.Needed = slices.DeleteFunc(needed, func(p string) bool { return p == listClusters.permission })
		}
		c.tryReading(ctx, &a, known, id, data)
	default:
		a.unknown(f.code, f.message)
	}
	return a
}

// tryAPIs asks each API that a run calls on a project for one item, if the caller has a
// permission for it and it has not answered yet. One that is off, or behind a perimeter,
// does not answer whatever permissions there are.
func (c *Client) tryAPIs(ctx context.Context, a *Access, known *audit.Project, id string) {
	asked := map[string]bool{projectRoles.service: known != nil && known.CustomRoles != nil} // by API
	for _, try := range c.tries(id) {
		if asked[try.op.service] || !slices.Contains(a.Needed, try.op.permission) || slices.Contains(a.Missing, try.op.permission) {
			continue
		}
		asked[try.op.service] = true
		if f, ok := c.call(ctx, try.op, id, try.call); !ok {
			a.lacks(f.gap(try.op, id, a.Resource))
		}
	}
}

// A try is a call for one item at most.
type try struct {
	op   operation
	call func(context.Context) error
}

// tries are those of the APIs that are called on projects, but for those of GKE and of
// Resource Manager, which have been called. What firewalls are in force is read with the
// networks alone.
func (c *Client) tries(id string) []try {
	name := "projects/" + id
	return []try{
		{listRoutes, func(ctx context.Context) error {
			client, err := compute.NewRoutesRESTClient(ctx, c.computeOptions(ctx)...)
			if err == nil {
				_, _, err = client.List(ctx, &computepb.ListRoutesRequest{Project: id}, once).InternalFetch(1, "")
			}
			return err
		}},
		{listNetworks, func(ctx context.Context) error {
			client, err := compute.NewNetworksRESTClient(ctx, c.computeOptions(ctx)...)
			if err == nil {
				_, _, err = client.List(ctx, &computepb.ListNetworksRequest{Project: id}, once).InternalFetch(1, "")
			}
			return err
		}},
		{aggregatedRouters, func(ctx context.Context) error {
			client, err := compute.NewRoutersRESTClient(ctx, c.computeOptions(ctx)...)
			if err == nil {
				_, _, err = client.AggregatedList(ctx, &computepb.AggregatedListRoutersRequest{Project: id}, once).InternalFetch(1, "")
			}
			return err
		}},
		{aggregatedSubnets, func(ctx context.Context) error {
			client, err := compute.NewSubnetworksRESTClient(ctx, c.computeOptions(ctx)...)
			if err == nil {
				_, _, err = client.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{Project: id}, once).InternalFetch(1, "")
			}
			return err
		}},
		{listAccounts, func(ctx context.Context) error {
			_, err := whole(c.iam.Projects.ServiceAccounts.List(name).PageSize(1).Context(ctx).Do())
			return err
		}},
		{projectRoles, func(ctx context.Context) error {
			_, err := whole(c.iam.Projects.Roles.List(name).View("FULL").ShowDeleted(true).PageSize(1).Context(ctx).Do())
			return err
		}},
		{searchPolicies, func(ctx context.Context) error {
			_, err := whole(c.assets.V1.SearchAllIamPolicies(name).AssetTypes("iam.googleapis.com/ServiceAccount").PageSize(1).Context(ctx).Do())
			return err
		}},
		{searchKeys, func(ctx context.Context) error {
			_, err := whole(c.assets.V1.SearchAllResources(name).AssetTypes("iam.googleapis.com/ServiceAccountKey").PageSize(1).Context(ctx).Do())
			return err
		}},
	}
}

// tryReading finds out by reading what testIamPermissions did not tell, and what is known
// of the project does not show.
func (c *Client) tryReading(ctx context.Context, a *Access, known *audit.Project, id string, data []audit.Data) {
	col := newCollection(c, audit.Scope{})
	p := col.project(id)
	shown := []operation{listClusters}
	for kind, read := range map[audit.Data]func(){
		audit.Subnetworks:     func() { col.subnetworks(ctx, p, nil) },
		audit.Routers:         func() { col.routers(ctx, p, nil) },
		audit.Routes:          func() { col.routes(ctx, p) },
		audit.Networks:        func() { col.vpcNetworks(ctx, p) },
		audit.ServiceAccounts: func() { col.serviceAccounts(ctx, p) },
		audit.IAMPolicies: func() {
			if known == nil || known.Ancestors == nil {
				col.ancestry(ctx, p)
			}
			if known == nil || known.IAMPolicy == nil {
				col.policy(ctx, projectPolicy, id, "projects/"+id)
			}
		},
	} {
		ops := slices.Concat(onNetworks[kind], onHomes[kind])
		if slices.Contains(data, kind) && slices.Contains(a.Needed, ops[0].permission) {
			read()
			shown = append(shown, ops...)
		}
	}
	for _, permission := range a.Needed {
		if !slices.Contains(permissionsOf(shown), permission) {
			a.Unknown = "the API that tells refused, and reading does not tell all: " + permission
			break
		}
	}
	for _, g := range col.gaps {
		a.lacks(g)
	}
}
