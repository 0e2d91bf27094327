package rules

import (
	"strings"

	"gkeaudit/audit"
)

var nodePoolMultiZone = &audit.Rule{
	ID:       "node-pool-multi-zone",
	Title:    "Node pools have nodes in several zones",
	Severity: audit.Low,
	Weight:   "It is a matter of resilience: an outage of one zone takes all nodes of the node pool away.",
	Optional: "It is a matter of cost and need: traffic between zones is charged for, and some machines are to be had in one zone only.",
	Since:    "0.1.0",
	Rationale: `A node pool in one zone stands and falls with it. Pods that may run nowhere else, by
a node selector or for want of room, then do not run.`,
	Checks: `The locations of each node pool; where it names none, the cluster's. For node pools
that node auto-provisioning makes, autoscaling.autoprovisioningLocations, else the
cluster's locations. Two zones or more pass, one fails, none is unknown. On
Autopilot Google chooses the zones.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Give the node pool another zone", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --node-locations=ZONE,ZONE`},
			{For: audit.AutoProvisioning, Title: "Let auto-provisioning choose among several" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-autoprovisioning --autoprovisioning-locations=ZONE,ZONE \
    --autoprovisioning-service-account=ACCOUNT`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_locations = ["ZONE", "ZONE"]
}`,
		Disruption: `Nodes are added in each new zone, as many as the pool has in the others, and are
charged for. Persistent disks stay in their zone.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Cluster availability choices", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/configuration-overview"},
		{Title: "NodePool in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools"},
	},
	Check: audit.NotOnAutopilot("on Autopilot Google chooses the zones of nodes", audit.EachNodeSource(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		field, zones := "locations", n.Pool.GetLocations()
		if n.Pool == nil {
			field, zones = "autoscaling.autoprovisioningLocations", n.Cluster.GetAutoscaling().GetAutoprovisioningLocations()
		}
		because := []audit.Evidence{{Resource: n.ResourceName(), Field: field, Value: strings.Join(zones, ", ")}}
		if len(zones) == 0 {
			zones = n.Cluster.GetLocations()
			own := audit.Evidence{Resource: n.Cluster.ResourceName(), Field: "locations", Value: strings.Join(zones, ", ")}
			if len(zones) == 0 {
				own = audit.Absent(n.Cluster.ResourceName(), "locations", "the answer is not whole")
			}
			because = []audit.Evidence{audit.Absent(n.ResourceName(), field, "the cluster's locations hold"), own}
		}
		switch len(zones) {
		case 0:
			return audit.Unknownf("in which zones nodes are is not said").Because(because...)
		case 1:
			return audit.Failf("%s in zone %s alone", whose(n, "are", "are"), zones[0]).Because(because...)
		}
		return audit.Passf("%s in %d zones", whose(n, "are", "are"), len(zones)).Because(because...)
	})),
}
