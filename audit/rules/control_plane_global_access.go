package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var controlPlaneGlobalAccess = &audit.Rule{
	ID:       "control-plane-global-access",
	Title:    "The private endpoint is reached from its own region only",
	Severity: audit.Low,
	Weight:   "It takes a machine inside of the network or one connected to it to make use of the wider reach.",
	Optional: "Operating clusters from another region, or from a site that is connected to one, needs global access.",
	Since:    "0.1.0",
	Rationale: `With global access the private endpoint answers machines in all regions of the
network, and sites that are connected by VPN or Interconnect in any of them. Where
nobody operates the cluster from there, it only makes more machines worth taking.`,
	Checks: `controlPlaneEndpointsConfig.ipEndpointsConfig.globalAccess, or where it is absent the
deprecated privateClusterConfig.masterGlobalAccessConfig.enabled. True fails; false
passes, as does absent in both. Without IP endpoints it does not apply.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Take calls from the cluster's own region only", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-master-global-access`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  private_cluster_config {
    master_global_access_config {
      enabled = false
    }
  }
}`,
		Disruption: "No restart. Callers in other regions, and on-premises ones connected there, are locked out of the private endpoint.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Customize your network isolation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		if v, off := ipEndpointsOff(c); off {
			return v
		}
		const (
			field      = ipEndpointsField + ".globalAccess"
			deprecated = "privateClusterConfig.masterGlobalAccessConfig.enabled"
		)
		name := c.ResourceName()
		global := c.GetPrivateClusterConfig().GetMasterGlobalAccessConfig().GetEnabled()
		evidence := []audit.Evidence{audit.Absent(name, field, "the deprecated field holds"), {Resource: name, Field: deprecated, Value: "true"}}
		if !global {
			evidence[1] = audit.Absent(name, deprecated, "global access is off")
		}
		if ip := c.GetControlPlaneEndpointsConfig().GetIpEndpointsConfig(); ip != nil && ip.GlobalAccess != nil {
			global = *ip.GlobalAccess
			evidence = []audit.Evidence{{Resource: name, Field: field, Value: strconv.FormatBool(global)}}
		}
		if global {
			return audit.Failf("the private endpoint is reached from all regions").Because(evidence...)
		}
		return audit.Passf("the private endpoint is reached from its own region only").Because(evidence...)
	}),
}
