package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var networkPolicy = &audit.Rule{
	ID:       "network-policy",
	Title:    "Network policies are enforced",
	Severity: audit.Medium,
	Weight:   "It takes away the layer between Pods: from one compromised Pod every other Pod can be reached, though reaching is not yet access.",
	Since:    "0.1.0",
	Rationale: `Where nothing enforces network policies, they are accepted and have no effect: every
pod may talk to every other one, to the nodes and to the control plane.`,
	Checks: `networkConfig.datapathProvider ADVANCED_DATAPATH (Dataplane V2) passes: it enforces
network policies by itself, and addonsConfig.networkPolicyConfig.disabled is normal
there. Otherwise networkPolicy.enabled with provider CALICO passes and false fails.
Enabled without a provider that is known, or with the add-on disabled, is unknown,
and so is a datapath that is not known, a cluster without networkConfig, and an Autopilot
cluster with neither: those of today have Dataplane V2, and older ones may not. Whether
there are any policies cannot be seen here.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn on Calico on a Standard cluster: first the add-on, then the nodes", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --update-addons=NetworkPolicy=ENABLED &&
gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-network-policy`},
			{Title: "Or create another Standard cluster, with Dataplane V2, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} --enable-dataplane-v2`},
			{For: audit.AutopilotCluster, Title: "Create another Autopilot cluster, which has Dataplane V2, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  addons_config {
    network_policy_config {
      disabled = false
    }
  }
  network_policy {
    enabled  = true
    provider = "CALICO"
  }
}`,
		Disruption: `All nodes are made anew for Calico. Policies that are there already take effect
then: look at them first. Dataplane V2 is chosen when the cluster is made.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Control communication between Pods and Services using network policies", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/network-policy"},
		{Title: "GKE Dataplane V2", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/dataplane-v2"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "4.3.1"},
		{Framework: audit.SCC, ID: "NETWORK_POLICY_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableNetworkPolicy"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		evidence := datapathEvidence(c)
		switch c.GetNetworkConfig().GetDatapathProvider() {
		case containerpb.DatapathProvider_ADVANCED_DATAPATH:
			return audit.Passf("Dataplane V2 enforces network policies").Because(evidence)
		case containerpb.DatapathProvider_DATAPATH_PROVIDER_UNSPECIFIED, containerpb.DatapathProvider_LEGACY_DATAPATH:
			if v := judgeCalico(c); v.Status != audit.Fail || !c.Autopilot() {
				return v.Because(evidence)
			}
			return audit.Unknownf("Autopilot enforces network policies by Dataplane V2 today, but the cluster does not name it and may be older").
				Because(evidence, audit.Evidence{Resource: c.ResourceName(), Field: "autopilot.enabled", Value: "true"})
		}
		return audit.UnknownValue(evidence)
	}),
}

// judgeCalico judges network policy without Dataplane V2.
func judgeCalico(c *audit.Cluster) audit.Verdict {
	const (
		field    = "networkPolicy.enabled"
		provider = "networkPolicy.provider"
		addon    = "addonsConfig.networkPolicyConfig.disabled"
	)
	name, policy := c.ResourceName(), c.GetNetworkPolicy()
	on := audit.Evidence{Resource: name, Field: field, Value: "true"}
	by := audit.Evidence{Resource: name, Field: provider, Value: audit.EnumName(policy, policy.GetProvider())}
	switch {
	case policy.GetEnabled() && c.GetAddonsConfig().GetNetworkPolicyConfig().GetDisabled():
		return audit.Unknownf("network policy is on for nodes, but its add-on is off").Because(
			on, audit.Evidence{Resource: name, Field: addon, Value: "true"})
	case policy.GetEnabled() && !audit.EnumKnown(policy.GetProvider()):
		return audit.UnknownValue(by).Because(on)
	case policy.GetEnabled() && policy.GetProvider() != containerpb.NetworkPolicy_CALICO:
		return audit.Unknownf("network policy is on, but who enforces it is not known").Because(on, by)
	case policy.GetEnabled():
		return audit.Passf("Calico enforces network policies").Because(on, by)
	case c.GetNetworkConfig() == nil:
		return audit.Unknownf("whether network policies are enforced is not said").Because(audit.Absent(name, field, "off, or Dataplane V2"))
	}
	return audit.Failf("nothing enforces network policies").Because(audit.Absent(name, field, "off, the default"))
}

// datapathEvidence says which datapath a cluster has.
func datapathEvidence(c *audit.Cluster) audit.Evidence {
	const field = "networkConfig.datapathProvider"
	config := c.GetNetworkConfig()
	switch {
	case config == nil:
		return audit.Absent(c.ResourceName(), "networkConfig", "the answer is not whole")
	case config.GetDatapathProvider() == containerpb.DatapathProvider_DATAPATH_PROVIDER_UNSPECIFIED:
		if c.Autopilot() {
			return audit.Absent(c.ResourceName(), field, "not named")
		}
		return audit.Absent(c.ResourceName(), field, "the default, which is iptables")
	}
	return audit.Evidence{Resource: c.ResourceName(), Field: field, Value: audit.EnumName(config, config.GetDatapathProvider())}
}
