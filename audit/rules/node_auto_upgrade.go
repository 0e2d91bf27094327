package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var nodeAutoUpgrade = &audit.Rule{
	ID:       "node-auto-upgrade",
	Title:    "Node pools upgrade themselves",
	Severity: audit.Medium,
	Weight:   "It takes away the layer of patches: known flaws in kernel, kubelet and container runtime stay, though none is open by this alone.",
	Since:    "0.1.0",
	Rationale: `Fixes for the kernel, the kubelet and the container runtime reach nodes with new
node versions only. Without auto-upgrade somebody has to bring each of them, and
nodes that lag behind keep the control plane from its own next minor version.`,
	Checks: `management.autoUpgrade of each node pool, and that of
autoscaling.autoprovisioningNodePoolDefaults where the cluster makes node pools by
itself. Absent means off; a node pool with neither management nor config is unknown,
and so are defaults without a management section. In a release channel, which forces it
on, the defaults pass whatever they say. Autopilot always
upgrades nodes.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Turn auto-upgrade on", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --enable-autoupgrade`},
			{For: audit.AutoProvisioning, Title: "Turn it on for node pools from now on, with its twin, which gcloud demands" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-autoprovisioning --enable-autoprovisioning-autorepair \
    --enable-autoprovisioning-autoupgrade --autoprovisioning-service-account=ACCOUNT`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  management {
    auto_upgrade = true
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}
  cluster_autoscaling {
    auto_provisioning_defaults {
      management {
        auto_upgrade = true
      }
    }
  }
}`,
		Disruption: `None at once. Nodes are then replaced by the node pool's upgrade strategy, within
maintenance windows.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Auto-upgrading nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/node-auto-upgrades"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.3"},
		{Framework: audit.SCC, ID: "AUTO_UPGRADE_DISABLED"},
	},
	Check: audit.StandardOnly("Autopilot always upgrades nodes", audit.EachNodeSource(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		return judgeManagement(n, "auto-upgrade", "autoUpgrade", (*containerpb.NodeManagement).GetAutoUpgrade)
	})),
}

// judgeManagement judges a part of node management that is on or off. What the defaults for
// new node pools say does not count in a release channel: GKE makes no node pool there with
// either part off. Source:
// NodeManagement in the GKE API reference; and for channels, Auto-upgrading nodes.
func judgeManagement(n audit.NodeSource, what, field string, on func(*containerpb.NodeManagement) bool) audit.Verdict {
	management, path := n.Pool.GetManagement(), "management."+field
	if n.Pool == nil {
		management = n.Cluster.GetAutoscaling().GetAutoprovisioningNodePoolDefaults().GetManagement()
		path = "autoscaling.autoprovisioningNodePoolDefaults." + path
	}
	if on(management) {
		return audit.Passf("%s is on", what).Because(audit.Evidence{Resource: n.ResourceName(), Field: path, Value: "true"})
	}
	if n.Pool == nil {
		absent := audit.Absent(n.ResourceName(), path, "GKE decides")
		if management != nil {
			absent = audit.Absent(n.ResourceName(), path, "off, which a release channel overrules")
		}
		channel, evidence := channelOf(n.Cluster)
		switch {
		case !audit.EnumKnown(channel):
			return audit.UnknownValue(evidence).Because(absent)
		case channel != containerpb.ReleaseChannel_UNSPECIFIED:
			return audit.Passf("new node pools get %s, as in all release channels", what).Because(evidence, absent)
		case management == nil:
			return audit.Unknownf("whether new node pools get %s is not in the answer", what).Because(absent)
		}
	} else if management == nil && n.Pool.GetConfig() == nil {
		return audit.Unknownf("whether %s is on is not said", what).Because(audit.Absent(n.ResourceName(), "management", "the answer is not whole"))
	}
	return audit.Failf("%s is off", what).Because(audit.Absent(n.ResourceName(), path, "off"))
}
