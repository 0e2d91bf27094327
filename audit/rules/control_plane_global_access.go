package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var controlPlaneGlobalAccess = &audit.Rule{
	ID:       "control-plane-global-access",
	Title:    "The private endpoint is reached from its own region only",
	Severity: audit.Low,
	Weight:   "Only machines in the network or connected to it can use the wider reach, and they still need credentials.",
	Optional: "Operating clusters from another region, or from a site that is connected to one, needs global access.",
	Since:    "0.1.0",
	Rationale: `With global access the private endpoint answers machines in all regions of the
network, and sites that are connected by VPN or Interconnect in any of them. Where
nobody operates the cluster from there, it only makes more machines worth taking.`,
	Checks: `controlPlaneEndpointsConfig.ipEndpointsConfig.globalAccess, or where it is absent the
deprecated privateClusterConfig.masterGlobalAccessConfig.enabled. True fails; false
passes, as does absent in both. Without IP endpoints it does not apply. Where the
answer names no private endpoint (ipEndpointsConfig.privateEndpoint or
privateClusterConfig.privateEndpoint), and global access is not on, it does not
apply, unless other fields say that there is one (ipEndpointsConfig.enablePublicEndpoint
false, privateClusterConfig.enablePrivateEndpoint, privateClusterConfig.peeringName):
then absent in both is unknown.`,
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
		if v, none := noPrivateEndpoint(c); none {
			return v.Because(evidence...)
		}
		return audit.Passf("the private endpoint is reached from its own region only").Because(evidence...)
	}),
}

// noPrivateEndpoint returns the verdict on a control plane without global access whose
// private endpoint the answer does not name. It reports false where one is named, and
// where there is said to be one and global access is said to be off.
func noPrivateEndpoint(c *audit.Cluster) (audit.Verdict, bool) {
	ip, private := c.GetControlPlaneEndpointsConfig().GetIpEndpointsConfig(), c.GetPrivateClusterConfig()
	if ip.GetPrivateEndpoint() != "" || private.GetPrivateEndpoint() != "" {
		return audit.Verdict{}, false
	}
	name := c.ResourceName()
	var said audit.Evidence
	switch {
	case ip != nil && ip.EnablePublicEndpoint != nil && !*ip.EnablePublicEndpoint:
		said = audit.Evidence{Resource: name, Field: ipEndpointsField + ".enablePublicEndpoint", Value: "false"}
	case private.GetEnablePrivateEndpoint():
		said = audit.Evidence{Resource: name, Field: "privateClusterConfig.enablePrivateEndpoint", Value: "true"}
	case private.GetPeeringName() != "":
		said = audit.Evidence{Resource: name, Field: "privateClusterConfig.peeringName", Value: private.GetPeeringName()}
	default:
		return audit.NotApplicablef("the answer names no private endpoint").Because(
			audit.Absent(name, ipEndpointsField+".privateEndpoint", "the deprecated field holds"),
			audit.Absent(name, "privateClusterConfig.privateEndpoint", "no private endpoint")), true
	}
	if ip != nil && ip.GlobalAccess != nil {
		return audit.Verdict{}, false
	}
	return audit.Unknownf("there is a private endpoint, but the answer does not show it, nor its global access").Because(said,
		audit.Absent(name, ipEndpointsField+".privateEndpoint", "not shown"),
		audit.Absent(name, "privateClusterConfig.privateEndpoint", "not shown")), true
}
