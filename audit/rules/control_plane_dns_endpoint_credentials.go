package rules

import "gkeaudit/audit"

var controlPlaneDNSEndpointCredentials = &audit.Rule{
	ID:       "control-plane-dns-endpoint-credentials",
	Title:    "The DNS endpoint takes no Kubernetes credentials",
	Severity: audit.High,
	Weight:   "One leaked service account token or client certificate works from the whole internet, past IAM.",
	Since:    "0.1.0",
	Rationale: `The DNS endpoint can be reached from everywhere, and what guards it is IAM. Where it
takes tokens of Kubernetes service accounts, or client certificates, a caller with
one of them needs no Google identity: a token from a pod or a kubeconfig in a
repository is enough, and revoking access in IAM does not stop it.`,
	Checks: `enableK8sTokensViaDns and enableK8sCertsViaDns of
controlPlaneEndpointsConfig.dnsEndpointConfig. True in either fails; false or absent
in both passes. Where the endpoint takes no traffic of users
(allowExternalTraffic false or absent), or none is named, it does not apply.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Take Google credentials alone", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --no-enable-k8s-tokens-via-dns --no-enable-k8s-certs-via-dns`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic    = true
      enable_k8s_tokens_via_dns = false
      enable_k8s_certs_via_dns  = false
    }
  }
}`,
		Disruption: `No restart. Callers that show a service account token or a client certificate to the
DNS endpoint are locked out: give them a Google identity with
container.clusters.connect first.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Customize your network isolation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation"},
		{Title: "ControlPlaneEndpointsConfig in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#controlplaneendpointsconfig"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		if openDNSEndpoint(c) == "" {
			_, because := dnsEndpointAdmits(c)
			if because.Field == dnsEndpointField {
				return audit.NotApplicablef("no DNS endpoint is named").Because(because)
			}
			return audit.NotApplicablef("the DNS endpoint admits no users").Because(because)
		}
		dns := c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig()
		tokens := dnsCredential(c, "enableK8sTokensViaDns", dns.EnableK8STokensViaDns)
		certs := dnsCredential(c, "enableK8sCertsViaDns", dns.EnableK8SCertsViaDns)
		var v audit.Verdict
		switch {
		case dns.GetEnableK8STokensViaDns() && dns.GetEnableK8SCertsViaDns():
			v = audit.Failf("the DNS endpoint takes Kubernetes service account tokens and client certificates")
		case dns.GetEnableK8STokensViaDns():
			v = audit.Failf("the DNS endpoint takes Kubernetes service account tokens")
		case dns.GetEnableK8SCertsViaDns():
			v = audit.Failf("the DNS endpoint takes client certificates")
		default:
			v = audit.Passf("the DNS endpoint takes neither Kubernetes service account tokens nor client certificates")
		}
		return v.Because(tokens, certs)
	}),
}

// dnsCredential is evidence of whether the DNS endpoint takes a kind of credential.
func dnsCredential(c *audit.Cluster, field string, on *bool) audit.Evidence {
	field = "controlPlaneEndpointsConfig.dnsEndpointConfig." + field
	switch {
	case on == nil:
		return audit.Absent(c.ResourceName(), field, "not taken")
	case *on:
		return audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"}
	}
	return audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "false"}
}
