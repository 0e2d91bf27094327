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

	// Projects holds the audited projects and those that own the networks of
	// their clusters (the host projects of Shared VPC), each once, in the order
	// of their IDs.
	Projects []*Project

	// Gaps is what could not be read.
	Gaps []Gap

	once  sync.Once
	index *index
}

// Scope is what an audit was asked to look at. Empty lists do not narrow.
type Scope struct {
	// Projects are the IDs (or numbers) of the audited projects. A host project
	// that is read for its network alone is not among them.
	Projects []string `json:"projects"`

	// Locations are regions and zones; a region takes in its zones.
	Locations []string `json:"locations,omitempty"`

	// Clusters are cluster names, or relative resource names.
	Clusters []string `json:"clusters,omitempty"`

	// Shard is which part of the scope this is; nil for the whole. A part may
	// have no projects.
	Shard *Shard `json:"shard,omitempty"`
}

// A Project is what was read of one project.
type Project struct {
	ID string

	// Clusters are the project's clusters, of all locations.
	Clusters []*containerpb.Cluster

	// Subnetworks, Routers and Routes are those of all the project's networks.
	// Nil means that the list was not read; an empty list was read and is empty.
	Subnetworks []*computepb.Subnetwork
	Routers     []*computepb.Router
	Routes      []*computepb.Route

	// SubnetworkRegions and RouterRegions name the regions that were read one by
	// one because the list of all regions failed. Nil means that all were read.
	SubnetworkRegions []string
	RouterRegions     []string
}

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

// Narrow returns a snapshot of what the scope includes of s: its projects (all
// where its list is nil) without the clusters that are out of scope, and without
// the gaps that hide nothing in scope. Host projects stay.
func (s *Snapshot) Narrow(sc Scope) *Snapshot {
	if sc.Projects == nil {
		sc.Projects = s.Scope.Projects
	}
	if sc.Locations == nil {
		sc.Locations = s.Scope.Locations
	}
	if sc.Clusters == nil {
		sc.Clusters = s.Scope.Clusters
	}
	sc.Projects = append([]string{}, sc.Projects...)
	slices.Sort(sc.Projects)
	sc.Projects = slices.Compact(sc.Projects)
	sc.Shard = cmp.Or(sc.Shard, s.Scope.Shard)
	n := &Snapshot{Time: s.Time, Scope: sc}
	hosts := map[string]bool{}
	for _, p := range s.Projects {
		p := *p
		all := p.Clusters
		p.Clusters = nil
		for _, c := range all {
			c := NewCluster(p.ID, c)
			if slices.Contains(sc.Projects, p.ID) && sc.Includes(c) {
				p.Clusters = append(p.Clusters, c.Cluster)
				for _, host := range c.NetworkProjects() {
					hosts[host] = true
				}
			}
		}
		n.Projects = append(n.Projects, &p)
	}
	n.Projects = slices.DeleteFunc(n.Projects, func(p *Project) bool {
		return !hosts[p.ID] && !slices.Contains(sc.Projects, p.ID)
	})
	for _, g := range s.Gaps {
		if location, ok := clustersLocation(g.Resource); ok {
			if slices.Contains(sc.Projects, g.Project) && sc.IncludesLocation(location) {
				n.Gaps = append(n.Gaps, g)
			}
		} else if hosts[g.Project] {
			n.Gaps = append(n.Gaps, g)
		}
	}
	return n
}

func clustersLocation(resource string) (string, bool) {
	return Segment(resource, "locations"), strings.HasSuffix(resource, "/clusters")
}

// Clusters returns the clusters of all projects in the order of their resource
// names.
func (s *Snapshot) Clusters() []*Cluster {
	return s.indexed().clusters
}

func (s *Snapshot) allClusters() []*Cluster {
	var cs []*Cluster
	for _, p := range s.Projects {
		for _, c := range p.Clusters {
			cs = append(cs, NewCluster(p.ID, c))
		}
	}
	slices.SortFunc(cs, func(a, b *Cluster) int {
		return strings.Compare(a.ResourceName(), b.ResourceName())
	})
	return cs
}

// Answerable reports whether any project's clusters were read: without, there is
// nothing to audit, which is not the same as an audit that finds nothing.
func (s *Snapshot) Answerable() bool { return s.Scope.Answerable(s.Gaps) }

// Answerable reports whether gaps leave the clusters of any project of the scope. One
// without projects, as a shard may be, has nothing to answer.
func (sc Scope) Answerable(gaps []Gap) bool {
	if len(sc.Projects) == 0 {
		return true
	}
	return slices.ContainsFunc(sc.Projects, func(id string) bool {
		return !slices.ContainsFunc(gaps, func(g Gap) bool {
			return g.Resource == "projects/"+id+"/locations/-/clusters"
		})
	})
}
