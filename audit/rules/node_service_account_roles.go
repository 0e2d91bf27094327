package rules

import (
	"strings"

	"gkeaudit/audit"
)

var nodeServiceAccountRoles = &audit.Rule{
	ID:       "node-service-account-roles",
	Title:    "The service accounts of nodes hold no broad roles",
	Severity: audit.High,
	Weight:   "One compromised Pod can get all that the account may do, in the whole project or more.",
	Since:    "0.1.0",
	Rationale: `A process that gets at a node's credentials may do all that the node's service account
may do. A role such as Editor, or one that gives out tokens of other accounts, makes
one broken container a broken project; granted on a folder or on the organization,
it reaches into other projects, too. Which account nodes run as does not matter for
this: an account of their own with the Editor role is no better than the default
one.`,
	Checks: `The roles that each service account of the cluster's nodes holds by the allow policies
of the cluster's project, of the account's own, and of the folders and the
organization above them. These fail: the basic roles Owner, Editor, Admin and Writer;
every predefined role whose name ends in "admin"; those that let their holder act
as other accounts or read secrets (roles/iam.serviceAccountUser,
roles/iam.serviceAccountTokenCreator, roles/iam.serviceAccountOpenIdTokenCreator,
roles/iam.workloadIdentityUser, roles/secretmanager.secretAccessor);
those by which it may run something as another account or log in to machines
(roles/compute.instanceAdmin.v1, roles/compute.osAdminLogin, roles/container.developer,
roles/container.serviceAgent, roles/cloudbuild.builds.builder,
roles/cloudbuild.builds.editor, roles/dataflow.developer,
roles/deploymentmanager.editor); custom roles with one permission that is enough for
such a thing. The deprecated roles/container.nodeServiceAgent is noted. A role that is granted on a condition counts, and
the condition is said. Members that stand for the account count: allUsers,
allAuthenticatedUsers, and all service accounts of a project, folder or organization.
Who is in a group cannot be read: where a group holds a broad role, it is unknown
whether the account does, unless the parameter peopleGroups says that the group has
people only. Roles on single resources, such as a bucket, deny policies and principal
access boundaries are not looked at. Access scopes do not make a broad role pass.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Grant what nodes need, if they do not have it yet", Commands: `gcloud projects add-iam-policy-binding {project} \
    --member=serviceAccount:{account} --condition=None \
    --role=roles/container.defaultNodeServiceAccount`},
			{Title: "Take the broad role away (for folders and organizations: gcloud resource-manager folders, gcloud organizations)", Before: takesRole, Commands: `gcloud projects remove-iam-policy-binding {project} \
    --member=serviceAccount:{account} --role=ROLE --all`},
		},
		Terraform: `resource "google_project_iam_member" "nodes" {
  # in place of the broad role
  project = "{project}"
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:{account}"
}`,
		Disruption: `No restart. Pods that use the node's identity lose what the role allowed, within
minutes: give them identities of their own (Workload Identity Federation for GKE)
first. Image pulls need roles/artifactregistry.reader on the repositories.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security: use least privilege IAM service accounts", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa"},
		{Title: "About service accounts in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/service-accounts"},
		{Title: "Understanding allow policies", URL: "https://docs.cloud.google.com/iam/docs/allow-policies"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE20, ID: "5.2.1"},
		{Framework: audit.SCC, ID: "ADMIN_SERVICE_ACCOUNT"},
	},
	Needs: []audit.Data{audit.IAMPolicies, audit.CustomRoles},
	Reads: []audit.Parameter{audit.PeopleGroups},
	Check: audit.EachNodeAccount(judgeAccountRoles),
}

func judgeAccountRoles(in *audit.Input, a audit.NodeAccount) audit.Verdict {
	grants, gaps := in.Grants(a, a.Cluster.Project, a.Project)
	var held, possible []string
	var proof, hints []audit.Evidence
	v := audit.Passf("%s holds no broad role", accountName(a))
	for _, g := range grants {
		b, permission, gap := breadthOf(in, g.Role)
		text := g.String()
		if permission != "" {
			text += " (with " + permission + ")"
		}
		switch {
		case gap != nil:
			gaps = append(gaps, gap)
		case b == broad && g.Certain:
			held, proof = append(held, text), append(proof, g.Evidence())
		case b == broad:
			possible, hints = append(possible, g.Member+" holds "+g.Role+" on "+g.Resource), append(hints, g.Evidence())
		case g.Certain:
			v = v.Because(g.Evidence())
			if g.Role == "roles/container.nodeServiceAgent" {
				v = v.Noting(text + " is deprecated; roles/container.defaultNodeServiceAccount is for nodes")
			}
			if b == reading {
				v = v.Noting("it may read nearly everything by " + text)
			}
		}
	}
	if possible != nil && a.Email == "" {
		_, gap := in.ProjectNumber(a.Project) // without which its address is not known
		gaps = append(gaps, gap)
	}
	switch {
	case held != nil:
		v = audit.Failf("%s holds %s", accountName(a), several(held, 3)).Because(proof...)
		if limited, evidence := narrowScopes(a.Sources); limited {
			v = v.Noting("the nodes' access scopes let pods use little of it").Because(evidence...)
		}
		return v
	case gaps != nil:
		return audit.Hidden(gaps...)
	case possible != nil:
		return audit.Unknownf("whether %s is a member is not known: %s", accountName(a), several(possible, 3)).Because(hints...)
	}
	if len(v.Evidence) == 0 {
		v = v.Because(audit.Absent("projects/"+a.Cluster.Project, "iamPolicy.bindings", "the account is in none, nor in those above"))
	}
	return v
}

// scopesOf returns the access scopes of nodes without the part that all begin with, and
// where they stand.
func scopesOf(n audit.NodeSource) ([]string, audit.Evidence) {
	field, scopes := "config.oauthScopes", n.Pool.GetConfig().GetOauthScopes()
	if n.Pool == nil {
		field = "autoscaling.autoprovisioningNodePoolDefaults.oauthScopes"
		scopes = n.Cluster.GetAutoscaling().GetAutoprovisioningNodePoolDefaults().GetOauthScopes()
	}
	var short []string
	for _, s := range scopes {
		short = append(short, strings.TrimPrefix(s, "https://www.googleapis.com/auth/"))
	}
	return short, audit.Evidence{Resource: n.ResourceName(), Field: field, Value: shorten(short)}
}

// narrowScopes reports whether none of the sources has a broad access scope.
func narrowScopes(sources []audit.NodeSource) (bool, []audit.Evidence) {
	var evidence []audit.Evidence
	for _, n := range sources {
		scopes, e := scopesOf(n)
		if len(scopes) == 0 || len(broadScopes(scopes)) > 0 {
			return false, nil
		}
		evidence = append(evidence, e)
	}
	return true, evidence
}
