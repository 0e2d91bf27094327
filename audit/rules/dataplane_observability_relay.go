package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var dataplaneObservabilityRelay = &audit.Rule{
	ID:       "dataplane-observability-relay",
	Title:    "The relay of Dataplane V2 is not on the internet",
	Severity: audit.Medium,
	Weight:   "It takes away the network layer in front of a service that knows which Pods talk to which, a map for an attack; it lets no one into a Pod.",
	Since:    "0.1.0",
	Rationale: `The observability relay of Dataplane V2 tells who asks it which pod talks to which,
by names and ports. Behind an external load balancer the whole internet reaches it. What
it asks of callers is not documented, so the relay should not depend on it.`,
	Checks: `monitoringConfig.advancedDatapathObservabilityConfig.relayMode: EXTERNAL_LB fails.
INTERNAL_VPC_LB, DISABLED, unspecified and absent pass: without a mode the relay, if
it is on at all (enableRelay), is inside the cluster. Without monitoringConfig, and
with a value that is not known, it is unknown. Services that somebody made for the
relay cannot be seen here.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn the relay off, and on again if it is needed: then it is inside the cluster", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --disable-dataplane-v2-flow-observability &&
gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-dataplane-v2-flow-observability`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  monitoring_config {
    advanced_datapath_observability_config {
      enable_metrics = true
      enable_relay   = false
    }
  }
}`,
		Disruption: `Whoever watches flows through the load balancer is cut off. Pods' traffic goes on.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About GKE Dataplane V2 observability", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/about-dpv2-observability"},
		{Title: "Set up GKE Dataplane V2 observability", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/configure-dpv2-observability"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "monitoringConfig.advancedDatapathObservabilityConfig.relayMode"
		name := c.ResourceName()
		if c.GetMonitoringConfig() == nil {
			return audit.Unknownf("whether there is a relay is not said").Because(audit.Absent(name, "monitoringConfig", "the answer is not whole"))
		}
		config := c.GetMonitoringConfig().GetAdvancedDatapathObservabilityConfig()
		mode := config.GetRelayMode()
		evidence := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(config, mode)}
		switch mode {
		case containerpb.AdvancedDatapathObservabilityConfig_EXTERNAL_LB:
			return audit.Failf("the relay has an external load balancer").Because(evidence)
		case containerpb.AdvancedDatapathObservabilityConfig_INTERNAL_VPC_LB:
			return audit.Passf("the relay has an internal load balancer").Because(evidence)
		case containerpb.AdvancedDatapathObservabilityConfig_DISABLED:
			return audit.Passf("the relay has no load balancer").Because(evidence)
		case containerpb.AdvancedDatapathObservabilityConfig_RELAY_MODE_UNSPECIFIED:
			return audit.Passf("the relay has no load balancer").Because(audit.Absent(name, field, "none, the default"))
		}
		return audit.UnknownValue(evidence)
	}),
}
