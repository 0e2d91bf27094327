package rules

import (
	"slices"

	"gkeaudit/audit"
)

var clusterLocation = &audit.Rule{
	ID:       "cluster-location",
	Title:    "The cluster is where clusters may be",
	Severity: audit.Medium,
	Weight:   "A cluster in a region that nobody uses can hide an attack, and one in the wrong country can break the law.",
	Optional: "Only the owner knows where clusters may be; without allowed locations it says nothing.",
	Since:    "0.1.0",
	Rationale: `Data may be bound to a country, by law or by contract. And a cluster in a region
that is otherwise not used is a sign that somebody made it who was not supposed to,
for mining, for instance.`,
	Checks: `location, locations and autoscaling.autoprovisioningLocations of the cluster, and
locations of its node pools, against the allowed locations that are laid down (allowedLocations); a region takes in its zones.
All in them passes, any other fails. Where nothing is laid down it does not apply.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create another cluster where it may be, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location=LOCATION --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  location = "LOCATION"
}`,
		Disruption: `It is set for good when the cluster is made. Zones of nodes can be changed in place,
within the region: nodes are made and deleted.`,
		Recreates: audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Cluster availability choices", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/configuration-overview"},
	},
	Reads: []audit.Parameter{audit.AllowedLocations},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		name, allowed := c.ResourceName(), in.Parameters.AllowedLocations
		if len(allowed) == 0 {
			return audit.NotApplicablef("no allowed locations are laid down").Because(
				audit.Evidence{Resource: name, Field: "location", Value: c.GetLocation()})
		}
		var elsewhere []string
		var because []audit.Evidence
		look := func(resource, field string, locations ...string) {
			for _, l := range locations {
				if slices.Contains(allowed, l) || slices.Contains(allowed, audit.RegionOf(l)) {
					continue
				}
				because = append(because, audit.Evidence{Resource: resource, Field: field, Value: l})
				if !slices.Contains(elsewhere, l) {
					elsewhere = append(elsewhere, l)
				}
			}
		}
		look(name, "location", c.GetLocation())
		look(name, "locations", c.GetLocations()...)
		look(name, "autoscaling.autoprovisioningLocations", c.GetAutoscaling().GetAutoprovisioningLocations()...)
		for _, p := range c.GetNodePools() {
			look(name+"/nodePools/"+p.GetName(), "locations", p.GetLocations()...)
		}
		if len(elsewhere) > 0 {
			return audit.Failf("not an allowed location: %s", shorten(elsewhere)).Because(because...)
		}
		return audit.Passf("%s is an allowed location", c.GetLocation()).Because(
			audit.Evidence{Resource: name, Field: "location", Value: c.GetLocation()})
	}),
}
