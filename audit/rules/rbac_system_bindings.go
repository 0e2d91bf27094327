package rules

import (
	"strconv"
	"strings"

	"gkeaudit/audit"
)

var rbacSystemBindings = &audit.Rule{
	ID:       "rbac-system-bindings",
	Title:    "RBAC bindings to everybody are refused",
	Severity: audit.Medium,
	Weight:   "It takes away the layer that refuses a careless binding; with such a binding, anyone with a Google account, or without one, has its rights.",
	Since:    "0.1.0",
	Rationale: `The groups system:authenticated and system:unauthenticated and the user
system:anonymous are everybody: on GKE, system:authenticated holds all who have a
Google account. A binding to one of them, often made to get something going,
gives its rights to strangers. Clusters have been taken over that way. GKE can
refuse such bindings.`,
	Checks: `rbacBindingConfig.enableInsecureBindingSystemAuthenticated and
.enableInsecureBindingSystemUnauthenticated (the latter is about system:anonymous,
too). Both false passes, one true fails. Where one is absent and none is true it
is unknown: the default depends on the cluster's age and mode (its version and
createTime are in the evidence). Bindings that are there already stay, and are not looked at.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Find bindings to everybody that exist already, besides the three that Kubernetes makes", Commands: `gcloud container clusters get-credentials {cluster} \
    --location={location} --project={project} &&
kubectl --context=gke_{project}_{location}_{cluster} \
    get clusterrolebindings,rolebindings --all-namespaces \
    --output=custom-columns='KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,ROLE:.roleRef.name,SUBJECTS:.subjects[*].name' | \
    grep -E 'system:(anonymous|authenticated|unauthenticated)' | \
    grep -vE '^ClusterRoleBinding +[^ ]+ +system:(discovery|basic-user|public-info-viewer) '`},
			{Title: "Refuse new ones", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --no-enable-insecure-binding-system-authenticated \
    --no-enable-insecure-binding-system-unauthenticated`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  rbac_binding_config {
    enable_insecure_binding_system_authenticated   = false
    enable_insecure_binding_system_unauthenticated = false
  }
}`,
		Disruption: `Existing bindings go on working until they are deleted. Deployments that make such
a binding, as some Helm charts do, fail from then on.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Best practices for GKE RBAC: prevent the use of default groups", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/best-practices/rbac#prevent-default-group-usage"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "container.managed.disableRBACSystemBindings"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		var allowed, unsaid []string
		var because []audit.Evidence
		look := func(subject, field string, value *bool) {
			field = "rbacBindingConfig." + field
			if value == nil {
				unsaid = append(unsaid, subject)
				because = append(because, audit.Absent(c.ResourceName(), field, "the default, which depends on the cluster's age and mode"))
				return
			}
			if *value {
				allowed = append(allowed, subject)
			}
			because = append(because, audit.Evidence{Resource: c.ResourceName(), Field: field, Value: strconv.FormatBool(*value)})
		}
		var authenticated, unauthenticated *bool
		if config := c.GetRbacBindingConfig(); config != nil {
			authenticated, unauthenticated = config.EnableInsecureBindingSystemAuthenticated, config.EnableInsecureBindingSystemUnauthenticated
		}
		look("system:authenticated", "enableInsecureBindingSystemAuthenticated", authenticated)
		look("system:unauthenticated and system:anonymous", "enableInsecureBindingSystemUnauthenticated", unauthenticated)
		switch {
		case len(allowed) > 0:
			return audit.Failf("bindings to %s are allowed", strings.Join(allowed, ", ")).Because(because...)
		case len(unsaid) > 0:
			_, running, _ := controlPlaneVersion(c)
			made := audit.Evidence{Resource: c.ResourceName(), Field: "createTime", Value: c.GetCreateTime()}
			if made.Value == "" {
				made = audit.Absent(made.Resource, made.Field, "the cluster's age is not known")
			}
			return audit.Unknownf("whether bindings to %s are allowed is not said", strings.Join(unsaid, ", ")).Because(because...).Because(running, made)
		}
		return audit.Passf("new bindings to everybody are refused").Because(because...)
	}),
}
