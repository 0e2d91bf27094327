package rules

import (
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

// impersonation are predefined roles by which one may act as a service account, or make
// a key of it, and others that are about much else, too.
var impersonation = slices.Concat(serviceAccountRoles, []string{
	"roles/owner", "roles/editor", "roles/admin", "roles/writer",
	"roles/iam.securityAdmin",
})

var nodeServiceAccountImpersonation = &audit.Rule{
	ID:       "node-service-account-impersonation",
	Title:    "Nobody but machines may act as the service accounts of nodes",
	Severity: audit.Medium,
	Weight:   "It takes away the separation between people and nodes, and is worth as much as the account's roles.",
	Optional: "Who makes node pools by hand needs it, and it takes Cloud Asset Inventory.",
	Since:    "0.1.0",
	Rationale: `A person who may act as the account of nodes may read and do what nodes do, without
being seen: the audit log names the account. With roles/iam.serviceAccountUser one may
also start a machine or a node pool that runs as it and take its token there. A pod
that may act as it, by Workload Identity Federation, undoes what that federation is
for.`,
	Checks: `The allow policy of each service account that nodes of the cluster run as, in the answer
of Cloud Asset Inventory's search for policies of iam.googleapis.com/ServiceAccount in
the account's project. It fails if a user, a group, a domain, everybody, an identity of
a workforce or workload pool or a Kubernetes service account holds a role there by which
one may act as the account, make a key of it or change its policy. Service accounts that
hold one are named and pass: what makes node pools needs it. A custom role is unknown,
as its permissions are not read. No policy in the answer means that there is none. The
inventory may lag behind by minutes. Grants on the project are the matter of
project-service-account-impersonation.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Take the role away", Before: takesRole, Commands: `gcloud iam service-accounts remove-iam-policy-binding {account} \
    --project={account-project} --member=MEMBER --role=ROLE --all`},
		},
		Terraform: `resource "google_service_account_iam_binding" "users" {
  # in place of the members that are people or pods
  service_account_id = "projects/-/serviceAccounts/{account}"
  role               = "roles/iam.serviceAccountUser"
  members            = ["serviceAccount:EMAIL"]
}`,
		Disruption: `Nodes are not touched. Who made node pools by hand has to leave that to the account
that is left.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Roles for service account authentication", URL: "https://docs.cloud.google.com/iam/docs/service-account-permissions"},
		{Title: "Best practices for using service accounts securely", URL: "https://docs.cloud.google.com/iam/docs/best-practices-service-accounts"},
	},
	Needs: []audit.Data{audit.ServiceAccounts, audit.ServiceAccountPolicies},
	Check: audit.EachNodeAccount(judgeImpersonation),
}

func judgeImpersonation(in *audit.Input, a audit.NodeAccount) audit.Verdict {
	if a.Kind == audit.ServiceAgent {
		return audit.NotApplicablef("%s is a service agent of Google's, whose policy is Google's", a.Email)
	}
	policies, stray, gap := in.PoliciesOf(a)
	var bad, unclear, machines []string
	var proof, hints []audit.Evidence
	for _, p := range stray {
		unclear = append(unclear, "it is not known whose policy one of the project's is")
		hints = append(hints, audit.Evidence{Resource: "projects/" + a.Project, Field: "serviceAccountPolicies[].resource", Value: strconv.Quote(p.Account)})
	}
	for _, p := range policies {
		if p.Policy == nil {
			continue
		}
		for _, b := range p.Policy.Bindings {
			role, condition := b.Granted()
			custom := audit.IsCustomRole(role)
			if !custom && !slices.Contains(impersonation, role) {
				continue
			}
			for _, m := range b.Members {
				e := audit.Evidence{Resource: a.ResourceName(), Field: "iamPolicy.bindings[" + role + "].members", Value: m + condition.Clause()}
				text := m + " holds " + role + condition.String()
				switch {
				case strings.HasPrefix(m, "deleted:"):
				case isMachine(m):
					if !custom {
						machines = append(machines, m)
						proof = append(proof, e)
					}
				case custom:
					unclear, hints = append(unclear, text+", whose permissions are not read"), append(hints, e)
				default:
					bad, proof = append(bad, text), append(proof, e)
				}
			}
		}
	}
	switch {
	case bad != nil:
		return audit.Failf("%s", several(bad, 3)).Because(proof...)
	case gap != nil:
		return audit.Hidden(gap)
	case unclear != nil:
		return audit.Unknownf("%s", several(unclear, 2)).Because(hints...)
	case machines != nil:
		return audit.Passf("only service accounts may act as %s: %s", accountName(a), several(machines, 3)).Because(proof...)
	}
	return audit.Passf("nobody may act as %s by its own policy", accountName(a)).Because(
		audit.Absent(a.ResourceName(), "iamPolicy.bindings", "nobody holds such a role there"))
}

// isMachine reports whether a member is a service account of Google Cloud's, and not one
// of Kubernetes: serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME].
func isMachine(member string) bool {
	email, ok := strings.CutPrefix(member, "serviceAccount:")
	return ok && !strings.Contains(email, "[")
}
