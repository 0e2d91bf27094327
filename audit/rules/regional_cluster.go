package rules

import (
	"regexp"

	"gkeaudit/audit"
)

var regionalCluster = &audit.Rule{
	ID:       "regional-cluster",
	Title:    "The control plane runs in several zones",
	Severity: audit.Low,
	Weight:   "It is a matter of resilience: an outage of one zone, or an upgrade, takes the Kubernetes API away.",
	Optional: "It is a matter of cost and need: what may stand still for a while does well in one zone.",
	Since:    "0.1.0",
	Rationale: `A zonal cluster has one control plane in one zone. While that zone is down, and
while the control plane is upgraded, nothing can be deployed, scaled or healed.`,
	Checks: `location: a region passes, a zone fails, anything else is unknown. Autopilot
clusters are always regional.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create another cluster in a region, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={region} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  location = "{region}"
}`,
		Disruption: `It is set for good when the cluster is made. A regional cluster has nodes in three
zones if nothing else is said, each with as many nodes as were asked for, and
traffic between zones is charged for.`,
		Recreates: audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Cluster availability choices", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/configuration-overview"},
		{Title: "Regional clusters", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters"},
	},
	Check: audit.StandardOnly("Autopilot clusters are always regional", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		location := c.GetLocation()
		evidence := audit.Evidence{Resource: c.ResourceName(), Field: "location", Value: location}
		switch {
		case zoneForm.MatchString(location):
			return audit.Failf("the control plane runs in zone %s alone", location).Because(evidence)
		case regionForm.MatchString(location):
			return audit.Passf("the control plane runs in several zones of %s", location).Because(evidence)
		}
		return audit.Unknownf("%q is neither a region nor a zone", location).Because(evidence)
	})),
}

// Names of regions and zones: europe-west4, europe-west4-a, us-central1-ai1a, and in other
// universes u-france-east1 and u-france-east1-a. Sources: see [audit.RegionOf].
var (
	regionForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)+[0-9]+$`)
	zoneForm   = regexp.MustCompile(`^[a-z]+(-[a-z]+)+[0-9]+-[a-z0-9]+$`)
)
