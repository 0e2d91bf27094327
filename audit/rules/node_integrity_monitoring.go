package rules

import (
	"slices"

	"gkeaudit/audit"
)

var nodeIntegrityMonitoring = &audit.Rule{
	ID:       "node-integrity-monitoring",
	Title:    "The boot of nodes is measured and monitored",
	Severity: audit.Medium,
	Weight:   "It hides an attack: a node whose boot was changed looks like any other.",
	Since:    "0.1.0",
	Rationale: `Integrity monitoring compares what a node started with what it is known to start.
Without it nobody learns that a boot loader or kernel was replaced.`,
	Checks: `shieldedInstanceConfig.enableIntegrityMonitoring of each node pool's config, and of
autoscaling.autoprovisioningNodePoolDefaults where a Standard cluster makes node pools
by itself. True passes; false, which the API leaves out, fails. Defaults for
auto-provisioning that have no shieldedInstanceConfig at all are unknown. It does not
apply to Windows node pools, because Shielded GKE Nodes are for images with
Container-Optimized OS and Ubuntu, nor to Autopilot, which always has it.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat(anotherPool("Create another node pool with it", "--shielded-integrity-monitoring --shielded-secure-boot"), []audit.Step{
			{For: audit.AutoProvisioning, Title: "Use it for the node pools that the cluster makes from now on (put your other defaults in the file, too)",
				Commands: otherDefaults(`shieldedInstanceConfig:\n  enableSecureBoot: true\n  enableIntegrityMonitoring: true\n`)},
		}),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    shielded_instance_config {
      enable_integrity_monitoring = true
    }
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}; node auto-provisioning
  cluster_autoscaling {
    auto_provisioning_defaults {
      shielded_instance_config {
        enable_integrity_monitoring = true
      }
    }
  }
}`,
		Disruption: `It is set for good when a node pool is made: a new node pool is needed, and pods move
when the old one is drained.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Using Shielded GKE Nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.6"},
		{Framework: audit.SCC, ID: "INTEGRITY_MONITORING_DISABLED"},
	},
	Check: audit.StandardOnly("Autopilot always monitors the integrity of nodes", audit.EachNodeSource(onLinux(notShielded, func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		s, path := settings(n)
		if path += "shieldedInstanceConfig"; n.Pool == nil && s.GetShieldedInstanceConfig() == nil {
			return audit.Unknownf("the defaults for new node pools say nothing of integrity monitoring").
				Because(audit.Absent(n.ResourceName(), path, "what new node pools get is not documented"))
		}
		on := s.GetShieldedInstanceConfig().GetEnableIntegrityMonitoring()
		evidence := plainBool(n.ResourceName(), path+".enableIntegrityMonitoring", on, "integrity monitoring is off")
		if on {
			return audit.Passf("%s integrity monitoring", whose(n, "have", "get")).Because(evidence)
		}
		return audit.Failf("%s no integrity monitoring", whose(n, "have", "get")).Because(evidence)
	}))),
}
