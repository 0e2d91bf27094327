package rules

import (
	"strconv"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var nodeCustomInit = &audit.Rule{
	ID:       "node-custom-init",
	Title:    "Nodes run no script of their owner's when they start",
	Severity: audit.Low,
	Weight:   "The script runs as root on every new node, but changing it takes the right to change node pools, which is worth as much.",
	Optional: "Some nodes cannot do without such a script, and it is better than a privileged DaemonSet.",
	Since:    "0.1.0",
	Rationale: `A script that runs as root when a node starts is outside of what Google builds, checks and
updates. It can undo any other setting of the node, and no setting shows it.`,
	Checks: `linuxNodeConfig.customNodeInit.initScript of each node pool's config, and of
nodePoolAutoConfig where the cluster makes node pools by itself (Autopilot, node
auto-provisioning); that applies to node pools that were created automatically, too,
where they have none of their own. A script fails, no customNodeInit passes,
and one without a script is unknown. It does not apply to Windows node pools.
What the script does is not looked at.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: anotherPool("Create another node pool without the script", ""),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    linux_node_config {
      # no custom_node_init
    }
  }
}`,
		Disruption: `Pods move to new nodes, which lack what the script did. Settings of the kernel, the
kubelet and containerd have fields of their own in GKE: move to those first.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "NodeConfig in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/NodeConfig"},
		{Title: "Customizing node system configuration", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/node-system-config"},
	},
	Check: audit.EachNodeSource(onLinux("init scripts are for Linux nodes", func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		config, resource, path := linuxSettings(n, func(c *containerpb.LinuxNodeConfig) bool { return c.GetCustomNodeInit() != nil })
		path += "customNodeInit.initScript"
		script := config.GetCustomNodeInit().GetInitScript()
		v := audit.Failf("%s a script of their owner's when they start", whose(n, "run", "run"))
		switch {
		case script.GetGcsUri() != "":
			v = v.Because(
				audit.Evidence{Resource: resource, Field: path + ".gcsUri", Value: script.GetGcsUri()},
				audit.Evidence{Resource: resource, Field: path + ".gcsGeneration", Value: strconv.FormatInt(script.GetGcsGeneration(), 10)})
		case script.GetGcpSecretManagerSecretUri() != "":
			v = v.Because(audit.Evidence{Resource: resource, Field: path + ".gcpSecretManagerSecretUri", Value: script.GetGcpSecretManagerSecretUri()})
		case script != nil:
			v = audit.Unknownf("where the script that nodes run when they start comes from is not known").
				Because(audit.Evidence{Resource: resource, Field: path, Value: "neither gcsUri nor gcpSecretManagerSecretUri"})
		case config.GetCustomNodeInit() != nil:
			v = audit.Unknownf("whether %s a script of their owner's when they start is not known", whose(n, "run", "run")).
				Because(audit.Absent(resource, path, "customNodeInit is there, and may be of a kind that gkeaudit does not know"))
		default:
			v = audit.Passf("%s no script of their owner's when they start", whose(n, "run", "run")).
				Because(audit.Absent(resource, path, "no script"))
		}
		return v
	})),
}

// linuxSettings returns the Linux settings of a node source, the resource that has them and
// the path of the message that holds them: those of the node pool or, where those lack what
// is asked for and the cluster's nodePoolAutoConfig applies and has it, the cluster's.
func linuxSettings(n audit.NodeSource, set func(*containerpb.LinuxNodeConfig) bool) (config *containerpb.LinuxNodeConfig, resource, path string) {
	own, auto := n.Pool.GetConfig().GetLinuxNodeConfig(), n.Cluster.GetNodePoolAutoConfig().GetLinuxNodeConfig()
	if n.Pool == nil || n.AutoConfigured() && !set(own) && set(auto) {
		return auto, n.Cluster.ResourceName(), "nodePoolAutoConfig.linuxNodeConfig."
	}
	return own, n.ResourceName(), "config.linuxNodeConfig."
}
