package rules

import (
	"gkeaudit/audit"
)

var nodeUnsafeSysctls = &audit.Rule{
	ID:       "node-unsafe-sysctls",
	Title:    "Pods may not set unsafe kernel parameters",
	Severity: audit.Medium,
	Weight:   "It takes away the layer between Pods of a node: one of them can disturb the others, but does not get out of its container.",
	Optional: "Some network and database workloads need such parameters.",
	Since:    "0.1.0",
	Rationale: `Kubernetes calls those kernel parameters unsafe that are not known to stay within a pod.
Where the kubelet allows them, whoever may make a pod can use up what others on the node
need, or change how the kernel deals with them.`,
	Checks: `kubeletConfig.allowedUnsafeSysctls of each node pool's config, and
nodePoolAutoConfig.nodeKubeletConfig where the cluster makes node pools by itself
(Autopilot, node auto-provisioning); that applies to node pools that were created
automatically, too, where they have none of their own. An entry fails, none passes. It does not apply to
Windows node pools.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: anotherPool("Create another node pool that allows none", ""),
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    kubelet_config {
      allowed_unsafe_sysctls = []
    }
  }
}`,
		Disruption: `Nodes are made anew. Pods that set one of the parameters are no longer started on them.`,
		Recreates:  audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Customizing node system configuration", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/node-system-config"},
		{Title: "Using sysctls in a Kubernetes cluster", URL: "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/"},
	},
	Check: audit.EachNodeSource(onLinux("sysctls are for Linux nodes", func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		resource, field := n.ResourceName(), "config.kubeletConfig.allowedUnsafeSysctls"
		sysctls := n.Pool.GetConfig().GetKubeletConfig().GetAllowedUnsafeSysctls()
		auto := n.Cluster.GetNodePoolAutoConfig().GetNodeKubeletConfig().GetAllowedUnsafeSysctls()
		if n.Pool == nil || n.AutoConfigured() && len(sysctls) == 0 && len(auto) > 0 {
			resource, field, sysctls = n.Cluster.ResourceName(), "nodePoolAutoConfig.nodeKubeletConfig.allowedUnsafeSysctls", auto
		}
		allowed := shorten(sysctls)
		if allowed == "" {
			return audit.Passf("%s pods set no unsafe kernel parameters", whose(n, "let", "let")).Because(audit.Absent(resource, field, "none is allowed"))
		}
		return audit.Failf("%s pods set unsafe kernel parameters: %s", whose(n, "let", "let"), allowed).
			Because(audit.Evidence{Resource: resource, Field: field, Value: allowed})
	})),
}
