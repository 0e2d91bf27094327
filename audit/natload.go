package audit

import (
	"cmp"
	"slices"
	"strings"
)

// A NATLoad is the nodes that a Public NAT gateway has to have ports for: of all
// clusters that were read, not only of those that use it most.
type NATLoad struct {
	// Nodes is how many nodes at most have their own address served alone, and
	// PodNodes of how many the pods' range is served.
	Nodes, PodNodes uint64

	// Clusters is how many clusters the nodes are of.
	Clusters int

	// Shared says that some of them are of another project than the gateway, as in a
	// Shared VPC.
	Shared bool

	// Fixed says that node pools without autoscaling are among them, which count
	// with their initial size; see [NodeSource.MostNodes].
	Fixed bool

	// Unlimited are the clusters some of whose nodes have no maximum. Those nodes
	// are not counted.
	Unlimited []*Cluster

	// Uncounted says of the first nodes of which it is not known how many they are, or
	// whether the gateway serves them, that it is so. It is empty if there are none.
	Uncounted string

	// Gap is the first that may hide clusters whose nodes it serves; nil if there is
	// none.
	Gap *Gap
}

// natLoads are the loads of all gateways. They are counted once for all rules and
// clusters.
type natLoads struct {
	byGateway map[string]*NATLoad
	unplaced  map[[2]string]string // see NATLoad.Uncounted; by project and region; the project is empty where it is not known
	gaps      map[string]*Gap      // by region; empty for those of all regions
}

// NATLoad returns the load of a gateway.
func (s *Snapshot) NATLoad(g NATGateway) NATLoad {
	ix := s.indexed()
	ix.loadsOnce.Do(func() { ix.natLoads = s.countNATLoads() })
	var load NATLoad
	if l := ix.natLoads.byGateway[ix.gatewayKey(g)]; l != nil {
		load = *l
	}
	project, region := Segment(g.Router, "projects"), Segment(g.Router, "regions")
	load.Uncounted = cmp.Or(load.Uncounted, ix.natLoads.unplaced[[2]string{ix.projectKey(project), region}], ix.natLoads.unplaced[[2]string{"", region}],
		s.Scope.leavesOut(region))
	load.Gap = cmp.Or(ix.natLoads.gaps[""], ix.natLoads.gaps[region])
	return load
}

// projectKey returns the ID of a project that is named by its number, where the ID is
// known: clusters may name a host project in either way.
func (ix *index) projectKey(project string) string { return cmp.Or(ix.ids[project], project) }

func (ix *index) gatewayKey(g NATGateway) string {
	project := Segment(g.Router, "projects")
	return ix.projectKey(project) + strings.TrimPrefix(g.ResourceName(), "projects/"+project)
}

// leavesOut says why a snapshot of the scope may lack clusters of a region. It is empty if
// it holds those of all projects that the audit is about.
func (sc Scope) leavesOut(region string) string {
	switch {
	case len(sc.Clusters) > 0:
		return "the audit is of some clusters alone, and others may have nodes that the gateway serves"
	case len(sc.Locations) > 0 && !slices.Contains(sc.Locations, region):
		return "the audit is of some locations alone, and clusters of others may have nodes that the gateway serves"
	case sc.Shard != nil && sc.Shard.Projects > len(sc.Projects):
		return "clusters of other shards may have nodes that the gateway serves, if their projects share the network"
	}
	return ""
}

func (s *Snapshot) countNATLoads() natLoads {
	loads := natLoads{map[string]*NATLoad{}, map[[2]string]string{}, map[string]*Gap{}}
	for _, c := range s.Clusters() {
		loads.add(s, c)
	}
	for i := range s.Gaps {
		g := &s.Gaps[i]
		region := ""
		location, ok := clustersLocation(g.Resource)
		if ok && location != "-" {
			region = RegionOf(location)
		}
		if ok || g.HidesProjects() {
			loads.gaps[region] = cmp.Or(loads.gaps[region], g)
		}
	}
	return loads
}

// add counts the nodes of a cluster.
func (loads natLoads) add(s *Snapshot, c *Cluster) {
	var sum uint64
	limited := true
	for _, n := range c.NodeSources() {
		most, ok := n.MostNodes()
		sum, limited = sum+most, limited && ok && !n.Unlimited()
	}
	// currentNodeCount is deprecated; it is looked at because it says when the
	// node pools have outgrown the sizes that the API tells of. Which of them is not
	// known, so the surplus counts for every gateway.
	var surplus uint64
	if now := c.GetCurrentNodeCount(); limited && now > 0 && uint64(now) > sum {
		surplus = uint64(now) - sum
	}
	counted := map[string]bool{}
	for _, n := range c.NodeSources() {
		private := n.Privacy().Private
		if !private && n.PodRange() == "" {
			continue // no gateway has anything to serve
		}
		name, ok := n.Subnetwork()
		var network NetworkName
		if ok {
			network, ok = s.NetworkOf(c, name)
		}
		if !ok {
			own, _ := c.Network()
			key := [2]string{s.indexed().projectKey(cmp.Or(name.Project, own.Project)), cmp.Or(name.Region, RegionOf(c.GetLocation()))}
			loads.unplaced[key] = cmp.Or(loads.unplaced[key], "whether the gateway serves the nodes of "+c.ResourceName()+" is not known, for their subnetwork was not read")
			continue
		}
		coverage, _ := s.NATCoverage(network, name, NodeSubnetwork{name, []NodeSource{n}}.PodRanges())
		for _, g := range coverage.Gateways {
			// A node with an external address needs no gateway, but its pods
			// use one that serves their range where they are not masqueraded.
			if !private && g.Pods == nil {
				continue
			}
			id := s.indexed().gatewayKey(g)
			l := loads.byGateway[id]
			if l == nil {
				l = &NATLoad{}
				loads.byGateway[id] = l
			}
			var more uint64
			if !counted[id] {
				counted[id], more = true, surplus
				l.Clusters++
				l.Shared = l.Shared || c.Project != network.Project
			}
			l.count(n, more, g.Pods != nil)
		}
	}
}

// count adds the nodes of a source, and some more.
func (l *NATLoad) count(n NodeSource, more uint64, pods bool) {
	most, ok := n.MostNodes()
	switch {
	case n.Unlimited():
		if last := len(l.Unlimited) - 1; last < 0 || l.Unlimited[last] != n.Cluster {
			l.Unlimited = append(l.Unlimited, n.Cluster)
		}
		return
	case !ok:
		l.Uncounted = cmp.Or(l.Uncounted, "how many nodes "+n.ResourceName()+" may have is not known")
	case pods:
		l.PodNodes += most + more
	default:
		l.Nodes += most + more
	}
	l.Fixed = l.Fixed || !n.Pool.GetAutoscaling().GetEnabled()
}
