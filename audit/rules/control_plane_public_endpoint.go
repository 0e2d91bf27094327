package rules

import "gkeaudit/audit"

var controlPlanePublicEndpoint = &audit.Rule{
	ID:       "control-plane-public-endpoint",
	Title:    "The control plane has no external IP endpoint",
	Severity: audit.Low,
	Weight:   "An endpoint that authorized networks guard well is a small risk; without it there is none.",
	Since:    "0.1.0",
	Rationale: `An external address of the control plane can be found and tried by everybody whom the
list of authorized networks lets through, today and after every change of it. The
DNS endpoint, or the private one with a way in, does without that address.`,
	Checks: `controlPlaneEndpointsConfig.ipEndpointsConfig: passes where enabled is false (no IP
endpoints at all) or enablePublicEndpoint is false. Where the latter is absent,
the deprecated privateClusterConfig.enablePrivateEndpoint counts, and where that
is absent, too, there is an external endpoint. The address in
privateClusterConfig.publicEndpoint says nothing: it stays when the endpoint is
turned off.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Open the DNS endpoint, if callers are to come from outside of the network", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-dns-access`},
			{Title: "Turn the external endpoint off", Before: "Check that every caller reaches the DNS endpoint or is in the network: callers of the external address are locked out at once.", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-private-endpoint`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  private_cluster_config {
    enable_private_endpoint = true
  }
}`,
		Disruption: `No restart. Callers of the external address are locked out at once: move them to the
DNS endpoint (they need container.clusters.connect) or into the network first.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Customize your network isolation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation"},
		{Title: "About network isolation in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/network-isolation"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.4"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.4.3"},
		{Framework: audit.CISGKE20, ID: "5.6.4"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		if v, off := ipEndpointsOff(c); off {
			return audit.Passf("%s", v.Message).Because(v.Evidence...)
		}
		public, evidence := publicEndpoint(c)
		if !public {
			return audit.Passf("the control plane has no external IP endpoint").Because(evidence...)
		}
		v := audit.Failf("the control plane has an external IP endpoint").Because(evidence...)
		if networks, _ := authorizedNetworksOf(c); !networks.GetEnabled() {
			v = v.Noting("authorized networks are off")
		}
		return v
	}),
}
