package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var controlPlaneEgress = &audit.Rule{
	ID:       "control-plane-egress",
	Title:    "The API server has no way out to the internet",
	Severity: audit.Low,
	Weight:   "An attacker first needs the right to configure webhooks, or a flaw in the API server, to send data out this way.",
	Optional: "Admission webhooks that run outside of the cluster, and clusters with privately used public addresses, stop working without that way out.",
	Since:    "0.1.0",
	Rationale: `The API server calls admission webhooks by any URL that they are configured with.
Whoever may configure one can have every object that is written, secrets among
them, sent to a server of theirs; firewall rules of the network do not see it,
because the control plane is not in it.`,
	Checks: `controlPlaneEgress.mode: NONE passes; VIA_CONTROL_PLANE fails, as does absent, because
that is the default of GKE. A mode that is not known here is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Block what the API server sends out (needs a current gcloud)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --control-plane-egress=NONE`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}; no argument for this is known here: use gcloud
}`,
		Disruption: `Webhooks that are called by a URL stop being called, and new ones are refused. What
those do when they cannot be called, their failurePolicy says. Nodes and the
system's own traffic are not affected.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Restrict egress traffic from the API server", URL: "https://docs.cloud.google.com/kubernetes-engine/networking/docs/restrict-egress-control-plane"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "controlPlaneEgress.mode"
		mode := c.GetControlPlaneEgress().GetMode()
		evidence := audit.Evidence{Resource: c.ResourceName(), Field: field, Value: audit.EnumName(c.GetControlPlaneEgress(), mode)}
		switch mode {
		case containerpb.ControlPlaneEgress_NONE:
			return audit.Passf("the API server sends nothing to the internet").Because(evidence)
		case containerpb.ControlPlaneEgress_VIA_CONTROL_PLANE:
			return audit.Failf("the API server reaches the internet").Because(evidence)
		case containerpb.ControlPlaneEgress_MODE_UNSPECIFIED:
			return audit.Failf("the API server reaches the internet, the default of GKE").Because(
				audit.Absent(c.ResourceName(), field, "VIA_CONTROL_PLANE"))
		}
		return audit.UnknownValue(evidence)
	}),
}
