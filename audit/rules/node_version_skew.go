package rules

import "gkeaudit/audit"

var nodeVersionSkew = &audit.Rule{
	ID:       "node-version-skew",
	Title:    "Nodes are at most two minor versions behind the control plane",
	Severity: audit.Medium,
	Weight:   "It takes away the layer of patches, on nodes and soon on the control plane, which old nodes keep from its next minor version.",
	Since:    "0.1.0",
	Rationale: `GKE supports nodes that are up to two minor versions older than the control plane.
Nodes further behind are out of support together with what runs on them, and the
control plane cannot move on without leaving them behind altogether.`,
	Checks: `version of each node pool against currentMasterVersion: two minor versions behind
pass, more fail, and so does a newer node. (Kubernetes itself allows three since
1.28; GKE documents two.) What is no version of the form 1.33.4-gke.1172000 is
unknown. Node pools that a cluster will make begin with its own version. Where the
answer names no node pools of an Autopilot cluster, the deprecated
currentNodeVersion counts, the oldest that its nodes have; without it, it is
unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Upgrade the node pool to the control plane's version", Commands: `gcloud container clusters upgrade {cluster} --node-pool={pool} \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  management {
    auto_upgrade = true
  }
}`,
		Disruption: "Nodes are replaced by the node pool's upgrade strategy.",
		Recreates:  audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "GKE versioning and support", URL: "https://docs.cloud.google.com/kubernetes-engine/versioning"},
	},
	Check: audit.EachNodeSourceInUse(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		control := audit.Evidence{Resource: n.Cluster.ResourceName(), Field: "currentMasterVersion", Value: n.Cluster.GetCurrentMasterVersion()}
		given, oldest := nodeVersion(n)
		node := audit.Evidence{Resource: n.ResourceName(), Field: "version", Value: given}
		switch {
		case oldest && given == "":
			return audit.Unknownf("neither the node pools nor the version of the nodes is in the answer").Because(noNodeVersion(n)...).Because(control)
		case oldest:
			node.Field = "currentNodeVersion"
		case n.Pool == nil:
			return audit.NotApplicablef("new node pools begin with the control plane's version").Because(control)
		}
		of, ok := audit.ParseVersion(control.Value)
		if !ok {
			return audit.Unknownf("the control plane's version %q cannot be read", control.Value).Because(control)
		}
		at, ok := audit.ParseVersion(node.Value)
		switch {
		case !ok:
			return audit.Unknownf("version %q cannot be read", node.Value).Because(node)
		case at.Major != of.Major:
			return audit.Unknownf("nodes %s and control plane %s are of different major versions", at, of).Because(node, control)
		case at.Minor > of.Minor:
			return audit.Failf("nodes %s are newer than the control plane %s", at, of).Because(node, control)
		case of.Minor-at.Minor > 2:
			return audit.Failf("nodes %s are %d minor versions behind the control plane %s", at, of.Minor-at.Minor, of).Because(node, control)
		case at.Minor == of.Minor && oldest:
			return audit.Passf("the oldest nodes are of the control plane's minor version").Because(node, control)
		case at.Minor == of.Minor:
			return audit.Passf("nodes are of the control plane's minor version").Because(node, control)
		}
		return audit.Passf("nodes are behind the control plane by %d of the 2 minor versions that are supported", of.Minor-at.Minor).Because(node, control)
	}),
}

// nodeVersion returns the version of the nodes of a source: of a node pool or, where
// the answer names no node pools of an Autopilot cluster, the oldest of all its nodes.
// It is empty where it is not known, and for node pools that are still to be made.
func nodeVersion(n audit.NodeSource) (version string, oldest bool) {
	switch {
	case n.Pool != nil:
		return n.Pool.GetVersion(), false
	case n.Cluster.Autopilot() && len(n.Cluster.GetNodePools()) == 0:
		return n.Cluster.GetCurrentNodeVersion(), true
	}
	return "", false
}

// noNodeVersion is evidence that the answer does not tell the version of nodes.
func noNodeVersion(n audit.NodeSource) []audit.Evidence {
	name := n.Cluster.ResourceName()
	return []audit.Evidence{
		audit.Absent(name, "nodePools", "the node pools are not known"),
		audit.Absent(name, "currentNodeVersion", "the version of the nodes is not known"),
	}
}
