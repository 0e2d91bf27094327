package rules

import "gkeaudit/audit"

var accountUsers = &memberRule{member: isPeople, maybe: isStrange, set: actingAsAny,
	pass: "nobody but service accounts may act as all service accounts of the project"}

var projectServiceAccountImpersonation = &audit.Rule{
	ID:       "project-service-account-impersonation",
	Title:    "People may not act as all service accounts of the cluster's project",
	Severity: audit.High,
	Weight:   "One leaked credential of a person is enough to act as every service account of the project.",
	Optional: "It is about the whole project, and some grant such a role to those who deploy.",
	Since:    "0.1.0",
	Rationale: `A role that lets its holder act as service accounts, granted on a project or above it,
holds for every service account in the project: that of nodes, and others that may do
more. Anyone who may act as the nodes' account can make node pools and machines that run
as it. Granted on single accounts, the role says which is meant.`,
	Checks: `The members of bindings in the allow policies of the cluster's project and of the folders
and the organization above it, if the role has one of these permissions:
iam.serviceAccounts.actAs, getAccessToken, getOpenIdToken, signBlob, signJwt,
implicitDelegation or setIamPolicy, iam.serviceAccountKeys.create,
iam.serviceAccountApiKeyBindings.create, or setIamPolicy of a project, a folder or an
organization. The role's name does not matter: Owner and Editor have such a permission, and
so may a custom role. Users, groups, domains, everybody, and identities of workforce and
workload pools, Kubernetes service accounts among them, fail; service accounts of Google
Cloud are not looked at here. A role on a condition counts, and the message names the
condition, unless that ended by request.time before the snapshot was taken. A deleted or
disabled role grants nothing. The rule does not pass if one of the policies or roles could
not be read, or if the IAM API does not know a role or lists no permissions of it.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Grant the role on the accounts that are meant", Commands: `gcloud iam service-accounts add-iam-policy-binding EMAIL \
    --project={project} --condition=None --member=MEMBER --role=roles/iam.serviceAccountUser`},
			{Title: "Take it away from the project (for folders and organizations: gcloud resource-manager folders, gcloud organizations)", Before: takesRole, Commands: `gcloud projects remove-iam-policy-binding {project} \
    --member=MEMBER --role=ROLE --all`},
		},
		Terraform: `resource "google_service_account_iam_member" "user" {
  # in place of a google_project_iam_ resource
  service_account_id = "projects/{project}/serviceAccounts/EMAIL"
  role               = "roles/iam.serviceAccountUser"
  member             = "MEMBER"
}`,
		Disruption: `No restart. Who deploys as an account that is not granted is refused.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Roles for service account authentication", URL: "https://docs.cloud.google.com/iam/docs/service-account-permissions"},
		{Title: "Best practices for using service accounts securely", URL: "https://docs.cloud.google.com/iam/docs/best-practices-service-accounts"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "OVER_PRIVILEGED_SERVICE_ACCOUNT_USER"},
	},
	Needs: []audit.Data{audit.IAMPolicies, audit.Roles},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeMembers(in, c, accountUsers)
	}),
}
