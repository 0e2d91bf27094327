package rules

import "gkeaudit/audit"

var httpLoadBalancing = &audit.Rule{
	ID:       "http-load-balancing",
	Title:    "The add-on for HTTP load balancing is on",
	Severity: audit.Low,
	Weight:   "It exposes nothing; without it, Ingress and Gateway objects create no load balancers.",
	Optional: "Clusters that publish nothing, or by other means, do not need it.",
	Since:    "0.1.0",
	Rationale: `Without the add-on GKE makes no Application Load Balancers for Ingress objects, and
what comes with them, such as Google-managed certificates and Cloud Armor, is not to
be had.`,
	Checks: `addonsConfig.httpLoadBalancing.disabled: true fails; false and absent, which is on,
pass. Without addonsConfig it is unknown. On Autopilot it is always on.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --update-addons=HttpLoadBalancing=ENABLED`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  addons_config {
    http_load_balancing {
      disabled = false
    }
  }
}`,
		Disruption: `None for running workloads. Ingress objects that are there already get load
balancers, which are charged for.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Configure Ingress for external Application Load Balancers", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/load-balance-ingress"},
		{Title: "Cluster in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters"},
	},
	Check: audit.StandardOnly("on Autopilot HTTP load balancing is always on", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "addonsConfig.httpLoadBalancing.disabled"
		addons := c.GetAddonsConfig()
		switch {
		case addons == nil:
			return audit.Unknownf("whether HTTP load balancing is on is not said").Because(
				audit.Absent(c.ResourceName(), "addonsConfig", "the answer is not whole"))
		case addons.GetHttpLoadBalancing().GetDisabled():
			return audit.Failf("HTTP load balancing is off").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		return audit.Passf("HTTP load balancing is on").Because(audit.Absent(c.ResourceName(), field, "on, the default"))
	})),
}
