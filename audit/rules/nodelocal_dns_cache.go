package rules

import "gkeaudit/audit"

// cachesDNS is the version of the control plane from which on the cache is on by
// default. Source: Set up NodeLocal DNSCache, in the GKE documentation.
var cachesDNS = audit.Version{Major: 1, Minor: 34, Patch: 1, Build: 3720000}

var nodeLocalDNSCache = &audit.Rule{
	ID:       "nodelocal-dns-cache",
	Title:    "Every node has a DNS cache",
	Severity: audit.Low,
	Weight:   "It is a matter of speed, and of resilience while the cluster's DNS is overloaded.",
	Optional: "It is a matter of load; small clusters do well without.",
	Since:    "0.1.0",
	Rationale: `Without a cache on the node every query goes to the cluster's DNS. Under load, or when
a pod floods it with queries, names stop resolving everywhere.`,
	Checks: `addonsConfig.dnsCacheConfig.enabled: true passes, false, which the API leaves out,
fails, whoever answers the cluster's names, kube-dns or Cloud DNS. Where
dnsCacheConfig is absent, a control plane before 1.34.1-gke.3720000 fails; later ones
have the cache by default, so that it is unknown, as it is without addonsConfig. On
Autopilot it is always on.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --update-addons=NodeLocalDNS=ENABLED`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  addons_config {
    dns_cache_config {
      enabled = true
    }
  }
}`,
		Disruption: `All nodes are made anew.`,
		Recreates:  audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Set up NodeLocal DNSCache", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/nodelocal-dns-cache"},
	},
	Check: audit.StandardOnly("on Autopilot NodeLocal DNSCache is always on", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "addonsConfig.dnsCacheConfig.enabled"
		name, addons := c.ResourceName(), c.GetAddonsConfig()
		version, running, ok := controlPlaneVersion(c)
		switch {
		case addons.GetDnsCacheConfig().GetEnabled():
			return audit.Passf("NodeLocal DNSCache is on").Because(audit.Evidence{Resource: name, Field: field, Value: "true"})
		case addons.GetDnsCacheConfig() != nil:
			return audit.Failf("NodeLocal DNSCache is off").Because(audit.Absent(name, field, "false, as addonsConfig.dnsCacheConfig is there"))
		case addons == nil || !ok || version.AtLeast(cachesDNS):
			return audit.Unknownf("whether NodeLocal DNSCache is on is not said").Because(
				audit.Absent(name, field, "the default, which depends on the version"), running)
		}
		return audit.Failf("NodeLocal DNSCache is off").Because(audit.Absent(name, field, "off, the default of this version"), running)
	})),
}
