// Package rules holds the built-in rules, one to a file. README.md beside it is
// their catalogue.
package rules

import "gkeaudit/audit"

// All are the built-in rules in the order of their IDs.
var All = complete(

	authorizedNetworks,
	cloudNAT,
	defaultServiceAccountDisabled,
	kubernetesDataAccessLogs,
	nodeOAuthScopes,
	nodeOAuthScopesSufficient,
	nodeServiceAccount,
	nodeServiceAccountAllowed,
	nodeServiceAccountEnabled,
	nodeServiceAccountImpersonation,
	nodeServiceAccountKeys,
	nodeServiceAccountRequiredRole,
	nodeServiceAccountRoles,
	nodeServiceAccountShared,
	privateGoogleAccess,
	privateNodes,
	projectBasicRoles,
	projectPublicMembers,
	projectServiceAccountImpersonation,
)

func complete(rules ...*audit.Rule) []*audit.Rule {
	for _, r := range rules {
		r.Complete()
	}
	return rules
}
