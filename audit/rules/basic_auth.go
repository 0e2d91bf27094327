package rules

import "gkeaudit/audit"

// noBasicAuth is the version of the control plane from which on there is no basic
// authentication. Source: MasterAuth in the GKE API reference.
var noBasicAuth = audit.Version{Major: 1, Minor: 19}

var basicAuth = &audit.Rule{
	ID:       "basic-auth",
	Title:    "No password opens the Kubernetes API",
	Severity: audit.High,
	Weight:   "One leaked password, which never expires, makes its holder the administrator of the cluster.",
	Obsolete: "GKE has no basic authentication since version 1.19 (MasterAuth in the GKE API reference), and runs no version before it (GKE release schedule).",
	Since:    "0.1.0",
	Rationale: `Basic authentication gives a cluster one user name and one password with all
rights. Nobody can tell who used it, it does not expire, and everybody who may
read the cluster's credentials has it. GKE 1.19 did away with it; only exports
of clusters from before still show it.`,
	Checks: `currentMasterVersion and masterAuth.username. From version 1.19 on the question
does not arise. Before that, a user name fails. No user name passes only where
the answer shows a client certificate, and so that its reader may see
credentials: the API shows them only to callers with
container.clusters.getCredentials. Otherwise, and where the version cannot be
read, it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Upgrade the control plane to a version that GKE supports, which has no passwords", Commands: `gcloud container clusters upgrade {cluster} --master \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  release_channel {
    channel = "REGULAR"
  }
}`,
		Disruption: `Callers with the password are refused from then on: move them to IAM first. A
zonal control plane is away for some minutes while it is upgraded.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "MasterAuth in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#masterauth"},
		{Title: "GKE release schedule", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/release-schedule"},
		{Title: "Authenticate to the Kubernetes API server", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		name, auth := c.ResourceName(), c.GetMasterAuth()
		version, running, ok := controlPlaneVersion(c)
		if ok && version.AtLeast(noBasicAuth) {
			return audit.NotApplicablef("GKE has no basic authentication from version 1.19 on").Because(running)
		}
		const field = "masterAuth.username"
		if user := auth.GetUsername(); user != "" {
			return audit.Failf("user %q opens the Kubernetes API with a password", user).Because(
				audit.Evidence{Resource: name, Field: field, Value: user}, running)
		}
		if auth.GetClientCertificate() != "" {
			return audit.Passf("there is no user name, so basic authentication is off").Because(
				audit.Absent(name, field, "basic authentication is off"),
				audit.Evidence{Resource: name, Field: "masterAuth.clientCertificate", Value: "present: the reader may see credentials"}, running)
		}
		if !ok {
			return audit.Unknownf("the control plane's version, which decides, is not known").Because(running,
				audit.Absent(name, field, "off, or not shown to this caller"))
		}
		return audit.Unknownf("whether a password is set is not known: the API shows it only to callers with container.clusters.getCredentials, which is a right to use the cluster").Because(
			audit.Absent(name, field, "off, or not shown to this caller"), running)
	}),
}
