package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var nodeServiceAccountKeys = &audit.Rule{
	ID:       "node-service-account-keys",
	Title:    "The service accounts of nodes have no keys of users'",
	Severity: audit.Medium,
	Weight:   "It takes away the protection that credentials stay on the node: a key works from anywhere and for years, once somebody gets hold of it.",
	Optional: "It takes Cloud Asset Inventory, and is about how accounts are used outside the cluster.",
	Since:    "0.1.0",
	Rationale: `Nodes get their credentials from the metadata server and need no key. A key that a user
made is a copy of the nodes' identity: whoever has the file may do what the nodes may,
from anywhere, until the key is deleted, and the audit log shows the nodes' account.`,
	Checks: `The keys of each service account that nodes of the cluster run as, in the answer of
Cloud Asset Inventory's search for iam.googleapis.com/ServiceAccountKey in the account's
project. keyType USER_MANAGED fails unless disabled is true or validBeforeTime has passed,
after which a key cannot be used; SYSTEM_MANAGED keys are
Google's own. A usable key without a type, or whose account cannot be told, is unknown. The
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
		{Title: "ServiceAccountKey in the IAM API reference (keyType, disabled, validBeforeTime)", URL: "https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys"},
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
	var users, expired, unclear []string
	var proof, ended, hints []audit.Evidence
	for _, k := range keys {
		evidence := audit.Evidence{Resource: a.ResourceName() + "/keys/" + k.ID, Field: "keyType", Value: k.Type}
		switch {
		case k.Disabled, k.Type == "SYSTEM_MANAGED":
		case hasExpired(in, k):
			expired = append(expired, k.ID)
			ended = append(ended, audit.Evidence{Resource: evidence.Resource, Field: "validBeforeTime", Value: k.ValidBefore.UTC().Format("2006-01-02T15:04:05Z")})
		case k.Type == "USER_MANAGED":
			users, proof = append(users, k.ID), append(proof, evidence)
		case k.Type == "":
			unclear = append(unclear, "whether key "+k.ID+" is a user's is not told")
			hints = append(hints, audit.Absent(evidence.Resource, evidence.Field, "not told"))
		default:
			unclear = append(unclear, "key "+k.ID+" has the keyType "+k.Type+", which this version of gkeaudit does not know")
			hints = append(hints, evidence)
		}
	}
	for _, k := range stray {
		if k.Disabled || hasExpired(in, k) {
			continue
		}
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
	v := audit.Passf("%s has no key of a user's that works", accountName(a))
	if expired != nil {
		v = v.Noting(count(uint64(len(expired)), "key has", "keys have") + " expired: " + several(expired, 3))
	}
	return v.Because(audit.Absent(a.ResourceName(), "keys[]", "none is USER_MANAGED, enabled and valid")).Because(ended...)
}

// hasExpired reports whether a key can no longer be used at the time of the snapshot, as it
// has expired. Source: ServiceAccountKey, in the IAM API reference.
func hasExpired(in *audit.Input, k audit.ServiceAccountKey) bool {
	return !k.ValidBefore.IsZero() && !in.Time.IsZero() && !in.Time.Before(k.ValidBefore)
}
