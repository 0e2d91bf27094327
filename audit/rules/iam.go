package rules

import (
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

// accountName names the service account of nodes for a message.
func accountName(a audit.NodeAccount) string {
	if a.Email == "" {
		return "the Compute Engine default service account of " + a.Project
	}
	return a.Email
}

// isPublic reports whether a member is everybody, with an account or without.
func isPublic(member string) bool { return member == "allUsers" || member == "allAuthenticatedUsers" }

// isMachine reports whether a member is a service account of Google Cloud's, or all those of
// a project, a folder or an organization, and not one of Kubernetes:
// serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]. Source: Principal identifiers, in the
// IAM documentation.
func isMachine(member string) bool {
	if email, ok := strings.CutPrefix(member, "serviceAccount:"); ok {
		return !strings.Contains(email, "[")
	}
	if strings.HasPrefix(member, "principalSet://cloudresourcemanager.googleapis.com/") {
		return strings.HasSuffix(member, "/type/ServiceAccount") || strings.HasSuffix(member, "/type/ServiceAgent")
	}
	// A subject of a pool may have slashes, too.
	parts := strings.Split(strings.TrimPrefix(member, "principal://iam.googleapis.com/"), "/")
	return len(parts) == 4 && parts[0] == "projects" && parts[2] == "serviceAccounts"
}

// isPeople reports whether a member is anybody but a service account of Google Cloud's: a
// user, a group, a domain, identities of a workforce or workload pool, those of
// Kubernetes among them, everybody.
func isPeople(member string) bool {
	for _, prefix := range []string{"user:", "group:", "domain:", "serviceAccount:",
		"projectOwner:", "projectEditor:", "projectViewer:", "principal://goog/", "principalSet://goog/",
		"principal://iam.googleapis.com/", "principalSet://iam.googleapis.com/",
		"principalSet://cloudresourcemanager.googleapis.com/"} {
		if strings.HasPrefix(member, prefix) {
			return !isMachine(member)
		}
	}
	return isPublic(member)
}

// isStrange reports whether a member is of a kind that is not known here.
func isStrange(member string) bool {
	return !isPeople(member) && !isMachine(member) && !strings.HasPrefix(member, "deleted:")
}

// A memberRule is what a rule asks of the members of policies.
type memberRule struct {
	member func(string) bool // whether it means a member
	maybe  func(string) bool // whether it may mean a member; nil if that is always known
	basic  bool              // it means the basic roles alone
	set    *permissionSet    // what it looks for in a role; nil if it means any
	pass   string            // what it says where nobody is meant
}

// membersOf is what is asked of a policy.
type membersOf struct {
	policy *audit.Policy
	rule   *memberRule
}

// heldBinding is a binding with those members alone that are meant, and why its role is, or
// may be.
type heldBinding struct {
	audit.Binding
	holding
	strange bool // whether the members are meant is not known
}

// judgeMembers judges the cluster's project by who holds roles on it and on what is
// above it. A binding with a condition counts, and the condition is said.
func judgeMembers(in *audit.Input, c *audit.Cluster, rule *memberRule) audit.Verdict {
	project := "projects/" + c.Project
	policies, gaps := in.Policies(c.Project)
	v := audit.Passf("%s", rule.pass)
	var held, unclear []string
	var hints []audit.Evidence
	for _, p := range policies {
		if len(p.Bindings) == 0 {
			v = v.Because(audit.Absent(p.Resource, "iamPolicy.bindings", "no role is granted there"))
		}
		// That of an organization is the same for all clusters.
		bad := audit.Memo(in.Snapshot, membersOf{p.Policy, rule}, func() []heldBinding { return heldBindings(in, p.Policy, rule) })
		if len(bad) == 0 && len(p.Bindings) > 0 {
			v = v.Because(audit.Evidence{Resource: p.Resource, Field: "iamPolicy.bindings", Value: count(uint64(len(p.Bindings)), "binding", "bindings") + ", none of them such"})
		}
		for _, b := range bad {
			text := several(b.Members, 3) + holds(b.Members) + b.Role + b.holding.String() + " on " + p.Resource + b.Condition.String()
			e := audit.Evidence{Resource: p.Resource, Field: "iamPolicy.bindings[" + b.Role + "].members", Value: shorten(b.Members) + b.Condition.Clause()}
			switch {
			case b.gap != nil:
				gaps = append(gaps, b.gap)
			case b.strange:
				unclear, hints = append(unclear, text+unknownMember), append(hints, e)
			case b.unclear != "":
				unclear, hints = append(unclear, text+b.unclear), append(hints, e)
			default:
				held, v = append(held, text), v.Because(b.in(b.Role, e)...)
			}
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
	case unclear != nil:
		v = audit.Unknownf("%s", several(unclear, 3)).Because(hints...)
	}
	v.Evidence = audit.Distinct(v.Evidence)
	return v.On(project)
}

// unknownMember is what a message says of a member whose kind is not known here.
const unknownMember = ", and what kind of member that is is not known"

// heldBindings returns the bindings of a policy that a rule means, or may mean, without the
// members to whom another grants the same.
func heldBindings(in *audit.Input, p *audit.Policy, rule *memberRule) []heldBinding {
	var bad []heldBinding
	seen := map[string]bool{}
	for _, b := range p.Bindings {
		role, condition := b.Granted()
		if condition.Ended(in.Time) {
			continue // it grants nothing any more
		}
		var members, strange []string
		for _, m := range b.Members {
			is := rule.member(m)
			if !is && (rule.maybe == nil || !rule.maybe(m)) {
				continue
			}
			key := audit.GrantKey(role, m, condition)
			switch {
			case seen[key]:
			case is:
				members = append(members, m)
			default:
				strange = append(strange, m)
			}
			seen[key] = true
		}
		if members == nil && strange == nil || rule.basic && !slices.Contains(basicRoles, role) {
			continue
		}
		if r, _ := in.Role(role); r != nil && (r.Deleted || r.Stage == "DISABLED") {
			continue // it grants nothing
		}
		var h holding
		if rule.set != nil {
			if h = holdingOf(in, role, rule.set); h == (holding{}) {
				continue
			}
		}
		for i, of := range [][]string{members, strange} {
			if of != nil {
				bad = append(bad, heldBinding{audit.Binding{Role: role, Members: of, Condition: condition}, h, i == 1})
			}
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
