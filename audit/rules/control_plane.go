package rules

import (
	"strconv"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

const ipEndpointsField = "controlPlaneEndpointsConfig.ipEndpointsConfig"

// ipEndpointsOff returns the verdict of a rule on IP endpoints where the control plane
// has none. They are on unless the field says otherwise.
func ipEndpointsOff(c *audit.Cluster) (audit.Verdict, bool) {
	if ip := c.GetControlPlaneEndpointsConfig().GetIpEndpointsConfig(); ip != nil && ip.Enabled != nil && !*ip.Enabled {
		return audit.NotApplicablef("the control plane has no IP endpoints").Because(
			audit.Evidence{Resource: c.ResourceName(), Field: ipEndpointsField + ".enabled", Value: "false"}), true
	}
	return audit.Verdict{}, false
}

// publicEndpoint reports whether the control plane has a public IP endpoint, and
// the field that says so. An address in privateClusterConfig.publicEndpoint says
// nothing: it stays when the endpoint is turned off.
func publicEndpoint(c *audit.Cluster) (bool, []audit.Evidence) {
	const (
		field      = ipEndpointsField + ".enablePublicEndpoint"
		deprecated = "privateClusterConfig.enablePrivateEndpoint"
	)
	name := c.ResourceName()
	if ip := c.GetControlPlaneEndpointsConfig().GetIpEndpointsConfig(); ip != nil && ip.EnablePublicEndpoint != nil {
		return *ip.EnablePublicEndpoint, []audit.Evidence{{Resource: name, Field: field, Value: strconv.FormatBool(*ip.EnablePublicEndpoint)}}
	}
	absent := audit.Absent(name, field, "the deprecated field holds")
	if c.GetPrivateClusterConfig().GetEnablePrivateEndpoint() {
		return false, []audit.Evidence{absent, {Resource: name, Field: deprecated, Value: "true"}}
	}
	return true, []audit.Evidence{absent, audit.Absent(name, deprecated, "the control plane has a public endpoint")}
}

// authorizedNetworksOf returns the authorized networks of a control plane, nil if there
// are none, and where they stand: in a current place or a deprecated one.
func authorizedNetworksOf(c *audit.Cluster) (networks *containerpb.MasterAuthorizedNetworksConfig, field string) {
	if n := c.GetControlPlaneEndpointsConfig().GetIpEndpointsConfig().GetAuthorizedNetworksConfig(); n != nil {
		return n, ipEndpointsField + ".authorizedNetworksConfig"
	}
	return c.GetMasterAuthorizedNetworksConfig(), "masterAuthorizedNetworksConfig"
}

// noAuthorizedNetworks returns the verdict of a rule on authorized networks where they
// are off.
func noAuthorizedNetworks(c *audit.Cluster) (audit.Verdict, bool) {
	networks, field := authorizedNetworksOf(c)
	if networks.GetEnabled() {
		return audit.Verdict{}, false
	}
	return audit.NotApplicablef("authorized networks are off").Because(
		audit.Absent(c.ResourceName(), field+".enabled", "authorized networks are off")), true
}

// noPublicList returns the verdict of a rule on whom authorized networks admit to the
// public endpoint where there is no such endpoint, or no such list.
func noPublicList(c *audit.Cluster) (audit.Verdict, bool) {
	if v, off := ipEndpointsOff(c); off {
		return v, true
	}
	if public, endpoint := publicEndpoint(c); !public {
		return audit.NotApplicablef("the control plane has no public endpoint").Because(endpoint...), true
	}
	return noAuthorizedNetworks(c)
}

// openDNSEndpoint says whether the control plane is reached by its DNS name, which
// authorized networks do not filter.
func openDNSEndpoint(c *audit.Cluster) string {
	if c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig().GetAllowExternalTraffic() {
		return "its DNS endpoint is open to whoever IAM lets in (container.clusters.connect)"
	}
	return ""
}
