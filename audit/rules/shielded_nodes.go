package rules

import "gkeaudit/audit"

var shieldedNodes = &audit.Rule{
	ID:       "shielded-nodes",
	Title:    "Nodes prove their identity as Shielded GKE Nodes",
	Severity: audit.High,
	Weight:   "One compromised Pod that gets a node's bootstrap credentials can pose as a node and read the Secrets of the cluster's Pods.",
	Since:    "0.1.0",
	Rationale: `Without Shielded GKE Nodes the control plane takes whoever holds a node's bootstrap
credentials for that node. A pod that gets hold of them can pose as a node, and read
the secrets that pods of the cluster use.`,
	Checks: `The cluster's shieldedNodes.enabled. True passes; false, which the API leaves out
of the message, fails. Where shieldedNodes itself is missing it is unknown: whole answers
have it, and empty where the feature is off. Autopilot clusters always have it.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn on Shielded GKE Nodes", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-shielded-nodes`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  enable_shielded_nodes = true
}`,
		Disruption: `All nodes are made anew, by the upgrade strategy of their node pools. Instances that
were not made by a node pool can no longer join the cluster.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Using Shielded GKE Nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.5"},
		{Framework: audit.SCC, ID: "CLUSTER_SHIELDED_NODES_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableShieldedNodes"},
	},
	Check: audit.StandardOnly("Autopilot always uses Shielded GKE Nodes", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		if c.GetShieldedNodes() == nil {
			return audit.Unknownf("whether Shielded GKE Nodes are on is not said").Because(
				audit.Absent(c.ResourceName(), "shieldedNodes", "the answer is not whole"))
		}
		on := c.GetShieldedNodes().GetEnabled()
		evidence := plainBool(c.ResourceName(), "shieldedNodes.enabled", on, "Shielded GKE Nodes are off")
		if on {
			return audit.Passf("Shielded GKE Nodes are on").Because(evidence)
		}
		return audit.Failf("Shielded GKE Nodes are off").Because(evidence)
	})),
}
