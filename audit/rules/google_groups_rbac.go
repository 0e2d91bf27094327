package rules

import "gkeaudit/audit"

var googleGroupsRBAC = &audit.Rule{
	ID:       "google-groups-rbac",
	Title:    "RBAC knows Google groups",
	Severity: audit.Low,
	Weight:   "It gives an attacker nothing by itself; people who have changed jobs keep their rights longer.",
	Optional: "It needs Google Workspace or Cloud Identity groups, and is of no use where people come from another identity provider.",
	Since:    "0.1.0",
	Rationale: `Where RBAC does not know groups, roles are bound to people one by one, in every
cluster. Whoever leaves a team keeps what was bound to them until somebody
remembers. With groups, membership is kept in one place.`,
	Checks: `authenticatorGroupsConfig.enabled with a securityGroup passes. Without either it
fails. Where the Identity Service for GKE is on (identityServiceConfig.enabled)
people come from another identity provider, and groups with them: that does not
apply. Workforce identity federation cannot be seen here.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Name the group that holds the groups (its name must be gke-security-groups)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --security-group=gke-security-groups@DOMAIN`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  authenticator_groups_config {
    security_group = "gke-security-groups@DOMAIN"
  }
}`,
		Disruption: `None: existing bindings go on working. Bind roles to groups afterwards, and delete
those of single people.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Configure Google Groups for RBAC", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/google-groups-rbac"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.8.2"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.5.1"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableGoogleGroupsRBAC"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "authenticatorGroupsConfig"
		name, groups := c.ResourceName(), c.GetAuthenticatorGroupsConfig()
		on := audit.Evidence{Resource: name, Field: field + ".enabled", Value: "true"}
		switch {
		case groups.GetEnabled() && groups.GetSecurityGroup() != "":
			return audit.Passf("RBAC knows the groups in %s", groups.GetSecurityGroup()).Because(
				audit.Evidence{Resource: name, Field: field + ".securityGroup", Value: groups.GetSecurityGroup()}, on)
		case groups.GetEnabled():
			return audit.Failf("groups are on, but no security group is named, so RBAC knows none").Because(
				audit.Absent(name, field+".securityGroup", "no groups"), on)
		}
		off := audit.Absent(name, field+".enabled", "off, the default")
		if c.GetIdentityServiceConfig().GetEnabled() {
			return audit.NotApplicablef("the Identity Service for GKE brings people and groups from another provider").Because(
				audit.Evidence{Resource: name, Field: "identityServiceConfig.enabled", Value: "true"}, off)
		}
		return audit.Failf("RBAC does not know Google groups").Because(off)
	}),
}
