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

// nodeRoles are the permissions among those that predefined roles are known to have.
var nodeRoles = map[string][]string{
	"roles/container.defaultNodeServiceAccount": nodePermissions,
	"roles/owner":                     nodePermissions,
	"roles/editor":                    nodePermissions,
	"roles/autoscaling.metricsWriter": {"autoscaling.sites.writeMetrics"},
	"roles/logging.admin":             {"logging.logEntries.create"},
	"roles/logging.logWriter":         {"logging.logEntries.create"},
	"roles/monitoring.admin":          nodePermissions[2:],
	"roles/monitoring.editor":         nodePermissions[2:],
	"roles/monitoring.metricWriter":   {"monitoring.metricDescriptors.create", "monitoring.metricDescriptors.list", "monitoring.timeSeries.create"},
	"roles/monitoring.viewer":         {"monitoring.metricDescriptors.list", "monitoring.timeSeries.list"},
	"roles/viewer":                    {"monitoring.metricDescriptors.list", "monitoring.timeSeries.list"},
	"roles/browser":                   nil,
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
permissions of roles/container.defaultNodeServiceAccount on the cluster's project, by
the allow policies of the project and of the folders and the organization above it:
by that role, by roles/logging.logWriter, roles/monitoring.metricWriter,
roles/monitoring.viewer and roles/autoscaling.metricsWriter together, by a basic role,
or by custom roles. Where only a role on a condition, a group's or a predefined role of
Logging, Monitoring, Autoscaling or GKE whose permissions are not known here could bring
what is missing, it is unknown. Pulling images takes roles/artifactregistry.reader
besides, which is not looked at: it is often granted on single repositories.`,
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
	Needs: []audit.Data{audit.IAMPolicies, audit.CustomRoles},
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

// nodePermissionsOf returns the permissions that nodes need and a role has. It reports
// false for those that a predefined role may have.
func nodePermissionsOf(in *audit.Input, role string) (permissions []string, known bool, gap *audit.Gap) {
	if audit.IsCustomRole(role) {
		r, gap := in.CustomRole(role)
		if r == nil || r.Deleted {
			return nil, true, gap
		}
		return r.Permissions, true, nil
	}
	if permissions, ok := nodeRoles[role]; ok {
		return permissions, true, nil
	}
	service, _, ofService := strings.Cut(strings.TrimPrefix(role, "roles/"), ".")
	for _, p := range nodePermissions {
		// The service's own roles, those of GKE and the newer basic ones.
		if strings.HasPrefix(p, service+".") || service == "container" || !ofService {
			permissions = append(permissions, p)
		}
	}
	return permissions, permissions == nil, nil
}
