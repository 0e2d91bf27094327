package rules

import (
	"regexp"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var nodeKernelModulePolicy = &audit.Rule{
	ID:       "node-kernel-module-policy",
	Title:    "Nodes load no kernel modules that Google has not signed",
	Severity: audit.Low,
	Weight:   "Only a container that is privileged already can load a module, and it gains little by that besides hiding.",
	Optional: "Drivers of third parties are not signed by Google, and some GPU nodes need them.",
	Since:    "0.1.0",
	Rationale: `A kernel module is part of the kernel once it is loaded: a rootkit among them sees and
hides everything on the node. Container-Optimized OS loads no modules from outside its
image, except on nodes with GPUs, where it loads any.`,
	Checks: `linuxNodeConfig.nodeKernelModuleLoading.policy of each node pool's config.
ENFORCE_SIGNED_MODULES passes. Without it (absent or DO_NOT_ENFORCE_SIGNED_MODULES) nodes
with GPUs (accelerators, or a machine type that always has some) load any module and fail;
other nodes load none at all and pass. Where a Standard cluster makes node pools by
itself, it is nodePoolAutoConfig.linuxNodeConfig, which applies to node pools that were
created automatically, too, where they have no policy of their own, and GPUs among
autoscaling.resourceLimits; without node auto-provisioning there are no such limits, and
a policy that allows any module is unknown. Other images than Container-Optimized OS are not applicable,
as the policy is one of that system; CUSTOM and unknown ones, policies and accelerators
that are not known are unknown. It does not apply to Autopilot, where no workload has the
capability to load modules (CAP_SYS_MODULE).` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Have the node pool load signed modules only (needs a current gcloud)", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --enable-kernel-module-signature-enforcement`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    linux_node_config {
      node_kernel_module_loading {
        policy = "ENFORCE_SIGNED_MODULES"
      }
    }
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}; node auto-provisioning
  node_pool_auto_config {
    linux_node_config {
      node_kernel_module_loading {
        policy = "ENFORCE_SIGNED_MODULES"
      }
    }
  }
}`,
		Disruption: `The nodes of the node pool are made anew at once. Drivers that Google has not signed are
no longer loaded.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "NodeConfig in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/NodeConfig"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Check: audit.StandardOnly("Autopilot gives no workload the capability to load kernel modules (CAP_SYS_MODULE)", audit.EachNodeSource(
		onLinux("the policy is one of Container-Optimized OS", func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
			image, imageField := imageType(n)
			switch {
			case strings.HasPrefix(image, "UBUNTU"):
				return audit.NotApplicablef("the policy is one of Container-Optimized OS").Because(imageField)
			case image != "COS" && image != "COS_CONTAINERD":
				return audit.Unknownf("what kernel modules the image of nodes loads is not known").Because(imageField)
			}
			config, resource, path := linuxSettings(n, func(c *containerpb.LinuxNodeConfig) bool { return c.GetNodeKernelModuleLoading().GetPolicy() != 0 })
			loading := config.GetNodeKernelModuleLoading()
			policy := loading.GetPolicy()
			evidence := audit.Evidence{Resource: resource, Field: path + "nodeKernelModuleLoading.policy", Value: audit.EnumName(loading, policy)}
			switch policy {
			case containerpb.LinuxNodeConfig_NodeKernelModuleLoading_ENFORCE_SIGNED_MODULES:
				return audit.Passf("%s only kernel modules that Google has signed", whose(n, "load", "load")).Because(evidence)
			case containerpb.LinuxNodeConfig_NodeKernelModuleLoading_POLICY_UNSPECIFIED:
				evidence = audit.Absent(evidence.Resource, evidence.Field, "nodes with GPUs load any kernel module, others none")
			case containerpb.LinuxNodeConfig_NodeKernelModuleLoading_DO_NOT_ENFORCE_SIGNED_MODULES:
			default:
				return audit.UnknownValue(evidence)
			}
			gpus, other := accelerators(n)
			switch {
			case gpus.Value != "":
				return audit.Failf("%s any kernel module, signed or not", whose(n, "with GPUs load", "with GPUs load")).Because(evidence, gpus)
			case other.Value != "":
				return audit.Unknownf("what kernel modules nodes with accelerators of type %s load is not known", other.Value).Because(evidence, other)
			case n.Pool == nil && !n.Cluster.GetAutoscaling().GetEnableNodeAutoprovisioning():
				return audit.Unknownf("whether new node pools get GPUs, whose nodes load any kernel module, depends on compute classes, which the GKE API does not show").Because(evidence)
			}
			return audit.Passf("%s no kernel modules from outside their image", whose(n, "load", "load")).Because(evidence, imageField)
		}))),
}

// Machine types that always have GPUs: Accelerator-optimized machine family, in the Compute
// Engine documentation.
var gpuMachine = regexp.MustCompile(`^(a[2-4]x?|g[24])-`)

// accelerators returns evidence of GPUs that nodes of a source have or may have, and of
// accelerators that are neither GPUs nor TPUs.
func accelerators(n audit.NodeSource) (gpus, other audit.Evidence) {
	add := func(field, name string) {
		evidence := audit.Evidence{Resource: n.ResourceName(), Field: field, Value: name}
		switch {
		case strings.HasPrefix(name, "nvidia-"):
			gpus = evidence
		case !strings.HasPrefix(name, "tpu"):
			other = evidence
		}
	}
	if n.Pool == nil {
		for _, limit := range n.Cluster.GetAutoscaling().GetResourceLimits() {
			if name := limit.GetResourceType(); name != "cpu" && name != "memory" {
				add("autoscaling.resourceLimits[].resourceType", name)
			}
		}
		return gpus, other
	}
	for _, a := range n.Pool.GetConfig().GetAccelerators() {
		add("config.accelerators[].acceleratorType", a.GetAcceleratorType())
	}
	if machine := n.Pool.GetConfig().GetMachineType(); gpuMachine.MatchString(machine) {
		gpus = audit.Evidence{Resource: n.ResourceName(), Field: "config.machineType", Value: machine}
	}
	return gpus, other
}
