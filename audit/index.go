package audit

import (
	"slices"
	"sync"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
)

// index finds things in a snapshot by name.
type index struct {
	projects    map[string]*Project
	gaps        map[string]*Gap // by resource
	subnetworks map[SubnetworkName]*computepb.Subnetwork
	networks    map[NetworkName]*computepb.Network
	routers     map[[2]string][]*computepb.Router // by project and region
	clusters    []*Cluster                        // in the order of their names
	all         []*Cluster                        // those and the others, likewise
	estateGap   string                            // see EstateGap

	memos sync.Map // see Memo

	loadsOnce  sync.Once
	natLoads   natLoads
	clusterGap *Gap                  // the first that hides clusters
	offers     map[string]*Project   // the first that tells what GKE offers, by location
	refusals   map[string]*Gap       // the first that hides it, likewise
	numbers    map[string]string     // of projects, by ID
	ids        map[string]string     // of projects, by number
	numberedBy map[string]Evidence   // what tells the number of a project, by ID, where that is a cluster of it
	ancestors  map[string]*Ancestor  // by name
	roles      map[string]*Role      // by name
	byAccount  map[string]*byAccount // by project

	// Clusters with default accounts in doubt, see MayShare: the first two of each kind.
	unnumbered, unnamed []*Cluster

	users map[string][]*Cluster // of nodes' service accounts, by resource name

	nodesAccounts map[string]string // see NodesAccount, by cluster
}

func (s *Snapshot) indexed() *index {
	s.once.Do(func() {
		ix := &index{
			projects:    map[string]*Project{},
			gaps:        map[string]*Gap{},
			subnetworks: map[SubnetworkName]*computepb.Subnetwork{},
			networks:    map[NetworkName]*computepb.Network{},
			routers:     map[[2]string][]*computepb.Router{},
			numbers:     map[string]string{},
			ids:         map[string]string{},
			numberedBy:  map[string]Evidence{},
			ancestors:   map[string]*Ancestor{},
			roles:       map[string]*Role{},
			byAccount:   map[string]*byAccount{},
			users:       map[string][]*Cluster{},
			offers:      map[string]*Project{},
			refusals:    map[string]*Gap{},
		}
		ix.clusters, ix.all = s.allClusters()
		ix.estateGap = s.estateGap()
		for _, p := range s.Projects {
			ix.projects[p.ID] = p
			ix.byAccount[p.ID] = newByAccount(p)
			for _, sn := range p.Subnetworks {
				ix.subnetworks[SubnetworkName{p.ID, regionOfResource(sn.GetRegion(), sn.GetSelfLink()), sn.GetName()}] = sn
			}
			for _, n := range p.Networks {
				ix.networks[NetworkName{p.ID, n.GetName()}] = n
			}
			for location := range p.ServerConfigs {
				if ix.offers[location] == nil {
					ix.offers[location] = p
				}
			}
			for _, r := range p.Routers {
				key := [2]string{p.ID, regionOfResource(r.GetRegion(), r.GetSelfLink())}
				ix.routers[key] = append(ix.routers[key], r)
			}
		}
		for i := range s.Gaps {
			if g := &s.Gaps[i]; ix.gaps[g.Resource] == nil {
				ix.gaps[g.Resource] = g
			}
			if g := &s.Gaps[i]; g.hidesServerConfig() {
				if location := Segment(g.Resource, "locations"); ix.refusals[location] == nil {
					ix.refusals[location] = g
				}
			}
			if g := &s.Gaps[i]; ix.clusterGap == nil && (LastSegment(g.Resource) == "clusters" || g.HidesProjects()) {
				ix.clusterGap = g
			}
		}
		ix.addNumbers(s)
		ix.addRoles(s)
		for _, c := range ix.all {
			accounts, _ := ix.nodeAccounts(c)
			for _, a := range accounts {
				ix.users[a.ResourceName()] = append(ix.users[a.ResourceName()], c)
				if a.unnumbered() && len(ix.unnumbered) < 2 && !slices.Contains(ix.unnumbered, c) {
					ix.unnumbered = append(ix.unnumbered, c)
				}
				if ix.unnamedDefault(a) && len(ix.unnamed) < 2 && !slices.Contains(ix.unnamed, c) {
					ix.unnamed = append(ix.unnamed, c)
				}
			}
		}
		ix.nodesAccounts = ix.freeNodesAccounts()
		s.index = ix
	})
	return s.index
}

// release leaves the clusters' messages to the index alone. What rules ask of all
// clusters together is made before: it needs the messages.
func (s *Snapshot) release() {
	s.allNATLoads()
	for _, p := range s.Projects {
		if p.Clusters != nil {
			p.Clusters = []*containerpb.Cluster{}
		}
		if p.OtherClusters != nil {
			p.OtherClusters = []*containerpb.Cluster{}
		}
	}
	ix, own := s.indexed(), 0
	for _, c := range ix.all {
		if own < len(ix.clusters) && c == ix.clusters[own] {
			own++
			continue
		}
		*c = Cluster{Project: c.Project, name: c.name}
	}
	ix.all = ix.clusters
}

// Memo returns what make returns, which is called once for a snapshot and key: for what
// is the same for many clusters. The key's type keeps those of different callers apart.
func Memo[T any](s *Snapshot, key any, make func() T) T {
	once, ok := s.indexed().memos.Load(key)
	if !ok {
		once, _ = s.indexed().memos.LoadOrStore(key, sync.OnceValue(make))
	}
	return once.(func() T)()
}

func (ix *index) addNumbers(s *Snapshot) {
	add := func(id, number string) {
		if number != "" && ix.numbers[id] == "" {
			ix.numbers[id], ix.ids[number] = number, id
		}
	}
	for _, p := range s.Projects {
		add(p.ID, p.Number)
	}
	for _, c := range ix.all {
		number, evidence := c.projectNumber()
		if evidence != (Evidence{}) && ix.numbers[c.Project] == "" {
			ix.numberedBy[c.Project] = evidence
		}
		add(c.Project, number)
	}
}

func (ix *index) addRoles(s *Snapshot) {
	for _, a := range s.Ancestors {
		ix.ancestors[a.Name] = a
		for i := range a.CustomRoles {
			ix.roles[a.CustomRoles[i].Name] = &a.CustomRoles[i]
		}
	}
	for _, p := range s.Projects {
		for i := range p.CustomRoles {
			ix.roles[p.CustomRoles[i].Name] = &p.CustomRoles[i]
		}
	}
	for i := range s.Roles {
		ix.roles[s.Roles[i].Name] = &s.Roles[i]
	}
}

// project returns the project, or an empty one where the snapshot has none.
func (ix *index) project(id string) *Project {
	if p := ix.projects[id]; p != nil {
		return p
	}
	return &Project{ID: id}
}

// regionOfResource reads the region of a regional resource from its region
// field, which holds a link, or else from its own link.
func regionOfResource(region, selfLink string) string {
	if region != "" {
		return LastSegment(region)
	}
	return Segment(selfLink, "regions")
}

// Subnetwork returns a subnetwork. Where it was not read, it returns the gap
// that hides it; where its project was read and does not list it, neither.
func (s *Snapshot) Subnetwork(name SubnetworkName) (*computepb.Subnetwork, *Gap) {
	ix := s.indexed()
	if sn := ix.subnetworks[name]; sn != nil {
		return sn, nil
	}
	p := ix.project(name.Project)
	return nil, s.regionalGap(p, "subnetworks", name.Region, p.Subnetworks == nil, p.SubnetworkRegions)
}

// NetworkOf returns the network of a subnetwork. The cluster names that of its own
// subnetwork; a node pool in another one may be in another network, which only the
// subnetwork tells. It reports false where that was not read or names none.
func (s *Snapshot) NetworkOf(c *Cluster, name SubnetworkName) (NetworkName, bool) {
	subnetwork, gap := s.Subnetwork(name)
	if subnetwork != nil {
		network, ok := ParseNetwork(subnetwork.GetNetwork())
		network.Project = name.Project // the one that was asked for, be it ID or number
		return network, ok
	}
	if own, _ := ParseSubnetwork(c.GetNetworkConfig().GetSubnetwork()); gap != nil && own == name {
		return c.Network()
	}
	return NetworkName{}, false
}

// Routers returns the Cloud Routers that were read of a project's region, and
// the gap that hides others.
func (s *Snapshot) Routers(project, region string) ([]*computepb.Router, *Gap) {
	ix := s.indexed()
	p := ix.project(project)
	// Routers that do not say their region may be in any.
	routers := slices.Concat(ix.routers[[2]string{project, region}], ix.routers[[2]string{project, ""}])
	return routers, s.regionalGap(p, "routers", region, p.Routers == nil, p.RouterRegions)
}

// AllRouters returns the Cloud Routers that were read of all regions of a
// project, and a gap that hides others.
func (s *Snapshot) AllRouters(project string) ([]*computepb.Router, *Gap) {
	ix := s.indexed()
	p := ix.project(project)
	if g := s.regionalGap(p, "routers", "", p.Routers == nil, p.RouterRegions); g != nil {
		return p.Routers, g
	}
	for i := range s.Gaps {
		g := &s.Gaps[i]
		if g.Project == project && LastSegment(g.Resource) == "routers" {
			return p.Routers, g
		}
	}
	return p.Routers, nil
}

// Routes returns the routes that were read of a project's networks, and the gap
// that hides others.
func (s *Snapshot) Routes(project string) ([]*computepb.Route, *Gap) {
	ix := s.indexed()
	p := ix.project(project)
	resource := "projects/" + project + "/global/routes"
	if g := ix.gaps[resource]; g != nil {
		return p.Routes, g
	}
	if p.Routes == nil {
		return nil, notRead(project, resource, "compute.routes.list")
	}
	return p.Routes, nil
}

// Network returns a VPC network. Where it was not read, it returns the gap that hides
// it; where its project was read and does not list it, neither.
func (s *Snapshot) Network(name NetworkName) (*computepb.Network, *Gap) {
	ix := s.indexed()
	if n := ix.networks[name]; n != nil {
		return n, nil
	}
	resource := "projects/" + name.Project + "/global/networks"
	if ix.project(name.Project).Networks == nil || ix.gaps[resource] != nil {
		return nil, s.gapOf(name.Project, resource, "compute.networks.list")
	}
	return nil, nil
}

// EffectiveFirewalls returns what is in force on a network in a region, or the gap that
// hides it.
func (s *Snapshot) EffectiveFirewalls(name NetworkName, region string) (*EffectiveFirewalls, *Gap) {
	if f := s.indexed().project(name.Project).EffectiveFirewalls[region+"/"+name.ID]; f != nil {
		return f, nil
	}
	return nil, s.gapOf(name.Project, "projects/"+name.Project+"/regions/"+region+"/networks/"+name.ID+"/effectiveFirewalls",
		"compute.regionNetworkFirewallPolicies.getEffectiveFirewalls")
}

// ServerConfig returns what GKE offers in a location of a project's clusters and the name
// of the resource that tells it, or the gap that hides it. What was read of the project
// itself comes first. But a location is asked about once in a run: what another project
// was told, or refused, holds for all.
func (s *Snapshot) ServerConfig(project, location string) (*containerpb.ServerConfig, string, *Gap) {
	ix := s.indexed()
	name := serverConfigName(project, location)
	told, refused := ix.offers[location], ix.refusals[location]
	switch {
	case ix.project(project).ServerConfigs[location] != nil:
		return ix.project(project).ServerConfigs[location], name, nil
	case ix.gaps[name] != nil:
		return nil, "", ix.gaps[name]
	case told != nil:
		return told.ServerConfigs[location], serverConfigName(told.ID, location), nil
	case refused != nil:
		return nil, "", refused
	}
	return nil, "", notRead(project, name, "container.projects.locations.getServerConfig")
}

func serverConfigName(project, location string) string {
	return "projects/" + project + "/locations/" + location + "/serverConfig"
}

// gapOf returns the gap of a resource that was not read.
func (s *Snapshot) gapOf(project, resource, operation string) *Gap {
	if g := s.indexed().gaps[resource]; g != nil {
		return g
	}
	return notRead(project, resource, operation)
}

// regionalGap returns the gap that hides resources of a region, if any. An empty
// region stands for all of them.
func (s *Snapshot) regionalGap(p *Project, kind, region string, unread bool, regions []string) *Gap {
	ix := s.indexed()
	if g := ix.gaps["projects/"+p.ID+"/regions/"+region+"/"+kind]; g != nil {
		return g
	}
	aggregated := "projects/" + p.ID + "/aggregated/" + kind
	if g := ix.gaps[aggregated]; g != nil && !slices.Contains(regions, region) {
		return g
	}
	if unread || regions != nil && !slices.Contains(regions, region) {
		return notRead(p.ID, aggregated, "compute."+kind+".aggregatedList")
	}
	return nil
}

func notRead(project, resource, operation string) *Gap {
	return &Gap{
		Project:   project,
		Resource:  resource,
		Operation: operation,
		Code:      "UNKNOWN",
		Reason:    ReasonNotRead,
		Message:   "the snapshot holds neither this list nor a reason why it is missing",
	}
}
