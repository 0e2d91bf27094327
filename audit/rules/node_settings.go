package rules

import (
	"strconv"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// nodeSettings are what the configuration of a node pool and the cluster's defaults for
// the node pools that it makes by itself have in common.
type nodeSettings interface {
	GetBootDiskKmsKey() string
	GetImageType() string
	GetShieldedInstanceConfig() *containerpb.ShieldedInstanceConfig
}

// settings returns the settings of a node source, and the path of the message that holds
// them.
func settings(n audit.NodeSource) (nodeSettings, string) {
	if n.Pool == nil {
		return n.Cluster.GetAutoscaling().GetAutoprovisioningNodePoolDefaults(), "autoscaling.autoprovisioningNodePoolDefaults."
	}
	return n.Pool.GetConfig(), "config."
}

// onNodePools ends what rules on nodes say that they check.
const onNodePools = `

Compute classes are not in the GKE API. That a Standard cluster creates node pools for
them is known by the default compute class (autoscaling.defaultComputeClassConfig) or
by a node pool that it has created (autoscaling.autoprovisioned), from version
1.33.3-gke.1136000 on; what a class sets instead of the cluster's defaults is not known.
VMs that join the cluster outside of node pools are not seen.`

// configured makes a judge of one that goes by the config of a node pool. Every node pool has
// one: of a node pool without it nothing is known.
func configured(judge func(*audit.Input, audit.NodeSource) audit.Verdict) func(*audit.Input, audit.NodeSource) audit.Verdict {
	return func(in *audit.Input, n audit.NodeSource) audit.Verdict {
		if n.Pool != nil && n.Pool.GetConfig() == nil {
			return audit.Unknownf("the configuration of the node pool is not in the answer").Because(
				audit.Absent(n.ResourceName(), "config", "the answer is not whole"))
		}
		return judge(in, n)
	}
}

// onLinux makes a judge of one that goes by the config of a node pool and concerns Linux nodes
// alone. Of a node pool with Windows it says that the question does not arise, and why.
func onLinux(why string, judge func(*audit.Input, audit.NodeSource) audit.Verdict) func(*audit.Input, audit.NodeSource) audit.Verdict {
	return configured(func(in *audit.Input, n audit.NodeSource) audit.Verdict {
		if image, evidence := imageType(n); strings.HasPrefix(image, "WINDOWS") {
			return audit.NotApplicablef("%s", why).Because(evidence)
		}
		return judge(in, n)
	})
}

// imageType returns the image type of a node source in capitals, and the field that names
// it. It is empty where none is named.
func imageType(n audit.NodeSource) (string, audit.Evidence) {
	s, path := settings(n)
	if s.GetImageType() == "" {
		return "", audit.Absent(n.ResourceName(), path+"imageType", "the image is not known")
	}
	return strings.ToUpper(s.GetImageType()), audit.Evidence{Resource: n.ResourceName(), Field: path + "imageType", Value: s.GetImageType()}
}

// plainBool is evidence of a field that is no optional one: false is left out.
func plainBool(resource, field string, value bool, absent string) audit.Evidence {
	if value {
		return audit.Evidence{Resource: resource, Field: field, Value: "true"}
	}
	return audit.Absent(resource, field, absent)
}

// optionalBool is evidence of an optional field.
func optionalBool(resource, field string, value *bool, absent string) audit.Evidence {
	if value == nil {
		return audit.Absent(resource, field, absent)
	}
	return audit.Evidence{Resource: resource, Field: field, Value: strconv.FormatBool(*value)}
}

// anotherPool are the steps that replace a node pool by one that was created with other flags,
// for what is permanent once a node pool is created. What destroys is a step of its own.
func anotherPool(title, flags string) []audit.Step {
	if flags != "" {
		flags += " \\\n    "
	}
	const pods = `kubectl --context=gke_{project}_{location}_{cluster} `
	return []audit.Step{
		{For: audit.StandardPool, Title: title, Commands: `gcloud container node-pools create {new-pool} --cluster={cluster} \
    --location={location} --project={project} \
    ` + flags + `{pool-flags}`},
		{For: audit.StandardPool, Title: "Connect to the cluster, and list the new nodes", Commands: `gcloud container clusters get-credentials {cluster} \
    --location={location} --project={project} &&
` + pods + `\
    get nodes --selector=cloud.google.com/gke-nodepool={new-pool}`},
		{For: audit.StandardPool, Title: "Turn off autoscaling of the old node pool, if it is on",
			Before: "Otherwise it may add nodes to the old node pool while that is drained. If you keep the old node pool, turn autoscaling on again with its limits.",
			Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --no-enable-autoscaling`},
		{For: audit.StandardPool, Title: "Drain the old node pool, then list the pods that found no node",
			Before: "Check that the new nodes are Ready, or that the new node pool may grow. Draining evicts the pods, as PodDisruptionBudgets allow, and deletes their emptyDir volumes.",
			Commands: pods + `\
    cordon --selector=cloud.google.com/gke-nodepool={pool} &&
` + pods + `\
    drain --selector=cloud.google.com/gke-nodepool={pool} \
    --ignore-daemonsets --delete-emptydir-data &&
` + pods + `\
    get pods --all-namespaces --field-selector=status.phase=Pending`},
		{For: audit.StandardPool, Title: "Delete the old node pool",
			Before: "Check that the drain succeeded and that the pods run on other nodes. This deletes the nodes of the old node pool with their boot disks and local SSDs, and cannot be undone.",
			Commands: `gcloud container node-pools delete {pool} --cluster={cluster} \
    --location={location} --project={project}`},
	}
}

// What to check before steps of several rules that destroy.
const (
	deletesCluster = "Check that all workloads and their data run elsewhere. This deletes the cluster with its nodes, and cannot be undone."
	takesRole      = "Check that nothing needs the role any more: what does is refused within minutes. The flag --all removes the bindings under every condition."
)

// rebuilt ends the title of a step that changes the defaults for node pools that a cluster
// makes by itself by flags of gcloud: those that are not repeated are lost.
const rebuilt = " (gcloud replaces all defaults: repeat those of your others, such as the service account, scopes, image, repair and upgrade; for secure boot, disks and keys, which have no flags, use --autoprovisioning-config-file)"

// otherDefaults are commands that give a cluster other defaults for the node pools that it
// makes by itself. The file's lines end in \n, as printf reads it.
func otherDefaults(file string) string {
	return `printf '` + file + `' >defaults.yaml &&
gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-autoprovisioning --autoprovisioning-config-file=defaults.yaml`
}
