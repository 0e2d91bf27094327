package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var binaryAuthorization = &audit.Rule{
	ID:       "binary-authorization",
	Title:    "Binary Authorization decides which images may run",
	Severity: audit.Medium,
	Weight:   "It takes away the layer that keeps unknown images out; an attacker first needs the right to deploy.",
	Optional: "It needs a policy, and mostly a build pipeline that signs images; without them it only stands in the way.",
	Since:    "0.1.0",
	Rationale: `Binary Authorization asks a policy before an image runs: only from these
registries, only with that signature. Without it the cluster runs whatever is
deployed, be it from a stranger's registry or slipped in past the build.`,
	Checks: `binaryAuthorization.evaluationMode: PROJECT_SINGLETON_POLICY_ENFORCE passes,
DISABLED fails. Only where no mode is set does the deprecated
binaryAuthorization.enabled count; an empty message is off. A mode that is not known
(modes that only monitor are not in this API) and no message at all is unknown.
What the project's policy allows is not looked at: it may allow everything.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "See what the project's policy would do", Commands: `gcloud container binauthz policy export --project={project}`},
			{Title: "Have it enforced", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --binauthz-evaluation-mode=PROJECT_SINGLETON_POLICY_ENFORCE`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }
}`,
		Disruption: `What runs goes on. Pods that start from then on, also when they are moved to another
node, are refused where the policy does not allow their image: begin with a policy
in dry-run mode.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Enable Binary Authorization enforcement on an existing cluster", URL: "https://docs.cloud.google.com/binary-authorization/docs/enable-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.1.4"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.1.4"},
		{Framework: audit.SCC, ID: "BINARY_AUTHORIZATION_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableBinaryAuthorization"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const (
			field      = "binaryAuthorization.evaluationMode"
			deprecated = "binaryAuthorization.enabled"
			note       = "what that allows is not looked at"
		)
		name, config := c.ResourceName(), c.GetBinaryAuthorization()
		mode := config.GetEvaluationMode()
		evidence := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(config, mode)}
		switch mode {
		case containerpb.BinaryAuthorization_PROJECT_SINGLETON_POLICY_ENFORCE:
			return audit.Passf("images are checked against the project's policy").Noting(note).Because(evidence)
		case containerpb.BinaryAuthorization_DISABLED:
			return audit.Failf("images are not checked before they run").Because(evidence)
		case containerpb.BinaryAuthorization_EVALUATION_MODE_UNSPECIFIED:
		default:
			return audit.UnknownValue(evidence)
		}
		absent := audit.Absent(name, field, "the deprecated field holds")
		switch {
		case config == nil:
			return audit.Unknownf("whether images are checked before they run is not said").Because(
				audit.Absent(name, "binaryAuthorization", "the answer is not whole"))
		case config.GetEnabled():
			return audit.Passf("images are checked against the project's policy, by the deprecated field").Noting(note).Because(
				audit.Evidence{Resource: name, Field: deprecated, Value: "true"}, absent)
		}
		return audit.Failf("images are not checked before they run").Because(audit.Absent(name, deprecated, "off, the default"), absent)
	}),
}
