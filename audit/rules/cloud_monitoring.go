package rules

import "gkeaudit/audit"

var cloudMonitoring = &audit.Rule{
	ID:       "cloud-monitoring",
	Title:    "System metrics go to Cloud Monitoring",
	Severity: audit.Low,
	Weight:   "Metrics show that something is wrong, such as nodes that mine for someone else, but seldom what; without them the response costs more.",
	Optional: "Metrics serve operation more than security, and many estates gather them by other means.",
	Since:    "0.1.0",
	Rationale: `Without metrics nobody is alerted when nodes run hot, disks fill up or the control
plane stops answering. Misuse of a cluster for mining or for attacks on others is
often first seen in them.`,
	Checks: `monitoringConfig.componentConfig.enableComponents: with SYSTEM_COMPONENTS passes,
without it, or empty, fails; with a component that is not known instead it is
unknown. Where componentConfig is absent, as in old answers,
monitoringService decides: monitoring.googleapis.com/kubernetes passes, none fails,
anything else is unknown. Managed collection for Prometheus alone does not count.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Collect the metrics of the system (the list replaces what is set)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --monitoring=SYSTEM`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]
  }
}`,
		Disruption: `None for workloads. The nodes' service account needs the right to write metrics
(roles/container.defaultNodeServiceAccount has it). System metrics are free of
charge, other ones are not.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Configure metrics collection: available metrics", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/configure-metrics#available-metrics"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.7.1"},
		{Framework: audit.SCC, ID: "CLUSTER_MONITORING_DISABLED"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		return monitoringOf(c).judgeSystem(c)
	}),
}
