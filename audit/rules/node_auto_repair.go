package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var nodeAutoRepair = &audit.Rule{
	ID:       "node-auto-repair",
	Title:    "Node pools repair themselves",
	Severity: audit.Low,
	Weight:   "It is a matter of resilience: a node that fails stays broken until somebody replaces it.",
	Since:    "0.1.0",
	Rationale: `A node that is no longer ready, or whose disk is full, cannot be relied on to
report, to rotate its keys or to take upgrades. With auto-repair GKE makes it
anew. Without, it stays until somebody looks.`,
	Checks: `management.autoRepair of each node pool, and that of
autoscaling.autoprovisioningNodePoolDefaults where the cluster makes node pools by
itself. Absent means off; a node pool with neither management nor config is unknown,
and so are defaults without a management section. In a release channel, which forces it
on, the defaults pass whatever they say. Autopilot always
repairs nodes.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Turn auto-repair on", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --enable-autorepair`},
			{For: audit.AutoProvisioning, Title: "Turn it on for node pools from now on, with its twin, which gcloud demands" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-autoprovisioning --enable-autoprovisioning-autorepair \
    --enable-autoprovisioning-autoupgrade --autoprovisioning-service-account=ACCOUNT`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  management {
    auto_repair = true
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}
  cluster_autoscaling {
    auto_provisioning_defaults {
      management {
        auto_repair = true
      }
    }
  }
}`,
		Disruption: "None, unless a node is broken: it is then drained and made anew.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Auto-repair nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/node-auto-repair"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.2"},
		{Framework: audit.SCC, ID: "AUTO_REPAIR_DISABLED"},
	},
	Check: audit.StandardOnly("Autopilot always repairs nodes", audit.EachNodeSource(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		return judgeManagement(n, "auto-repair", "autoRepair", (*containerpb.NodeManagement).GetAutoRepair)
	})),
}
