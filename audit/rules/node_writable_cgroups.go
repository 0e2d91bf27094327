package rules

import "gkeaudit/audit"

var nodeWritableCgroups = &audit.Rule{
	ID:       "node-writable-cgroups",
	Title:    "Containers may not write to the cgroup file system",
	Severity: audit.Medium,
	Weight:   "It takes away a layer around containers: root in one gets an interface of the kernel that escapes have used before.",
	Optional: "Some workloads, such as Ray, need it, and it is better than to make them privileged.",
	Since:    "0.1.0",
	Rationale: `The kernel's cgroup file system is read-only in containers, because it says what the node
gives to whom. Where pods may ask to write to it, a container that runs as root can change
the limits of what it starts, and has one more interface of the kernel to attack.`,
	Checks: `containerdConfig.writableCgroups.enabled of each node pool's config; where a node pool has
no writableCgroups, and where the cluster makes node pools by itself (Autopilot, node
auto-provisioning), that of nodePoolDefaults.nodeConfigDefaults. True fails; false, which
the API leaves out, passes. It does not apply to Windows node pools. Whether a pod asks
for it is not looked at.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Turn it off on the node pool (put your other settings of containerd in the file, too)", Commands: `printf 'writableCgroups:\n  enabled: false\n' >containerd.yaml &&
gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --containerd-config-from-file=containerd.yaml`},
			{For: audit.AutoProvisioning, Title: "Turn it off in the cluster's defaults (put your other settings of containerd in the file, too)", Commands: offInCluster},
			{For: audit.AutopilotCluster, Title: "Turn it off (put your other settings of containerd in the file, too)", Commands: offInCluster},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    containerd_config {
      writable_cgroups {
        enabled = false
      }
    }
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}
  node_pool_defaults {
    node_config_defaults {
      containerd_config {
        writable_cgroups {
          enabled = false
        }
      }
    }
  }
}`,
		Disruption: `Nodes are made anew. Pods that ask for writable cgroups no longer get them.`,
		Recreates:  audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Configure writable cgroups for containers", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/writable-cgroups"},
		{Title: "Customize containerd configuration in GKE nodes", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/customize-containerd-configuration"},
	},
	Check: audit.EachNodeSource(onLinux("containerd is not configured on Windows nodes", func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		const field = "containerdConfig.writableCgroups"
		var inherited []audit.Evidence
		resource, path, config := n.ResourceName(), "config.", n.Pool.GetConfig().GetContainerdConfig().GetWritableCgroups()
		if config == nil {
			if n.Pool != nil {
				inherited = []audit.Evidence{audit.Absent(resource, path+field, "the cluster's default is assumed to hold")}
			}
			resource, path = n.Cluster.ResourceName(), "nodePoolDefaults.nodeConfigDefaults."
			config = n.Cluster.GetNodePoolDefaults().GetNodeConfigDefaults().GetContainerdConfig().GetWritableCgroups()
		}
		evidence := plainBool(resource, path+field+".enabled", config.GetEnabled(), "cgroups are read-only")
		if !config.GetEnabled() {
			return audit.Passf("%s cgroups read-only to containers", whose(n, "keep", "keep")).Because(inherited...).Because(evidence)
		}
		v := audit.Failf("%s containers that ask for it write to the cgroup file system", whose(n, "let", "let"))
		if inherited != nil {
			v = v.Noting("by the cluster's default, which is assumed to hold for this node pool")
		}
		return v.Because(inherited...).Because(evidence)
	})),
}

const offInCluster = `printf 'writableCgroups:\n  enabled: false\n' >containerd.yaml &&
gcloud container clusters update {cluster} \
    --location={location} --project={project} --containerd-config-from-file=containerd.yaml`
