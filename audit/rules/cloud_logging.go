package rules

import "gkeaudit/audit"

var cloudLogging = &audit.Rule{
	ID:       "cloud-logging",
	Title:    "System logs go to Cloud Logging",
	Severity: audit.Medium,
	Weight:   "It hides an attack: the nodes that hold its traces are soon gone.",
	Since:    "0.1.0",
	Rationale: `Logs of nodes, of the kubelet and of the system's pods tell what happened in a
cluster. On the nodes they last only as long as the nodes; an attacker can delete
them there. Detectors, such as those of Security Command Center, see nothing of a
cluster without logs.`,
	Checks: `loggingConfig.componentConfig.enableComponents: with SYSTEM_COMPONENTS passes,
without it, or empty, fails; with a component that is not known instead it is
unknown. Where componentConfig is absent, as in old answers,
loggingService decides: logging.googleapis.com/kubernetes passes, none fails,
anything else is unknown. The logs of workloads and of the control plane are
another rule's matter.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Collect the logs of the system and of workloads (the list replaces what is set)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --logging=SYSTEM,WORKLOAD`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
  }
}`,
		Disruption: `None for workloads. The nodes' service account needs the right to write logs
(roles/container.defaultNodeServiceAccount has it), and logs beyond the free
allotment are charged for.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About GKE logs: available logs", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/about-logs#available-logs"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.7.1"},
		{Framework: audit.SCC, ID: "CLUSTER_LOGGING_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableCloudLogging"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		return loggingOf(c).judgeSystem(c)
	}),
}
