package rules

import "gkeaudit/audit"

var nodeImage = &audit.Rule{
	ID:       "node-image",
	Title:    "Nodes run Container-Optimized OS with containerd",
	Severity: audit.Medium,
	Weight:   "It takes away a layer: the system of other images can be changed by an attacker who gets in, and has more to exploit.",
	Since:    "0.1.0",
	Rationale: `Container-Optimized OS holds little besides what runs containers, keeps its root file
system read-only and checked, and is patched by Google with GKE. Other images have more
software, a package manager and fewer such locks, so that a break-in gets further.`,
	Checks: `The config.imageType of each node pool, and that of
autoscaling.autoprovisioningNodePoolDefaults where a Standard cluster makes node pools
by itself, in any letter case. COS_CONTAINERD passes. UBUNTU and UBUNTU_CONTAINERD
fail, and so does COS, which came with Docker and ended with GKE 1.24. Windows images
are not applicable: there is no other for Windows containers. CUSTOM, any other image
type and none at all are unknown. Autopilot has no other image.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Change the image of the node pool", Commands: `gcloud container clusters upgrade {cluster} --node-pool={pool} \
    --location={location} --project={project} --image-type=COS_CONTAINERD`},
			{For: audit.AutoProvisioning, Title: "Use it for the node pools that the cluster makes from now on" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-autoprovisioning --autoprovisioning-image-type=COS_CONTAINERD \
    --autoprovisioning-service-account=ACCOUNT`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    image_type = "COS_CONTAINERD"
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}; node auto-provisioning
  cluster_autoscaling {
    auto_provisioning_defaults {
      image_type = "COS_CONTAINERD"
    }
  }
}`,
		Disruption: `The nodes of the node pool are made anew, by its upgrade strategy. Workloads that
install packages on nodes, or load kernel modules, have to find another way first.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Node images", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/node-images"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.1"},
		{Framework: audit.SCC, ID: "COS_NOT_USED"},
	},
	Check: audit.StandardOnly("Autopilot always runs Container-Optimized OS", audit.EachNodeSource(
		onLinux("there is no Container-Optimized OS for Windows containers", func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
			image, evidence := imageType(n)
			run := whose(n, "run", "run")
			switch image {
			case "COS_CONTAINERD":
				return audit.Passf("%s Container-Optimized OS with containerd", run).Because(evidence)
			case "COS":
				return audit.Failf("%s Container-Optimized OS with Docker, which is no longer patched", run).Because(evidence)
			case "UBUNTU", "UBUNTU_CONTAINERD":
				return audit.Failf("%s Ubuntu", run).Because(evidence)
			case "CUSTOM":
				return audit.Unknownf("%s an image of your own, which the API says nothing of", run).Because(evidence)
			case "":
				return audit.Unknownf("%s an image that is not named", run).Because(evidence)
			}
			return audit.Unknownf("%s an image of type %q, which is not known", run, evidence.Value).Because(evidence)
		}))),
}
