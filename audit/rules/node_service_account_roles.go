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
	Checks: `The roles that each service account of the cluster's nodes holds by the allow policies of
the cluster's project, of the account's own, and of the folders and the organization above
them. The permissions of a role decide, never its name: the definition of each role, basic,
predefined or custom, is read from the IAM API. A role is broad if one of its permissions is
enough to become another identity (such as iam.serviceAccounts.actAs or getAccessToken,
iam.serviceAccountKeys.create, every setIamPolicy), to run code as one
(compute.instances.create or setMetadata, run.services.create, run.jobs.runWithOverrides,
cloudbuild.builds.create, osconfig.patchJobs.exec, dataflow.jobs.create,
dataproc.jobs.create with dataproc.clusters.use), to get at pods or secrets in clusters
(container.pods.exec, container.deployments.update, container.secrets.get), or to read,
change or destroy data of the whole project (secretmanager.versions.access,
bigquery.tables.getData, storage.objects.delete, firebasedatabase.instances.get). The
message names the role and the permission that decided. A role that may read the objects of
all buckets, all logs, all subscriptions or all Kafka clusters is noted and passes, as is
the deprecated roles/container.nodeServiceAgent. A deleted or disabled custom role grants
nothing. The rule does not pass if a role could not be read, or if the IAM API does not know
it or lists no permissions of it. A role that is granted on a condition counts, and the
message names the condition; a condition that ended by request.time before the snapshot was
taken grants nothing. Members that include the account count: allUsers,
allAuthenticatedUsers, and all service accounts of a project, folder or organization. Who is
in a group cannot be read: where a group holds a broad role, it is unknown whether the
account does, unless the parameter peopleGroups says that the group has people only. Roles
on single resources, such as a bucket, deny policies and principal access boundaries are not
looked at. Access scopes do not make a broad role pass.`,
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
		{Title: "IAM roles and permissions index", URL: "https://docs.cloud.google.com/iam/docs/roles-permissions"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE20, ID: "5.2.1"},
		{Framework: audit.SCC, ID: "ADMIN_SERVICE_ACCOUNT"},
	},
	Needs: []audit.Data{audit.IAMPolicies, audit.Roles},
	Reads: []audit.Parameter{audit.PeopleGroups},
	Check: audit.EachNodeAccount(judgeAccountRoles),
}

func judgeAccountRoles(in *audit.Input, a audit.NodeAccount) audit.Verdict {
	grants, gaps := in.Grants(a, a.Cluster.Project, a.Project)
	joints := jointOf(in, grants)
	var held, unclear []string
	var proof, hints []audit.Evidence
	doubtful := false // whether the account is a member
	v := audit.Passf("%s holds no broad role", accountName(a))
	for i, g := range grants {
		h := holdingOf(in, g.Role, broad)
		certain := g.Certain
		if h == (holding{}) && joints[i].permission != "" {
			h.permission, certain = joints[i].permission, joints[i].certain
		}
		text := g.Role + h.String() + strings.TrimPrefix(g.String(), g.Role)
		switch {
		case h.gap != nil:
			gaps = append(gaps, h.gap)
		case h.permission != "" && certain:
			held, proof = append(held, text), append(proof, h.in(g.Role, g.Evidence())...)
		case h.permission != "":
			doubtful = true
			unclear, hints = append(unclear, g.Member+" holds "+g.Role+h.String()+" on "+g.Resource), append(hints, h.in(g.Role, g.Evidence())...)
		case h.unclear != "":
			unclear, hints = append(unclear, g.Member+" holds "+g.Role+" on "+g.Resource+h.unclear), append(hints, g.Evidence())
		case g.Certain:
			v = v.Because(g.Evidence())
			if g.Role == "roles/container.nodeServiceAgent" {
				v = v.Noting(text + " is deprecated; roles/container.defaultNodeServiceAccount is for nodes")
			}
			if read := holdingOf(in, g.Role, reading); read.permission != "" {
				v = v.Noting("it may read much by " + g.Role + read.String() + " on " + g.Resource)
			}
		}
	}
	if doubtful && a.Email == "" {
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
	case unclear != nil:
		return audit.Unknownf("whether %s holds a broad role is not known: %s", accountName(a), several(unclear, 3)).Because(hints...)
	}
	if len(v.Evidence) == 0 {
		v = v.Because(audit.Absent("projects/"+a.Cluster.Project, "iamPolicy.bindings", "the account is in none, nor in those above"))
	}
	return v
}

// A joint permission is enough together with one that another grant of the account has.
type joint struct {
	permission string
	certain    bool // the account has both
}

// jointOf finds such grants by their place among all of an account.
func jointOf(in *audit.Input, grants []audit.Grant) map[int]joint {
	joints := map[int]joint{}
	for _, c := range combinations {
		for i, g := range grants {
			does := holdingOf(in, g.Role, c.does).permission
			if does == "" || joints[i].certain {
				continue
			}
			for _, o := range grants {
				if g.Resource != o.Resource && strings.HasPrefix(g.Resource, "projects/") && strings.HasPrefix(o.Resource, "projects/") {
					continue // what both act on is in one project
				}
				if with := holdingOf(in, o.Role, c.with).permission; with != "" && !joints[i].certain {
					joints[i] = joint{does + ", and " + with + " by " + o.Role, g.Certain && o.Certain}
				}
			}
		}
	}
	return joints
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
