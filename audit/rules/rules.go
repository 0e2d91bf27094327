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
	clusterNotifications,
	controlPlaneKeys,
	dataplaneObservabilityRelay,
	googleGroupsRBAC,
	inTransitEncryption,
	kubernetesDashboard,
	legacyABAC,
	loggingComponents,
	nodeServiceAccount,
	privateGoogleAccess,
	privateNodes,
	rbacSystemBindings,
	secretManager,
	secretsEncryption,
	securityBulletinNotifications,
	securityPosture,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
