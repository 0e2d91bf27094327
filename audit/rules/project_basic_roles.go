package rules

import "gkeaudit/audit"

// basicRoles are the basic roles, the newer ones among them. Source: IAM roles overview.
var basicRoles = []string{"roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"}

var basicRoleMembers = &memberRule{member: isPeople, maybe: isStrange, basic: true,
	pass: "nobody but service accounts holds a basic role on the project or on what is above it"}

var projectBasicRoles = &audit.Rule{
	ID:       "project-basic-roles",
	Title:    "People hold no basic roles on the cluster's project",
	Severity: audit.Medium,
	Weight:   "It takes away the limits between services: the roles are far wider than any task, but those who hold them are known.",
	Optional: "It is about the whole project and organization, and many keep basic roles for emergencies.",
	Since:    "0.1.0",
	Rationale: `Owner, Editor and Viewer, and the newer Admin, Writer and Reader, reach into every service
of a project. By Editor one has, among all else, every cluster and the nodes' tokens;
by Viewer one reads what they are made of. The roles of single services say what a
person does.`,
	Checks: `The members of bindings to roles/owner, roles/editor, roles/viewer, roles/admin,
roles/writer and roles/reader in the allow policies of the cluster's project and of the
folders and the organization above it. Users, groups, domains, everybody, and
identities of workforce and workload pools, Kubernetes service accounts among them,
fail; service accounts of Google Cloud are not looked at here. A role on a condition counts, and
the message names the condition, unless that ended by request.time before the snapshot was
taken. Where one of the policies could not be read, nothing passes.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Grant what is needed", Commands: `gcloud projects add-iam-policy-binding {project} \
    --member=MEMBER --condition=None --role=roles/container.developer`},
			{Title: "Then take the basic role away (for folders and organizations: gcloud resource-manager folders, gcloud organizations)", Before: takesRole, Commands: `gcloud projects remove-iam-policy-binding {project} \
    --member=MEMBER --role=ROLE --all`},
		},
		Terraform: `resource "google_project_iam_member" "developers" {
  # in place of the basic role
  project = "{project}"
  role    = "roles/container.developer"
  member  = "group:EMAIL"
}`,
		Disruption: `No restart. People lose what the role allowed: the role recommendations of the project
say what they used.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "IAM roles and permissions overview", URL: "https://docs.cloud.google.com/iam/docs/roles-overview"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "PRIMITIVE_ROLES_USED"},
	},
	Needs: []audit.Data{audit.IAMPolicies},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeMembers(in, c, basicRoleMembers)
	}),
}
