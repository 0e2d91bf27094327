package rules

import (
	"slices"

	"gkeaudit/audit"
)

var nodeServiceAccountEnabled = &audit.Rule{
	ID:       "node-service-account-enabled",
	Title:    "The service accounts of nodes exist and are enabled",
	Severity: audit.Low,
	Weight:   "It exposes nothing; new nodes do not join the cluster, which breaks it at the next upgrade or repair.",
	Optional: "It is about operation, and takes the list of a project's service accounts.",
	Since:    "0.1.0",
	Rationale: `A node whose service account is disabled or deleted gets no credentials: it cannot pull
images, writes no logs and, when it is made anew, does not join the cluster. Nodes that
are there may go on for a while, so that it shows at the next upgrade, repair or
scale-up. An account of the same name that is made later is another one, without the
roles of the first.`,
	Checks: `Each service account that nodes of the cluster run as, in the list of the service
accounts of the project that it belongs to. disabled true fails, and so does one that
is not in the list. Absent disabled means enabled. It does not apply to service agents
of Google's, which are in no list.`,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat([]audit.Step{
			{Title: "Enable the account, if it is disabled", Commands: `gcloud iam service-accounts enable {account} --project={account-project}`},
			{Title: "If it was deleted in the last 30 days, bring it back by its unique ID", Commands: `gcloud iam service-accounts undelete UNIQUE_ID --project={account-project}`},
		}, anotherPool("Or create another node pool with another account, for each that runs as the account",
			"--service-account=EMAIL --scopes=cloud-platform")),
		Terraform: `resource "google_service_account" "nodes" {
  # {account}
  disabled = false
}`,
		Disruption: `None by enabling an account or bringing it back. Another account takes new node pools.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "GKE node service account insights, in Network Analyzer", URL: "https://docs.cloud.google.com/network-intelligence-center/docs/network-analyzer/insights/kubernetes-engine/gke-node-service-account"},
		{Title: "Disable and enable service accounts", URL: "https://docs.cloud.google.com/iam/docs/service-accounts-disable-enable"},
	},
	Needs: []audit.Data{audit.ServiceAccounts},
	Check: audit.EachNodeAccount(func(in *audit.Input, a audit.NodeAccount) audit.Verdict {
		if a.Kind == audit.ServiceAgent {
			return audit.NotApplicablef("%s is a service agent of Google's", a.Email)
		}
		account, gap := in.AccountOf(a)
		switch {
		case gap != nil:
			return audit.Hidden(gap)
		case account == nil:
			return audit.Failf("%s does not exist in project %s", accountName(a), a.Project).Because(
				audit.Absent("projects/"+a.Project, "serviceAccounts[]", "the account is deleted"))
		case account.Disabled:
			return audit.Failf("%s is disabled", accountName(a)).Because(
				audit.Evidence{Resource: a.ResourceName(), Field: "disabled", Value: "true"})
		}
		return audit.Passf("%s is enabled", accountName(a)).Because(
			audit.Evidence{Resource: a.ResourceName(), Field: "disabled", Value: "false"})
	}),
}
