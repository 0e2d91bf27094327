package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// nodeScopes are the access scopes that GKE gives nodes of the default account by
// itself, and those that allow less or nothing of weight. Source: Access scopes in GKE.
var nodeScopes = []string{
	"devstorage.read_only",
	"logging.write",
	"monitoring",
	"monitoring.read",
	"monitoring.write",
	"service.management.readonly",
	"servicecontrol",
	"trace.append",
	"userinfo.email",
}

// broadScopes returns the scopes that allow more than nodes need.
func broadScopes(scopes []string) []string {
	var more []string
	for _, s := range scopes {
		if !slices.Contains(nodeScopes, s) {
			more = append(more, s)
		}
	}
	return more
}

var nodeOAuthScopes = &audit.Rule{
	ID:       "node-oauth-scopes",
	Title:    "Nodes of a default service account have narrow access scopes",
	Severity: audit.Medium,
	Weight:   "It takes away the last layer that limits a default service account besides its roles.",
	Since:    "0.1.0",
	Rationale: `A default service account often holds the Editor role. Then the access scopes of the
node are all that limits what a process with the node's credentials may do: with
cloud-platform or compute among them, it may change nearly everything in the project.`,
	Checks: `The oauthScopes of each node pool that runs as a default service account, and those of
autoscaling.autoprovisioningNodePoolDefaults where the cluster makes node pools by its
own defaults. Any scope but those that GKE gives by itself (devstorage.read_only,
logging.write, monitoring, service.management.readonly, servicecontrol, trace.append)
and userinfo.email fails. Absent in a node pool means that only logging and monitoring
were added, and passes; on Autopilot that GKE gives those by itself, and passes; what it
means in the defaults of auto-provisioning is not documented, and is unknown. It does not apply to nodes with an account of their own: there cloud-platform
is what Google recommends, and the account's roles are the limit.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat(anotherPool("Create another node pool with an account of its own (node-service-account has the commands that create it)",
			"--service-account={nodes-account}@{account-domain} --scopes=cloud-platform"), []audit.Step{
			{For: audit.AutoProvisioning, Title: "Use one for the node pools that the cluster makes from now on" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-autoprovisioning \
    --autoprovisioning-service-account={nodes-account}@{account-domain}`},
			{For: audit.AutopilotCluster, Title: "Create another cluster with one, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
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
		{Title: "Harden your cluster's security: use least privilege IAM service accounts", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "OVER_PRIVILEGED_SCOPES"},
	},
	Check: audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		name, account := n.ServiceAccount()
		scopes, evidence := scopesOf(n)
		switch audit.ParseAccount(name).Kind {
		case audit.MalformedAccount:
			return audit.Unknownf("%s %q, which has not the form of a service account's e-mail address", whose(n, "run as", "run as"), name).Because(account)
		case audit.UserManaged, audit.ServiceAgent:
			return audit.NotApplicablef("%s %s, whose roles are the limit, not scopes", whose(n, "run as", "run as"), name).Because(account)
		}
		more := broadScopes(scopes)
		switch {
		case len(scopes) == 0 && n.Pool == nil && n.Cluster.Autopilot():
			return audit.Passf("new nodes get the narrow access scopes of a default service account").Because(
				audit.Absent(n.ResourceName(), evidence.Field, "GKE gives those for a default account"), account)
		case len(scopes) == 0 && n.Pool == nil:
			return audit.Unknownf("which access scopes new nodes get is not said").Because(
				audit.Absent(n.ResourceName(), evidence.Field, "what GKE gives then is not documented"), account)
		case len(scopes) == 0:
			return audit.Passf("nodes have no access scopes but those that logging and monitoring need").Because(
				audit.Absent(n.ResourceName(), evidence.Field, "GKE adds those of logging and monitoring alone"), account)
		case len(more) > 0:
			return audit.Failf("%s a default service account with %s", whose(n, "run as", "run as"), strings.Join(more, ", ")).Because(evidence, account)
		}
		return audit.Passf("%s a default service account with narrow access scopes", whose(n, "run as", "run as")).Because(evidence, account)
	})),
}
