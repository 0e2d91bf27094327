package audit

import (
	"cmp"
	"slices"
	"strconv"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// A Cluster is a GKE cluster and the project it is in. [NewCluster] makes one.
type Cluster struct {
	*containerpb.Cluster
	Project string

	// What every rule asks for, made once.
	name    string
	sources []NodeSource
}

// NewCluster returns the cluster of a project.
func NewCluster(project string, message *containerpb.Cluster) *Cluster {
	c := &Cluster{
		Cluster: message,
		Project: project,
		name:    clusterName(project, message),
	}
	c.sources = c.nodeSources()
	return c
}

func clusterName(project string, message *containerpb.Cluster) string {
	return "projects/" + project + "/locations/" + message.GetLocation() + "/clusters/" + message.GetName()
}

// ResourceName returns "projects/P/locations/L/clusters/C". It is made from the
// project that was asked for: the cluster's self link has other forms.
func (c *Cluster) ResourceName() string { return c.name }

// Autopilot reports whether Google manages the cluster's nodes.
func (c *Cluster) Autopilot() bool {
	return c.GetAutopilot().GetEnabled()
}

// Network returns the VPC network of the cluster. It reports false where the
// cluster gives no name with a project in it: cluster.network is a bare ID, which
// in a Shared VPC says nothing.
func (c *Cluster) Network() (NetworkName, bool) {
	return ParseNetwork(c.GetNetworkConfig().GetNetwork())
}

// NetworkProjects returns the projects that own the networks and subnetworks of
// the cluster, each once.
func (c *Cluster) NetworkProjects() []string {
	var ps []string
	add := func(project string) {
		if project != "" && !slices.Contains(ps, project) {
			ps = append(ps, project)
		}
	}
	if n, ok := c.Network(); ok {
		add(n.Project)
	}
	for _, sn := range c.SubnetworkNames() {
		add(sn.Project)
	}
	return ps
}

// Subnetwork reads a subnetwork's name in a field of the cluster. A bare ID, which
// the API takes for additional subnetworks, is one beside the cluster's own.
func (c *Cluster) Subnetwork(link string) (SubnetworkName, bool) {
	if own, ok := ParseSubnetwork(c.GetNetworkConfig().GetSubnetwork()); ok {
		return own.Beside(link)
	}
	return ParseSubnetwork(link)
}

// SubnetworkNames returns the subnetworks that hold or may hold nodes of the
// cluster, each once: those of its node pools, its own, and additional ones.
func (c *Cluster) SubnetworkNames() []SubnetworkName {
	var names []SubnetworkName
	add := func(link string) {
		if n, ok := c.Subnetwork(link); ok && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	add(c.GetNetworkConfig().GetSubnetwork())
	for _, p := range c.GetNodePools() {
		add(p.GetNetworkConfig().GetSubnetwork())
	}
	for _, a := range c.GetIpAllocationPolicy().GetAdditionalIpRangesConfigs() {
		add(a.GetSubnetwork())
	}
	return names
}

// A NodeSource is where nodes of a cluster come from: a node pool or, where the
// cluster makes node pools by itself (Autopilot, node auto-provisioning, compute
// classes), the cluster's own defaults.
type NodeSource struct {
	Cluster *Cluster
	Pool    *containerpb.NodePool // nil for the cluster's own defaults

	name    string
	privacy Privacy
}

// NodeSources returns the cluster's node pools in the API's order, then its own
// defaults if it makes node pools by itself.
//
// Whether clusters.list names the node pools of an Autopilot cluster is not
// documented, so an Autopilot cluster always has its own defaults among them.
func (c *Cluster) NodeSources() []NodeSource { return c.sources }

func (c *Cluster) nodeSources() []NodeSource {
	var sources []NodeSource
	add := func(p *containerpb.NodePool, name string) {
		n := NodeSource{Cluster: c, Pool: p, name: name}
		n.privacy = n.decidePrivacy()
		sources = append(sources, n)
	}
	for _, p := range c.GetNodePools() {
		add(p, c.name+"/nodePools/"+p.GetName())
	}
	// autoprovisioningNodePoolDefaults is also filled in where auto-provisioning
	// is off, so it says nothing here.
	if _, ok := c.makesNodePools(); ok {
		add(nil, c.name)
	}
	return sources
}

// ResourceName returns the node pool's name, or the cluster's for its defaults.
func (n NodeSource) ResourceName() string { return n.name }

// String names the source for a message.
func (n NodeSource) String() string {
	switch {
	case n.Pool != nil:
		return "node pool " + n.Pool.GetName()
	case n.Cluster.Autopilot():
		return "Autopilot nodes"
	}
	return "auto-provisioned node pools"
}

// classesCreatePools is the first version in which compute classes create node pools
// without node auto-provisioning. Source: About node pool auto-creation, in the GKE
// documentation.
var classesCreatePools = Version{Major: 1, Minor: 33, Patch: 3, Build: 1136000}

// makesNodePools reports whether the cluster creates node pools by itself, and the evidence.
//
// Compute classes are Kubernetes objects, which the GKE API does not show, so any Standard
// cluster of a current version may have one that creates node pools. That alone is no
// evidence: all of them would be judged by defaults that most never use. A node pool that
// was created automatically is: GKE created it, and deletes it when it is empty. Before
// classesCreatePools, a cluster that has node auto-provisioning off can't create any more;
// there such a node pool is left over. A node pool with the label
// cloud.google.com/compute-class is no evidence either, because its owner sets the label
// to have an existing node pool used by a class.
//
// Source: About node pool auto-creation and About custom compute classes, in the GKE
// documentation.
func (c *Cluster) makesNodePools() (Evidence, bool) {
	on := func(field string) (Evidence, bool) { return Evidence{c.name, field, "true"}, true }
	switch {
	case c.Autopilot():
		return on("autopilot.enabled")
	case c.GetAutoscaling().GetEnableNodeAutoprovisioning():
		return on("autoscaling.enableNodeAutoprovisioning")
	case c.GetAutoscaling().GetDefaultComputeClassConfig().GetEnabled():
		return on(defaultClassField)
	}
	if v, ok := ParseVersion(c.GetCurrentMasterVersion()); ok && !v.AtLeast(classesCreatePools) {
		return Evidence{}, false
	}
	for _, p := range c.GetNodePools() {
		if p.GetAutoscaling().GetAutoprovisioned() {
			return Evidence{c.name + "/nodePools/" + p.GetName(), autoprovisionedField, "true"}, true
		}
	}
	return Evidence{}, false
}

const (
	autoprovisionedField = "autoscaling.autoprovisioned"
	defaultClassField    = "autoscaling.defaultComputeClassConfig.enabled"
)

// ForComputeClasses reports whether evidence says that a cluster creates node pools for
// compute classes alone: it has node auto-provisioning off.
func ForComputeClasses(e Evidence) bool {
	return e.Field == autoprovisionedField || e.Field == defaultClassField
}

// Privacy says whether nodes are private, which field decided it and, where it
// is worth knowing, what that rests on.
type Privacy struct {
	Private  bool
	Evidence []Evidence
	Note     string
}

// Privacy decides whether the nodes are private, that is, have no external IPv4
// address. The first of these fields that is set decides:
//
//	nodePools[].networkConfig.enablePrivateNodes
//	networkConfig.defaultEnablePrivateNodes
//	privateClusterConfig.enablePrivateNodes  (deprecated; plain bool, so only true says anything)
//
// Otherwise nodes are public, the API's default. A privateClusterConfig that is
// merely present says nothing: every cluster with a Private Service Connect
// control plane has one. Source: NodeNetworkConfig and NetworkConfig in the GKE
// API reference.
func (n NodeSource) Privacy() Privacy { return n.privacy }

func (n NodeSource) decidePrivacy() Privacy {
	const (
		poolField       = "networkConfig.enablePrivateNodes"
		defaultField    = "networkConfig.defaultEnablePrivateNodes"
		deprecatedField = "privateClusterConfig.enablePrivateNodes"
	)
	var p Privacy
	cluster := n.Cluster.ResourceName()
	deprecated := n.Cluster.GetPrivateClusterConfig().GetEnablePrivateNodes()
	if n.Pool != nil {
		if nc := n.Pool.GetNetworkConfig(); nc != nil && nc.EnablePrivateNodes != nil {
			p.Private = *nc.EnablePrivateNodes
			p.Evidence = []Evidence{{n.ResourceName(), poolField, strconv.FormatBool(p.Private)}}
			return p
		}
		p.Evidence = []Evidence{Absent(n.ResourceName(), poolField, "the cluster's default holds")}
	}
	if nc := n.Cluster.GetNetworkConfig(); nc != nil && nc.DefaultEnablePrivateNodes != nil {
		p.Private = *nc.DefaultEnablePrivateNodes
		p.Evidence = append(p.Evidence, Evidence{cluster, defaultField, strconv.FormatBool(p.Private)})
		switch {
		case !p.Private && deprecated:
			p.Evidence = append(p.Evidence, Evidence{cluster, deprecatedField, "true"})
			p.Note = "the deprecated field says otherwise and does not count"
		case p.Private && n.Pool != nil:
			// A change of the default leaves existing pools as they are, and
			// whether such pools then carry an explicit false is not documented.
			p.Note = "by the cluster's default, assuming that it has not changed since the node pool was made"
		}
		return p
	}
	p.Evidence = append(p.Evidence, Absent(cluster, defaultField, "the deprecated field holds"))
	if deprecated {
		p.Private = true
		p.Evidence = append(p.Evidence, Evidence{cluster, deprecatedField, "true"})
		p.Note = "by the cluster's deprecated field"
		return p
	}
	p.Evidence = append(p.Evidence, Absent(cluster, deprecatedField, "nodes are public, the API's default"))
	return p
}

// Subnetwork returns the subnetwork of the nodes: the node pool's own, else the
// cluster's. Node pools recorded before 2025 name none. It reports false where
// neither names one, as on a legacy network, which has no subnetworks.
func (n NodeSource) Subnetwork() (SubnetworkName, bool) {
	return n.Cluster.Subnetwork(cmp.Or(n.Pool.GetNetworkConfig().GetSubnetwork(), n.Cluster.GetNetworkConfig().GetSubnetwork()))
}

// PodRange returns the name of the secondary range that the pods of the nodes
// take their addresses from. It is empty where the cluster is routes-based.
func (n NodeSource) PodRange() string {
	if r := n.Pool.GetNetworkConfig().GetPodRange(); r != "" {
		return r
	}
	return n.Cluster.GetIpAllocationPolicy().GetClusterSecondaryRangeName()
}

// Unlimited reports whether GKE makes the nodes by itself, up to no maximum that the
// owner of the cluster has set. The maxNodeCount that such node pools have is GKE's own.
func (n NodeSource) Unlimited() bool { return n.AutoConfigured() }

// AutoConfigured reports whether the cluster's nodePoolAutoConfig applies to the nodes, as
// it does to all of node pools that GKE creates by itself. Source: NodePoolAutoConfig in the
// GKE API reference.
func (n NodeSource) AutoConfigured() bool {
	return n.Pool == nil || n.Cluster.Autopilot() || n.Pool.GetAutoscaling().GetAutoprovisioned()
}

// MostNodes returns how many nodes a node pool may have: its autoscaling maximum, or
// where it does not scale by itself its initial size, which the API may keep when
// the node pool is resized. It reports false where that cannot be told.
//
// maxNodeCount and initialNodeCount are for each zone, totalMaxNodeCount is for all of
// them. Source: NodePool and NodePoolAutoscaling in the GKE API reference.
func (n NodeSource) MostNodes() (uint64, bool) {
	scaling := n.Pool.GetAutoscaling()
	perZone := n.Pool.GetInitialNodeCount()
	if scaling.GetEnabled() {
		if total := scaling.GetTotalMaxNodeCount(); total > 0 {
			return uint64(total), true
		}
		perZone = scaling.GetMaxNodeCount()
	}
	zones := len(n.Pool.GetLocations())
	if zones == 0 {
		zones = len(n.Cluster.GetLocations())
	}
	if zones == 0 && RegionOf(n.Cluster.GetLocation()) != n.Cluster.GetLocation() {
		zones = 1
	}
	if perZone < 0 || zones == 0 || scaling.GetEnabled() && perZone == 0 {
		return 0, false
	}
	return uint64(perZone) * uint64(zones), true
}

// Tags returns the network tags of the nodes that the API tells of. GKE gives
// nodes one more, which it does not tell; see [InternetRoutes].
func (n NodeSource) Tags() []string {
	tags := slices.Clone(n.Pool.GetConfig().GetTags())
	if n.AutoConfigured() {
		tags = append(tags, n.Cluster.GetNodePoolAutoConfig().GetNetworkTags().GetTags()...)
	}
	return tags
}

// A NodeSubnetwork is a subnetwork and the node sources of a cluster in it.
type NodeSubnetwork struct {
	Name    SubnetworkName
	Sources []NodeSource
}

// PodRanges returns the secondary ranges that the pods of the node sources take their
// addresses from, each once.
func (s NodeSubnetwork) PodRanges() []string {
	var ranges []string
	for _, n := range s.Sources {
		if r := n.PodRange(); r != "" && !slices.Contains(ranges, r) {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// PrivateSubnetworks returns the subnetworks that hold private nodes of the
// cluster, in the order of its node sources, and the sources of private nodes
// that name no subnetwork.
func (c *Cluster) PrivateSubnetworks() (subnetworks []NodeSubnetwork, unnamed []NodeSource) {
	for _, n := range c.NodeSources() {
		if !n.Privacy().Private {
			continue
		}
		name, ok := n.Subnetwork()
		if !ok {
			unnamed = append(unnamed, n)
			continue
		}
		i := slices.IndexFunc(subnetworks, func(s NodeSubnetwork) bool { return s.Name == name })
		if i < 0 {
			subnetworks = append(subnetworks, NodeSubnetwork{name, []NodeSource{n}})
		} else {
			subnetworks[i].Sources = append(subnetworks[i].Sources, n)
		}
	}
	return subnetworks, unnamed
}
