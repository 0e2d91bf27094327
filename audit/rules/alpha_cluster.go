package rules

import (
	"strings"

	"gkeaudit/audit"
)

var alphaCluster = &audit.Rule{
	ID:       "alpha-cluster",
	Title:    "The cluster is no alpha cluster",
	Severity: audit.Medium,
	Weight:   "The cluster gets no security patches and runs features that nobody has hardened, but it opens nothing by itself, and GKE deletes it after 30 days.",
	Since:    "0.1.0",
	Rationale: `An alpha cluster has all alpha features of Kubernetes on. It cannot be upgraded, so
it never gets a patch, is under no service level agreement, and GKE deletes it
after 30 days. It is for trying things out.`,
	Checks: `enableKubernetesAlpha; absent means false. Feature gates in
alphaClusterFeatureGates without it are unknown. Autopilot clusters cannot be
alpha clusters.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "It cannot be turned off: create another cluster, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} --release-channel=regular`},
			{Title: "Delete the alpha cluster", Before: deletesCluster, Commands: `gcloud container clusters delete {cluster} \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  enable_kubernetes_alpha = false # makes the cluster anew
}`,
		Disruption: "A new cluster, to which workloads are moved.",
		Recreates:  audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Alpha clusters", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/alpha-clusters"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.10.2"},
		{Framework: audit.SCC, ID: "ALPHA_CLUSTER_ENABLED"},
	},
	Check: audit.StandardOnly("Autopilot clusters cannot be alpha clusters", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "enableKubernetesAlpha"
		if c.GetEnableKubernetesAlpha() {
			return audit.Failf("it is an alpha cluster, which is never patched").
				Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		absent := audit.Absent(c.ResourceName(), field, "no alpha cluster")
		if gates := c.GetAlphaClusterFeatureGates(); len(gates) > 0 {
			return audit.Unknownf("alpha feature gates are set, though it is said to be no alpha cluster").Because(absent,
				audit.Evidence{Resource: c.ResourceName(), Field: "alphaClusterFeatureGates", Value: strings.Join(gates, ", ")})
		}
		return audit.Passf("it is no alpha cluster").Because(absent)
	})),
}
