package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// attackLogs are the components of logging that tell of attacks, beside the system's.
var attackLogs = []string{"WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER"}

var loggingComponents = &audit.Rule{
	ID:       "logging-components",
	Title:    "Logs of workloads and of the control plane are collected",
	Severity: audit.Low,
	Weight:   "System logs and audit logs show that there was an attack; without these logs, understanding it costs more.",
	Optional: "These logs can be many and are charged for, and those of workloads are often gathered by other means.",
	Since:    "0.1.0",
	Rationale: `What an attacker did inside a container is in that container's output, and how the
cluster answered is in the logs of the API server, the scheduler and the
controllers. The control plane's logs are kept nowhere else: what was not
collected is lost.`,
	Checks: `loggingConfig.componentConfig.enableComponents has WORKLOADS, APISERVER, SCHEDULER
and CONTROLLER_MANAGER; what is missing fails, and is unknown beside a component
that this version of gkeaudit does not know. Where componentConfig is absent, as
in old answers, loggingService none fails, and anything else is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Collect them (the list replaces what is set)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --logging=SYSTEM,WORKLOAD,API_SERVER,SCHEDULER,CONTROLLER_MANAGER`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  logging_config {
    enable_components = [
      "SYSTEM_COMPONENTS", "WORKLOADS",
      "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER",
    ]
  }
}`,
		Disruption: `None for workloads. Logs beyond the free allotment are charged for.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About GKE logs: available logs", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/about-logs#available-logs"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		l := loggingOf(c)
		if !l.known && l.service != "none" {
			return audit.Unknownf("which components' logs are collected is not said").Because(l.evidence(c)...)
		}
		var missing []string
		for _, component := range attackLogs {
			if !slices.Contains(l.components, component) {
				missing = append(missing, component)
			}
		}
		if len(missing) > 0 && l.later != nil {
			return l.unknown(c)
		}
		if len(missing) > 0 {
			return audit.Failf("logs are not collected of %s", strings.Join(missing, ", ")).Because(l.evidence(c)...)
		}
		return audit.Passf("logs of workloads and of the control plane are collected").Because(l.evidence(c)...)
	}),
}
