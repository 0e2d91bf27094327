package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var kubeletReadonlyPort = &audit.Rule{
	ID:       "kubelet-readonly-port",
	Title:    "The kubelet's read-only port is closed",
	Severity: audit.Medium,
	Weight:   "It takes away authentication in front of a list of what runs on the node with which settings; every Pod can read it.",
	Since:    "0.1.0",
	Rationale: `The kubelet answers on port 10255 without asking who is there. Whoever reaches a node,
which every pod does, can list the pods on it with their images, arguments and
environment, and read metrics.`,
	Checks: `insecureKubeletReadonlyPortEnabled: true fails, false passes. Of a node pool that of its
config.kubeletConfig decides; where it is not set, a default of the cluster that opens
the port fails, too. For what the cluster makes by itself (Autopilot, node
auto-provisioning), and for node pools of Autopilot that say nothing, it is the first
that is set of nodePoolAutoConfig.nodeKubeletConfig, the deprecated
autoscaling.autoprovisioningNodePoolDefaults and
nodePoolDefaults.nodeConfigDefaults.nodeKubeletConfig. Where nothing is set, the port is
closed if the cluster was made with 1.32 or newer (initialClusterVersion) and open if it
was made with an older version. In a node pool of a Standard cluster that was created
automatically (autoscaling.autoprovisioned), nodePoolAutoConfig.nodeKubeletConfig counts,
too, as it applies to all of those. In such an older Standard cluster whose default is
closed, a node pool without a value of its own is unknown: the default does not change
node pools that are there. A cluster whose first version cannot be read is unknown, too.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Close the port on the nodes of the node pool", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --no-enable-insecure-kubelet-readonly-port`},
			{For: audit.AutoProvisioning, Title: "Close it in the node pools that are made from now on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-insecure-kubelet-readonly-port &&
gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-autoprovisioning-enable-insecure-kubelet-readonly-port`},
			{For: audit.AutopilotCluster, Title: "Close it on all nodes", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-autoprovisioning-enable-insecure-kubelet-readonly-port`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}
  node_pool_defaults {
    node_config_defaults {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }
  node_pool_auto_config {
    node_kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }
}`,
		Disruption: `The nodes of the node pool, and on Autopilot all nodes, are made anew. First move what
reads metrics from port 10255 to the authenticated port 10250. It takes GKE
1.26.4-gke.500 or newer.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Disable the kubelet read-only port in GKE clusters", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/disable-kubelet-readonly-port"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "container.managed.disableInsecureKubeletReadOnlyPort"},
	},
	Check: audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		v := judgeKubeletPort(n)
		version, evidence, known := controlPlaneVersion(n.Cluster)
		if v.Status == audit.Fail && known && !version.AtLeast(closesKubeletPort) {
			v = v.Noting("closing it takes an upgrade to " + closesKubeletPort.String() + " or newer first").Because(evidence)
		}
		return v
	})),
}

// closesKubeletPort is the first version in which the port can be closed. Source: Disable the
// kubelet read-only port in GKE clusters, in the GKE documentation.
var closesKubeletPort = audit.Version{Major: 1, Minor: 26, Patch: 4, Build: 500}

func judgeKubeletPort(n audit.NodeSource) audit.Verdict {
	ports, have := kubeletPorts(n), whose(n, "have", "get")
	var evidence []audit.Evidence
	closedLater := false
	for _, p := range ports {
		evidence = append(evidence, optionalBool(p.resource, p.field, p.open, "not set"))
		switch {
		case p.open == nil:
		case *p.open:
			return audit.Failf("%s an open read-only port of the kubelet", have).Because(evidence...)
		case p.decides:
			return audit.Passf("%s no open read-only port of the kubelet", have).Because(evidence...)
		default:
			closedLater = true
		}
	}
	first, known := audit.ParseVersion(n.Cluster.GetInitialClusterVersion())
	evidence = append(evidence, madeWith(n.Cluster))
	switch {
	case !known:
		return audit.Unknownf("whether %s an open read-only port of the kubelet depends on the version that the cluster was made with, which is not known", have).Because(evidence...)
	case first.AtLeast(audit.Version{Major: 1, Minor: 32}):
		return audit.Passf("%s no open read-only port of the kubelet, the default of clusters made with 1.32 or newer", have).Because(evidence...)
	case closedLater:
		return audit.Unknownf("the cluster's default closes the kubelet's read-only port, but whether the node pool was made after it was set is not known").Because(evidence...)
	}
	return audit.Failf("%s an open read-only port of the kubelet, the default of clusters made before 1.32", have).Because(evidence...)
}

// A kubeletPort is a field that opens or closes the kubelet's read-only port.
type kubeletPort struct {
	resource, field string
	open            *bool
	decides         bool // also where it closes the port
}

// kubeletPorts returns the fields that open or close the port on the nodes of a source, the
// strongest first. On Autopilot the cluster's hold for nodes that are there, too; elsewhere
// that of nodePoolAutoConfig does so in node pools that were created automatically, and the
// others hold for node pools made after they were set.
func kubeletPorts(n audit.NodeSource) []kubeletPort {
	const field = "insecureKubeletReadonlyPortEnabled"
	c, cluster := n.Cluster, n.Cluster.ResourceName()
	port := func(resource, path string, k *containerpb.NodeKubeletConfig) kubeletPort {
		p := kubeletPort{resource, path + field, nil, true}
		if k != nil {
			p.open = k.InsecureKubeletReadonlyPortEnabled
		}
		return p
	}
	own := port(n.ResourceName(), "config.kubeletConfig.", n.Pool.GetConfig().GetKubeletConfig())
	auto := port(cluster, "nodePoolAutoConfig.nodeKubeletConfig.", c.GetNodePoolAutoConfig().GetNodeKubeletConfig())
	defaults := port(cluster, "nodePoolDefaults.nodeConfigDefaults.nodeKubeletConfig.", c.GetNodePoolDefaults().GetNodeConfigDefaults().GetNodeKubeletConfig())
	deprecated := port(cluster, "autoscaling.autoprovisioningNodePoolDefaults.", nil)
	if d := c.GetAutoscaling().GetAutoprovisioningNodePoolDefaults(); d != nil {
		deprecated.open = d.InsecureKubeletReadonlyPortEnabled
	}
	switch {
	case n.Pool == nil:
		return []kubeletPort{auto, deprecated, defaults}
	case c.Autopilot():
		return []kubeletPort{own, auto, deprecated, defaults}
	}
	deprecated.decides, defaults.decides = false, false
	if n.AutoConfigured() {
		return []kubeletPort{own, auto, deprecated, defaults}
	}
	return []kubeletPort{own, defaults}
}

// madeWith is evidence of the version that a cluster was made with, which decides on what
// was the default then.
func madeWith(c *audit.Cluster) audit.Evidence {
	const field = "initialClusterVersion"
	if c.GetInitialClusterVersion() == "" {
		return audit.Absent(c.ResourceName(), field, "the version that the cluster was made with is not known")
	}
	return audit.Evidence{Resource: c.ResourceName(), Field: field, Value: c.GetInitialClusterVersion()}
}
