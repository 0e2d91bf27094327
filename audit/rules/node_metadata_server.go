package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var nodeMetadataServer = &audit.Rule{
	ID:       "node-metadata-server",
	Title:    "Pods get credentials of their own from the GKE metadata server",
	Severity: audit.High,
	Weight:   "One compromised Pod gets the token of the node's service account with one request, without an exploit.",
	Since:    "0.1.0",
	Rationale: `Without the GKE metadata server each pod reaches that of Compute Engine. That hands out
the token of the node's service account and the node's bootstrap configuration to
whoever asks, so that every pod on the node is as powerful as the node.`,
	Checks: `The config.workloadMetadataConfig.mode of each node pool. GKE_METADATA passes,
GCE_METADATA fails, and so does none: node pools that were made before the cluster got
Workload Identity Federation are left as they are. A mode that is not known is unknown.
Where a Standard cluster makes node pools by itself, those get the GKE metadata server
if the cluster has a workload pool (workloadIdentityConfig.workloadPool), and not
otherwise. Autopilot always has it. Pods on the host's network reach the metadata server
of Compute Engine in any case.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn on Workload Identity Federation, where the cluster has it not yet", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --workload-pool={workload-pool}`},
			{For: audit.StandardPool, Title: "Turn on the GKE metadata server of the node pool", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --workload-metadata=GKE_METADATA`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  workload_identity_config {
    workload_pool = "{workload-pool}"
  }
}

resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }
}`,
		Disruption: `The nodes of the node pool are made anew. From then on its pods no longer have the
rights of the node's service account: grant workloads that call Google APIs what they
need as Kubernetes service accounts first.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Authenticate to Google Cloud APIs from GKE workloads", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/workload-identity"},
		{Title: "Protecting cluster metadata", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/protecting-cluster-metadata"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.4.1"},
	},
	Check: audit.StandardOnly("Autopilot always runs the GKE metadata server", audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		if n.Pool == nil {
			evidence, ok := workloadPool(n.Cluster)
			if ok {
				return audit.Passf("new auto-provisioned node pools get the GKE metadata server, as the cluster has a workload pool").Because(evidence)
			}
			return audit.Failf("new auto-provisioned node pools let pods reach the metadata server of Compute Engine").Because(evidence)
		}
		config := n.Pool.GetConfig().GetWorkloadMetadataConfig()
		mode := config.GetMode()
		evidence := audit.Evidence{Resource: n.ResourceName(), Field: "config.workloadMetadataConfig.mode", Value: audit.EnumName(config, mode)}
		switch mode {
		case containerpb.WorkloadMetadataConfig_GKE_METADATA:
			return audit.Passf("pods get credentials from the GKE metadata server").Because(evidence)
		case containerpb.WorkloadMetadataConfig_GCE_METADATA:
			return audit.Failf("pods reach the metadata server of Compute Engine").Because(evidence)
		case containerpb.WorkloadMetadataConfig_MODE_UNSPECIFIED:
			v := audit.Failf("pods reach the metadata server of Compute Engine").
				Because(audit.Absent(evidence.Resource, evidence.Field, "the GKE metadata server is not used"))
			if pool, ok := workloadPool(n.Cluster); ok {
				v = v.Noting("the cluster has a workload pool, which this node pool does not use").Because(pool)
			}
			return v
		}
		return audit.UnknownValue(evidence)
	}))),
}

// workloadPool reports whether a cluster has a workload pool, and the field that says so.
func workloadPool(c *audit.Cluster) (audit.Evidence, bool) {
	const field = "workloadIdentityConfig.workloadPool"
	pool := c.GetWorkloadIdentityConfig().GetWorkloadPool()
	if pool == "" {
		return audit.Absent(c.ResourceName(), field, "Workload Identity Federation is off"), false
	}
	return audit.Evidence{Resource: c.ResourceName(), Field: field, Value: pool}, true
}
