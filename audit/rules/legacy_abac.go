package rules

import "gkeaudit/audit"

var legacyABAC = &audit.Rule{
	ID:       "legacy-abac",
	Title:    "Legacy authorization (ABAC) is off",
	Severity: audit.High,
	Weight:   "One compromised Pod is enough for the cluster: every Pod's service account may do nearly everything.",
	Since:    "0.1.0",
	Rationale: `Legacy authorization grants rights beside RBAC that no RBAC rule takes away. The
service accounts of pods, of nodes and of controllers then hold wide rights by
fixed policy, so that whoever takes over one pod has the cluster.`,
	Checks: `legacyAbac.enabled: true fails, false passes; the API leaves false out and gives an
empty message. Where legacyAbac itself is missing it is unknown, because whole
answers have it. Autopilot clusters cannot have it.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn legacy authorization off, after RBAC grants what workloads need", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-legacy-authorization`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  enable_legacy_abac = false
}`,
		Disruption: `Users and workloads that have no RBAC role for what they do are refused at once.
Nodes stay as they are.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
		{Title: "Best practices for GKE RBAC", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/best-practices/rbac"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.8.3"},
		{Framework: audit.CISGKE20, ID: "5.8.3"},
		{Framework: audit.SCC, ID: "LEGACY_AUTHORIZATION_ENABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.disableABAC"},
	},
	Check: audit.StandardOnly("Autopilot has no legacy authorization", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "legacyAbac.enabled"
		if c.GetLegacyAbac().GetEnabled() {
			return audit.Failf("legacy authorization is on").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		if c.GetLegacyAbac() == nil {
			return audit.Unknownf("whether legacy authorization is on is not said").Because(
				audit.Absent(c.ResourceName(), "legacyAbac", "the answer is not whole"))
		}
		return audit.Passf("legacy authorization is off").Because(audit.Absent(c.ResourceName(), field, "off, the default"))
	})),
}
