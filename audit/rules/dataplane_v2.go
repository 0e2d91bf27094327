package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var dataplaneV2 = &audit.Rule{
	ID:       "dataplane-v2",
	Title:    "The cluster uses Dataplane V2",
	Severity: audit.Low,
	Weight:   "Its main gain for security, network policies, is also available with Calico; it also logs them.",
	Optional: "It is chosen when a cluster is made, and Calico on the older datapath enforces network policies as well.",
	Since:    "0.1.0",
	Rationale: `Dataplane V2 enforces network policies without an add-on, can log what they allow
and deny, and is what newer protections need, such as encryption between nodes and
policies by name.`,
	Checks: `networkConfig.datapathProvider: ADVANCED_DATAPATH passes; LEGACY_DATAPATH,
unspecified and absent fail. A value that is not known, such as of a migration under
way, and no networkConfig is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create another cluster with it, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} --enable-dataplane-v2`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  datapath_provider = "ADVANCED_DATAPATH"
}`,
		Disruption: `It is chosen when the cluster is made; Terraform makes the cluster anew.`,
		Recreates:  audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "GKE Dataplane V2", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2"},
		{Title: "Using GKE Dataplane V2", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/dataplane-v2"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		evidence := datapathEvidence(c)
		if c.GetNetworkConfig() == nil {
			return audit.Unknownf("which datapath the cluster has is not said").Because(evidence)
		}
		switch c.GetNetworkConfig().GetDatapathProvider() {
		case containerpb.DatapathProvider_ADVANCED_DATAPATH:
			return audit.Passf("the cluster uses Dataplane V2").Because(evidence)
		case containerpb.DatapathProvider_DATAPATH_PROVIDER_UNSPECIFIED, containerpb.DatapathProvider_LEGACY_DATAPATH:
			return audit.Failf("the cluster uses iptables").Because(evidence)
		default:
			return audit.UnknownValue(evidence)
		}
	}),
}
