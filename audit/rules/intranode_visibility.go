package rules

import "gkeaudit/audit"

var intranodeVisibility = &audit.Rule{
	ID:       "intranode-visibility",
	Title:    "The VPC network sees traffic between pods of one node",
	Severity: audit.Low,
	Weight:   "It gives an attacker no access; traffic between Pods of one node is missing from flow logs, which makes the response cost more.",
	Optional: "It matters only where flow logs or firewall rules look at pods, and makes flow logs longer and dearer.",
	Since:    "0.1.0",
	Rationale: `Traffic between pods of one node stays on the node. Flow logs do not have it, and
firewall rules do not judge it, so that a move from pod to pod on one node leaves no
trace there.`,
	Checks: `networkConfig.enableIntraNodeVisibility: true passes, false, which the API leaves
out, fails. Without networkConfig it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-intra-node-visibility`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  enable_intranode_visibility = true
}`,
		Disruption: `The control plane and all nodes restart.`,
		Recreates:  audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Set up intranode visibility", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/intranode-visibility"},
		{Title: "Cluster in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.1"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.4.1"},
		{Framework: audit.SCC, ID: "INTRANODE_VISIBILITY_DISABLED"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "networkConfig.enableIntraNodeVisibility"
		config := c.GetNetworkConfig()
		switch {
		case config == nil:
			return audit.Unknownf("whether intranode visibility is on is not said").Because(
				audit.Absent(c.ResourceName(), "networkConfig", "the answer is not whole"))
		case config.GetEnableIntraNodeVisibility():
			return audit.Passf("intranode visibility is on").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		return audit.Failf("intranode visibility is off").Because(audit.Absent(c.ResourceName(), field, "off, the default"))
	}),
}
