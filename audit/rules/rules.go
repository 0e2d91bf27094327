// Package rules holds the built-in rules, one to a file. README.md beside it is
// their catalogue.
package rules

import "gkeaudit/audit"

// All are the built-in rules in the order of their IDs.
var All = complete(
	anonymousAuthentication,
	authorizedNetworks,
	autopilotMode,
	autopilotPrivilegedAdmission,
	basicAuth,
	binaryAuthorization,
	bootDiskCMEK,
	clientCertificate,
	cloudLogging,
	cloudMonitoring,
	cloudNAT,
	clusterLabels,
	clusterLocation,
	clusterNotifications,
	confidentialNodes,
	controlPlaneKeys,
	dataplaneObservabilityRelay,
	dataplaneV2,
	googleGroupsRBAC,
	httpLoadBalancing,
	inTransitEncryption,
	intranodeVisibility,
	kubeletReadonlyPort,
	kubernetesDashboard,
	l4ILBSubsetting,
	legacyABAC,
	legacyMetadataEndpoints,
	loggingComponents,
	networkPolicy,
	nodeCustomInit,
	nodeImage,
	nodeIntegrityMonitoring,
	nodeKernelModulePolicy,
	nodeMetadataServer,
	nodePoolAutoscaling,
	nodePoolMultiZone,
	nodeSandbox,
	nodeSecureBoot,
	nodeServiceAccount,
	nodeUnsafeSysctls,
	nodeWritableCgroups,
	nodeLocalDNSCache,
	pdCSIDriver,
	privateGoogleAccess,
	privateNodes,
	rbacSystemBindings,
	regionalCluster,
	secretManager,
	secretsEncryption,
	securityBulletinNotifications,
	securityPosture,
	serviceExternalIPs,
	shieldedNodes,
	vpcNative,
	workloadIdentity,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
