package gcp

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"gkeaudit/audit"

	compute "cloud.google.com/go/compute/apiv1"
	"cloud.google.com/go/compute/apiv1/computepb"
	"google.golang.org/protobuf/proto"
)

// pageSize is the largest page that Compute Engine gives.
const pageSize = 500

// The pages below are fetched by the iterators' InternalFetch: an iterator's Next
// passes over pages without items, and with them over their warnings.

func (col *collection) subnetworks(ctx context.Context, p *audit.Project, regions []string) {
	p.Subnetworks, p.SubnetworkRegions = readRegional(ctx, col, p.ID, regions, regionalList[*computepb.Subnetwork]{
		kind:       "subnetworks",
		aggregated: aggregatedSubnets,
		regional:   regionalSubnets,
		all: func(ctx context.Context, token string) (page[*computepb.Subnetwork], error) {
			client, err := compute.NewSubnetworksRESTClient(ctx, col.client.computeOptions(ctx)...)
			if err != nil {
				return page[*computepb.Subnetwork]{}, err
			}
			it := client.AggregatedList(ctx, &computepb.AggregatedListSubnetworksRequest{Project: p.ID}, once)
			if _, _, err := it.InternalFetch(pageSize, token); err != nil {
				return page[*computepb.Subnetwork]{}, err
			}
			answer := it.Response.(*computepb.SubnetworkAggregatedList)
			pg := newPage[*computepb.Subnetwork](answer)
			for _, scope := range slices.Sorted(maps.Keys(answer.GetItems())) {
				list := answer.GetItems()[scope]
				pg.add(scope, list.GetSubnetworks(), list.GetWarning().GetCode(), list.GetWarning().GetMessage())
			}
			return pg, nil
		},
		one: func(ctx context.Context, region, token string) (page[*computepb.Subnetwork], error) {
			client, err := compute.NewSubnetworksRESTClient(ctx, col.client.computeOptions(ctx)...)
			if err != nil {
				return page[*computepb.Subnetwork]{}, err
			}
			it := client.List(ctx, &computepb.ListSubnetworksRequest{Project: p.ID, Region: region}, once)
			items, _, err := it.InternalFetch(pageSize, token)
			if err != nil {
				return page[*computepb.Subnetwork]{}, err
			}
			pg := newPage[*computepb.Subnetwork](it.Response.(*computepb.SubnetworkList))
			pg.add("regions/"+region, items, "", "")
			return pg, nil
		},
		region: func(sn *computepb.Subnetwork) *string { return regionField(&sn.Region) },
		key:    func(sn *computepb.Subnetwork) string { return audit.LastSegment(sn.GetRegion()) + "/" + sn.GetName() },
	})
}

func (col *collection) routers(ctx context.Context, p *audit.Project, regions []string) {
	p.Routers, p.RouterRegions = readRegional(ctx, col, p.ID, regions, regionalList[*computepb.Router]{
		kind:       "routers",
		aggregated: aggregatedRouters,
		regional:   regionalRouters,
		all: func(ctx context.Context, token string) (page[*computepb.Router], error) {
			client, err := compute.NewRoutersRESTClient(ctx, col.client.computeOptions(ctx)...)
			if err != nil {
				return page[*computepb.Router]{}, err
			}
			it := client.AggregatedList(ctx, &computepb.AggregatedListRoutersRequest{Project: p.ID}, once)
			if _, _, err := it.InternalFetch(pageSize, token); err != nil {
				return page[*computepb.Router]{}, err
			}
			answer := it.Response.(*computepb.RouterAggregatedList)
			pg := newPage[*computepb.Router](answer)
			for _, scope := range slices.Sorted(maps.Keys(answer.GetItems())) {
				list := answer.GetItems()[scope]
				pg.add(scope, list.GetRouters(), list.GetWarning().GetCode(), list.GetWarning().GetMessage())
			}
			return pg, nil
		},
		one: func(ctx context.Context, region, token string) (page[*computepb.Router], error) {
			client, err := compute.NewRoutersRESTClient(ctx, col.client.computeOptions(ctx)...)
			if err != nil {
				return page[*computepb.Router]{}, err
			}
			it := client.List(ctx, &computepb.ListRoutersRequest{Project: p.ID, Region: region}, once)
			items, _, err := it.InternalFetch(pageSize, token)
			if err != nil {
				return page[*computepb.Router]{}, err
			}
			pg := newPage[*computepb.Router](it.Response.(*computepb.RouterList))
			pg.add("regions/"+region, items, "", "")
			return pg, nil
		},
		region: func(r *computepb.Router) *string { return regionField(&r.Region) },
		key:    func(r *computepb.Router) string { return audit.LastSegment(r.GetRegion()) + "/" + r.GetName() },
	})
	for _, r := range p.Routers {
		for _, key := range r.GetMd5AuthenticationKeys() {
			key.Key = nil // a secret; the API does not give it back
		}
	}
}

func (col *collection) routes(ctx context.Context, p *audit.Project) {
	p.Routes = readGlobal(ctx, col, p.ID, listRoutes, "routes", func(ctx context.Context, token string) (page[*computepb.Route], error) {
		client, err := compute.NewRoutesRESTClient(ctx, col.client.computeOptions(ctx)...)
		if err != nil {
			return page[*computepb.Route]{}, err
		}
		it := client.List(ctx, &computepb.ListRoutesRequest{Project: p.ID}, once)
		items, _, err := it.InternalFetch(pageSize, token)
		if err != nil {
			return page[*computepb.Route]{}, err
		}
		pg := newPage[*computepb.Route](it.Response.(*computepb.RouteList))
		pg.items = items
		return pg, nil
	})
}

// vpcNetworks reads the networks of a project.
func (col *collection) vpcNetworks(ctx context.Context, p *audit.Project) {
	p.Networks = readGlobal(ctx, col, p.ID, listNetworks, "networks", func(ctx context.Context, token string) (page[*computepb.Network], error) {
		client, err := compute.NewNetworksRESTClient(ctx, col.client.computeOptions(ctx)...)
		if err != nil {
			return page[*computepb.Network]{}, err
		}
		it := client.List(ctx, &computepb.ListNetworksRequest{Project: p.ID}, once)
		items, _, err := it.InternalFetch(pageSize, token)
		if err != nil {
			return page[*computepb.Network]{}, err
		}
		pg := newPage[*computepb.Network](it.Response.(*computepb.NetworkList))
		pg.items = items
		return pg, nil
	})
}

// readGlobal reads a list of what has no region.
func readGlobal[T interface{ GetName() string }](ctx context.Context, col *collection, project string, op operation, kind string,
	list func(ctx context.Context, token string) (page[T], error)) []T {
	var all []T
	resource := "projects/" + project + "/global/" + kind
	f, ok := col.client.pages(ctx, op, project, func(ctx context.Context, token string) (string, error) {
		pg, err := list(ctx, token)
		if err != nil {
			return "", err
		}
		all = append(orEmpty(all), pg.items...)
		for _, w := range pg.warnings {
			col.gap(warningGap(op, project, resource, w.code, w.message))
		}
		return pg.next, nil
	})
	if !ok {
		col.gap(f.gap(op, project, resource))
	}
	return distinct(all, T.GetName)
}

// firewalls reads what is in force on networks, given by region: "europe-west4/main".
// The answer for a region has what holds in all regions, too.
func (col *collection) firewalls(ctx context.Context, p *audit.Project, networks map[string]bool) {
	var wg sync.WaitGroup
	for key := range networks {
		wg.Go(func() {
			region, network, _ := strings.Cut(key, "/")
			var answer *audit.EffectiveFirewalls
			f, ok := col.client.call(ctx, getFirewalls, p.ID, func(ctx context.Context) error {
				client, err := compute.NewRegionNetworkFirewallPoliciesRESTClient(ctx, col.client.computeOptions(ctx)...)
				if err != nil {
					return err
				}
				answer, err = client.GetEffectiveFirewalls(ctx, &computepb.GetEffectiveFirewallsRegionNetworkFirewallPolicyRequest{
					Project: p.ID, Region: region, Network: audit.NetworkName{Project: p.ID, ID: network}.String(),
				}, once)
				return err
			})
			if !ok {
				col.gap(f.gap(getFirewalls, p.ID, "projects/"+p.ID+"/regions/"+region+"/networks/"+network+"/effectiveFirewalls"))
				return
			}
			keepIn(col, &p.EffectiveFirewalls, key, answer)
		})
	}
	wg.Wait()
}

// firewalled returns the regions and networks that clusters use, by the project that
// owns the network. A node pool's network that is not its cluster's is among them as soon
// as the pool's subnetwork, which alone tells it, was read.
func (col *collection) firewalled() map[string]map[string]bool {
	used := map[string]map[string]bool{}
	s := col.snapshot()
	for _, p := range s.Projects {
		for _, message := range p.Clusters {
			cluster := audit.NewCluster(p.ID, message)
			add := func(n audit.NetworkName, ok bool) {
				if !ok {
					return
				}
				if used[n.Project] == nil {
					used[n.Project] = map[string]bool{}
				}
				used[n.Project][audit.RegionOf(cluster.GetLocation())+"/"+n.ID] = true
			}
			add(cluster.Network())
			for _, pool := range cluster.GetNodePools() {
				if own := pool.GetNetworkConfig().GetSubnetwork(); own != "" && own != cluster.GetNetworkConfig().GetSubnetwork() {
					if name, ok := cluster.Subnetwork(own); ok {
						add(s.NetworkOf(cluster, name))
					}
				}
			}
		}
	}
	return used
}

// moreFirewalls reads what is in force on networks that only became known with the
// subnetworks.
func (col *collection) moreFirewalls(ctx context.Context, read map[string]map[string]bool) {
	var wg sync.WaitGroup
	for id, networks := range col.firewalled() {
		maps.DeleteFunc(networks, func(key string, _ bool) bool { return read[id][key] })
		if p := col.projects[id]; p != nil {
			wg.Go(func() { col.firewalls(ctx, p, networks) })
		}
	}
	wg.Wait()
}

// A page is one page of a list, and what it says is missing from it.
type page[T any] struct {
	next        string
	items       []T
	scopes      []string // the scope of each item: "regions/europe-west4"
	unreachable []string
	warnings    []warning
}

type warning struct{ scope, code, message string } // an empty scope is the whole list

func newPage[T any](answer interface {
	GetNextPageToken() string
	GetWarning() *computepb.Warning
}) page[T] {
	pg := page[T]{next: answer.GetNextPageToken()}
	if list, ok := answer.(interface{ GetUnreachables() []string }); ok {
		pg.unreachable = list.GetUnreachables()
	}
	if w := answer.GetWarning(); partial(w.GetCode()) {
		pg.warnings = append(pg.warnings, warning{"", w.GetCode(), w.GetMessage()})
	}
	return pg
}

func (pg *page[T]) add(scope string, items []T, code, message string) {
	for _, item := range items {
		pg.items = append(pg.items, item)
		pg.scopes = append(pg.scopes, scope)
	}
	if partial(code) {
		pg.warnings = append(pg.warnings, warning{scope, code, message})
	}
}

// partial reports whether a warning means that something is missing. Only
// NO_RESULTS_ON_PAGE, which stands for an empty scope, is known to be harmless.
func partial(code string) bool {
	return code != "" && code != "NO_RESULTS_ON_PAGE"
}

func warningGap(op operation, project, resource, code, message string) audit.Gap {
	return audit.Gap{
		Project:   project,
		Resource:  resource,
		Operation: op.name,
		Code:      "UNAVAILABLE",
		Reason:    code,
		Message:   oneLine(message),
	}
}

// A regionalList is a kind of resource that Compute Engine lists for all regions
// at once, or for one.
type regionalList[T any] struct {
	kind                 string
	aggregated, regional operation
	all                  func(ctx context.Context, token string) (page[T], error)
	one                  func(ctx context.Context, region, token string) (page[T], error)
	region               func(T) *string
	key                  func(T) string // tells items of a project apart
}

// distinct drops items that were there before: pages may repeat.
func distinct[T any](items []T, key func(T) string) []T {
	seen := map[string]bool{}
	return slices.DeleteFunc(items, func(item T) bool {
		k := key(item)
		twice := seen[k]
		seen[k] = true
		return twice
	})
}

// readRegional reads a list for all regions at once. Where that fails for a cause
// that may lie in a single region, it reads the given regions one by one, and
// returns the names of those that it could read.
func readRegional[T any](ctx context.Context, col *collection, project string, regions []string, l regionalList[T]) (items []T, read []string) {
	resource := "projects/" + project + "/aggregated/" + l.kind
	f, ok := col.client.pages(ctx, l.aggregated, project, func(ctx context.Context, token string) (string, error) {
		pg, err := l.all(ctx, token)
		if err != nil {
			return "", err
		}
		items = append(orEmpty(items), keep(col, project, l, l.aggregated, resource, pg)...)
		return pg.next, nil
	})
	items = distinct(items, l.key)
	if ok {
		return items, nil
	}
	if !f.regional || len(regions) == 0 || ctx.Err() != nil {
		col.gap(f.gap(l.aggregated, project, resource))
		return items, nil
	}

	lists := make([][]T, len(regions)) // nil where the region could not be read
	var wg sync.WaitGroup
	for i, region := range regions {
		wg.Go(func() {
			var list []T
			resource := "projects/" + project + "/regions/" + region + "/" + l.kind
			f, ok := col.client.pages(ctx, l.regional, project, func(ctx context.Context, token string) (string, error) {
				pg, err := l.one(ctx, region, token)
				if err != nil {
					return "", err
				}
				list = append(orEmpty(list), keep(col, project, l, l.regional, resource, pg)...)
				return pg.next, nil
			})
			if !ok {
				col.gap(f.gap(l.regional, project, resource))
				return
			}
			lists[i] = distinct(list, l.key)
		})
	}
	wg.Wait()
	read = []string{}
	for i, region := range regions {
		if lists[i] == nil {
			continue
		}
		items = slices.DeleteFunc(items, func(item T) bool { return audit.LastSegment(*l.region(item)) == region })
		items = append(orEmpty(items), lists[i]...)
		read = append(read, region)
	}
	if len(read) > 0 {
		// Which ones depends on the clusters, and shards have different ones.
		f.message += " (the regions in use were read one by one instead)"
	}
	col.gap(f.gap(l.aggregated, project, resource))
	return items, read
}

// orEmpty returns a list that was read, if only in part: one that was not is nil.
func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// keep returns a page's items with their regions filled in, and makes gaps of
// what the page says is missing: of a region or, where it names none, of the
// whole list.
func keep[T any](col *collection, project string, l regionalList[T], op operation, list string, pg page[T]) []T {
	inScope := func(scope string) string {
		if region := audit.Segment(scope, "regions"); region != "" {
			return "projects/" + project + "/regions/" + region + "/" + l.kind
		}
		return list
	}
	for i, item := range pg.items {
		if field := l.region(item); *field == "" {
			*field = "projects/" + project + "/" + pg.scopes[i]
		}
	}
	for _, u := range pg.unreachable {
		col.gap(warningGap(op, project, inScope(u), "UNREACHABLE", "the region could not be reached: "+u))
	}
	for _, w := range pg.warnings {
		col.gap(warningGap(op, project, inScope(w.scope), w.code, w.message))
	}
	return pg.items
}

// regionField returns where a message's region is, empty if it has none yet.
func regionField(field **string) *string {
	if *field == nil {
		*field = proto.String("")
	}
	return *field
}
