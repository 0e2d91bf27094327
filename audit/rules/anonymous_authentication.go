package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// limitsAnonymous is the version of the control plane from which on anonymous access
// can be limited. Source: Harden your cluster's security, in the GKE documentation.
var limitsAnonymous = audit.Version{Major: 1, Minor: 32, Patch: 2, Build: 1234000}

// anonymousLimited is the version from which on clusters are created with anonymous access
// limited, unless they ask for more. Clusters that are upgraded to it keep what they have.
// Source: Harden your cluster's security, in the GKE documentation.
var anonymousLimited = audit.Version{Major: 1, Minor: 35, Patch: 0, Build: 1171000}

var anonymousAuthentication = &audit.Rule{
	ID:       "anonymous-authentication",
	Title:    "Callers without credentials reach health checks only",
	Severity: audit.Medium,
	Weight:   "It takes away the layer that makes a careless RBAC binding to system:anonymous harmless; by default such callers get the version and health checks only.",
	Since:    "0.1.0",
	Rationale: `Where anonymous access is on, the API server lets callers without credentials in
as system:anonymous and asks RBAC what they may do. By default that is little,
but a flaw in what is open to them, or one binding made in haste, is open to
everybody who reaches the endpoint. Attackers look for such bindings.`,
	Checks: `anonymousAuthenticationConfig.mode: LIMITED passes, ENABLED fails. Where it is
absent, a control plane older than 1.32.2-gke.1234000 fails, because it cannot
limit anonymous access. On later versions the default depends on the version that
the cluster was created with (initialClusterVersion), and nothing else tells it:
created with 1.35.0-gke.1171000 or later, anonymous access is limited, and the cluster
passes; created with an earlier version, it is not limited, whatever the cluster was
upgraded to, and the cluster fails. Without a version that can be read it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Limit anonymous access (needs 1.32.2-gke.1234000 or later)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --anonymous-authentication-config=LIMITED`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  anonymous_authentication_config {
    mode = "LIMITED"
  }
}`,
		Disruption: `Callers without credentials are refused at once everywhere but at /healthz, /livez
and /readyz: probes of other paths, and tools that read /version, need credentials
from then on.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
		{Title: "Best practices for GKE RBAC", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/best-practices/rbac"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeAnonymous(c)
	}),
}

// judgeAnonymous judges how far the control plane lets callers without credentials in.
func judgeAnonymous(c *audit.Cluster) audit.Verdict {
	const (
		field   = "anonymousAuthenticationConfig.mode"
		limited = "callers without credentials reach health checks only"
		open    = "callers without credentials are let in as system:anonymous"
	)
	name, mode := c.ResourceName(), c.GetAnonymousAuthenticationConfig().GetMode()
	evidence := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(c.GetAnonymousAuthenticationConfig(), mode)}
	switch mode {
	case containerpb.AnonymousAuthenticationConfig_LIMITED:
		return audit.Passf(limited).Because(evidence)
	case containerpb.AnonymousAuthenticationConfig_ENABLED:
		return audit.Failf(open).Because(evidence)
	case containerpb.AnonymousAuthenticationConfig_MODE_UNSPECIFIED:
	default:
		return audit.UnknownValue(evidence)
	}
	version, running, ok := controlPlaneVersion(c)
	if ok && !version.AtLeast(limitsAnonymous) {
		return audit.Failf(open+"; version %s cannot limit them", running.Value).Because(
			audit.Absent(name, field, "the control plane is too old for it"), running)
	}
	const byDefault = "the default, which depends on the version that the cluster was created with"
	because := []audit.Evidence{audit.Absent(name, field, byDefault), madeWith(c), running}
	created, known := audit.ParseVersion(c.GetInitialClusterVersion())
	switch {
	case !known:
		return audit.Unknownf("whether callers without credentials are limited depends on the version that the cluster was created with, which is not known").Because(because...)
	case created.AtLeast(anonymousLimited):
		return audit.Passf(limited + ", the default of clusters created with " + anonymousLimited.String() + " or later").Because(because...)
	}
	return audit.Failf(open + ", the default of clusters created before " + anonymousLimited.String()).Because(because...)
}
