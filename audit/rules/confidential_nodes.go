package rules

import (
	"gkeaudit/audit"
)

var confidentialNodes = &audit.Rule{
	ID:       "confidential-nodes",
	Title:    "The memory of nodes is encrypted (Confidential GKE Nodes)",
	Severity: audit.Low,
	Weight:   "It helps only against an attacker below Google's own virtualization, which few have to expect.",
	Optional: "It binds nodes to some machine types and costs more; estates under no such demand do without.",
	Since:    "0.1.0",
	Rationale: `What a node has in memory is plain to whoever controls the machine below it. With
Confidential GKE Nodes the processor encrypts it with a key that nobody can read out.`,
	Checks: `confidentialNodes.enabled of the cluster, which holds for all its nodes, and that of each
node pool's config. One of them true passes, neither fails; false is left out by the API. One that has a
confidentialInstanceType and is not enabled is unknown.
What the cluster makes by itself (Autopilot, node auto-provisioning) is judged by the
cluster's. That single workloads may ask for such nodes by their compute class is not
shown by the GKE API.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Make the nodes of the node pool confidential (its machine type has to be one that can)", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --confidential-node-type=sev`},
			{For: audit.AutoProvisioning, Title: "Create another cluster, or use a compute class for such nodes", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} \
    --machine-type=n2d-standard-4 --confidential-node-type=sev`},
			{For: audit.AutopilotCluster, Title: "Create another cluster, or use a compute class for such nodes", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project} --enable-confidential-nodes`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    machine_type = "MACHINE_TYPE" # of a series that supports it, such as n2d, and of the size of today's
    confidential_nodes {
      enabled = true
    }
  }
  # Set confidential_nodes for all nodes of a cluster only when you create the cluster. On an
  # existing one, Terraform deletes and recreates the cluster.
}`,
		Disruption: `The nodes of a node pool are made anew. The setting of a cluster is made for good when
the cluster is made.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Encrypt workload data in-use with Confidential GKE Nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/confidential-gke-nodes"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Check: audit.EachNodeSource(func(in *audit.Input, n audit.NodeSource) audit.Verdict {
		config := n.Cluster.GetConfidentialNodes()
		cluster := plainBool(n.Cluster.ResourceName(), "confidentialNodes.enabled", config.GetEnabled(), "not set for all nodes")
		if config.GetEnabled() {
			return audit.Passf("%s encrypted memory, as all of the cluster's", whose(n, "have", "get")).Because(cluster)
		}
		return configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
			have, because := whose(n, "have", "get"), []audit.Evidence{cluster}
			if n.Pool != nil {
				own := n.Pool.GetConfig().GetConfidentialNodes()
				because = []audit.Evidence{plainBool(n.ResourceName(), "config.confidentialNodes.enabled", own.GetEnabled(), "not set for the node pool"), cluster}
				if own.GetEnabled() {
					return audit.Passf("%s encrypted memory", have).Because(because[0])
				}
				if t := own.GetConfidentialInstanceType(); t != 0 {
					return halfConfidential(n.ResourceName(), "config.confidentialNodes.confidentialInstanceType", audit.EnumName(own, t)).Because(because...)
				}
			}
			if t := config.GetConfidentialInstanceType(); t != 0 {
				return halfConfidential(n.Cluster.ResourceName(), "confidentialNodes.confidentialInstanceType", audit.EnumName(config, t)).Because(because...)
			}
			return audit.Failf("%s no encrypted memory", have).Because(because...)
		})(in, n)
	}),
}

// halfConfidential is the verdict on nodes that have a type of confidential computing which is
// not enabled. What the API means by that is not documented.
func halfConfidential(resource, field, t string) audit.Verdict {
	return audit.Unknownf("whether memory is encrypted is not known: a type is set, %s, and not enabled", t).
		Because(audit.Evidence{Resource: resource, Field: field, Value: t})
}
