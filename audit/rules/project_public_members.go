package rules

import "gkeaudit/audit"

var publicMembers = &memberRule{member: isPublic, pass: "no role on the project is everybody's, nor on what is above it"}

var projectPublicMembers = &audit.Rule{
	ID:       "project-public-members",
	Title:    "Nobody without a name holds a role on the cluster's project",
	Severity: audit.Critical,
	Weight:   "Anybody in the world with a Google account, or without, has the role at once.",
	Since:    "0.1.0",
	Rationale: `allUsers is everybody, allAuthenticatedUsers everybody with any Google account. A role
that they hold on a project, or on a folder or the organization above it, is open to the
world: with one of GKE's roles, so are all clusters.`,
	Checks: `The members of every binding in the allow policies of the cluster's project and of the
folders and the organization above it. allUsers and allAuthenticatedUsers fail, whatever
the role is and whether or not the binding has a condition, which is said. Where one of
the policies could not be read, nothing passes.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Take the role away (for folders and organizations: gcloud resource-manager folders, gcloud organizations)", Commands: `gcloud projects remove-iam-policy-binding {project} \
    --member=allAuthenticatedUsers --role=ROLE --all
gcloud projects remove-iam-policy-binding {project} \
    --member=allUsers --role=ROLE --all`},
		},
		Terraform: `resource "google_org_policy_policy" "domains" {
  # remove the google_project_iam_ resources with allUsers or allAuthenticatedUsers
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
		Disruption: `Whoever uses the project without being named loses access.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "IAM principals", URL: "https://docs.cloud.google.com/iam/docs/principals-overview"},
		{Title: "Restrict identities by domain", URL: "https://docs.cloud.google.com/organization-policy/restrict-domains"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "iam.allowedPolicyMemberDomains"},
	},
	Needs: []audit.Data{audit.IAMPolicies},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeMembers(in, c, publicMembers)
	}),
}
