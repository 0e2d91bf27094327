package gcp

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"

	container "cloud.google.com/go/container/apiv1"
	"cloud.google.com/go/container/apiv1/containerpb"
)

// Collect reads the clusters that the scope asks for and, for those, the given kinds of
// data. It always returns a snapshot: what could not be read is among its gaps.
func (c *Client) Collect(ctx context.Context, scope audit.Scope, data []audit.Data, now time.Time) *audit.Snapshot {
	col := newCollection(c, scope)
	scope.Projects = append([]string{}, scope.Projects...)
	slices.Sort(scope.Projects)
	scope.Projects = slices.Compact(scope.Projects)
	listed := slices.Clone(scope.Projects) // whose clusters are read
	if col.others = slices.Contains(data, audit.OtherClusters); col.others {
		listed = append(listed, scope.OtherProjects...)
	}
	scope.OtherProjects = nil
	for _, id := range listed {
		col.projects[id] = &audit.Project{ID: id}
	}

	tell := c.progress.count
	tell(func(p *Progress) { p.Projects = len(listed) })
	var wg sync.WaitGroup
	for _, id := range listed {
		wg.Go(func() {
			col.clusters(ctx, col.projects[id])
			tell(func(p *Progress) { p.ProjectsDone++; p.Clusters += len(col.projects[id].Clusters) })
		})
	}
	wg.Wait()
	col.decideDisabled()

	// Only now is it known which service accounts are in use, which networks, and in
	// which regions and locations.
	if slices.Contains(data, audit.ServerConfigs) {
		for location, projects := range col.locations() {
			wg.Go(func() { col.serverConfig(ctx, location, projects) })
		}
	}
	homes := col.homes(ctx, data)
	networks, firewalled := col.networks(), col.firewalled()
	tell(func(p *Progress) { p.Networks = len(networks) })
	for id, regions := range networks {
		p := col.projects[id]
		if p == nil {
			p = &audit.Project{ID: id}
			col.projects[id] = p
		}
		var lists sync.WaitGroup
		for kind, read := range map[audit.Data]func(){
			audit.Subnetworks: func() { col.subnetworks(ctx, p, regions) },
			audit.Routers:     func() { col.routers(ctx, p, regions) },
			audit.Routes:      func() { col.routes(ctx, p) },
			audit.Networks:    func() { col.vpcNetworks(ctx, p) },
			audit.Firewalls:   func() { col.firewalls(ctx, p, firewalled[id]) },
		} {
			if slices.Contains(data, kind) {
				lists.Go(read)
			}
		}
		wg.Go(func() {
			lists.Wait()
			tell(func(p *Progress) { p.NetworksDone++ })
		})
	}
	wg.Go(func() {
		col.iam(ctx, homes, data)
		if slices.Contains(data, audit.Roles) {
			col.roles(ctx)
		}
	})
	wg.Wait()
	for _, o := range col.offers { // only now, as others looked at the projects
		keepIn(col, &o.project.ServerConfigs, o.location, o.config)
	}
	if slices.Contains(data, audit.Firewalls) {
		col.moreFirewalls(ctx, firewalled)
	}

	s := col.snapshot()
	s.Time, s.Scope, s.Roles, s.Gaps = now, scope, col.predefined, audit.DistinctGaps(col.gaps)
	return s
}

// snapshot returns what was read, without the gaps.
func (col *collection) snapshot() *audit.Snapshot {
	s := &audit.Snapshot{}
	for _, id := range slices.Sorted(maps.Keys(col.projects)) {
		s.Projects = append(s.Projects, col.projects[id])
	}
	for _, name := range slices.Sorted(maps.Keys(col.ancestors)) {
		s.Ancestors = append(s.Ancestors, col.ancestors[name])
	}
	return s
}

func newCollection(c *Client, scope audit.Scope) *collection {
	col := &collection{client: c, scope: scope, own: map[string]bool{}, projects: map[string]*audit.Project{},
		ancestors: map[string]*audit.Ancestor{}, texts: map[string]string{}}
	for _, id := range scope.Projects {
		col.own[id] = true
	}
	return col
}

// A collection is one run of Collect.
type collection struct {
	client   *Client
	scope    audit.Scope
	own      map[string]bool // projects that are audited
	others   bool            // clusters that are not count, too
	projects map[string]*audit.Project

	mu         sync.Mutex
	ancestors  map[string]*audit.Ancestor
	predefined []audit.Role
	texts      map[string]string // of policies and roles
	gaps       []audit.Gap
	offers     []offer
	answered   bool // for any project
	undecided  []disabled
	off        map[string]bool // projects where GKE is off
}

// disabled is a project whose list of clusters was refused because GKE is off, and
// that may or may not be where it is off.
type disabled struct {
	project *audit.Project
	fault   fault
}

func (col *collection) gap(g audit.Gap) {
	col.mu.Lock()
	defer col.mu.Unlock()
	col.gaps = append(col.gaps, g)
	col.client.progress.count(func(p *Progress) { p.Gaps++ })
}

// clusters reads the clusters of a project that are in scope, and outlines of the others
// if they count.
func (col *collection) clusters(ctx context.Context, p *audit.Project) {
	parent := "projects/" + p.ID + "/locations/"
	answer, f, ok := col.client.listClusters(ctx, p.ID)
	if !ok {
		col.noClusters(ctx, p, f)
		return
	}
	col.mu.Lock()
	col.answered = true
	col.mu.Unlock()
	col.begin(p)
	seen := map[string]bool{}
	for _, cluster := range answer.GetClusters() {
		cluster.Location = cmp.Or(cluster.Location, cluster.Zone)
		name := cluster.GetLocation() + "/" + cluster.GetName()
		if strings.Count(name, "/") != 1 || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || seen[name] {
			col.gap(fault{code: "DATA_LOSS", reason: "MALFORMED_ANSWER",
				message: "a cluster in the answer has no name or no location, or is there twice"}.gap(listClusters, p.ID, parent+"-/clusters"))
			continue
		}
		seen[name] = true
		switch {
		case col.own[p.ID] && col.scope.Includes(audit.NewCluster(p.ID, cluster)):
			dropSecrets(cluster)
			p.Clusters = append(p.Clusters, cluster)
		case col.others:
			p.OtherClusters = append(p.OtherClusters, audit.Outline(cluster))
		}
	}
	for _, zone := range answer.GetMissingZones() {
		zone = audit.LastSegment(zone)
		if !col.others && !col.scope.IncludesLocation(zone) {
			continue
		}
		col.gap(audit.Gap{
			Project:   p.ID,
			Resource:  parent + zone + "/clusters",
			Operation: listClusters.name,
			Code:      "UNAVAILABLE",
			Reason:    audit.ReasonMissingZone,
			Message:   "the list of clusters may be missing those of the zone",
		})
	}
}

// begin makes the lists of a project's clusters: what is nil was not read.
func (col *collection) begin(p *audit.Project) {
	if col.own[p.ID] {
		p.Clusters = []*containerpb.Cluster{}
	}
	if col.others && (!col.own[p.ID] || len(col.scope.Locations) > 0 || len(col.scope.Clusters) > 0) {
		p.OtherClusters = []*containerpb.Cluster{}
	}
}

// noClusters says what it means that a project's list of clusters was refused. Where
// GKE is off in the project itself, it has none. Where it is off in the project that
// the calls are charged to, nothing is known of this one.
func (col *collection) noClusters(ctx context.Context, p *audit.Project, f fault) {
	if f.reason == "SERVICE_DISABLED" && f.consumer != "" {
		number, known := col.client.projectNumber(ctx, p.ID)
		switch {
		case f.consumer == p.ID, known && f.consumer == number:
			col.turnedOff(p)
			return
		case !known && (isNumber(f.consumer) || isNumber(p.ID)):
			col.mu.Lock()
			col.undecided = append(col.undecided, disabled{p, f})
			col.mu.Unlock()
			return
		}
	}
	col.gap(f.gap(listClusters, p.ID, clustersOf(p.ID)))
}

// decideDisabled decides what the projects' numbers did not. An answer for any other
// project shows that GKE is on wherever all calls might be charged to.
func (col *collection) decideDisabled() {
	for _, d := range col.undecided {
		if col.answered {
			col.turnedOff(d.project)
			continue
		}
		d.fault.message += "; whether that is the project itself could not be found out"
		col.gap(d.fault.gap(listClusters, d.project.ID, clustersOf(d.project.ID)))
	}
}

// turnedOff notes that GKE is off in a project, which therefore has no clusters.
func (col *collection) turnedOff(p *audit.Project) {
	col.begin(p)
	col.mu.Lock()
	defer col.mu.Unlock()
	if col.off == nil {
		col.off = map[string]bool{}
	}
	col.off[p.ID] = true
}

func clustersOf(project string) string { return "projects/" + project + "/locations/-/clusters" }

// An offer is what GKE offers in a location, as one project was told.
type offer struct {
	project  *audit.Project
	location string
	config   *containerpb.ServerConfig
}

// locations returns the projects that have clusters in each location, in the order of
// their IDs.
func (col *collection) locations() map[string][]*audit.Project {
	projects := map[string][]*audit.Project{}
	for _, p := range col.snapshot().Projects {
		for _, cluster := range p.Clusters {
			if location := cluster.GetLocation(); !slices.Contains(projects[location], p) {
				projects[location] = append(projects[location], p)
			}
		}
	}
	return projects
}

// mostAsked is how many projects are asked for the server config of one location. The
// list of clusters, which takes the same permission and API, has been read in each, so a
// refusal is rare; and where the first few refuse, the cause is most likely the caller's.
const mostAsked = 3

// serverConfig reads what GKE offers in a location, once in a run. The documentation says
// that versions are rolled out location by location; it does not mention projects, and the
// answer has no field about one. Sources: Version updates, in the GKE release notes,
// https://docs.cloud.google.com/kubernetes-engine/docs/release-notes; getServerConfig,
// which returns "configuration info about the Google Kubernetes Engine service",
// https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations/getServerConfig.
//
// The first of the projects is asked, and another one only if that one refuses: its
// permissions, its APIs and its quota are a project's own, while other faults would meet
// each project alike. If all refuse, the gap is the first one's, whatever the others say:
// what is missing there is enough.
func (col *collection) serverConfig(ctx context.Context, location string, projects []*audit.Project) {
	var first fault
	var others []string // that refused, too
	for i, p := range projects[:min(len(projects), mostAsked)] {
		answer := &containerpb.ServerConfig{}
		f, ok := col.client.call(ctx, getServerConfig, p.ID, func(ctx context.Context) error {
			return col.client.gke(ctx, answer, func(client *container.ClusterManagerClient) error {
				name := "projects/" + p.ID + "/locations/" + location
				_, err := client.GetServerConfig(ctx, &containerpb.GetServerConfigRequest{Name: name}, once)
				return err
			})
		})
		if ok {
			col.mu.Lock()
			defer col.mu.Unlock()
			col.offers = append(col.offers, offer{p, location, answer})
			return
		}
		if i == 0 {
			first = f
		} else {
			others = append(others, p.ID)
		}
		if !f.ofProject() {
			break
		}
	}
	if others != nil {
		first.message += "; " + strings.Join(others, ", ") + " gave no answer either"
	}
	id := projects[0].ID
	col.gap(first.gap(getServerConfig, id, "projects/"+id+"/locations/"+location+"/serverConfig"))
}

// keepIn puts an answer in a map that several calls fill.
func keepIn[M any](col *collection, m *map[string]M, key string, answer M) {
	col.mu.Lock()
	defer col.mu.Unlock()
	if *m == nil {
		*m = map[string]M{}
	}
	(*m)[key] = answer
}

// networks returns the projects that own networks of the clusters, and the
// regions in which clusters have subnetworks there.
func (col *collection) networks() map[string][]string {
	networks := map[string][]string{}
	for _, p := range col.projects {
		for _, cluster := range p.Clusters {
			c := audit.NewCluster(p.ID, cluster)
			for _, project := range c.NetworkProjects() {
				if _, ok := networks[project]; !ok {
					networks[project] = nil
				}
			}
			for _, sn := range c.SubnetworkNames() {
				if !slices.Contains(networks[sn.Project], sn.Region) {
					networks[sn.Project] = append(networks[sn.Project], sn.Region)
				}
			}
		}
	}
	for _, regions := range networks {
		slices.Sort(regions)
	}
	return networks
}
