package rules

import (
	"strings"

	"gkeaudit/audit"
)

var legacyMetadataEndpoints = &audit.Rule{
	ID:       "legacy-metadata-endpoints",
	Title:    "The metadata server does not answer by its legacy endpoints",
	Severity: audit.Low,
	Weight:   "The setting has had no effect since Compute Engine shut the endpoints down.",
	Obsolete: "Compute Engine shut the endpoints v0.1 and v1beta1 down on September 30, 2020 (Compute Engine deprecations); what the rule finds is a setting without effect.",
	Since:    "0.1.0",
	Rationale: `The endpoints v0.1 and v1beta1 of the metadata server answered requests without the
header that v1 asks for. A workload that could be made to fetch a URL for somebody else
then fetched the token of the node's service account, too.`,
	Checks: `disable-legacy-endpoints in the metadata of each node pool's config. A true value
passes, a false one fails (Compute Engine takes true, yes, y and 1, or false, no, n and
0, in any letter case). GKE sets it to true by itself since 1.12. Where it is absent
none the less, or has another value, it is unknown. What the cluster makes by itself
(Autopilot, node auto-provisioning) is judged once the node pools are there: the
defaults hold no metadata.`,
	Remediation: audit.Remediation{
		Gcloud: anotherPool("Create another node pool with the endpoints off", "--metadata=disable-legacy-endpoints=true"),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    metadata = {
      disable-legacy-endpoints = "true"
    }
  }
}`,
		Disruption: `Metadata is set for good when a node pool is made: a new node pool is needed, and pods
move when the old one is drained. Programs that still use the legacy endpoints fail.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Compute Engine deprecations", URL: "https://docs.cloud.google.com/compute/docs/deprecations"},
		{Title: "Protecting cluster metadata", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/protecting-cluster-metadata"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "LEGACY_METADATA_ENABLED"},
	},
	Check: audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		if n.Pool == nil {
			return audit.NotApplicablef("the cluster's defaults hold no metadata; GKE turns the legacy endpoints off in the node pools it makes")
		}
		value, ok := n.Pool.GetConfig().GetMetadata()["disable-legacy-endpoints"]
		evidence := audit.Evidence{Resource: n.ResourceName(), Field: "config.metadata.disable-legacy-endpoints", Value: value}
		if !ok {
			return audit.Unknownf("whether nodes answer by the legacy metadata endpoints is not said; a node pool made anew would say it").
				Because(audit.Absent(evidence.Resource, evidence.Field, "GKE sets it in all node pools made since 1.12"))
		}
		switch strings.ToLower(value) {
		case "true", "yes", "y", "1":
			return audit.Passf("the legacy metadata endpoints are off").Because(evidence)
		case "false", "no", "n", "0":
			return audit.Failf("the legacy metadata endpoints are not turned off").Because(evidence)
		}
		return audit.Unknownf("disable-legacy-endpoints is %q, which is neither true nor false", value).Because(evidence)
	})),
}
