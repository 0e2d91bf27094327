package rules

import (
	"strings"

	"gkeaudit/audit"
)

var workloadIdentity = &audit.Rule{
	ID:       "workload-identity",
	Title:    "Workloads have identities of their own by Workload Identity Federation",
	Severity: audit.High,
	Weight:   "One compromised Pod gets what all workloads of the node share, or a key that works from anywhere until somebody revokes it.",
	Since:    "0.1.0",
	Rationale: `Without Workload Identity Federation a workload that calls Google APIs uses the node's
service account, which then holds what any workload needs and gives it to all, or an
exported key, which works from anywhere until somebody revokes it.`,
	Checks: `The cluster's workloadIdentityConfig.workloadPool. PROJECT.svc.id.goog passes (in
another universe of Google's PROJECT.PREFIX.svc.id.goog), none fails, and a pool of another form is unknown. Autopilot always has it. Whether node
pools use it is for node-metadata-server.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn on Workload Identity Federation", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --workload-pool={workload-pool}`},
			{Title: "Then let each node pool that is there use it", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --workload-metadata=GKE_METADATA`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  workload_identity_config {
    workload_pool = "{workload-pool}"
  }
}`,
		Disruption: `None for the cluster: node pools that are there go on as before, and new ones use it.
To change a node pool makes its nodes anew.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About Workload Identity Federation for GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/workload-identity"},
		{Title: "Authenticate to Google Cloud APIs from GKE workloads", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.2.2"},
		{Framework: audit.SCC, ID: "WORKLOAD_IDENTITY_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableWorkloadIdentityFederation"},
	},
	Check: audit.StandardOnly("Autopilot always has Workload Identity Federation", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		evidence, ok := workloadPool(c)
		switch {
		case !ok:
			return audit.Failf("Workload Identity Federation is off").Because(evidence)
		case !strings.HasSuffix(evidence.Value, ".svc.id.goog"):
			return audit.Unknownf("the workload pool %q has not the form of one for GKE", evidence.Value).Because(evidence)
		}
		return audit.Passf("workloads have identities in %s", evidence.Value).Because(evidence)
	})),
}
