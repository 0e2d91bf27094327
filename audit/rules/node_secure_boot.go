package rules

import (
	"slices"

	"gkeaudit/audit"
)

var nodeSecureBoot = &audit.Rule{
	ID:       "node-secure-boot",
	Title:    "Nodes start with secure boot",
	Severity: audit.Medium,
	Weight:   "It takes away the layer that keeps an attacker with root on a node from surviving a restart.",
	Since:    "0.1.0",
	Rationale: `Without secure boot a node starts whatever boot loader and kernel are on its disk.
Malware that became root once can put itself there, below all that looks for it, and
is back after each restart.`,
	Checks: `shieldedInstanceConfig.enableSecureBoot of each node pool's config, and of
autoscaling.autoprovisioningNodePoolDefaults where a Standard cluster makes node pools
by itself. True passes. False, which the API leaves out and which is the default of
Standard clusters, fails. Defaults without shieldedInstanceConfig are unknown. It does not apply to Windows node pools, because Shielded GKE
Nodes are for images with Container-Optimized OS and Ubuntu, nor to Autopilot, which
always has it. The modules that Container-Optimized OS loads are another matter:
secure boot does not decide on them.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat(anotherPool("Create another node pool with it", "--shielded-secure-boot --shielded-integrity-monitoring"), []audit.Step{
			{For: audit.AutoProvisioning, Title: "Use it for the node pools that the cluster makes from now on (put your other defaults in the file, too)",
				Commands: otherDefaults(`shieldedInstanceConfig:\n  enableSecureBoot: true\n  enableIntegrityMonitoring: true\n`)},
		}),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}; node auto-provisioning
  cluster_autoscaling {
    auto_provisioning_defaults {
      shielded_instance_config {
        enable_secure_boot          = true
        enable_integrity_monitoring = true
      }
    }
  }
}`,
		Disruption: `It is set for good when a node pool is made: a new node pool is needed, and pods move
when the old one is drained. Nodes that load kernel modules of third parties, as some
drivers do, may not start; try one first.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Using Shielded GKE Nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.7"},
		{Framework: audit.SCC, ID: "NODEPOOL_SECURE_BOOT_DISABLED"},
	},
	Check: audit.StandardOnly("Autopilot always uses secure boot", audit.EachNodeSource(onLinux(notShielded, func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		s, path := settings(n)
		if path += "shieldedInstanceConfig"; n.Pool == nil && s.GetShieldedInstanceConfig() == nil {
			return audit.Unknownf("the defaults for new node pools say nothing of secure boot").
				Because(audit.Absent(n.ResourceName(), path, "what new node pools get is not documented"))
		}
		on := s.GetShieldedInstanceConfig().GetEnableSecureBoot()
		evidence := plainBool(n.ResourceName(), path+".enableSecureBoot", on, "secure boot is off")
		if on {
			return audit.Passf("%s secure boot", whose(n, "have", "get")).Because(evidence)
		}
		return audit.Failf("%s no secure boot", whose(n, "have", "get")).Because(evidence)
	}))),
}

// notShielded is why rules on Shielded GKE Nodes do not concern Windows.
const notShielded = "Shielded GKE Nodes are for Container-Optimized OS and Ubuntu, not for Windows"
