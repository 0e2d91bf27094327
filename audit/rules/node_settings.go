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

// anotherPool is a step that puts a node pool made with other flags in the place of one, for
// what is set for good when a node pool is made. Without the flag for it the new node pool
// would run as the default service account.
func anotherPool(title, flags string) audit.Step {
	if !strings.Contains(flags, "--service-account=") {
		flags += " \\\n    --service-account=ACCOUNT"
	}
	return audit.Step{
		For:   audit.StandardPool,
		Title: title + " (repeat the pool's other flags: machine type, labels, taints, autoscaling, --enable-private-nodes)",
		Commands: `gcloud container node-pools create {pool}-2 --cluster={cluster} \
    --location={location} --project={project} \
    ` + flags + `
kubectl drain --ignore-daemonsets --delete-emptydir-data \
    --selector=cloud.google.com/gke-nodepool={pool}
gcloud container node-pools delete {pool} --cluster={cluster} \
    --location={location} --project={project}`,
	}
}

// rebuilt ends the title of a step that changes the defaults for node pools that a cluster
// makes by itself by flags of gcloud: those that are not repeated are lost.
const rebuilt = " (gcloud builds the defaults anew: repeat the flags of your others, such as the service account)"

// otherDefaults are commands that give a cluster other defaults for the node pools that it
// makes by itself. The file's lines end in \n, as printf reads it.
func otherDefaults(file string) string {
	return `printf '` + file + `' >defaults.yaml
gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-autoprovisioning --autoprovisioning-config-file=defaults.yaml`
}
