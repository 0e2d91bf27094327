package rules

import (
	"strconv"
	"strings"

	"gkeaudit/audit"
)

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
	Checks: `The allow policy of each service account that nodes of the cluster run as, in the answer of
Cloud Asset Inventory's search for policies of iam.googleapis.com/ServiceAccount in the
account's project. It fails if a user, a group, a domain, everybody, an identity of a
workforce or workload pool or a Kubernetes service account holds a role there with one of
these permissions: iam.serviceAccounts.actAs, getAccessToken, getOpenIdToken, signBlob,
signJwt, implicitDelegation or setIamPolicy, iam.serviceAccountKeys.create or
iam.serviceAccountApiKeyBindings.create. The role's name does not matter. Service accounts
that hold such a role are named and pass: what makes node pools needs it. A deleted or
disabled role grants nothing. The rule does not pass if a role could not be read, or if the
IAM API does not know it or lists no permissions of it. A condition that ended by
request.time before the snapshot was taken grants nothing. It is unknown if the member is of
a kind that is not known. No policy in the answer means that there is none. The inventory
may lag behind by minutes. Grants on the project are judged by
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
	Needs: []audit.Data{audit.ServiceAccounts, audit.ServiceAccountPolicies, audit.Roles},
	Check: audit.EachNodeAccount(judgeImpersonation),
}

func judgeImpersonation(in *audit.Input, a audit.NodeAccount) audit.Verdict {
	if a.Kind == audit.ServiceAgent {
		return audit.NotApplicablef("%s is a service agent of Google's, whose policy is Google's", a.Email)
	}
	policies, stray, gap := in.PoliciesOf(a)
	var gaps []*audit.Gap
	if gap != nil {
		gaps = append(gaps, gap)
	}
	var bad, unclear, machines []string
	var proof, machineProof, hints []audit.Evidence
	for _, p := range stray {
		unclear = append(unclear, "it is not known whose policy one of the project's is")
		hints = append(hints, audit.Evidence{Resource: "projects/" + a.Project, Field: "serviceAccountPolicies[].resource", Value: strconv.Quote(p.Account)})
	}
	seen := map[string]bool{}
	for _, p := range policies {
		for _, b := range p.Policy.Bindings {
			role, condition := b.Granted()
			h := holdingOf(in, role, actingAs)
			if h == (holding{}) || condition.Ended(in.Time) {
				continue
			}
			for _, m := range b.Members {
				key := audit.GrantKey(role, m, condition)
				if seen[key] {
					continue
				}
				seen[key] = true
				e := audit.Evidence{Resource: a.ResourceName(), Field: "iamPolicy.bindings[" + role + "].members", Value: m + condition.Clause()}
				text := m + " holds " + role + h.String() + condition.String()
				switch {
				case strings.HasPrefix(m, "deleted:"):
				case isMachine(m):
					machines, machineProof = append(machines, m), append(machineProof, h.in(role, e)...)
				case h.gap != nil:
					gaps = append(gaps, h.gap)
				case isStrange(m):
					unclear, hints = append(unclear, text+unknownMember), append(hints, e)
				case h.unclear != "":
					unclear, hints = append(unclear, text+h.unclear), append(hints, e)
				default:
					bad, proof = append(bad, text), append(proof, h.in(role, e)...)
				}
			}
		}
	}
	switch {
	case bad != nil:
		return audit.Failf("%s", several(bad, 3)).Because(proof...)
	case gaps != nil:
		return audit.Hidden(gaps...)
	case unclear != nil:
		return audit.Unknownf("%s", several(unclear, 2)).Because(hints...)
	case machines != nil:
		return audit.Passf("only service accounts may act as %s: %s", accountName(a), several(machines, 3)).Because(machineProof...)
	}
	return audit.Passf("nobody may act as %s by its own policy", accountName(a)).Because(
		audit.Absent(a.ResourceName(), "iamPolicy.bindings", "nobody holds such a role there"))
}
