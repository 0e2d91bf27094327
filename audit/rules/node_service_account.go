package rules

import (
	"regexp"
	"strings"

	"gkeaudit/audit"
)

var nodeServiceAccount = &audit.Rule{
	ID:       "node-service-account",
	Title:    "Nodes run as a service account of their own",
	Severity: audit.High,
	Weight:   "One compromised pod has all that the account may do, which for a default account is often nearly everything in the project.",
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
PROJECT@appspot.gserviceaccount.com are default accounts and fail. Which roles
an account holds is not looked at.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Make an account for nodes (private images need roles/artifactregistry.reader on their repository, too)", Commands: `gcloud iam service-accounts create gke-nodes --project={project}
gcloud projects add-iam-policy-binding {project} \
    --member=serviceAccount:gke-nodes@{project}.iam.gserviceaccount.com \
    --role=roles/container.defaultNodeServiceAccount`},
			{For: audit.StandardPool, Title: "Make another node pool with it, and move to that", Commands: anotherPool("--service-account=gke-nodes@{project}.iam.gserviceaccount.com")},
			{For: audit.AutoProvisioning, Title: "Use it for the node pools that the cluster makes from now on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-autoprovisioning \
    --autoprovisioning-service-account=gke-nodes@{project}.iam.gserviceaccount.com`},
			{For: audit.AutopilotCluster, Title: "Make the cluster anew with it, and move the workloads", Commands: `gcloud container clusters create-auto {cluster}-2 \
    --location={location} --project={project} \
    --service-account=gke-nodes@{project}.iam.gserviceaccount.com`},
		},
		Terraform: `resource "google_service_account" "gke_nodes" {
  account_id = "gke-nodes"
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
	Check: audit.EachNodeSource(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		field, email := "config.serviceAccount", n.Pool.GetConfig().GetServiceAccount()
		if n.Pool == nil {
			field = "autoscaling.autoprovisioningNodePoolDefaults.serviceAccount"
			email = n.Cluster.GetAutoscaling().GetAutoprovisioningNodePoolDefaults().GetServiceAccount()
		}
		evidence := audit.Evidence{Resource: n.ResourceName(), Field: field, Value: email}
		if email == "" {
			evidence = audit.Absent(n.ResourceName(), field, "the default service account is used")
		}
		return judgeServiceAccount(n, email).Because(evidence)
	}),
}

var (
	// Names of the accounts: Types of service accounts, in the IAM documentation.
	computeDefault  = regexp.MustCompile(`^([0-9]+)-compute@developer\.(?:.+\.)?gserviceaccount\.com$`)
	appspotDefault  = regexp.MustCompile(`^.+@appspot\.gserviceaccount\.com$`)
	serviceAgent    = regexp.MustCompile(`^(service-[0-9]+@.+|.+@gcp-sa-[^.]+)\.iam\.gserviceaccount\.com$|^[0-9]+@cloudservices\.gserviceaccount\.com$`)
	customAccount   = regexp.MustCompile(`^[a-z0-9-]+@(.+)\.iam\.gserviceaccount\.com$`)
	numberInDNSName = regexp.MustCompile(`^gke-[0-9a-f]+-([0-9]+)\.`)
)

func judgeServiceAccount(n audit.NodeSource, account string) audit.Verdict {
	email, number := strings.ToLower(account), projectNumber(n.Cluster)
	run := whose(n, "run as", "run as")
	if email == "" || email == "default" {
		return audit.Failf("%s the Compute Engine default service account", run)
	}
	if m := customAccount.FindStringSubmatch(email); m != nil && !serviceAgent.MatchString(email) && !computeDefault.MatchString(email) {
		v := audit.Passf("%s %s", run, email)
		if home := accountProject(m[1]); home != n.Cluster.Project && number != n.Cluster.Project {
			v = v.Noting("the account belongs to project " + home)
		}
		return v
	}
	if m := computeDefault.FindStringSubmatch(email); m != nil {
		v := audit.Failf("%s the Compute Engine default service account", run)
		switch number {
		case "":
		case m[1]:
			v.Message += " of this project"
		default:
			v.Message += " of another project (" + m[1] + ")"
		}
		return v
	}
	if appspotDefault.MatchString(email) {
		return audit.Failf("%s an App Engine default service account, %s", run, email)
	}
	if serviceAgent.MatchString(email) {
		return audit.Passf("%s %s, which is no default account but a service agent; those are for Google's services only", run, email)
	}
	return audit.Unknownf("%s %q, which has not the form of a service account's e-mail address", run, account)
}

// projectNumber returns the number of the cluster's project: what it was asked for
// by, or from the name of the DNS endpoint that current clusters always have,
// gke-ID-NUMBER.LOCATION.gke.goog. It is empty where there is neither.
func projectNumber(c *audit.Cluster) string {
	if strings.Trim(c.Project, "0123456789") == "" {
		return c.Project
	}
	endpoint := c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig().GetEndpoint()
	if m := numberInDNSName.FindStringSubmatch(endpoint); m != nil {
		return m[1]
	}
	return ""
}

// accountProject returns the project ID in the domain of a service account.
// Projects of a domain are turned round there: example.com:proj is proj.example.com.
func accountProject(domain string) string {
	if project, scope, ok := strings.Cut(domain, "."); ok {
		return scope + ":" + project
	}
	return domain
}
