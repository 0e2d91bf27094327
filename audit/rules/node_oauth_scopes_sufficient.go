package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// neededScopes are what nodes cannot do without, each with scopes that allow it.
var neededScopes = []struct {
	what   string
	scopes []string
}{
	{"writing logs", []string{"logging.write", "logging.admin"}},
	{"writing metrics", []string{"monitoring", "monitoring.write"}},
	{"pulling images", []string{"devstorage.read_only", "devstorage.read_write", "devstorage.full_control"}},
}

var nodeOAuthScopesSufficient = &audit.Rule{
	ID:       "node-oauth-scopes-sufficient",
	Title:    "Access scopes let nodes write logs and metrics and pull images",
	Severity: audit.Low,
	Weight:   "It exposes nothing; logs are lost or images cannot be pulled, which shows soon.",
	Optional: "It is about operation: nodes with fewer scopes may be meant so where logs go elsewhere.",
	Since:    "0.1.0",
	Rationale: `Whatever roles the service account of nodes holds, without the access scope a call is
refused. Then no logs and metrics arrive, and what goes on in the cluster is not seen;
and images in Artifact Registry cannot be pulled.`,
	Checks: `The oauthScopes of each node pool, and those of
autoscaling.autoprovisioningNodePoolDefaults where the cluster makes node pools by its
own defaults. cloud-platform passes, and so do logging.write, monitoring (or
monitoring.write) and devstorage.read_only together, or wider ones of each. Absent in
a node pool means that only those of logging and monitoring were added, so that images
cannot be pulled from Artifact Registry, and fails. On Autopilot, in the defaults as in a
node pool that is listed, it means that GKE gives what is needed by itself, and passes;
absent in the defaults of auto-provisioning is unknown.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat(anotherPool("Create another node pool with the scope that lets roles decide, and an account for nodes (node-service-account has the commands that create it)",
			"--service-account={nodes-account}@{account-domain} --scopes=cloud-platform"), []audit.Step{
			{For: audit.AutoProvisioning, Title: "Use it for the node pools that the cluster makes from now on" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-autoprovisioning \
    --autoprovisioning-scopes=https://www.googleapis.com/auth/cloud-platform`},
			{For: audit.AutopilotCluster, Title: "Create another cluster with an account of its own, which gets that scope", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project} \
    --service-account={nodes-account}@{account-domain}`},
		}),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    service_account = "{nodes-account}@{account-domain}"
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
  }
}`,
		Disruption: `Scopes are set for good when a node pool is made: a new one is needed, and pods move
when the old one is drained.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Access scopes in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/access-scopes"},
	},
	Check: audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		scopes, evidence := scopesOf(n)
		if len(scopes) == 0 && n.Cluster.Autopilot() {
			return audit.Passf("%s the access scopes that GKE gives by itself", whose(n, "have", "get")).Because(
				audit.Absent(n.ResourceName(), evidence.Field, "cloud-platform, or all three for a default account"))
		}
		if len(scopes) == 0 && n.Pool == nil {
			return audit.Unknownf("which access scopes new nodes get is not said").Because(
				audit.Absent(n.ResourceName(), evidence.Field, "what GKE gives then is not documented"))
		}
		if len(scopes) == 0 {
			return audit.Failf("the access scopes do not allow pulling images").Because(
				audit.Absent(n.ResourceName(), evidence.Field, "GKE adds those of logging and monitoring alone"))
		}
		var lacking []string
		for _, need := range neededScopes {
			if !slices.ContainsFunc(scopes, func(s string) bool { return s == "cloud-platform" || slices.Contains(need.scopes, s) }) {
				lacking = append(lacking, need.what)
			}
		}
		if lacking != nil {
			return audit.Failf("the access scopes do not allow %s", strings.Join(lacking, ", ")).Because(evidence)
		}
		return audit.Passf("the access scopes allow writing logs and metrics and pulling images").Because(evidence)
	})),
}
