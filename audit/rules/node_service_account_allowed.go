package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

var nodeServiceAccountAllowed = &audit.Rule{
	ID:       "node-service-account-allowed",
	Title:    "Nodes run as service accounts that are laid down",
	Severity: audit.Medium,
	Weight:   "It takes away the layer of review: an account that nobody has approved may have any rights.",
	Optional: "It applies only where the owner of an estate has laid down the accounts.",
	Since:    "0.1.0",
	Rationale: `Where it is laid down which service accounts nodes may run as, such as those of a module
that grants them what they need, an account beside those was made past that: nobody
has decided what it may do.`,
	Checks: `The e-mail address of each service account that nodes of the cluster run as, against the
globs of the parameter nodeServiceAccounts. One that none fits fails. Without the
parameter the rule does not apply. The address of a default account takes the number
of the project; where that could not be read, it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat(anotherPool("Create another node pool with an account that is approved, for each that runs as the account",
			"--service-account=EMAIL --scopes=cloud-platform"), []audit.Step{
			{For: audit.AutopilotCluster, Title: "Create another cluster with an account that is approved, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project} --service-account=EMAIL`},
		}),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of the node pools that run as {account}
  node_config {
    service_account = "EMAIL"
  }
}`,
		Disruption: `The account of a node pool is set for good when it is made: a new node pool is needed,
and pods move when the old one is drained.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "About service accounts in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/service-accounts"},
	},
	Reads: []audit.Parameter{audit.NodeServiceAccounts},
	Check: audit.EachNodeAccount(func(in *audit.Input, a audit.NodeAccount) audit.Verdict {
		globs := in.Parameters.NodeServiceAccounts
		if len(globs) == 0 {
			return audit.NotApplicablef("it is not laid down which service accounts nodes may run as")
		}
		if a.Email == "" {
			_, gap := in.ProjectNumber(a.Project)
			return audit.Hidden(gap)
		}
		if !in.Parameters.AllowsNodeServiceAccount(a.Email) {
			return audit.Failf("%s is not among the accounts that are laid down: %s", a.Email, strings.Join(globs, ", "))
		}
		return audit.Passf("%s is among the accounts that are laid down", a.Email)
	}),
}
