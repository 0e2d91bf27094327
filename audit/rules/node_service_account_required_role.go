package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// nodePermissions are what nodes need on the cluster's project, which is what
// roles/container.defaultNodeServiceAccount has. Source: Google Kubernetes Engine roles
// and permissions, in the IAM documentation.
var nodePermissions = []string{
	"autoscaling.sites.writeMetrics",
	"logging.logEntries.create",
	"monitoring.metricDescriptors.create",
	"monitoring.metricDescriptors.list",
	"monitoring.timeSeries.create",
	"monitoring.timeSeries.list",
}

var nodeServiceAccountRequiredRole = &audit.Rule{
	ID:       "node-service-account-required-role",
	Title:    "The service accounts of nodes may write logs and metrics",
	Severity: audit.Low,
	Weight:   "Nodes work without the role; what they do goes unseen, which makes the response cost more.",
	Since:    "0.1.0",
	Rationale: `Nodes write their logs and metrics as their service account. Where it lacks the
permissions, logs and metrics of the system are lost without an error in sight,
autoscaling works with less than it could know, and after an incident there is nothing
to look at. It is the usual state after the default account has been stripped of the
Editor role.`,
	Checks: `Whether each service account of the cluster's nodes holds, without a condition, the
permissions of roles/container.defaultNodeServiceAccount on the cluster's project, by the
allow policies of the project and of the folders and the organization above it: by that
role, or by any others together. The definitions of all of them are read from the IAM API. A
deleted or disabled custom role grants nothing, nor does a role on a condition that ended by
request.time. It is unknown if what is missing could come only by a role on a condition, by
a group's role, or by one that the IAM API does not know or lists no permissions of. Pulling
images takes roles/artifactregistry.reader besides, which is not looked at: it is often
granted on single repositories.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Grant the role", Commands: `gcloud projects add-iam-policy-binding {project} \
    --member=serviceAccount:{account} --condition=None \
    --role=roles/container.defaultNodeServiceAccount`},
		},
		Terraform: `resource "google_project_iam_member" "nodes" {
  project = "{project}"
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:{account}"
}`,
		Disruption: `None.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About service accounts in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/service-accounts"},
		{Title: "Harden your cluster's security: use least privilege IAM service accounts", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa"},
	},
	Needs: []audit.Data{audit.IAMPolicies, audit.Roles},
	Reads: []audit.Parameter{audit.PeopleGroups},
	Check: audit.EachNodeAccount(judgeRequiredRole),
}

func judgeRequiredRole(in *audit.Input, a audit.NodeAccount) audit.Verdict {
	grants, gaps := in.Grants(a, a.Cluster.Project)
	lacking, undecided := slices.Clone(nodePermissions), slices.Clone(nodePermissions)
	var roles, possible []string
	var proof, hints []audit.Evidence
	for _, g := range grants {
		permissions, known, gap := nodePermissionsOf(in, g.Role)
		if gap != nil {
			gaps = append(gaps, gap)
			continue
		}
		without := func(all []string) []string {
			return slices.DeleteFunc(slices.Clone(all), func(p string) bool { return slices.Contains(permissions, p) })
		}
		helps := len(without(undecided)) < len(undecided)
		if !known || !g.Certain || g.Condition != nil {
			if helps || len(without(lacking)) < len(lacking) {
				undecided = without(undecided)
				possible, hints = append(possible, g.String()), append(hints, g.Evidence())
			}
			continue
		}
		if len(without(lacking)) < len(lacking) {
			roles, proof = append(roles, g.Role), append(proof, g.Evidence())
		}
		lacking, undecided = without(lacking), without(undecided)
	}
	if a.Email == "" && len(lacking) > 0 {
		_, gap := in.ProjectNumber(a.Project)
		gaps = append(gaps, gap)
	}
	switch {
	case len(lacking) == 0:
		return audit.Passf("%s holds %s", accountName(a), strings.Join(roles, ", ")).Because(proof...)
	case gaps != nil:
		return audit.Hidden(gaps...)
	case len(undecided) == 0:
		return audit.Unknownf("whether %s has %s is not known: it rests on %s", accountName(a), several(lacking, 3), several(possible, 3)).Because(hints...)
	}
	return audit.Failf("%s lacks %s on projects/%s", accountName(a), several(undecided, 3), a.Cluster.Project).Because(proof...).Because(hints...).Because(
		audit.Absent("projects/"+a.Cluster.Project, "iamPolicy.bindings", "no role of the account has the permissions, there or above"))
}

// nodePermissionsOf returns the permissions that a role grants. It reports false for a role
// that the API does not know, or of which it lists nothing: it may grant all that nodes need.
func nodePermissionsOf(in *audit.Input, role string) (permissions []string, known bool, gap *audit.Gap) {
	r, gap := in.Role(role)
	switch {
	case r == nil:
		return nil, true, gap
	case r.Missing || !r.Listed():
		return nodePermissions, false, nil
	}
	return r.Granted(), true, nil
}
