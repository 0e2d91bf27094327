package audit

import (
	"cmp"
	"fmt"
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

	// Unlimited are the clusters some of whose nodes have no maximum. Of those nodes
	// as many are counted as there are known to be.
	Unlimited []*Cluster

	// Uncounted says of the first nodes of which it is not known how many they are, or
	// whether the gateway serves them, that it is so. It is empty if there are none.
	Uncounted string

	// Unread is true where that is because something could not be read; UncountedGap is
	// the gap, nil where the clusters are those that the run left out.
	Unread       bool
	UncountedGap *Gap

	// Gap is the first that may hide clusters whose nodes it serves; nil if there is
	// none.
	Gap *Gap
}

// natLoads are the loads of all gateways. They are counted once for all rules and
// clusters.
type natLoads struct {
	byGateway map[string]*NATLoad
	unplaced  map[[2]string]unplaced // see NATLoad.Uncounted; by project and region; the project is empty where it is not known, anyProject for all
	gaps      map[string]*Gap        // by region; empty for those of all regions
}

// An unplaced says why it is not known which gateways serve some nodes, and which gap is to
// blame; nil if none is.
type unplaced struct {
	why string
	gap *Gap
}

// NATLoad returns the load of a gateway.
func (s *Snapshot) NATLoad(g NATGateway) NATLoad {
	loads := s.allNATLoads()
	var load NATLoad
	if l := loads.byGateway[s.indexed().gatewayKey(g)]; l != nil {
		load = *l
	}
	project, region := Segment(g.Router, "projects"), Segment(g.Router, "regions")
	here := cmp.Or(loads.unplaced[[2]string{s.indexed().placeKey(project), region}], loads.unplaced[[2]string{"", region}])
	out := s.leavesOut(region)
	switch {
	case here.gap != nil || load.Uncounted == "" && here.why != "":
		load.Uncounted, load.Unread, load.UncountedGap = here.why, here.gap != nil, here.gap
	case out != "":
		load.Uncounted, load.Unread = cmp.Or(load.Uncounted, out), true
	}
	load.Gap = cmp.Or(loads.gaps[""], loads.gaps[region])
	return load
}

// allNATLoads returns the loads of all gateways.
func (s *Snapshot) allNATLoads() natLoads {
	ix := s.indexed()
	ix.loadsOnce.Do(func() { ix.natLoads = s.countNATLoads() })
	return ix.natLoads
}

// projectKey returns the ID of a project that is named by its number, where the ID is
// known: clusters may name a host project in either way.
func (ix *index) projectKey(project string) string { return cmp.Or(ix.ids[project], project) }

// placeKey is projectKey, or anyProject for a number whose ID is not known: it may be that
// of any project.
func (ix *index) placeKey(project string) string {
	if project = ix.projectKey(project); isNumber(project) {
		return anyProject
	}
	return project
}

const anyProject = "*"

func (ix *index) gatewayKey(g NATGateway) string {
	project := Segment(g.Router, "projects")
	return ix.projectKey(project) + strings.TrimPrefix(g.ResourceName(), "projects/"+project)
}

// leavesOut says why the snapshot may lack nodes that a gateway of a region serves. It is
// empty if it holds those of all projects that the audit is about.
func (s *Snapshot) leavesOut(region string) string {
	why := s.indexed().estateGap
	if why == "" || slices.Contains(s.Scope.Locations, region) && len(s.Scope.Clusters) == 0 && s.Scope.Shard == nil {
		return ""
	}
	return why + ", and others may have nodes that the gateway serves"
}

func (s *Snapshot) countNATLoads() natLoads {
	loads := natLoads{map[string]*NATLoad{}, map[[2]string]unplaced{}, map[string]*Gap{}}
	for _, c := range s.indexed().all {
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
	limited, known := true, true
	for _, n := range c.NodeSources() {
		size := n.natSize()
		sum, limited, known = sum+size.nodes, limited && !size.more, known && size.known
	}
	// currentNodeCount is deprecated; it is looked at because it says when the
	// node pools have outgrown the sizes that the API tells of. Which of them is not
	// known, so the surplus counts for every gateway, with the ports of those that
	// take the most. Where GKE makes nodes by itself, whose number says nothing of
	// what the gateway has to be made for, only what is sure to be there counts: for a
	// gateway that serves them all, with the ports of those that take the fewest.
	var surplus uint64
	if now := c.GetCurrentNodeCount(); known && now > 0 && uint64(now) > sum {
		surplus = uint64(now) - sum
	}
	served := map[string][]servedSource{}
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
			_, gap := s.Subnetwork(name)
			what := "subnetwork is not in the list of its project"
			if gap != nil {
				what = "subnetwork was not read"
			}
			loads.unplace(s, c, cmp.Or(name.Project, own.Project), name.Region, what, gap)
			continue
		}
		// Of two names of a host project the one counts by which its routers were read.
		if ix := s.indexed(); ix.project(network.Project).Routers == nil {
			other := cmp.Or(ix.ids[network.Project], ix.numbers[network.Project])
			if ix.project(other).Routers != nil {
				network.Project, name.Project = other, other
			}
		}
		if _, gap := s.Routers(network.Project, name.Region); gap != nil {
			loads.unplace(s, c, network.Project, name.Region, "network's Cloud Routers were not read", gap)
		}
		coverage, _ := s.NATCoverage(network, name, NodeSubnetwork{name, []NodeSource{n}}.PodRanges())
		for _, g := range coverage.undecided {
			l := loads.of(s.indexed().gatewayKey(g.NATGateway))
			l.Uncounted = cmp.Or(l.Uncounted, fmt.Sprintf("whether the gateway serves the nodes of %s is not known: %s is %s", c.ResourceName(), g.why.Field, g.why.Value))
		}
		for _, g := range coverage.Gateways {
			// A node with an external address needs no gateway, but its pods
			// use one that serves their range where they are not masqueraded.
			if !private && g.Pods == nil {
				continue
			}
			id := s.indexed().gatewayKey(g)
			l := loads.of(id)
			if served[id] == nil {
				l.Clusters++
			}
			l.Shared = l.Shared || c.Project != network.Project
			served[id] = append(served[id], servedSource{n, g.Pods != nil})
		}
	}
	for id, sources := range served {
		l := loads.byGateway[id]
		for _, n := range sources {
			l.count(n)
		}
		podless := slices.ContainsFunc(sources, func(n servedSource) bool { return !n.pods })
		pods := slices.ContainsFunc(sources, func(n servedSource) bool { return n.pods })
		switch {
		case limited:
			l.add(surplus, pods)
		case len(sources) == len(c.NodeSources()):
			l.add(surplus, !podless)
		}
	}
}

// of returns the load of a gateway, which is empty at first.
func (loads natLoads) of(id string) *NATLoad {
	if loads.byGateway[id] == nil {
		loads.byGateway[id] = &NATLoad{}
	}
	return loads.byGateway[id]
}

// unplace notes that it is not known which gateways of a region serve nodes of a cluster,
// in a project that may not be known either.
func (loads natLoads) unplace(s *Snapshot, c *Cluster, project, region, what string, gap *Gap) {
	why := unplaced{"whether the gateway serves the nodes of " + c.ResourceName() + " is not known, for their " + what, gap}
	region = cmp.Or(region, RegionOf(c.GetLocation()))
	keys := []string{anyProject}
	switch key := s.indexed().placeKey(project); key {
	case anyProject:
		keys = append(keys, "")
	default:
		keys = append(keys, key)
	}
	for _, key := range keys {
		at := [2]string{key, region}
		if had := loads.unplaced[at]; had.why == "" || had.gap == nil && gap != nil {
			loads.unplaced[at] = why
		}
	}
}

// A servedSource is a node source that a gateway serves, and whether it serves the range
// of the pods.
type servedSource struct {
	NodeSource
	pods bool
}

// count adds the nodes of a source.
func (l *NATLoad) count(n servedSource) {
	size := n.natSize()
	if size.more && (len(l.Unlimited) == 0 || l.Unlimited[len(l.Unlimited)-1] != n.Cluster) {
		l.Unlimited = append(l.Unlimited, n.Cluster)
	}
	if !size.known {
		l.Uncounted = cmp.Or(l.Uncounted, "how many nodes "+n.ResourceName()+" may have is not known")
	}
	l.add(size.nodes, n.pods)
	l.Fixed = l.Fixed || !size.more && !n.Pool.GetAutoscaling().GetEnabled()
}

func (l *NATLoad) add(nodes uint64, pods bool) {
	if pods {
		l.PodNodes += nodes
	} else {
		l.Nodes += nodes
	}
}

// A natSize is how many nodes of a source count.
type natSize struct {
	nodes uint64
	known bool // how many count
	more  bool // there may be more, to no maximum
}

// ownMaximum is the maxNodeCount that node pools have which GKE makes by itself, in
// answers of the API. It is not a size that anybody has chosen: an Autopilot cluster
// begins with several such node pools, each with so many nodes for each zone.
const ownMaximum = 1000

// natSize returns how many nodes of a source count: the most that it may have, as by
// [NodeSource.MostNodes]. Of those that GKE makes by itself, a maximum counts that is
// not GKE's own; without one the initial size does, and there may be more.
func (n NodeSource) natSize() natSize {
	most, ok := n.MostNodes()
	scaling := n.Pool.GetAutoscaling()
	switch {
	case !n.Unlimited():
		return natSize{nodes: most, known: ok}
	case n.Pool == nil:
		return natSize{known: true, more: true}
	case ok && scaling.GetEnabled() && (scaling.GetTotalMaxNodeCount() > 0 || scaling.GetMaxNodeCount() != ownMaximum):
		return natSize{nodes: most, known: true}
	case ok && !scaling.GetEnabled():
		return natSize{nodes: most, known: true, more: true}
	}
	// The initial size is for each zone, of which there is one at least.
	return natSize{nodes: uint64(max(0, n.Pool.GetInitialNodeCount())), known: true, more: true}
}
