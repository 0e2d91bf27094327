package rules

import "gkeaudit/audit"

var clientCertificate = &audit.Rule{
	ID:       "client-certificate",
	Title:    "No client certificate was issued for the Kubernetes API",
	Severity: audit.Medium,
	Weight:   "It takes away the layer of IAM: the certificate works for years and cannot be revoked alone, but an attacker first needs its key.",
	Since:    "0.1.0",
	Rationale: `A client certificate lets its holder in for as long as it is valid, which is
years. It cannot be revoked, short of new credentials for the whole cluster, it
does not pass through IAM, and nobody can tell who used it.`,
	Checks: `masterAuth.clientCertificateConfig.issueClientCertificate and
masterAuth.clientCertificate; either fails. Of the certificate no more is kept
than that there is one. masterAuth.clusterCaCertificate is the cluster's own and
says nothing. The API shows the client certificate only to callers with
container.clusters.getCredentials, so where it is absent, clientCertificateConfig
decides. Where that is absent too, as in older answers, a cluster made with 1.12 or
newer (initialClusterVersion) passes, because since then a certificate is issued only
if the configuration asks for it; one made before, or with a version that is not known,
is unknown. Autopilot
clusters cannot have one.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create another cluster without one, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} --no-issue-client-certificate`},
			{Title: "Until then, issue new credentials", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --start-credential-rotation`},
			{Title: "Then revoke the old credentials", Before: "Check that GKE has recreated the nodes and that every client has the new credentials: those that still use the old ones are locked out.", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --complete-credential-rotation`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }
}`,
		Disruption: `The setting is set for good when the cluster is made: Terraform makes the cluster
anew. A rotation of credentials makes all nodes anew, and every client has to
fetch the cluster's new certificate.`,
		Recreates: audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Authenticate to the Kubernetes API server", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.8.1"},
		{Framework: audit.OrgPolicy, ID: "container.managed.disableLegacyClientCertificateIssuance"},
	},
	Check: audit.StandardOnly("Autopilot never issues client certificates", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const (
			configField = "masterAuth.clientCertificateConfig"
			field       = "masterAuth.clientCertificate"
		)
		name, auth := c.ResourceName(), c.GetMasterAuth()
		config := auth.GetClientCertificateConfig()
		switch {
		case auth.GetClientCertificate() != "":
			return audit.Failf("a client certificate was issued").Because(
				audit.Evidence{Resource: name, Field: field, Value: "present (its content is not kept)"})
		case config.GetIssueClientCertificate():
			return audit.Failf("a client certificate was issued").Because(
				audit.Evidence{Resource: name, Field: configField + ".issueClientCertificate", Value: "true"})
		case config != nil:
			return audit.Passf("no client certificate was issued, by the cluster's configuration").Because(
				audit.Absent(name, configField+".issueClientCertificate", "false, as "+configField+" is there"))
		}
		if first, known := audit.ParseVersion(c.GetInitialClusterVersion()); known && first.AtLeast(noCertificateByDefault) {
			return audit.Passf("no client certificate was issued, the default of clusters made with 1.12 or newer").Because(
				audit.Absent(name, configField, "none was asked for"), madeWith(c))
		}
		return audit.Unknownf("whether a client certificate was issued is not known: the API shows it only to callers with container.clusters.getCredentials, which is a right to use the cluster").Because(
			audit.Absent(name, field, "none, or not shown to this caller"),
			audit.Absent(name, configField, "the API does not say"), madeWith(c))
	})),
}

// noCertificateByDefault is the first version that clusters are made with without a client
// certificate, unless clientCertificateConfig asks for one. Source: MasterAuth in the GKE API
// reference.
var noCertificateByDefault = audit.Version{Major: 1, Minor: 12}
