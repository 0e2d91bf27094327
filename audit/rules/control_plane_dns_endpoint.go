package rules

import "gkeaudit/audit"

var controlPlaneDNSEndpoint = &audit.Rule{
	ID:       "control-plane-dns-endpoint",
	Title:    "The control plane is reached by its DNS endpoint alone",
	Severity: audit.Low,
	Weight:   "It adds a second guard, IAM, to a control plane that other rules already ask to be guarded.",
	Since:    "0.1.0",
	Rationale: `IP endpoints are guarded by lists of addresses, which go stale, and lead to bastions
and VPNs to get at them. In front of the DNS endpoint stands IAM: a caller needs
container.clusters.connect before the Kubernetes API sees the request, and VPC
Service Controls can narrow it further. Google recommends to use it alone.`,
	Checks: `controlPlaneEndpointsConfig.ipEndpointsConfig.enabled: false passes; true or absent
fails, for IP endpoints are on unless turned off. Whom the DNS endpoint admits
(dnsEndpointConfig.allowExternalTraffic; absent means no users), or that none is
named, is told, not judged.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Open the DNS endpoint, and connect to it", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-dns-access &&
gcloud container clusters get-credentials {cluster} \
    --location={location} --project={project} --dns-endpoint`},
			{Title: "Then turn IP endpoints off", Before: "Check that every caller reaches the DNS endpoint: callers of the IP endpoints are locked out at once.", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-ip-access`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }
    ip_endpoints_config {
      enabled = false
    }
  }
}`,
		Disruption: `No restart. Callers of the addresses are locked out when IP endpoints are turned off.
Users of the DNS endpoint need container.clusters.connect.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security: restrict control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#restrict_control_plane_access"},
		{Title: "Customize your network isolation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "container.managed.enableControlPlaneDNSOnlyAccess"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		admits, because := dnsEndpointAdmits(c)
		if v, off := ipEndpointsOff(c); off {
			return audit.Passf("%s", v.Message).Noting(admits).Because(v.Evidence...).Because(because)
		}
		const field = ipEndpointsField + ".enabled"
		evidence := audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"}
		if ip := c.GetControlPlaneEndpointsConfig().GetIpEndpointsConfig(); ip == nil || ip.Enabled == nil {
			evidence = audit.Absent(c.ResourceName(), field, "IP endpoints are on")
		}
		return audit.Failf("the control plane has IP endpoints").Noting(admits).Because(evidence, because)
	}),
}

const dnsEndpointField = "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint"

// dnsEndpointAdmits says whom the DNS endpoint admits.
func dnsEndpointAdmits(c *audit.Cluster) (string, audit.Evidence) {
	const field = "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic"
	if note := openDNSEndpoint(c); note != "" {
		return note, audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"}
	}
	const closed = "its DNS endpoint admits no users, only services of Google"
	dns := c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig()
	switch {
	case dns != nil && dns.AllowExternalTraffic != nil:
		return closed, audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "false"}
	case dns.GetEndpoint() == "":
		return "no DNS endpoint is named", audit.Absent(c.ResourceName(), dnsEndpointField, "no DNS endpoint is known of")
	}
	return closed, audit.Absent(c.ResourceName(), field, "no traffic of users is taken")
}
