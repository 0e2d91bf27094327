package rules

import "gkeaudit/audit"

var publicMembers = &memberRule{member: isPublic, pass: "allUsers and allAuthenticatedUsers hold no role on the project or above it"}

var projectPublicMembers = &audit.Rule{
	ID:       "project-public-members",
	Title:    "No roles for allUsers or allAuthenticatedUsers on the cluster's project or above it",
	Severity: audit.Critical,
	Weight:   "Anyone on the internet has the role now, without credentials or with any Google account.",
	Since:    "0.1.0",
	Rationale: `allUsers means everyone, allAuthenticatedUsers everyone with any Google account. A role
that they hold on a folder or on the organization is inherited by every project below, and
is open to the world: with one of GKE's roles, so are all clusters.`,
	Checks: `The members of every binding in the allow policies of the cluster's project and of the
folders and the organization above it. allUsers and allAuthenticatedUsers fail, whatever
the role is and whether or not the binding has a condition, which the message names. A
binding whose condition ended by request.time before the snapshot was taken, or of a custom
role that is known to be deleted or disabled, grants nothing and is skipped. Where one of the
policies could not be read, nothing passes. The Resource Manager API refuses these members for
projects, and documents no such limit for folders and organizations, so what fails is mostly
inherited from there.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "If a folder is named: remove the role there (MEMBER is allUsers or allAuthenticatedUsers)", Before: takesRole, Commands: `gcloud resource-manager folders remove-iam-policy-binding FOLDER \
    --member=MEMBER --role=ROLE --all`},
			{Title: "If the organization is named: remove the role there", Before: takesRole, Commands: `gcloud organizations remove-iam-policy-binding ORGANIZATION \
    --member=MEMBER --role=ROLE --all`},
			{Title: "If the project is named: remove the role there", Before: takesRole, Commands: `gcloud projects remove-iam-policy-binding {project} \
    --member=MEMBER --role=ROLE --all`},
		},
		Terraform: `resource "google_org_policy_policy" "domains" {
  # remove the google_folder_iam_ or google_organization_iam_ resources with allUsers or
  # allAuthenticatedUsers; this refuses new ones
  name   = "projects/{project}/policies/iam.allowedPolicyMemberDomains"
  parent = "projects/{project}"
  spec {
    rules {
      values {
        allowed_values = ["CUSTOMER_ID"]
      }
    }
  }
}`,
		Disruption: `Everyone who uses the role without being a member by name loses access at once.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Method: projects.setIamPolicy", URL: "https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects/setIamPolicy"},
		{Title: "Method: folders.setIamPolicy", URL: "https://docs.cloud.google.com/resource-manager/reference/rest/v3/folders/setIamPolicy"},
		{Title: "IAM principals", URL: "https://docs.cloud.google.com/iam/docs/principals-overview"},
		{Title: "Restrict identities by domain", URL: "https://docs.cloud.google.com/organization-policy/restrict-domains"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "iam.allowedPolicyMemberDomains"}, {Framework: audit.OrgPolicy, ID: "iam.managed.allowedPolicyMembers"},
	},
	Needs: []audit.Data{audit.IAMPolicies},
	Uses:  []audit.Data{audit.Roles},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeMembers(in, c, publicMembers)
	}),
}
