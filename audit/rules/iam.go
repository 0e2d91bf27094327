package rules

import (
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

// A breadth says how much a role allows that nodes have no use for.
type breadth int

const (
	narrow  breadth = iota
	reading         // nearly everything may be read
	broad           // something may be administered, or other identities be taken
)

// broadRoles are predefined roles that let their holder take over other identities,
// nodes or clusters, or read secrets. Those whose names end in "admin" are broad, too.
// Source: IAM roles and permissions index, in the IAM documentation.
var broadRoles = []string{
	"roles/owner", "roles/editor", "roles/writer", // with roles/admin the basic roles that change things
	"roles/cloudbuild.builds.builder",
	"roles/cloudbuild.builds.editor",
	"roles/compute.instanceAdmin.v1",
	"roles/compute.osAdminLogin",
	"roles/container.developer",
	"roles/container.serviceAgent",
	"roles/dataflow.developer",
	"roles/deploymentmanager.editor",
	"roles/iam.serviceAccountOpenIdTokenCreator",
	"roles/iam.serviceAccountTokenCreator",
	"roles/iam.serviceAccountUser",
	"roles/iam.workloadIdentityUser",
	"roles/secretmanager.secretAccessor",
}

// broadPermissions make a custom role broad, and so does any that ends in
// .setIamPolicy. By each of them alone one gets at other identities, at nodes or at what
// runs in clusters, or can destroy them.
var broadPermissions = []string{
	"cloudbuild.builds.create",
	"cloudfunctions.functions.create",
	"cloudfunctions.functions.update",
	"compute.instanceTemplates.create",
	"compute.instances.create",
	"compute.instances.osAdminLogin",
	"compute.instances.setMetadata",
	"compute.instances.setServiceAccount",
	"compute.projects.setCommonInstanceMetadata",
	"container.clusterRoleBindings.create",
	"container.clusterRoleBindings.update",
	"container.clusterRoles.bind",
	"container.clusterRoles.escalate",
	"container.clusters.create",
	"container.clusters.delete",
	"container.clusters.update",
	"container.cronJobs.create",
	"container.cronJobs.update",
	"container.daemonSets.create",
	"container.daemonSets.update",
	"container.deployments.create",
	"container.deployments.update",
	"container.jobs.create",
	"container.jobs.update",
	"container.mutatingWebhookConfigurations.create",
	"container.mutatingWebhookConfigurations.update",
	"container.nodes.proxy",
	"container.pods.attach",
	"container.pods.create",
	"container.pods.exec",
	"container.pods.update",
	"container.replicaSets.create",
	"container.replicaSets.update",
	"container.replicationControllers.create",
	"container.replicationControllers.update",
	"container.roleBindings.create",
	"container.roleBindings.update",
	"container.roles.bind",
	"container.roles.escalate",
	"container.secrets.get",
	"container.secrets.list",
	"container.serviceAccounts.createToken",
	"container.statefulSets.create",
	"container.statefulSets.update",
	"deploymentmanager.deployments.create",
	"iam.roles.update",
	"iam.serviceAccountKeys.create",
	"iam.serviceAccounts.actAs",
	"iam.serviceAccounts.getAccessToken",
	"iam.serviceAccounts.getOpenIdToken",
	"iam.serviceAccounts.implicitDelegation",
	"iam.serviceAccounts.signBlob",
	"iam.serviceAccounts.signJwt",
	"run.jobs.create",
	"run.jobs.run",
	"run.services.create",
	"run.services.update",
	"secretmanager.versions.access",
	"storage.hmacKeys.create",
	"storage.objects.delete",
}

// breadthOf returns how broad a role is. Of a custom role it names a permission that
// makes it so. It returns a gap where the role could not be read.
func breadthOf(in *audit.Input, role string) (b breadth, permission string, gap *audit.Gap) {
	if !audit.IsCustomRole(role) {
		switch {
		case slices.Contains(broadRoles, role), strings.HasSuffix(strings.ToLower(role), "admin"):
			return broad, "", nil
		case role == "roles/viewer" || role == "roles/reader":
			return reading, "", nil
		}
		return narrow, "", nil
	}
	r, gap := in.CustomRole(role)
	if r == nil || r.Deleted {
		return narrow, "", gap // a binding to a role that is gone has no effect
	}
	for _, p := range r.Permissions {
		if slices.Contains(broadPermissions, p) || strings.HasSuffix(p, ".setIamPolicy") {
			return broad, p, nil
		}
	}
	return narrow, "", nil
}

// accountName names the service account of nodes for a message.
func accountName(a audit.NodeAccount) string {
	if a.Email == "" {
		return "the Compute Engine default service account of " + a.Project
	}
	return a.Email
}

// isPublic reports whether a member is everybody, with an account or without.
func isPublic(member string) bool { return member == "allUsers" || member == "allAuthenticatedUsers" }

// isPeople reports whether a member is anybody but a service account of Google Cloud's: a
// user, a group, a domain, identities of a workforce or workload pool, those of
// Kubernetes among them, everybody.
func isPeople(member string) bool {
	for _, prefix := range []string{"user:", "group:", "domain:",
		"principal://iam.googleapis.com/", "principalSet://iam.googleapis.com/",
		"principalSet://cloudresourcemanager.googleapis.com/"} {
		if strings.HasPrefix(member, prefix) {
			return !strings.HasSuffix(member, "/type/ServiceAccount") && !strings.HasSuffix(member, "/type/ServiceAgent") &&
				!strings.Contains(member, "/serviceAccounts/")
		}
	}
	return isPublic(member) || strings.HasPrefix(member, "serviceAccount:") && !isMachine(member)
}

// serviceAccountRoles are the predefined roles by which one may act as a service account,
// make a key of it or let others do so, and that are for nothing else.
var serviceAccountRoles = []string{
	"roles/iam.serviceAccountAdmin",
	"roles/iam.serviceAccountKeyAdmin",
	"roles/iam.serviceAccountOpenIdTokenCreator",
	"roles/iam.serviceAccountTokenCreator",
	"roles/iam.serviceAccountUser",
	"roles/iam.workloadIdentityUser",
}

// membersOf is what is asked of a policy: which of its members a rule means, by what it
// says where there are none.
type membersOf struct {
	policy *audit.Policy
	pass   string
}

// judgeMembers judges the cluster's project by who holds roles on it and on what is
// above it. A binding with a condition counts, and the condition is said.
func judgeMembers(in *audit.Input, c *audit.Cluster, is func(role, member string) bool, pass string) audit.Verdict {
	project := "projects/" + c.Project
	policies, gaps := in.Policies(c.Project)
	v := audit.Passf("%s", pass)
	var held []string
	for _, p := range policies {
		if len(p.Bindings) == 0 {
			v = v.Because(audit.Absent(p.Resource, "iamPolicy.bindings", "no role is granted there"))
		}
		// That of an organization is the same for all clusters.
		bad := audit.Memo(in.Snapshot, membersOf{p.Policy, pass}, func() []audit.Binding { return badMembers(p.Policy, is) })
		if len(bad) == 0 && len(p.Bindings) > 0 {
			v = v.Because(audit.Evidence{Resource: p.Resource, Field: "iamPolicy.bindings", Value: count(uint64(len(p.Bindings)), "binding", "bindings") + ", none of them such"})
		}
		for _, b := range bad {
			held = append(held, several(b.Members, 3)+holds(b.Members)+b.Role+" on "+p.Resource+b.Condition.String())
			v = v.Because(audit.Evidence{Resource: p.Resource, Field: "iamPolicy.bindings[" + b.Role + "].members", Value: shorten(b.Members) + b.Condition.Clause()})
		}
	}
	switch {
	case held != nil:
		v.Status, v.Message = audit.Fail, several(held, 3)
		if gaps != nil {
			v = v.Noting("there may be others: " + audit.Hidden(gaps...).Message)
		}
	case gaps != nil:
		v = audit.Hidden(gaps...).Because(v.Evidence...)
	}
	return v.On(project)
}

// badMembers returns the bindings of a policy with those members alone that are meant.
func badMembers(p *audit.Policy, is func(role, member string) bool) []audit.Binding {
	var bad []audit.Binding
	for _, b := range p.Bindings {
		role, condition := b.Granted()
		var members []string
		for _, m := range b.Members {
			if is(role, m) {
				members = append(members, m)
			}
		}
		if members != nil {
			bad = append(bad, audit.Binding{Role: role, Members: members, Condition: condition})
		}
	}
	return bad
}

func holds(members []string) string {
	if len(members) == 1 {
		return " holds "
	}
	return " hold "
}

// several names some things for a message, at most so many of them.
func several(things []string, most int) string {
	if len(things) > most+1 {
		return strings.Join(things[:most], ", ") + " and " + strconv.Itoa(len(things)-most) + " more"
	}
	return strings.Join(things, ", ")
}
