package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var privateIPv6GoogleAccess = &audit.Rule{
	ID:       "private-ipv6-google-access",
	Title:    "Pods of dual-stack clusters reach Google APIs over private IPv6",
	Severity: audit.Low,
	Weight:   "It exposes nothing; traffic takes IPv4 instead.",
	Optional: "Traffic to Google APIs works over IPv4 as well; it is a matter of speed and of where to watch it.",
	Since:    "0.1.0",
	Rationale: `A cluster whose pods speak IPv6 sends what it has for Google APIs over IPv6 where it
can. With private access those packets stay in Google's network; without, they need
external IPv6 addresses or fall back to IPv4.`,
	Checks: `networkConfig.privateIpv6GoogleAccess of clusters with IPv6
(ipAllocationPolicy.stackType IPV4_IPV6). PRIVATE_IPV6_GOOGLE_ACCESS_TO_GOOGLE passes,
as does BIDIRECTIONAL, which the finding tells. DISABLED and absent, which means the
same, fail. It does not apply to clusters with IPv4 alone. A stack type or a value
that is not known here is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Let pods reach Google APIs over private IPv6", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --private-ipv6-google-access-type=outbound-only`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  private_ipv6_google_access = "PRIVATE_IPV6_GOOGLE_ACCESS_TO_GOOGLE"
}`,
		Disruption: "New connections to Google APIs take another way. Firewall rules for egress over IPv6 then count for them.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "NetworkConfig in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#NetworkConfig"},
		{Title: "Private Google Access", URL: "https://docs.cloud.google.com/vpc/docs/private-google-access"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const (
			stackField = "ipAllocationPolicy.stackType"
			field      = "networkConfig.privateIpv6GoogleAccess"
		)
		name := c.ResourceName()
		ip, network := c.GetIpAllocationPolicy(), c.GetNetworkConfig()
		stack := ip.GetStackType()
		evidence := audit.Evidence{Resource: name, Field: stackField, Value: audit.EnumName(ip, stack)}
		switch stack {
		case containerpb.StackType_IPV4_IPV6:
		case containerpb.StackType_STACK_TYPE_UNSPECIFIED:
			return audit.NotApplicablef("the cluster has IPv4 alone").Because(audit.Absent(name, stackField, "IPV4"))
		case containerpb.StackType_IPV4:
			return audit.NotApplicablef("the cluster has IPv4 alone").Because(evidence)
		default:
			return audit.UnknownValue(evidence)
		}
		access := network.GetPrivateIpv6GoogleAccess()
		because := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(network, access)}
		switch access {
		case containerpb.PrivateIPv6GoogleAccess_PRIVATE_IPV6_GOOGLE_ACCESS_TO_GOOGLE:
			return audit.Passf("pods reach Google APIs over private IPv6").Because(because, evidence)
		case containerpb.PrivateIPv6GoogleAccess_PRIVATE_IPV6_GOOGLE_ACCESS_BIDIRECTIONAL:
			return audit.Passf("pods reach Google APIs over private IPv6").Noting("services of Google may open connections to pods").Because(because, evidence)
		case containerpb.PrivateIPv6GoogleAccess_PRIVATE_IPV6_GOOGLE_ACCESS_UNSPECIFIED:
			because = audit.Absent(name, field, "private IPv6 access is off")
		case containerpb.PrivateIPv6GoogleAccess_PRIVATE_IPV6_GOOGLE_ACCESS_DISABLED:
		default:
			return audit.UnknownValue(because).Because(evidence)
		}
		return audit.Failf("pods do not reach Google APIs over private IPv6").Because(because, evidence)
	}),
}
