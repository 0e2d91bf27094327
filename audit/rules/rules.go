// Package rules holds the built-in rules, one to a file. README.md beside it is
// their catalogue.
package rules

import "gkeaudit/audit"

// All are the built-in rules in the order of their IDs.
var All = complete(

	acceleratedPatchUpgrades,
	alphaCluster,
	authorizedNetworks,
	cloudNAT,
	clusterDefaultNetwork,
	customModeNetwork,
	legacyNetwork,
	maintenanceExclusion,
	maintenanceWindow,
	nodeAutoRepair,
	nodeAutoUpgrade,
	nodeFirewallOpenIngress,
	nodeServiceAccount,
	nodeVersionSkew,
	podIPUtilization,
	privateGoogleAccess,
	privateNodes,
	releaseChannel,
	releaseChannelStable,
	subnetFlowLogs,
	versionSupported,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
