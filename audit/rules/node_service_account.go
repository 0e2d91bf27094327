package rules

import (
	"slices"

	"gkeaudit/audit"
)

var nodeServiceAccount = &audit.Rule{
	ID:       "node-service-account",
	Title:    "Nodes run as a service account of their own",
	Severity: audit.High,
	Weight:   "One compromised Pod can get all that the account may do, which for a default account is often nearly everything in the project.",
	Since:    "0.1.0",
	Rationale: `Every pod on a node can take the node's identity unless something stops it. The
default service accounts are shared by all that runs in the project, and many
hold the Editor role, so that one compromised pod may change nearly everything
in the project. An account made for nodes needs no more than to write logs and
metrics and to pull images.`,
	Checks: `The serviceAccount of each node pool, and that of
autoscaling.autoprovisioningNodePoolDefaults where the cluster makes node pools
by its own defaults (Autopilot, node auto-provisioning). Absent, "default",
NUMBER-compute@developer.gserviceaccount.com (of this or another project) and
PROJECT@appspot.gserviceaccount.com are default accounts and fail, and so are those of
other universes of Google's, as in developer.PREFIX-system.iam.gserviceaccount.com. Which
roles an account holds is the matter of node-service-account-roles.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat([]audit.Step{
			{Title: "Create an account for nodes, if there is none", Commands: `gcloud iam service-accounts create {nodes-account} --project={project}`},
			{Title: "Grant it what nodes need (private images need roles/artifactregistry.reader on their repository, too)", Commands: `gcloud projects add-iam-policy-binding {project} \
    --member=serviceAccount:{nodes-account}@{account-domain} \
    --condition=None --role=roles/container.defaultNodeServiceAccount`},
		}, anotherPool("Create another node pool with it",
			"--service-account={nodes-account}@{account-domain} --scopes=cloud-platform"), []audit.Step{
			{For: audit.AutoProvisioning, Title: "Use it for the node pools that the cluster makes from now on" + rebuilt, Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-autoprovisioning \
    --autoprovisioning-service-account={nodes-account}@{account-domain}`},
			{For: audit.AutopilotCluster, Title: "Create another cluster with it, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project} \
    --service-account={nodes-account}@{account-domain}`},
		}),
		Terraform: `resource "google_service_account" "gke_nodes" {
  account_id = "{nodes-account}"
  project    = "{project}"
}

resource "google_project_iam_member" "gke_nodes" {
  project = "{project}"
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.gke_nodes.member
}

resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    service_account = google_service_account.gke_nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}; Autopilot and node auto-provisioning
  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = google_service_account.gke_nodes.email
    }
  }
}`,
		Disruption: `The account of a node pool is set for good when it is made: a new node pool is
needed, and pods move when the old one is drained. Terraform replaces the node
pool. The defaults of Autopilot and node auto-provisioning take effect for node
pools made later; an Autopilot cluster is rid of the old account for certain
only when it is made anew with --service-account. Whoever makes the node pool
needs roles/iam.serviceAccountUser on the account.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security: use least privilege IAM service accounts", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa"},
		{Title: "About service accounts in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/service-accounts"},
		{Title: "Types of service accounts: default service accounts", URL: "https://docs.cloud.google.com/iam/docs/service-account-types#default"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.2.1"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.2.1"},
		{Framework: audit.CISGKE20, ID: "5.2.1"},
		{Framework: audit.SCC, ID: "OVER_PRIVILEGED_ACCOUNT"},
		{Framework: audit.OrgPolicy, ID: "container.managed.disallowDefaultComputeServiceAccount"},
	},
	Check: audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		name, evidence := n.ServiceAccount()
		return judgeServiceAccount(n, name).Because(evidence)
	})),
}

func judgeServiceAccount(n audit.NodeSource, name string) audit.Verdict {
	a, number := audit.ParseAccount(name), n.Cluster.ProjectNumber()
	run := whose(n, "run as", "run as")
	switch a.Kind {
	case audit.UserManaged:
		v := audit.Passf("%s %s", run, a.Email)
		if a.Home != n.Cluster.Project && number != n.Cluster.Project {
			v = v.Noting("the account belongs to project " + a.Home)
		}
		return v
	case audit.ComputeDefault:
		v := audit.Failf("%s the Compute Engine default service account", run)
		switch {
		case a.Home == "" || number == "":
		case a.Home == number:
			v.Message += " of this project"
		default:
			v.Message += " of another project (" + a.Home + ")"
		}
		return v
	case audit.AppEngineDefault:
		return audit.Failf("%s an App Engine default service account, %s", run, a.Email)
	case audit.ServiceAgent:
		return audit.Passf("%s %s, which is no default account but a service agent; those are for Google's services only", run, a.Email)
	}
	return audit.Unknownf("%s %q, which has not the form of a service account's e-mail address", run, name)
}
