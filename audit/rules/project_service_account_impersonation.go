package rules

import (
	"slices"

	"gkeaudit/audit"
)

var projectServiceAccountImpersonation = &audit.Rule{
	ID:       "project-service-account-impersonation",
	Title:    "People may not act as all service accounts of the cluster's project",
	Severity: audit.High,
	Weight:   "One leaked credential of a person is enough to act as every service account of the project.",
	Optional: "It is about the whole project, and some grant the role to those who deploy.",
	Since:    "0.1.0",
	Rationale: `roles/iam.serviceAccountUser and roles/iam.serviceAccountTokenCreator on a project, or
above it, hold for every service account in it: that of nodes, and others that may do
more. Whoever may act as the nodes' account can make node pools and machines that run
as it. On single accounts, the roles say which is meant.`,
	Checks: `The members of bindings to roles/iam.serviceAccountUser,
roles/iam.serviceAccountTokenCreator, roles/iam.serviceAccountOpenIdTokenCreator,
roles/iam.workloadIdentityUser, roles/iam.serviceAccountAdmin and
roles/iam.serviceAccountKeyAdmin in the allow policies of the cluster's project and of
the folders and the organization above it. Users, groups, domains, everybody, and
identities of workforce and workload pools, Kubernetes service accounts among them,
fail; service accounts of Google Cloud are not looked at here, and neither are custom
roles. A condition is said and counts as well. Where one of the policies could not be
read, nothing passes.`,
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
  member             = "group:EMAIL"
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
	Needs: []audit.Data{audit.IAMPolicies},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeMembers(in, c, func(role, member string) bool { return slices.Contains(serviceAccountRoles, role) && isPeople(member) },
			"nobody but service accounts holds a role for acting as all service accounts of the project")
	}),
}
