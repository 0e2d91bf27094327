package rules

import (
	"strings"

	"gkeaudit/audit"
)

var nodeSandbox = &audit.Rule{
	ID:       "node-sandbox",
	Title:    "There are nodes with GKE Sandbox for workloads that are not trusted",
	Severity: audit.Low,
	Weight:   "It matters only where untrusted code runs, and only once a flaw in the kernel is known.",
	Optional: "Only estates that run code of others need it, and it costs speed and features.",
	Since:    "0.1.0",
	Rationale: `Containers share the kernel of their node. Code of others that finds a flaw in it is on
the node, and next to all other pods there. GKE Sandbox (gVisor or microVMs) puts a kernel of
its own between.`,
	Checks: `The config.sandboxConfig.type of each node pool of a Standard cluster. One node pool with
GVISOR or MICROVM is enough, as system pods need nodes without; none fails. Only a type that is not
known is unknown. It does not apply to clusters without node pools, nor to Autopilot,
where each workload asks for the sandbox by itself, which the GKE API does not show.
Whether workloads use it is not looked at.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Add a node pool with GKE Sandbox (node-service-account has the commands that create the account)", Commands: `gcloud container node-pools create {sandbox-pool} --cluster={cluster} \
    --location={location} --project={project} \
    --image-type=cos_containerd --sandbox=type=gvisor \
    --service-account={nodes-account}@{account-domain}`},
		},
		Terraform: `resource "google_container_node_pool" "sandbox" {
  # cluster = {cluster}
  node_config {
    image_type      = "COS_CONTAINERD"
    service_account = "{nodes-account}@{account-domain}"
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    sandbox_config {
      type = "GVISOR"
    }
  }
}`,
		Disruption: `None: the node pool is added. Workloads move to it by runtimeClassName: gvisor in their
pods, and some cannot run there.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden workload isolation with GKE Sandbox", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/sandbox-pods"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.10.3"},
	},
	Check: audit.StandardOnly("Autopilot runs each workload in GKE Sandbox that asks for it, which the GKE API does not show", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "config.sandboxConfig.type"
		var sandboxed, strange []string
		var because []audit.Evidence
		for _, n := range c.NodeSources() {
			if n.Pool != nil && n.Pool.GetConfig() == nil {
				strange = append(strange, n.Pool.GetName())
				because = append(because, audit.Absent(n.ResourceName(), "config", "the answer is not whole"))
				continue
			}
			sandbox := n.Pool.GetConfig().GetSandboxConfig()
			t := audit.EnumName(sandbox, sandbox.GetType())
			switch t {
			case "UNSPECIFIED":
				continue
			case "GVISOR", "MICROVM": // the client library does not have the latter yet
				sandboxed = append(sandboxed, n.Pool.GetName())
			default:
				strange = append(strange, n.Pool.GetName()+" ("+t+")")
			}
			because = append(because, audit.Evidence{Resource: n.ResourceName(), Field: field, Value: t})
		}
		switch {
		case len(sandboxed) > 0:
			return audit.Passf("GKE Sandbox runs on node pool %s", strings.Join(sandboxed, ", ")).Because(because...)
		case len(strange) > 0:
			return audit.Unknownf("the type of sandbox on node pool %s is not known", strings.Join(strange, ", ")).Because(because...)
		case len(c.GetNodePools()) == 0 && c.GetCurrentNodeCount() > 0:
			return audit.Unknownf("the cluster has nodes, but its node pools are not in the answer").Because(audit.Absent(c.ResourceName(), "nodePools", "the node pools are not known"))
		case len(c.GetNodePools()) == 0:
			return audit.NotApplicablef("the cluster has no node pools").Because(audit.Absent(c.ResourceName(), "nodePools", "no nodes"))
		}
		return audit.Failf("no node pool runs GKE Sandbox").Because(audit.Absent(c.ResourceName(), "nodePools[]."+field, "pods share the kernel of their node"))
	})),
}
