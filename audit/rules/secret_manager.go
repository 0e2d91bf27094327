package rules

import "gkeaudit/audit"

var secretManager = &audit.Rule{
	ID:       "secret-manager",
	Title:    "Pods can mount secrets from Secret Manager",
	Severity: audit.Low,
	Weight:   "It gives an attacker nothing by itself; passwords are more likely to be in Kubernetes Secrets, where many can read them.",
	Optional: "Workloads that ask Secret Manager themselves, or another vault, do not need the add-on.",
	Since:    "0.1.0",
	Rationale: `Whoever may read Secrets in a namespace, or start a pod there, has every password in
it. In Secret Manager each secret has its own rights, versions and log of use. The
add-on mounts them into pods without code, and without a copy in the cluster.`,
	Checks: `secretManagerConfig.enabled: true passes, false or absent, which is off, fails. Whether
workloads use it, and whether they use Secret Manager in another way, cannot be
seen here.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn the add-on on (it needs Workload Identity Federation for GKE)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-secret-manager`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  secret_manager_config {
    enabled = true
  }
}`,
		Disruption: `None for running workloads. A DaemonSet is added to every node.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Use the Secret Manager add-on with Google Kubernetes Engine", URL: "https://docs.cloud.google.com/secret-manager/docs/secret-manager-managed-csi-component"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "secretManagerConfig.enabled"
		config := c.GetSecretManagerConfig()
		switch {
		case config.GetEnabled():
			return audit.Passf("the Secret Manager add-on is on").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		case config == nil || config.Enabled == nil:
			return audit.Failf("the Secret Manager add-on is off").Because(audit.Absent(c.ResourceName(), field, "off, the default"))
		}
		return audit.Failf("the Secret Manager add-on is off").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "false"})
	}),
}
