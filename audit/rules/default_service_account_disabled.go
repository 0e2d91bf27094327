package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var defaultServiceAccountDisabled = &audit.Rule{
	ID:       "default-service-account-disabled",
	Title:    "The Compute Engine default service account is disabled",
	Severity: audit.Low,
	Weight:   "It keeps the next node pool from running as the default account by mistake; node pools that do so today have a rule of their own.",
	Optional: "Other resources of the project may still run as the default account.",
	Since:    "0.1.0",
	Rationale: `A node pool that names no service account gets the Compute Engine default one, which in
many projects holds the Editor role. Where that account is disabled, such a node pool
shows at once that something is missing.`,
	Checks: `The Compute Engine default service account, NUMBER-compute@developer.gserviceaccount.com
(in another universe of Google's NUMBER-compute@developer.PREFIX-system.iam.gserviceaccount.com),
in the list of the service accounts of the cluster's project. Enabled fails; disabled
and not in the list, that is deleted, pass. The finding names the node pools of the
cluster that run as the account.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "See that nothing runs as the account: virtual machines, node pools, functions, jobs", Commands: `gcloud asset search-all-resources --scope=projects/{project} --project={project} \
    --query={account}`},
			{Title: "Disable it", Before: "Check that the list above shows nothing that runs as the account: whatever does loses its credentials.", Commands: `gcloud iam service-accounts disable {account} \
    --project={project}`},
		},
		Terraform: `resource "google_project_default_service_accounts" "default" {
  # all default accounts of the project, that of App Engine among them
  project = "{project}"
  action  = "DISABLE"
}`,
		Disruption: `Terraform's resource disables all default accounts of the project, not this one alone.
Whatever runs as the account loses its credentials, node pools of this and other
clusters among it: move those to accounts of their own first. The account can be
enabled again.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Types of service accounts: default service accounts", URL: "https://docs.cloud.google.com/iam/docs/service-account-types#default"},
		{Title: "Disable and enable service accounts", URL: "https://docs.cloud.google.com/iam/docs/service-accounts-disable-enable"},
	},
	Needs: []audit.Data{audit.ServiceAccounts},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeDefaultAccount(in, c).On("projects/" + c.Project)
	}),
}

func judgeDefaultAccount(in *audit.Input, c *audit.Cluster) audit.Verdict {
	project := c.Project
	accounts, gap := in.ServiceAccounts(project)
	for _, a := range accounts {
		if audit.ParseAccount(a.Email).Kind != audit.ComputeDefault {
			continue
		}
		evidence := audit.Evidence{Resource: "projects/" + project + "/serviceAccounts/" + a.Email, Field: "disabled", Value: strconv.FormatBool(a.Disabled)}
		if a.Disabled {
			return audit.Passf("%s is disabled", a.Email).Because(evidence)
		}
		v := audit.Failf("%s is enabled", a.Email).Because(evidence)
		if users, because := usersOf(c, a.Email); users != "" {
			v = v.Noting("disabling it breaks what runs as it in this cluster: " + users).Because(because...)
		}
		return v
	}
	if gap != nil {
		return audit.Hidden(gap)
	}
	return audit.Passf("project %s has no Compute Engine default service account", project).Because(
		audit.Absent("projects/"+project, "serviceAccounts[]", "the account is deleted, or was never made"))
}

// usersOf names the node sources of a cluster whose nodes run as its project's Compute Engine
// default service account. Node pools without config, which may, are left out.
func usersOf(c *audit.Cluster, email string) (string, []audit.Evidence) {
	var users []string
	var because []audit.Evidence
	for _, n := range c.NodeSources() {
		name, evidence := n.ServiceAccount()
		if name == email || (name == "" || name == "default") && (n.Pool == nil || n.Pool.GetConfig() != nil) {
			users = append(users, n.String())
			because = append(because, evidence)
		}
	}
	return shorten(users), because
}
