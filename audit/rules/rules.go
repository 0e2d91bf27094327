// Package rules holds the built-in rules, one to a file. README.md beside it is
// their catalogue.
package rules

import "gkeaudit/audit"

// All are the built-in rules in the order of their IDs.
var All = complete(

	authorizedNetworks,
	autopilotMode,
	autopilotPrivilegedAdmission,
	bootDiskCMEK,
	cloudNAT,
	confidentialNodes,
	kubeletReadonlyPort,
	legacyMetadataEndpoints,
	nodeCustomInit,
	nodeImage,
	nodeIntegrityMonitoring,
	nodeKernelModulePolicy,
	nodeMetadataServer,
	nodeSandbox,
	nodeSecureBoot,
	nodeServiceAccount,
	nodeUnsafeSysctls,
	nodeWritableCgroups,
	privateGoogleAccess,
	privateNodes,
	serviceExternalIPs,
	shieldedNodes,
	workloadIdentity,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
