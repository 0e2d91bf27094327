package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var securityPosture = &audit.Rule{
	ID:       "security-posture",
	Title:    "GKE looks workloads over for risky settings",
	Severity: audit.Low,
	Weight:   "It only reports, and what it reports can be found by other means.",
	Since:    "0.1.0",
	Rationale: `The security posture dashboard looks at workloads as they run and lists those with
risky settings, such as privileged containers, at no cost. That is a view into the
cluster that its configuration, and so gkeaudit, does not give.`,
	Checks: `securityPostureConfig.mode: BASIC passes, DISABLED fails. Absent, unspecified and
values that are not known are unknown, and so is ENTERPRISE, which Google no longer
supports: what is left of it is not documented. The vulnerabilityMode is not looked
at: its scanning is no longer supported either.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --security-posture=standard`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  security_posture_config {
    mode = "BASIC"
  }
}`,
		Disruption: `None.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About the security posture dashboard", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/about-security-posture-dashboard"},
		{Title: "Posture management deprecation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/deprecations/posture-management-deprecation"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.10.4"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.7.1"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "securityPostureConfig.mode"
		config := c.GetSecurityPostureConfig()
		mode := config.GetMode()
		evidence := audit.Evidence{Resource: c.ResourceName(), Field: field, Value: audit.EnumName(config, mode)}
		switch mode {
		case containerpb.SecurityPostureConfig_BASIC:
			return audit.Passf("workloads are looked over for risky settings").Because(evidence)
		case containerpb.SecurityPostureConfig_DISABLED:
			return audit.Failf("workloads are not looked over for risky settings").Because(evidence)
		case containerpb.SecurityPostureConfig_MODE_UNSPECIFIED:
			return audit.Unknownf("whether workloads are looked over for risky settings is not said").Because(
				audit.Absent(c.ResourceName(), field, "the default, which depends on the cluster's age and mode"))
		case containerpb.SecurityPostureConfig_ENTERPRISE:
			return audit.Unknownf("the mode is ENTERPRISE, which Google no longer supports").Because(evidence)
		}
		return audit.UnknownValue(evidence)
	}),
}
