// Package rules holds the built-in rules, one to a file. README.md beside it is
// their catalogue.
package rules

import "gkeaudit/audit"

// All are the built-in rules in the order of their IDs.
var All = complete(

	anonymousAuthentication,
	authorizedNetworks,
	basicAuth,
	binaryAuthorization,
	clientCertificate,
	cloudLogging,
	cloudMonitoring,
	cloudNAT,
	clusterLabels,
	clusterLocation,
	clusterNotifications,
	controlPlaneKeys,
	dataplaneObservabilityRelay,
	dataplaneV2,
	googleGroupsRBAC,
	httpLoadBalancing,
	inTransitEncryption,
	intranodeVisibility,
	kubernetesDashboard,
	l4ILBSubsetting,
	legacyABAC,
	loggingComponents,
	networkPolicy,
	nodePoolAutoscaling,
	nodePoolMultiZone,
	nodeServiceAccount,
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
	vpcNative,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
