package gcp

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// Collect reads what the scope asks for. It always returns a snapshot: what could
// not be read is among its gaps.
func (c *Client) Collect(ctx context.Context, scope audit.Scope, now time.Time) *audit.Snapshot {
	col := &collection{client: c, scope: scope, projects: map[string]*audit.Project{}}
	scope.Projects = append([]string{}, scope.Projects...)
	slices.Sort(scope.Projects)
	scope.Projects = slices.Compact(scope.Projects)
	for _, id := range scope.Projects {
		col.projects[id] = &audit.Project{ID: id}
	}

	var wg sync.WaitGroup
	for _, id := range scope.Projects {
		wg.Go(func() { col.clusters(ctx, col.projects[id]) })
	}
	wg.Wait()

	// Only now is it known which networks are in use, and in which regions.
	for id, regions := range col.networks() {
		p := col.projects[id]
		if p == nil {
			p = &audit.Project{ID: id}
			col.projects[id] = p
		}
		wg.Go(func() { col.subnetworks(ctx, p, regions) })
		wg.Go(func() { col.routers(ctx, p, regions) })
		wg.Go(func() { col.routes(ctx, p) })
	}
	wg.Wait()

	s := &audit.Snapshot{Time: now, Scope: scope, Gaps: audit.DistinctGaps(col.gaps)}
	for _, id := range slices.Sorted(maps.Keys(col.projects)) {
		s.Projects = append(s.Projects, col.projects[id])
	}
	return s
}

// A collection is one run of Collect.
type collection struct {
	client   *Client
	scope    audit.Scope
	projects map[string]*audit.Project

	mu   sync.Mutex
	gaps []audit.Gap
}

func (col *collection) gap(g audit.Gap) {
	col.mu.Lock()
	defer col.mu.Unlock()
	col.gaps = append(col.gaps, g)
}

// clusters reads the clusters of a project that are in scope.
func (col *collection) clusters(ctx context.Context, p *audit.Project) {
	parent := "projects/" + p.ID + "/locations/"
	var answer *containerpb.ListClustersResponse
	f, ok := col.client.call(ctx, listClusters, p.ID, func(ctx context.Context) (err error) {
		answer, err = col.client.clusters.ListClusters(ctx, &containerpb.ListClustersRequest{Parent: parent + "-"}, once)
		return err
	})
	if !ok {
		col.gap(f.gap(listClusters, p.ID, parent+"-/clusters"))
		return
	}
	p.Clusters = []*containerpb.Cluster{}
	for _, cluster := range answer.GetClusters() {
		cluster.Location = cmp.Or(cluster.Location, cluster.Zone)
		if !col.scope.Includes(audit.NewCluster(p.ID, cluster)) {
			continue
		}
		dropSecrets(cluster)
		p.Clusters = append(p.Clusters, cluster)
	}
	for _, zone := range answer.GetMissingZones() {
		zone = audit.LastSegment(zone)
		if !col.scope.IncludesLocation(zone) {
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
