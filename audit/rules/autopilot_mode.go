package rules

import "gkeaudit/audit"

var autopilotMode = &audit.Rule{
	ID:       "autopilot-mode",
	Title:    "The cluster is an Autopilot cluster",
	Severity: audit.Low,
	Weight:   "A Standard cluster can be as secure; it has more settings to get wrong.",
	Optional: "Which mode fits is a choice of how much of the nodes one wants to run, and it is made for good with the cluster.",
	Since:    "0.1.0",
	Rationale: `On Autopilot Google runs the nodes: secure boot, Workload Identity Federation, node
upgrades and a hardened image cannot be turned off, and pods with too many rights are
refused. On Standard each of these is somebody's to remember.`,
	Checks: `The cluster's autopilot.enabled. True passes; false, which the API leaves out, fails.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create an Autopilot cluster, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  enable_autopilot = true
}`,
		Disruption: `All workloads move to another cluster. Those that need privileges on their nodes may not
run there.`,
		Recreates: audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Autopilot overview", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/autopilot-overview"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		evidence := plainBool(c.ResourceName(), "autopilot.enabled", c.Autopilot(), "a Standard cluster")
		if c.Autopilot() {
			return audit.Passf("Google runs the nodes (Autopilot)").Because(evidence)
		}
		return audit.Failf("the nodes are run by the cluster's owner (Standard)").Because(evidence)
	}),
}
