package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var inTransitEncryption = &audit.Rule{
	ID:       "in-transit-encryption",
	Title:    "Traffic between nodes is encrypted with the cluster's own keys",
	Severity: audit.Low,
	Weight:   "Google encrypts traffic between VMs in any case; this helps only against an attacker who can read past that.",
	Optional: "It costs processor time on every node and limits the cluster to 500 nodes, and Google encrypts traffic between VMs without it.",
	Since:    "0.1.0",
	Rationale: `Google encrypts what goes from VM to VM with keys of its own. Where rules demand
keys that the cluster holds, Dataplane V2 can encrypt pods' traffic between nodes
with WireGuard, besides. It does not do so for pods on the host's network.`,
	Checks: `networkConfig.inTransitEncryptionConfig:
IN_TRANSIT_ENCRYPTION_INTER_NODE_TRANSPARENT passes; absent, which is off, and
IN_TRANSIT_ENCRYPTION_DISABLED fail. Without networkConfig, and with a value that
is not known, it is unknown. Autopilot does not support it.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on (needs Dataplane V2)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --in-transit-encryption=inter-node-transparent`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  in_transit_encryption_config = "IN_TRANSIT_ENCRYPTION_INTER_NODE_TRANSPARENT"
}`,
		Disruption: `Nodes use more processor time with traffic, which the scheduler does not see. Keys
change only when nodes restart; nodes are expected to take the change up by being
made anew. A cluster without Dataplane V2 has to be made anew with it.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Encrypt your data in-transit in GKE with user-managed encryption keys", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/enable-inter-node-transparent-encryption"},
	},
	Check: audit.StandardOnly("Autopilot does not support inter-node transparent encryption", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "networkConfig.inTransitEncryptionConfig"
		name, config := c.ResourceName(), c.GetNetworkConfig()
		if config == nil {
			return audit.Unknownf("whether traffic between nodes is encrypted is not said").Because(
				audit.Absent(name, "networkConfig", "the answer is not whole"))
		}
		mode := config.GetInTransitEncryptionConfig()
		evidence := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(config, mode)}
		switch mode {
		case containerpb.InTransitEncryptionConfig_IN_TRANSIT_ENCRYPTION_INTER_NODE_TRANSPARENT:
			return audit.Passf("traffic between nodes is encrypted with the cluster's own keys").Because(evidence)
		case containerpb.InTransitEncryptionConfig_IN_TRANSIT_ENCRYPTION_CONFIG_UNSPECIFIED:
			evidence = audit.Absent(name, field, "off, the default")
		case containerpb.InTransitEncryptionConfig_IN_TRANSIT_ENCRYPTION_DISABLED:
		default:
			return audit.UnknownValue(evidence)
		}
		return audit.Failf("traffic between nodes is encrypted by Google's keys alone").Because(evidence)
	})),
}
