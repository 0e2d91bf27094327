package audit

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
)

// A Snapshot is all that was read of some projects at one time. It is what rules
// see, and what a snapshot file holds. Once it is in use it must not change.
type Snapshot struct {
	// Time is when reading began.
	Time time.Time

	// Scope is what was asked for.
	Scope Scope

	// Projects holds the audited projects, those that own the networks of their
	// clusters (the host projects of Shared VPC) and those that the service accounts
	// of their nodes belong to, each once, in the order
	// of their IDs.
	Projects []*Project

	// Ancestors are the folders and organizations above them, as far as they were
	// read, each once, in the order of their names.
	Ancestors []*Ancestor

	// Roles are the predefined roles that policies grant to members whom rules look at,
	// the basic ones among them, each once, in the order of their names. What is not
	// there was not read.
	Roles []Role

	// Gaps is what could not be read.
	Gaps []Gap

	once  sync.Once
	index *index
}

// Scope is what an audit was asked to look at. Empty lists do not narrow.
type Scope struct {
	// Projects are the IDs (or numbers) of the audited projects, those that were
	// found in organizations and folders among them. A host project that is read
	// for its network alone is not.
	Projects []string `json:"projects"`

	// Organizations and Folders are the numbers of those that projects were looked
	// for in.
	Organizations []string `json:"organizations,omitempty"`
	Folders       []string `json:"folders,omitempty"`

	// ExcludeProjects and ExcludeFolders are globs, see [path.Match], on the IDs or
	// numbers of projects and on the numbers of folders. What lies in an excluded
	// folder is not looked for.
	ExcludeProjects []string `json:"excludeProjects,omitempty"`
	ExcludeFolders  []string `json:"excludeFolders,omitempty"`

	// Discovery says how projects were found; nil if they were all named.
	Discovery *Discovery `json:"discovery,omitempty"`

	// Locations are regions and zones; a region takes in its zones.
	Locations []string `json:"locations,omitempty"`

	// Clusters are cluster names, or relative resource names.
	Clusters []string `json:"clusters,omitempty"`

	// Shard is which part of the scope this is; nil for the whole. A part may
	// have no projects.
	Shard *Shard `json:"shard,omitempty"`

	// OtherProjects are those of the other shards.
	OtherProjects []string `json:"-"`
}

// A Discovery says how the projects of organizations and folders were found.
type Discovery struct {
	// Methods are [ByAsset], [ByResourceManager] or both, where the first answered
	// for some of the organizations and folders only.
	Methods []string `json:"methods"`

	// Projects is how many were found that are not excluded.
	Projects int `json:"projects"`

	// Note says what the methods may miss, and where [ByAsset] was refused; empty if
	// nothing.
	Note string `json:"note,omitempty"`
}

// The methods of a Discovery.
const (
	ByAsset           = "asset"            // Cloud Asset Inventory: projects that have clusters
	ByResourceManager = "resource-manager" // Resource Manager: all active projects
)

// AssetNote is what [ByAsset] may miss. Source: Asset types, in the Cloud Asset
// Inventory documentation.
const AssetNote = "Cloud Asset Inventory is eventually consistent: a cluster that was made minutes ago may be missing."

// A Project is what was read of one project.
type Project struct {
	ID string

	// Number is the project's number, where it was asked for; empty if not.
	Number string

	// Clusters are the project's clusters, of all locations. Nil means that the
	// list was not read, as for a project that is here for its networks alone.
	Clusters []*containerpb.Cluster

	// OtherClusters are outlines of clusters that count and are not judged, see
	// [Outline]: those of the project that the run was narrowed from, or that other
	// shards judge. Nil means that they were not read, or that there are none to read:
	// the run is of the whole project.
	OtherClusters []*containerpb.Cluster

	// Subnetworks, Routers and Routes are those of all the project's networks.
	// Nil means that the list was not read; an empty list was read and is empty.
	Subnetworks []*computepb.Subnetwork
	Routers     []*computepb.Router
	Routes      []*computepb.Route

	// SubnetworkRegions and RouterRegions name the regions that were read one by
	// one because the list of all regions failed. Nil means that all were read.
	SubnetworkRegions []string
	RouterRegions     []string

	// Networks are all the project's VPC networks; nil means that the list was not read.
	Networks []*computepb.Network

	// EffectiveFirewalls are the firewall rules and policies in force on networks of
	// clusters, by region and network: "europe-west4/main". What is not there was not
	// read.
	EffectiveFirewalls map[string]*EffectiveFirewalls

	// ServerConfigs are the versions that GKE offers, by location. One of the projects
	// that have clusters in a location is asked, for all of them: see
	// [Snapshot.ServerConfig].
	ServerConfigs map[string]*containerpb.ServerConfig

	// Ancestors are the names of the folders and of the organization above the
	// project, nearest first: "folders/2", "organizations/1". Nil means that they were
	// not read; an empty list was read, and the project is in no organization.
	Ancestors []string

	// IAMPolicy is the project's allow policy; nil if it was not read.
	IAMPolicy *Policy

	// CustomRoles are those of the project's own that policies grant to members whom
	// rules look at. Nil means that the list was not read, as where there are none such.
	CustomRoles []Role

	// ServiceAccounts are all of the project's. Nil means that the list was not read.
	ServiceAccounts []ServiceAccount

	// ServiceAccountPolicies are the allow policies of its service accounts that have
	// one, and ServiceAccountKeys their keys. Nil means that the list was not read.
	ServiceAccountPolicies []ServiceAccountPolicy
	ServiceAccountKeys     []ServiceAccountKey
}

// EffectiveFirewalls are what is in force on a network in a region: VPC firewall rules,
// and hierarchical, global and regional firewall policies, in no certain order. Source:
// regionNetworkFirewallPolicies.getEffectiveFirewalls in the Compute Engine API
// reference.
type EffectiveFirewalls = computepb.RegionNetworkFirewallPoliciesGetEffectiveFirewallsResponse

// Includes reports whether a cluster is in scope. It looks at locations and
// clusters only.
func (sc Scope) Includes(c *Cluster) bool {
	return sc.IncludesLocation(c.GetLocation()) &&
		(len(sc.Clusters) == 0 || slices.ContainsFunc(sc.Clusters, func(want string) bool {
			return want == c.GetName() || RelativeName(want) == c.ResourceName()
		}))
}

// IncludesLocation reports whether a region or zone is in scope; "-" stands for
// all of them and always is.
func (sc Scope) IncludesLocation(location string) bool {
	return len(sc.Locations) == 0 || location == "-" ||
		slices.Contains(sc.Locations, location) || slices.Contains(sc.Locations, RegionOf(location))
}

// Narrow returns a snapshot of what the scope includes of s: its projects without the
// clusters that are out of scope, and without the gaps that hide nothing in scope. Host
// projects stay, and so does what others were told about a location in scope. Where the
// scope says nothing, s keeps what it was narrowed to before: without projects (nil; a shard
// may have an empty list) also those, and how they were found.
func (s *Snapshot) Narrow(sc Scope) *Snapshot {
	if sc.Projects == nil {
		whole := s.Scope
		whole.Locations, whole.Clusters, whole.Shard = sc.Locations, sc.Clusters, sc.Shard
		sc = whole
	}
	if len(sc.Locations) == 0 {
		sc.Locations = s.Scope.Locations
	}
	if len(sc.Clusters) == 0 {
		sc.Clusters = s.Scope.Clusters
	}
	sc.Projects = append([]string{}, sc.Projects...)
	slices.Sort(sc.Projects)
	sc.Projects = slices.Compact(sc.Projects)
	sc.Shard = cmp.Or(sc.Shard, s.Scope.Shard)
	whole := s.estateGap() == "" // nothing that counts is lacking already
	otherProjects := sc.OtherProjects
	sc.OtherProjects = nil
	n := &Snapshot{Time: s.Time, Scope: sc}
	others := map[string]bool{}                        // projects with other clusters, as far as they could be read
	offers := map[string]bool{}                        // names of server configs that matter
	hosts, iam := map[string]bool{}, map[string]bool{} // projects whose networks and whose policies matter
	nodes := map[string]bool{}                         // addresses of nodes' service accounts
	for _, p := range s.Projects {
		p := *p
		all := p.Clusters
		own := slices.Contains(sc.Projects, p.ID)
		other := sc.Shard != nil && !own && (slices.Contains(otherProjects, p.ID) || s.Scope.Shard != nil && p.OtherClusters != nil)
		switch {
		case other && (all != nil || p.OtherClusters != nil):
			p.Clusters, p.OtherClusters = nil, append([]*containerpb.Cluster{}, p.OtherClusters...)
		case own && all != nil && sc.narrowed():
			p.Clusters, p.OtherClusters = []*containerpb.Cluster{}, append([]*containerpb.Cluster{}, p.OtherClusters...)
		case all != nil:
			p.Clusters = []*containerpb.Cluster{}
		}
		for _, c := range all {
			c := NewCluster(p.ID, c)
			if own && sc.Includes(c) {
				p.Clusters = append(p.Clusters, c.Cluster)
				if _, name, gap := s.ServerConfig(p.ID, c.GetLocation()); gap != nil {
					offers[gap.Resource] = true
				} else {
					offers[name] = true
				}
				for _, host := range c.NetworkProjects() {
					hosts[host] = true
				}
				iam[p.ID] = true
				accounts, _ := s.NodeAccounts(c)
				for _, a := range accounts {
					iam[a.Project], nodes[a.Email] = true, true
				}
			} else if own || other {
				p.OtherClusters = append(p.OtherClusters, Outline(c.Cluster))
			}
		}
		if !whole || !own && !other {
			p.OtherClusters = nil
		}
		others[p.ID] = p.OtherClusters != nil || whole && other
		n.Projects = append(n.Projects, &p)
	}
	n.Projects = slices.DeleteFunc(n.Projects, func(p *Project) bool {
		if hosts[p.ID] || iam[p.ID] || slices.Contains(sc.Projects, p.ID) || p.OtherClusters != nil {
			return false
		}
		*p = p.outOfScope(offers)
		return p.ServerConfigs == nil && (!whole || p.Number == "")
	})
	above := map[string]bool{}
	var rights []*Project
	for _, p := range n.Projects {
		if iam[p.ID] {
			rights = append(rights, p)
			for _, ancestor := range p.Ancestors {
				above[ancestor] = true
			}
		}
	}
	ancestors := func() []*Ancestor {
		return slices.DeleteFunc(slices.Clone(s.Ancestors), func(a *Ancestor) bool { return !above[a.Name] })
	}
	roles := grantedRoles(rights, ancestors(), nodes)
	for name := range roles {
		if parent, _, ok := strings.Cut(name, "/roles/"); ok {
			above[parent] = true // which a project's ancestry tells only where it was read
		}
	}
	n.Ancestors = ancestors()
	for _, r := range s.Roles {
		if roles[r.Name] {
			n.Roles = append(n.Roles, r)
		}
	}
	for _, g := range s.Gaps {
		if location, ok := clustersLocation(g.Resource); ok {
			other := others[g.Project] || whole && !slices.Contains(s.Scope.Projects, g.Project)
			if other || slices.Contains(sc.Projects, g.Project) && sc.IncludesLocation(location) {
				n.Gaps = append(n.Gaps, g)
			}
			continue
		}
		keep := hosts[g.Project]
		switch {
		case g.HidesProjects():
			keep = len(sc.roots()) > 0 || len(s.Scope.roots()) == 0
		case g.aboveProjects():
			keep = above[strings.TrimSuffix(g.Resource, "/"+LastSegment(g.Resource))]
		case g.hidesRole():
			keep = roles[g.Resource]
		case g.hidesIAM():
			keep = iam[g.Project]
		case g.hidesServerConfig():
			keep = offers[g.Resource]
		}
		if keep {
			n.Gaps = append(n.Gaps, g)
		}
	}
	return n
}

// outOfScope returns what counts of a project that is out of scope: the number, as other
// clusters may name the project by it, and those of the named server configs that it has.
func (p *Project) outOfScope(offers map[string]bool) Project {
	rest := Project{ID: p.ID, Number: p.Number}
	for location, config := range p.ServerConfigs {
		if offers[serverConfigName(p.ID, location)] {
			if rest.ServerConfigs == nil {
				rest.ServerConfigs = map[string]*containerpb.ServerConfig{}
			}
			rest.ServerConfigs[location] = config
		}
	}
	return rest
}

// For returns the snapshot as if only some kinds of data had been asked for: without the
// gaps that hide others.
func (s *Snapshot) For(data []Data) *Snapshot {
	n := &Snapshot{Time: s.Time, Scope: s.Scope, Projects: s.Projects, Ancestors: s.Ancestors, Roles: s.Roles}
	for _, g := range s.Gaps {
		_, ok := clustersLocation(g.Resource)
		switch {
		case ok && !s.Scope.hides(g):
			if slices.Contains(data, OtherClusters) {
				n.Gaps = append(n.Gaps, g)
			}
		case g.Hides(data):
			n.Gaps = append(n.Gaps, g)
		}
	}
	return n
}

// narrowed reports whether the scope is of some clusters or locations alone.
func (sc Scope) narrowed() bool { return len(sc.Clusters) > 0 || len(sc.Locations) > 0 }

func (s *Snapshot) estateGap() string {
	sc := s.Scope
	own := map[string]bool{}
	for _, id := range sc.Projects {
		own[id] = true
	}
	missing := map[string]bool{} // projects whose clusters are said to be missing
	for _, g := range s.Gaps {
		if location, ok := clustersLocation(g.Resource); ok && location == "-" {
			missing[g.Project] = true
		}
	}
	all, shards := true, map[string]bool{}
	for _, p := range s.Projects {
		if own[p.ID] {
			all = all && (p.OtherClusters != nil || missing[p.ID])
		} else if p.OtherClusters != nil {
			shards[p.ID] = true
		}
	}
	for id := range missing {
		if !own[id] {
			shards[id] = true
		}
	}
	switch {
	case sc.Shard != nil && sc.Shard.Projects > len(sc.Projects)+len(shards):
		return "the clusters of other shards were not read"
	case len(sc.Clusters) > 0 && !all:
		return "the audit is of some clusters alone"
	case len(sc.Locations) > 0 && !all:
		return "the audit is of some locations alone"
	}
	return ""
}

// EstateGap says why the snapshot may lack clusters of the audit, besides those that gaps
// hide: it was narrowed, or is a shard, and the other clusters were not read. It is
// empty if none are lacking.
func (s *Snapshot) EstateGap() string { return s.indexed().estateGap }

// Outline returns what counts of a cluster that is not judged: where its nodes come from,
// how many there may be, what network they are in and whether they are private, and the
// service accounts that they run as.
func Outline(c *containerpb.Cluster) *containerpb.Cluster {
	o := &containerpb.Cluster{
		Name:             c.GetName(),
		Location:         c.GetLocation(),
		Locations:        c.GetLocations(),
		CurrentNodeCount: c.GetCurrentNodeCount(),

		CurrentMasterVersion: c.GetCurrentMasterVersion(), // whether it creates node pools depends on it
	}
	if nc := c.GetNetworkConfig(); nc != nil {
		o.NetworkConfig = &containerpb.NetworkConfig{Network: nc.Network, Subnetwork: nc.Subnetwork, DefaultEnablePrivateNodes: nc.DefaultEnablePrivateNodes}
	}
	if c.GetPrivateClusterConfig().GetEnablePrivateNodes() {
		o.PrivateClusterConfig = &containerpb.PrivateClusterConfig{EnablePrivateNodes: true}
	}
	if name := c.GetIpAllocationPolicy().GetClusterSecondaryRangeName(); name != "" {
		o.IpAllocationPolicy = &containerpb.IPAllocationPolicy{ClusterSecondaryRangeName: name}
	}
	if c.GetAutopilot().GetEnabled() {
		o.Autopilot = &containerpb.Autopilot{Enabled: true}
	}
	if a := c.GetAutoscaling(); a != nil {
		o.Autoscaling = &containerpb.ClusterAutoscaling{EnableNodeAutoprovisioning: a.GetEnableNodeAutoprovisioning()}
		if a.GetDefaultComputeClassConfig().GetEnabled() {
			o.Autoscaling.DefaultComputeClassConfig = &containerpb.DefaultComputeClassConfig{Enabled: true}
		}
		if name := a.GetAutoprovisioningNodePoolDefaults().GetServiceAccount(); name != "" {
			o.Autoscaling.AutoprovisioningNodePoolDefaults = &containerpb.AutoprovisioningNodePoolDefaults{ServiceAccount: name}
		}
	}
	if endpoint := c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig().GetEndpoint(); endpoint != "" {
		o.ControlPlaneEndpointsConfig = &containerpb.ControlPlaneEndpointsConfig{
			DnsEndpointConfig: &containerpb.ControlPlaneEndpointsConfig_DNSEndpointConfig{Endpoint: endpoint}}
	}
	for _, np := range c.GetNodePools() {
		op := &containerpb.NodePool{
			Name:             np.GetName(),
			InitialNodeCount: np.GetInitialNodeCount(),
			Locations:        np.GetLocations(),
			Autoscaling:      np.GetAutoscaling(),
		}
		if name := np.GetConfig().GetServiceAccount(); name != "" {
			op.Config = &containerpb.NodeConfig{ServiceAccount: name}
		}
		if nc := np.GetNetworkConfig(); nc != nil {
			op.NetworkConfig = &containerpb.NodeNetworkConfig{EnablePrivateNodes: nc.EnablePrivateNodes, PodRange: nc.PodRange, Subnetwork: nc.Subnetwork}
		}
		o.NodePools = append(o.NodePools, op)
	}
	return o
}

func clustersLocation(resource string) (string, bool) {
	return Segment(resource, "locations"), strings.HasSuffix(resource, "/clusters")
}

// Clusters returns the clusters of all projects in the order of their resource
// names.
func (s *Snapshot) Clusters() []*Cluster {
	return s.indexed().clusters
}

// allClusters returns the clusters of all projects, and those with the others, each in
// the order of their names.
func (s *Snapshot) allClusters() (own, all []*Cluster) {
	var others []*Cluster
	for _, p := range s.Projects {
		for _, c := range p.Clusters {
			own = append(own, NewCluster(p.ID, c))
		}
		for _, c := range p.OtherClusters {
			others = append(others, NewCluster(p.ID, c))
		}
	}
	byName := func(a, b *Cluster) int { return strings.Compare(a.ResourceName(), b.ResourceName()) }
	slices.SortFunc(own, byName)
	if others == nil {
		return own, own
	}
	all = append(others, own...)
	slices.SortFunc(all, byName)
	return own, all
}

// Answerable reports whether any project's clusters were read: without, there is
// nothing to audit, which is not the same as an audit that finds nothing.
func (s *Snapshot) Answerable() bool { return s.Scope.Answerable(s.Gaps) }

// Answerable reports whether gaps leave the clusters of any project of the scope. Where
// there is no project at all, it reports whether any organization or folder could be
// searched. A scope without those, too, or a shard without projects, has nothing to
// answer.
func (sc Scope) Answerable(gaps []Gap) bool {
	if len(sc.Projects) == 0 {
		roots := sc.roots()
		return sc.Shard != nil || len(roots) == 0 || slices.ContainsFunc(roots, func(root string) bool {
			return !slices.ContainsFunc(gaps, func(g Gap) bool { return g.Resource == root+"/projects" })
		})
	}
	return slices.ContainsFunc(sc.Projects, func(id string) bool {
		return !slices.ContainsFunc(gaps, func(g Gap) bool {
			return g.Resource == "projects/"+id+"/locations/-/clusters"
		})
	})
}

// HidesClusters reports whether gaps hide clusters of the scope, or may.
func (sc Scope) HidesClusters(gaps []Gap) bool {
	return slices.ContainsFunc(gaps, func(g Gap) bool { return g.HidesProjects() || sc.hides(g) })
}

// hides reports whether a gap hides clusters of the scope's projects and locations.
func (sc Scope) hides(g Gap) bool {
	location, ok := clustersLocation(g.Resource)
	return ok && slices.Contains(sc.Projects, g.Project) && sc.IncludesLocation(location)
}

// roots are the organizations and folders that projects were looked for in.
func (sc Scope) roots() []string {
	var roots []string
	for _, number := range sc.Organizations {
		roots = append(roots, "organizations/"+number)
	}
	for _, number := range sc.Folders {
		roots = append(roots, "folders/"+number)
	}
	return roots
}
