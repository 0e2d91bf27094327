package rules

import "gkeaudit/audit"

var nodePoolAutoscaling = &audit.Rule{
	ID:       "node-pool-autoscaling",
	Title:    "Node pools grow and shrink with their load",
	Severity: audit.Low,
	Weight:   "It is a matter of cost and resilience: a node pool of fixed size is idle or overloaded.",
	Optional: "It is a matter of taste and cost: some pools are to have a fixed size.",
	Since:    "0.1.0",
	Rationale: `A node pool of fixed size has no room when load grows or nodes fail, and costs as
much when there is no load.`,
	Checks: `autoscaling.enabled of each node pool: true passes, false, which the API leaves out,
fails. Node pools that node auto-provisioning makes have it always, and on Autopilot
there is nothing to choose.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Let the node pool grow and shrink", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} \
    --enable-autoscaling --min-nodes=MIN --max-nodes=MAX`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  autoscaling {
    min_node_count = 1
    max_node_count = 5
  }
}`,
		Disruption: `Nodes that are not needed are drained, and pods on them are moved.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Autoscaling a cluster", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/cluster-autoscaler"},
		{Title: "About cluster autoscaling", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/cluster-autoscaler"},
	},
	Check: audit.StandardOnly("on Autopilot Google decides how many nodes there are", audit.EachNodeSource(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		const field = "autoscaling.enabled"
		switch {
		case n.Pool == nil:
			return audit.NotApplicablef("auto-provisioned node pools always grow and shrink")
		case n.Pool.GetAutoscaling().GetEnabled():
			return audit.Passf("the node pool grows and shrinks").Because(audit.Evidence{Resource: n.ResourceName(), Field: field, Value: "true"})
		}
		return audit.Failf("the node pool has a fixed size").Because(audit.Absent(n.ResourceName(), field, "off, the default"))
	})),
}
