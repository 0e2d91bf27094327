// Package rules holds the built-in rules, one to a file. README.md beside it is
// their catalogue.
package rules

import "gkeaudit/audit"

// All are the built-in rules in the order of their IDs.
var All = complete(

	authorizedNetworks,
	authorizedNetworksBreadth,
	authorizedNetworksGoogleCloud,
	authorizedNetworksPrivateEndpoint,
	cloudNAT,
	cloudNATEndpointIndependentMapping,
	cloudNATLogging,
	cloudNATPodRanges,
	cloudNATPorts,
	cloudNATStaticAddresses,
	controlPlaneDNSEndpoint,
	controlPlaneDNSEndpointCredentials,
	controlPlaneEgress,
	controlPlaneGlobalAccess,
	controlPlanePublicEndpoint,
	nodeServiceAccount,
	privateGoogleAccess,
	privateGoogleAccessRoute,
	privateIPv6GoogleAccess,
	privateNodes,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
