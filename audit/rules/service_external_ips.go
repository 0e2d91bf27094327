package rules

import "gkeaudit/audit"

var serviceExternalIPs = &audit.Rule{
	ID:       "service-external-ips",
	Title:    "Services may not claim external IP addresses",
	Severity: audit.Medium,
	Weight:   "It takes away the layer between tenants: with the right to create Services, one of them can read and change the traffic of others.",
	Since:    "0.1.0",
	Rationale: `Whoever may make or change a Service can put any address in its externalIPs, and the
nodes then send the traffic of all pods for that address to the Service's own pods
(CVE-2020-8554). One tenant listens to another's connections.`,
	Checks: `networkConfig.serviceExternalIpsConfig.enabled. True fails. False, which the API leaves
out of the message, passes. Where the message is absent as a whole, the default holds of
the version that the cluster was made with (initialClusterVersion): such Services are
refused since 1.21 and allowed before. A version that cannot be read is unknown, and so is a
cluster without networkConfig.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Refuse Services with external IP addresses", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-service-externalips`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  service_external_ips_config {
    enabled = false
  }
}`,
		Disruption: `No restart. Services that have externalIPs can no longer be made or changed; those that
are there go on until they are removed, so look for them, too.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Security bulletins: GCP-2020-015", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/security-bulletins"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "container.managed.denyServiceExternalIPs"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const (
			field  = "networkConfig.serviceExternalIpsConfig"
			denied = "no Service may claim external IP addresses"
		)
		name := c.ResourceName()
		if c.GetNetworkConfig() == nil {
			return audit.Unknownf("whether a Service may claim external IP addresses is not said").Because(
				audit.Absent(name, "networkConfig", "the answer is not whole"))
		}
		if config := c.GetNetworkConfig().GetServiceExternalIpsConfig(); config != nil {
			evidence := plainBool(name, field+".enabled", config.GetEnabled(), "such Services are refused")
			if config.GetEnabled() {
				return audit.Failf("any Service may claim external IP addresses").Because(evidence)
			}
			return audit.Passf(denied).Because(evidence)
		}
		evidence := []audit.Evidence{audit.Absent(name, field, "the default of the version that the cluster was made with"), madeWith(c)}
		first, ok := audit.ParseVersion(c.GetInitialClusterVersion())
		switch {
		case !ok:
			return audit.Unknownf("whether a Service may claim external IP addresses depends on the version that the cluster was made with, which is not known").Because(evidence...)
		case first.AtLeast(audit.Version{Major: 1, Minor: 21}):
			return audit.Passf(denied + ", the default of clusters made with 1.21 or newer").Because(evidence...)
		}
		return audit.Failf("any Service may claim external IP addresses, the default of clusters made before 1.21").Because(evidence...)
	}),
}
