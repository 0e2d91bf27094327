package rules

import (
	"strconv"
	"strings"

	"gkeaudit/audit"
)

var nodeServiceAccountKeys = &audit.Rule{
	ID:       "node-service-account-keys",
	Title:    "The service accounts of nodes have no keys of users'",
	Severity: audit.Medium,
	Weight:   "A key works from anywhere and for years, but somebody has to get hold of it first.",
	Optional: "It takes Cloud Asset Inventory, and is about how accounts are used outside the cluster.",
	Since:    "0.1.0",
	Rationale: `Nodes get their credentials from the metadata server and need no key. A key that a user
made is a copy of the nodes' identity: whoever has the file may do what the nodes may,
from anywhere, until the key is deleted, and the audit log shows the nodes' account.`,
	Checks: `The keys of each service account that nodes of the cluster run as, in the answer of
Cloud Asset Inventory's search for iam.googleapis.com/ServiceAccountKey in the account's
project. keyType USER_MANAGED fails unless disabled is true; SYSTEM_MANAGED keys are
Google's own. A key without a type, or whose account cannot be told, is unknown. The
inventory may lag behind by minutes. It does not apply to service agents.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "See which keys there are", Commands: `gcloud iam service-accounts keys list --project={account-project} \
    --iam-account={account} --managed-by=user`},
			{Title: "Disable those that nothing uses", Before: "Check that nothing uses the key: what does fails at once. A disabled key can be enabled again.", Commands: `gcloud iam service-accounts keys disable KEY_ID \
    --iam-account={account} --project={account-project}`},
			{Title: "Delete a key that has been disabled for a while", Before: "Check that nothing failed since the key was disabled. A deleted key cannot be restored.", Commands: `gcloud iam service-accounts keys delete KEY_ID \
    --iam-account={account} --project={account-project}`},
		},
		Terraform: `resource "google_org_policy_policy" "keys" {
  # no new keys; remove google_service_account_key resources of {account}
  name   = "projects/{project}/policies/iam.disableServiceAccountKeyCreation"
  parent = "projects/{project}"
  spec {
    rules {
      enforce = "TRUE"
    }
  }
}`,
		Disruption: `Whatever uses a key that is deleted fails at once. Nodes do not.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Best practices for managing service account keys", URL: "https://docs.cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys"},
		{Title: "Create and delete service account keys", URL: "https://docs.cloud.google.com/iam/docs/keys-create-delete"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "USER_MANAGED_SERVICE_ACCOUNT_KEY"},
		{Framework: audit.OrgPolicy, ID: "iam.disableServiceAccountKeyCreation"},
		{Framework: audit.OrgPolicy, ID: "iam.managed.disableServiceAccountKeyCreation"},
	},
	Needs: []audit.Data{audit.ServiceAccounts, audit.ServiceAccountKeys},
	Check: audit.EachNodeAccount(judgeKeys),
}

func judgeKeys(in *audit.Input, a audit.NodeAccount) audit.Verdict {
	if a.Kind == audit.ServiceAgent {
		return audit.NotApplicablef("%s is a service agent of Google's, which has no keys of users'", a.Email)
	}
	keys, stray, gap := in.KeysOf(a)
	var users, unclear []string
	var proof, hints []audit.Evidence
	for _, k := range keys {
		evidence := audit.Evidence{Resource: a.ResourceName() + "/keys/" + k.ID, Field: "keyType", Value: k.Type}
		switch {
		case k.Type == "USER_MANAGED" && !k.Disabled:
			users, proof = append(users, k.ID), append(proof, evidence)
		case k.Type == "USER_MANAGED" || k.Type == "SYSTEM_MANAGED":
		default:
			unclear = append(unclear, "whether key "+k.ID+" is a user's is not told")
			evidence.Value = strings.TrimSpace("absent: not told " + k.Type)
			hints = append(hints, evidence)
		}
	}
	for _, k := range stray {
		unclear = append(unclear, "it is not known whose key "+k.ID+" is")
		hints = append(hints, audit.Evidence{Resource: "projects/" + a.Project, Field: "serviceAccountKeys[].name", Value: strconv.Quote(k.Account)})
	}
	switch {
	case users != nil:
		return audit.Failf("%s has %s: %s", accountName(a), count(uint64(len(users)), "key of a user's", "keys of users'"), several(users, 3)).Because(proof...)
	case gap != nil:
		return audit.Hidden(gap)
	case unclear != nil:
		return audit.Unknownf("%s", several(unclear, 2)).Because(hints...)
	}
	return audit.Passf("%s has no key of a user's that works", accountName(a)).Because(
		audit.Absent(a.ResourceName(), "keys[]", "none is USER_MANAGED and enabled"))
}
