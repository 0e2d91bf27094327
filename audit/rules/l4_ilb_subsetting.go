package rules

import "gkeaudit/audit"

// alwaysSubsets is the version of the control plane from which on subsetting is active
// whatever the flag says. Source: Create an internal load balancer, in the GKE
// documentation.
var alwaysSubsets = audit.Version{Major: 1, Minor: 36}

var l4ILBSubsetting = &audit.Rule{
	ID:       "l4-ilb-subsetting",
	Title:    "Internal load balancers choose among all nodes",
	Severity: audit.Low,
	Weight:   "It is a matter of scale: without it an internal load balancer knows 250 nodes at most.",
	Optional: "It matters only to clusters with internal load balancers and more than 250 nodes.",
	Since:    "0.1.0",
	Rationale: `Without subsetting an internal passthrough load balancer has all nodes of the
cluster in one group, of which 250 at most get traffic. Beyond that, Services with
the local traffic policy may lose it. It cannot be turned off again.`,
	Checks: `networkConfig.enableL4ilbSubsetting: true passes. Otherwise, from version 1.36 of the
control plane on, the question does not arise: subsetting is always on, whatever the
field says. Before that, false, which the API leaves out, fails. Without
networkConfig, or a version that can be read, it is unknown. How many nodes there are
is not looked at.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-l4-ilb-subsetting`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  enable_l4_ilb_subsetting = true
}`,
		Disruption: `Existing Services keep their load balancers; new ones use subsetting.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Create an internal load balancer", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/internal-load-balancing"},
		{Title: "Cluster in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "networkConfig.enableL4ilbSubsetting"
		config := c.GetNetworkConfig()
		if config.GetEnableL4IlbSubsetting() {
			return audit.Passf("internal load balancers use subsetting").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		version, running, ok := controlPlaneVersion(c)
		switch {
		case ok && version.AtLeast(alwaysSubsets):
			return audit.NotApplicablef("internal load balancers always use subsetting from version 1.36 on").Because(running)
		case ok && config != nil:
			return audit.Failf("internal load balancers do not use subsetting").Because(audit.Absent(c.ResourceName(), field, "off"), running)
		}
		return audit.Unknownf("whether internal load balancers use subsetting is not known").Because(
			audit.Absent(c.ResourceName(), field, "off, or not said"), running)
	}),
}
