package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var authorizedNetworksPrivateEndpoint = &audit.Rule{
	ID:       "authorized-networks-private-endpoint",
	Title:    "Authorized networks hold for the private endpoint, too",
	Severity: audit.Low,
	Weight:   "Only machines in the network or connected to it can use the gap, and they still need credentials.",
	Since:    "0.1.0",
	Rationale: `Unless it is enforced there, the list of authorized networks guards the public
endpoint alone: the private one answers every machine that can route to it, in the
cluster's network and in those connected by VPN or Interconnect. Any of them, once
taken, may try credentials against the Kubernetes API.`,
	Checks: `privateEndpointEnforcementEnabled of the authorized networks, where those are on.
True passes; false or absent fails. Absent on a control plane on VPC peering
(privateClusterConfig.peeringName) is unknown: there the list is documented to hold
for the private endpoint as well. With authorized networks off, or without IP
endpoints, it does not apply.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Enforce the list on the private endpoint", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-authorized-networks-on-private-endpoint`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  master_authorized_networks_config {
    private_endpoint_enforcement_enabled = true
    # beside the cidr_blocks that are there
  }
}`,
		Disruption: `No restart. Callers in the network, such as bastions and build machines, must be in
the list before: those that are not are locked out at once.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Add authorized networks for control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks"},
		{Title: "Customize your network isolation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		if v, off := ipEndpointsOff(c); off {
			return v
		}
		if v, none := noAuthorizedNetworks(c); none {
			return v
		}
		networks, field := authorizedNetworksOf(c)
		name, field := c.ResourceName(), field+".privateEndpointEnforcementEnabled"
		enforced := networks.PrivateEndpointEnforcementEnabled
		switch {
		case listHoldsByPeering(c):
			return audit.Unknownf("whether the list holds for the private endpoint is not said; on VPC peering it is documented to").Because(
				audit.Absent(name, field, "not said"),
				audit.Evidence{Resource: name, Field: "privateClusterConfig.peeringName", Value: c.GetPrivateClusterConfig().GetPeeringName()})
		case enforced == nil:
			return audit.Failf("whoever can route to the private endpoint reaches it, in the list or not").Because(
				audit.Absent(name, field, "the list is not enforced on the private endpoint"))
		case !*enforced:
			return audit.Failf("whoever can route to the private endpoint reaches it, in the list or not").Because(
				audit.Evidence{Resource: name, Field: field, Value: strconv.FormatBool(*enforced)})
		}
		return audit.Passf("the list holds for the private endpoint, too").Because(
			audit.Evidence{Resource: name, Field: field, Value: "true"})
	}),
}

// listHoldsByPeering reports whether authorized networks hold for the private endpoint
// without being told so, as far as is documented: the answer does not say, and the
// control plane is on VPC peering.
func listHoldsByPeering(c *audit.Cluster) bool {
	networks, _ := authorizedNetworksOf(c)
	return networks.GetEnabled() && networks.PrivateEndpointEnforcementEnabled == nil &&
		c.GetPrivateClusterConfig().GetPeeringName() != ""
}
