package rules

import "gkeaudit/audit"

var nodeVersionSkew = &audit.Rule{
	ID:       "node-version-skew",
	Title:    "Nodes are at most two minor versions behind the control plane",
	Severity: audit.Medium,
	Weight:   "Such nodes are old, and keep the control plane from its next minor version, but what is open depends on the version.",
	Since:    "0.1.0",
	Rationale: `GKE supports nodes that are up to two minor versions older than the control plane.
Nodes further behind are out of support together with what runs on them, and the
control plane cannot move on without leaving them behind altogether.`,
	Checks: `version of each node pool against currentMasterVersion: two minor versions behind
pass, more fail, and so does a newer node. (Kubernetes itself allows three since
1.28; GKE documents two.) What is no version of the form 1.33.4-gke.1172000 is
unknown. Node pools that a cluster makes begin with its own version.`,
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
	Check: audit.EachNodeSource(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		control := audit.Evidence{Resource: n.Cluster.ResourceName(), Field: "currentMasterVersion", Value: n.Cluster.GetCurrentMasterVersion()}
		if n.Pool == nil {
			return audit.NotApplicablef("new node pools begin with the control plane's version").Because(control)
		}
		node := audit.Evidence{Resource: n.ResourceName(), Field: "version", Value: n.Pool.GetVersion()}
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
		case at.Minor == of.Minor:
			return audit.Passf("nodes are of the control plane's minor version").Because(node, control)
		}
		return audit.Passf("nodes are behind the control plane by %d of the 2 minor versions that are supported", of.Minor-at.Minor).Because(node, control)
	}),
}
