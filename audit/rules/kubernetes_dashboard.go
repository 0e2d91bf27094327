package rules

import "gkeaudit/audit"

// noDashboard is the version of the control plane from which on there is no add-on of
// that kind. Source: AddonsConfig in the GKE API reference.
var noDashboard = audit.Version{Major: 1, Minor: 15}

var kubernetesDashboard = &audit.Rule{
	ID:       "kubernetes-dashboard",
	Title:    "The Kubernetes Dashboard add-on is off",
	Severity: audit.High,
	Weight:   "One compromised Pod that reaches the dashboard can use its service account, which may do nearly everything.",
	Obsolete: "GKE has no dashboard add-on since version 1.15 (AddonsConfig in the GKE API reference), and runs no version before it (GKE release schedule).",
	Since:    "0.1.0",
	Rationale: `The dashboard add-on of old ran with wide rights. Whoever reached it, from a pod or
because it was published by mistake, could use them. GKE 1.15 did away with it.`,
	Checks: `addonsConfig.kubernetesDashboard.disabled: true passes. Otherwise, from version 1.15
on, the question does not arise, whatever is left in the answer. Before that, a
kubernetesDashboard without it fails, because the API leaves false out, and none at
all is unknown, as is a version that cannot be read. A dashboard that somebody
installed in the cluster cannot be seen here.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn the add-on off", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --update-addons=KubernetesDashboard=DISABLED`},
			{Title: "Upgrade the control plane to a version that GKE supports", Commands: `gcloud container clusters upgrade {cluster} --master \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}; the provider has no argument for the add-on
  release_channel {
    channel = "REGULAR"
  }
}`,
		Disruption: `The dashboard goes away; the Google Cloud console shows the same. A zonal control
plane is away for some minutes while it is upgraded.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "AddonsConfig in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#addonsconfig"},
		{Title: "GKE release schedule", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/release-schedule"},
		{Title: "Google Cloud console dashboards for GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/dashboards"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.10.1"},
		{Framework: audit.SCC, ID: "WEB_UI_ENABLED"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "addonsConfig.kubernetesDashboard.disabled"
		addon := c.GetAddonsConfig().GetKubernetesDashboard()
		if addon.GetDisabled() {
			return audit.Passf("the dashboard add-on is off").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		version, running, ok := controlPlaneVersion(c)
		switch {
		case ok && version.AtLeast(noDashboard):
			return audit.NotApplicablef("GKE has no dashboard add-on from version 1.15 on").Because(running)
		case ok && addon != nil:
			return audit.Failf("the dashboard add-on is on").Because(
				audit.Absent(c.ResourceName(), field, "false, as addonsConfig.kubernetesDashboard is there"), running)
		}
		return audit.Unknownf("whether the dashboard add-on is on is not known").Because(
			audit.Absent(c.ResourceName(), field, "the default, which depends on the version"), running)
	}),
}
