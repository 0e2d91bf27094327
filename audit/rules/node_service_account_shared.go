package rules

import (
	"slices"
	"strconv"

	"gkeaudit/audit"
)

var nodeServiceAccountShared = &audit.Rule{
	ID:       "node-service-account-shared",
	Title:    "Each cluster's nodes have a service account to themselves",
	Severity: audit.Low,
	Weight:   "It widens what another weakness reaches, and is none by itself.",
	Since:    "0.1.0",
	Rationale: `Where several clusters run as one service account, what one of them needs all of them
may do, a node that is taken over in one has the rights of the others, and the audit
log does not tell which cluster it was that acted.`,
	Checks: `How many of the clusters that were read have nodes that run as the same service
account, by the serviceAccount of their node pools and of
autoscaling.autoprovisioningNodePoolDefaults where they make node pools by its own
defaults. More than one fails, in whatever projects they are. Nodes may run as an
account of any project: nothing passes where clusters or projects of the run could not
be read, nor where another cluster runs as a Compute Engine default account that may be
the same: named by the number of a project whose ID is not known, or by none. Clusters
of other shards count, and those that a run was narrowed from; projects that the run
was not asked for do not.`,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat([]audit.Step{
			{Title: "Create an account for this cluster's nodes alone", Commands: `gcloud iam service-accounts create {nodes-account} --project={project}`},
			{Title: "Grant it what nodes need", Commands: `gcloud projects add-iam-policy-binding {project} --condition=None \
    --member=serviceAccount:{nodes-account}@{account-domain} \
    --role=roles/container.defaultNodeServiceAccount`},
		}, anotherPool("Create another node pool with it, for each that runs as the account",
			"--service-account={nodes-account}@{account-domain} --scopes=cloud-platform"), []audit.Step{
			{For: audit.AutopilotCluster, Title: "Create another cluster with it, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project} \
    --service-account={nodes-account}@{account-domain}`},
		}),
		Terraform: `resource "google_service_account" "nodes" {
  account_id = "{nodes-account}"
  project    = "{project}"
}

resource "google_container_node_pool" "pool" {
  # in place of the node pools that run as {account}
  node_config {
    service_account = google_service_account.nodes.email
  }
}`,
		Disruption: `The account of a node pool is set for good when it is made: a new node pool is needed,
and pods move when the old one is drained.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "About service accounts in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/service-accounts"},
		{Title: "Best practices for using service accounts securely", URL: "https://docs.cloud.google.com/iam/docs/best-practices-service-accounts"},
	},
	Uses: []audit.Data{audit.OtherClusters},
	Check: audit.EachNodeAccount(func(in *audit.Input, a audit.NodeAccount) audit.Verdict {
		if a.Kind == audit.ServiceAgent {
			return audit.NotApplicablef("%s is a service agent of Google's, and not anybody's to share out", a.Email)
		}
		clusters := in.ClustersOf(a)
		if len(clusters) > 1 {
			var names []string
			for _, c := range clusters {
				if c.ResourceName() != a.Cluster.ResourceName() {
					names = append(names, c.ResourceName())
				}
			}
			return audit.Failf("%s is the account of other clusters' nodes, too: %s", accountName(a), several(names, 2)).Because(
				audit.Evidence{Resource: a.ResourceName(), Field: "clusters", Value: strconv.Itoa(len(clusters))})
		}
		if gap := in.ClusterGap(); gap != nil {
			return audit.Hidden(gap)
		}
		if why := in.EstateGap(); why != "" {
			v := audit.Unknownf("%s, and others may have nodes that run as %s", why, accountName(a))
			v.Unread = true
			return v
		}
		if c := in.MayShare(a); c != nil {
			v := audit.Unknownf("nodes of %s run as a default account that may be the same: the number of one of the projects is not known", c.ResourceName())
			v.Unread = true
			return v
		}
		return audit.Passf("of the clusters that were read, this one alone has nodes that run as %s", accountName(a))
	}),
}
