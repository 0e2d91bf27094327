package audit

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Policy is an allow policy of IAM as far as rules look at it: version 3, with the
// conditions. Its JSON is that of the API.
type Policy struct {
	Bindings     []Binding     `json:"bindings,omitempty"`
	AuditConfigs []AuditConfig `json:"auditConfigs,omitempty"`
}

// A Binding grants a role to members.
type Binding struct {
	Role      string     `json:"role"`
	Members   []string   `json:"members"`
	Condition *Condition `json:"condition,omitempty"` // nil if the role is always granted
}

// A Condition says when a binding grants its role.
type Condition struct {
	Title      string `json:"title,omitempty"`
	Expression string `json:"expression,omitempty"`
}

// String says for a message that there is a condition; nothing for nil.
func (c *Condition) String() string {
	switch {
	case c == nil:
		return ""
	case c.Title == "":
		return " on a condition"
	}
	return " on a condition (" + c.Title + ")"
}

// Clause says for evidence what the condition is; nothing for nil.
func (c *Condition) Clause() string {
	switch {
	case c == nil:
		return ""
	case c.Expression == "":
		return " if a condition holds that is not told"
	}
	return " if " + c.Expression
}

// endsAt is what a condition says of the time when it ends, alone or as one of several that
// all must hold.
var endsAt = regexp.MustCompile(`^\s*request\.time\s*<=?\s*timestamp\("([^"\\]+)"\)\s*$`)

// Ended reports whether a condition held before a time at most, so that its binding grants
// nothing from then on. It reports false where the expression is of a form that does not tell.
// Source: Configure temporary access,
// https://docs.cloud.google.com/iam/docs/configuring-temporary-access.
func (c *Condition) Ended(now time.Time) bool {
	if c == nil || !strings.Contains(c.Expression, "request.time") {
		return false
	}
	expression := c.Expression
	if !strings.Contains(expression, `"`) {
		expression = strings.ReplaceAll(expression, "'", `"`) // either may quote
	}
	other := func(mark string) bool { return strings.Contains(expression, mark) }
	if slices.ContainsFunc([]string{"||", "?", `"""`, "'", `\`, "//"}, other) { // the last may begin a comment
		return false
	}
	ended := false
	for _, part := range strings.Split(expression, "&&") {
		if strings.Count(part, `"`)%2 != 0 || !balanced(part) {
			return false // the parts are within something else
		}
		if m := endsAt.FindStringSubmatch(part); m != nil {
			end, err := time.Parse(time.RFC3339, m[1])
			ended = ended || err == nil && end.Before(now)
		}
	}
	return ended
}

// balanced reports whether each bracket of a text that opens closes in it, and the other way
// round.
func balanced(text string) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// An AuditConfig says which Data Access audit logs a service writes.
type AuditConfig struct {
	Service         string           `json:"service"` // "allServices" for every service
	AuditLogConfigs []AuditLogConfig `json:"auditLogConfigs,omitempty"`
}

// An AuditLogConfig turns on one type of log, but for what some members do.
type AuditLogConfig struct {
	LogType         string   `json:"logType"` // ADMIN_READ, DATA_READ, DATA_WRITE
	ExemptedMembers []string `json:"exemptedMembers,omitempty"`
}

// An Ancestor is a folder or an organization above projects.
type Ancestor struct {
	Name        string  `json:"name"`                 // "folders/2", "organizations/1"
	IAMPolicy   *Policy `json:"iamPolicy,omitempty"`  // nil if it was not read
	CustomRoles []Role  `json:"customRoles,omitzero"` // of an organization; see Project.CustomRoles
}

// A Role is the definition of a role: a predefined one, a basic one among them, or a
// custom one. Its JSON is that of the API, besides Missing.
type Role struct {
	Name        string   `json:"name"` // "roles/R", "projects/P/roles/R", "organizations/O/roles/R"
	Permissions []string `json:"includedPermissions,omitempty"`
	Stage       string   `json:"stage,omitempty"`   // "GA", "DISABLED"; the API leaves out "ALPHA"
	Deleted     bool     `json:"deleted,omitempty"` // bindings to it have no effect

	// Missing is true for a predefined role that the API does not know, such as one
	// that Google retired. What a binding to it grants is not known.
	Missing bool `json:"missing,omitempty"`
}

// Granted returns the permissions that the role grants: none if it is deleted or
// disabled. Source: Role.stage and Role.deleted in the IAM API reference.
func (r *Role) Granted() []string {
	if r.off() {
		return nil
	}
	return r.Permissions
}

func (r *Role) off() bool { return r.Deleted || r.Stage == "DISABLED" }

// Listed reports whether the API lists what the role grants. Of a few predefined roles, such
// as roles/spanner.databaseRoleUser, it lists no permission, and they grant something.
func (r *Role) Listed() bool {
	return len(r.Permissions) > 0 || r.off() || IsCustomRole(r.Name)
}

// A ServiceAccount is a service account of a project.
type ServiceAccount struct {
	Email    string `json:"email"`
	UniqueID string `json:"uniqueId,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
}

// A ServiceAccountPolicy is the allow policy of a service account.
type ServiceAccountPolicy struct {
	Account string  `json:"account"` // its e-mail address or its unique ID
	Policy  *Policy `json:"policy"`
}

// A ServiceAccountKey is a key of a service account, without what is secret of it.
type ServiceAccountKey struct {
	Account  string `json:"account"`            // its e-mail address or its unique ID
	ID       string `json:"id"`                 // the last segment of the key's name
	Type     string `json:"keyType,omitempty"`  // USER_MANAGED, SYSTEM_MANAGED; empty if it is not told
	Disabled bool   `json:"disabled,omitempty"` // it cannot be used

	// ValidBefore is when it expires; zero if that is not told.
	ValidBefore time.Time `json:"validBeforeTime,omitzero"`
}

// Share makes the role's permissions share memory with equal ones among the given, and
// adds the others to those: the basic roles have thousands in common.
func (r *Role) Share(texts map[string]string) {
	for i, p := range r.Permissions {
		if same, ok := texts[p]; ok {
			r.Permissions[i] = same
		} else {
			texts[p] = p
		}
	}
}

// Share makes texts of the policy share memory with equal ones among the given, and adds
// the others to those: the same few roles and members recur in many policies.
func (p *Policy) Share(texts map[string]string) {
	if p == nil {
		return
	}
	share := func(text *string) {
		if same, ok := texts[*text]; ok {
			*text = same
			return
		}
		texts[*text] = *text
	}
	for i := range p.Bindings {
		b := &p.Bindings[i]
		share(&b.Role)
		for j := range b.Members {
			share(&b.Members[j])
		}
	}
}

// A PolicyOf is the allow policy of a project, a folder or an organization.
type PolicyOf struct {
	Resource string // "projects/P", "folders/F", "organizations/O"
	*Policy
}

// Policies returns the allow policies that hold in some projects, each once: a
// project's own and those of the folders and the organization above it, nearest first.
// What could not be read of them is among the gaps.
func (s *Snapshot) Policies(projects ...string) (policies []PolicyOf, gaps []*Gap) {
	ix := s.indexed()
	seen := map[string]bool{}
	add := func(project, resource, kind string, policy *Policy) {
		if seen[resource] {
			return
		}
		seen[resource] = true
		if policy == nil {
			gaps = append(gaps, s.hidden(project, resource+"/iamPolicy", "cloudresourcemanager."+kind+".getIamPolicy"))
			return
		}
		policies = append(policies, PolicyOf{resource, policy})
	}
	for _, id := range projects {
		if seen["projects/"+id] {
			continue
		}
		p := ix.project(id)
		add(id, "projects/"+id, "projects", p.IAMPolicy)
		if !WholeAncestry(p.Ancestors) {
			gaps = append(gaps, s.hidden(id, "projects/"+id+"/ancestry", "cloudresourcemanager.projects.getAncestry"))
		}
		for _, name := range p.Ancestors {
			kind, _, _ := strings.Cut(name, "/")
			var policy *Policy
			if a := ix.ancestors[name]; a != nil {
				policy = a.IAMPolicy
			}
			add("", name, kind, policy)
		}
	}
	return policies, gaps
}

// WholeAncestry reports whether these can be all that is above a project, nearest first:
// nothing, or folders and last an organization, as every folder is in one. Nil is not
// read.
func WholeAncestry(names []string) bool {
	return names != nil && (len(names) == 0 || strings.HasPrefix(names[len(names)-1], "organizations/"))
}

// hidden returns the gap of a resource that was not read.
func (s *Snapshot) hidden(project, resource, operation string) *Gap {
	if g := s.indexed().gaps[resource]; g != nil {
		return g
	}
	return notRead(project, resource, operation)
}

// GrantedRoles returns the names of the roles that policies grant to members whom rules
// look at, sorted.
func (s *Snapshot) GrantedRoles() []string {
	nodes := map[string]bool{}
	for _, c := range s.Clusters() {
		accounts, _ := s.NodeAccounts(c)
		for _, a := range accounts {
			nodes[a.Email] = true
		}
	}
	return slices.Sorted(maps.Keys(grantedRoles(s.Projects, s.Ancestors, nodes)))
}

// grantedRoles are the names of the roles that policies grant to members whom rules look
// at: those of service accounts' policies to any, and others to all but service accounts
// that are not nodes'. Most bindings of a project are those of Google's service agents.
func grantedRoles(projects []*Project, ancestors []*Ancestor, nodes map[string]bool) map[string]bool {
	matters := func(member string) bool {
		kind, email, _ := strings.Cut(member, ":")
		if kind != "serviceAccount" {
			return true
		}
		a := ParseAccount(email)
		// It may be the nodes' where the number of their project is not known, or one
		// of Kubernetes.
		return nodes[a.Email] || a.Kind == ComputeDefault || a.Kind == MalformedAccount
	}
	names := map[string]bool{}
	add := func(policy *Policy, all bool) {
		if policy == nil {
			return
		}
		for _, b := range policy.Bindings {
			if role, _ := b.Granted(); !names[role] && slices.ContainsFunc(b.Members, func(m string) bool {
				return !strings.HasPrefix(m, "deleted:") && (all || matters(m))
			}) {
				names[role] = true
			}
		}
	}
	for _, p := range projects {
		add(p.IAMPolicy, false)
		for _, sp := range p.ServiceAccountPolicies {
			add(sp.Policy, true)
		}
	}
	for _, a := range ancestors {
		add(a.IAMPolicy, false)
	}
	return names
}

// Role returns a role by its name. Where it was not read, it returns the gap that hides
// it; where a project or an organization has no custom role of the name, neither.
func (s *Snapshot) Role(name string) (*Role, *Gap) {
	ix := s.indexed()
	if r := ix.roles[name]; r != nil {
		return r, nil
	}
	if !IsCustomRole(name) {
		return nil, s.hidden("", name, "iam.roles.get")
	}
	parent, _, _ := strings.Cut(name, "/roles/")
	kind, id, _ := strings.Cut(parent, "/")
	if kind == "projects" {
		if p := ix.projects[id]; p != nil && p.CustomRoles != nil {
			return nil, nil
		}
		return nil, s.hidden(id, parent+"/roles", "iam.projects.roles.list")
	}
	if a := ix.ancestors[parent]; a != nil && a.CustomRoles != nil {
		return nil, nil
	}
	return nil, s.hidden("", parent+"/roles", "iam.organizations.roles.list")
}

// IsCustomRole reports whether a role is one that a project or an organization made.
func IsCustomRole(role string) bool {
	return (strings.HasPrefix(role, "projects/") || strings.HasPrefix(role, "organizations/")) && strings.Contains(role, "/roles/")
}

// ServiceAccounts returns the service accounts of a project, or the gap that hides them.
func (s *Snapshot) ServiceAccounts(project string) ([]ServiceAccount, *Gap) {
	if p := s.indexed().project(project); p.ServiceAccounts != nil {
		return p.ServiceAccounts, s.indexed().gaps["projects/"+project+"/serviceAccounts"]
	}
	return nil, s.hidden(project, "projects/"+project+"/serviceAccounts", "iam.projects.serviceAccounts.list")
}

// ServiceAccountPolicies returns the allow policies of a project's service accounts, and
// the gap that hides others.
func (s *Snapshot) ServiceAccountPolicies(project string) ([]ServiceAccountPolicy, *Gap) {
	resource := "projects/" + project + "/serviceAccountPolicies"
	if p := s.indexed().project(project); p.ServiceAccountPolicies != nil {
		return p.ServiceAccountPolicies, s.indexed().gaps[resource]
	}
	return nil, s.hidden(project, resource, "cloudasset.searchAllIamPolicies")
}

// ServiceAccountKeys returns the keys of a project's service accounts, and the gap that
// hides others.
func (s *Snapshot) ServiceAccountKeys(project string) ([]ServiceAccountKey, *Gap) {
	resource := "projects/" + project + "/serviceAccountKeys"
	if p := s.indexed().project(project); p.ServiceAccountKeys != nil {
		return p.ServiceAccountKeys, s.indexed().gaps[resource]
	}
	return nil, s.hidden(project, resource, "cloudasset.searchAllResources")
}

// byAccount is what there is about the service accounts of a project, by the account.
type byAccount struct {
	accounts map[string]*ServiceAccount // by their keys
	policies map[string][]ServiceAccountPolicy
	keys     map[string][]ServiceAccountKey

	// Of no account that is known.
	strayPolicies []ServiceAccountPolicy
	strayKeys     []ServiceAccountKey
}

// accountKey is what a service account is known by among those of its project, which has
// one Compute Engine default account, whether or not its number is known.
func accountKey(a Account) string {
	if a.Kind == ComputeDefault {
		return "default"
	}
	return a.Email
}

func newByAccount(p *Project) *byAccount {
	by := &byAccount{map[string]*ServiceAccount{}, map[string][]ServiceAccountPolicy{}, map[string][]ServiceAccountKey{}, nil, nil}
	byID := map[string]string{}
	for i := range p.ServiceAccounts {
		a := &p.ServiceAccounts[i]
		key := accountKey(ParseAccount(a.Email))
		if by.accounts[key] == nil {
			by.accounts[key] = a
		}
		byID[a.UniqueID] = key
	}
	delete(byID, "")
	keyOf := func(name string) string { // an e-mail address or a unique ID
		if strings.Contains(name, "@") {
			return accountKey(ParseAccount(name))
		}
		return byID[name]
	}
	for _, sp := range p.ServiceAccountPolicies {
		if key := keyOf(sp.Account); key != "" {
			by.policies[key] = append(by.policies[key], sp)
		} else {
			by.strayPolicies = append(by.strayPolicies, sp)
		}
	}
	for _, k := range p.ServiceAccountKeys {
		if key := keyOf(k.Account); key != "" {
			by.keys[key] = append(by.keys[key], k)
		} else {
			by.strayKeys = append(by.strayKeys, k)
		}
	}
	return by
}

// AccountOf returns the service account of nodes from the list of its project, or the gap
// that hides it; neither if it is not there.
func (s *Snapshot) AccountOf(a NodeAccount) (*ServiceAccount, *Gap) {
	_, gap := s.ServiceAccounts(a.Project)
	if account := s.indexed().accounts(a).accounts[accountKey(a.Account)]; account != nil {
		return account, nil
	}
	return nil, gap
}

// PoliciesOf returns the allow policies of nodes' service account, those that may be its
// or another's of the project, and the gap that hides others or whose they are.
func (s *Snapshot) PoliciesOf(a NodeAccount) (policies, stray []ServiceAccountPolicy, gap *Gap) {
	by := s.indexed().accounts(a)
	_, gap = s.ServiceAccountPolicies(a.Project)
	if by.strayPolicies != nil {
		_, other := s.ServiceAccounts(a.Project)
		gap = cmp.Or(other, gap)
	}
	return by.policies[accountKey(a.Account)], by.strayPolicies, gap
}

// KeysOf returns the keys of nodes' service account, those that may be its or another's
// of the project, and the gap that hides others or whose they are.
func (s *Snapshot) KeysOf(a NodeAccount) (keys, stray []ServiceAccountKey, gap *Gap) {
	by := s.indexed().accounts(a)
	_, gap = s.ServiceAccountKeys(a.Project)
	if by.strayKeys != nil {
		_, other := s.ServiceAccounts(a.Project)
		gap = cmp.Or(other, gap)
	}
	return by.keys[accountKey(a.Account)], by.strayKeys, gap
}

// accounts returns what there is about the service accounts of an account's project.
func (ix *index) accounts(a NodeAccount) *byAccount {
	if by := ix.byAccount[a.Project]; by != nil {
		return by
	}
	return &byAccount{}
}

// A Grant is a role that a service account has or may have.
type Grant struct {
	Resource  string // of the policy
	Role      string
	Member    string     // that the account is, or is one of
	Condition *Condition // nil if the role is always granted

	// Certain is false if the member may or may not stand for the account: it is a
	// group, or of a kind that is not known.
	Certain bool
}

// String says what is granted where, and by which member if that is not the account.
func (g Grant) String() string {
	text := g.Role + " on " + g.Resource
	if !strings.HasPrefix(g.Member, "serviceAccount:") {
		text += " as one of " + g.Member
	}
	return text + g.Condition.String()
}

// Evidence is the binding.
func (g Grant) Evidence() Evidence {
	return Evidence{g.Resource, "iamPolicy.bindings[" + g.Role + "].members", g.Member + g.Condition.Clause()}
}

// conditionHash is what IAM adds to the role of a conditional binding for those who do
// not ask for version 3. Source: Understanding allow policies, in the IAM documentation.
var conditionHash = regexp.MustCompile(`_withcond_[0-9a-f]+$`)

// Granted returns the role that the binding grants and the condition, nil if there is
// none.
func (b Binding) Granted() (string, *Condition) {
	if !strings.Contains(b.Role, "_withcond_") { // nearly always, and there are many
		return b.Role, b.Condition
	}
	role := conditionHash.ReplaceAllString(b.Role, "")
	if role != b.Role && b.Condition == nil {
		return role, &Condition{}
	}
	return role, b.Condition
}

// Grants returns the roles that the nodes' service account has or may have over some
// projects, by the allow policies of those and of what is above them, and the gaps that
// hide others. What is granted twice is one grant, and what is granted on a condition that
// ended is none. A grant on a condition is left out where
// the same role is granted on the same resource without one. Groups of people only are
// skipped.
func (in *Input) Grants(a NodeAccount, projects ...string) (grants []Grant, gaps []*Gap) {
	policies, gaps := in.Policies(projects...)
	for _, p := range policies {
		first := len(grants)
		seen := map[string]bool{}
		for _, b := range p.Bindings {
			for _, m := range b.Members {
				is := in.isMember(a, m)
				if is == never {
					continue
				}
				role, condition := b.Granted()
				key := GrantKey(role, m, condition)
				if seen[key] || condition.Ended(in.Time) {
					continue
				}
				seen[key] = true
				grants = append(grants, Grant{p.Resource, role, m, condition, is == always})
			}
		}
		here := grants[first:]
		always := func(o Grant) bool { return o.Condition == nil && o.Certain }
		kept := slices.DeleteFunc(slices.Clone(here), func(g Grant) bool {
			return g.Condition != nil && slices.ContainsFunc(here, func(o Grant) bool { return always(o) && o.Role == g.Role })
		})
		grants = append(grants[:first], kept...)
	}
	return grants, gaps
}

// GrantKey returns what tells grants of one policy apart: it is the same if a member has a
// role on the same condition. The case of an e-mail address does not matter.
func GrantKey(role, member string, condition *Condition) string {
	if !strings.Contains(member, "://") { // a subject of a pool is another in another case
		member = strings.ToLower(member)
	}
	return strings.Join([]string{role, member, condition.String(), condition.Clause()}, "\n")
}

// A membership says whether a member of a binding stands for a service account.
type membership int

const (
	never membership = iota
	maybe
	always
)

// isMember tells which. Source: Principal identifiers, in the IAM documentation. A
// domain's members are users; a deleted member has no rights.
func (in *Input) isMember(a NodeAccount, member string) membership {
	if member == "allUsers" || member == "allAuthenticatedUsers" {
		return always
	}
	kind, name, _ := strings.Cut(member, ":")
	switch kind {
	case "serviceAccount":
		if a.Email != "" && strings.EqualFold(name, a.Email) {
			return always
		}
		// The number of a default account's project may not be known.
		if a.Email == "" && ParseAccount(name).Kind == ComputeDefault {
			return maybe
		}
		return never
	case "user", "domain", "deleted":
		return never
	case "group":
		if in.Parameters.HasPeopleOnly(name) {
			return never
		}
		return maybe
	case "principal", "principalSet":
		return in.isPrincipal(a, strings.TrimPrefix(name, "//"))
	}
	return maybe
}

func (in *Input) isPrincipal(a NodeAccount, name string) membership {
	api, name, _ := strings.Cut(name, "/")
	if api == "iam.googleapis.com" {
		// Of workforce and workload identity pools, unless it names an account.
		if strings.Contains(name, "/serviceAccounts/") {
			return maybe
		}
		return never
	}
	scope, kind, _ := strings.Cut(name, "/type/")
	switch {
	case api != "cloudresourcemanager.googleapis.com":
		return maybe
	case kind == "ServiceAgent": // those of Google's services
		if a.Kind == ServiceAgent {
			return maybe
		}
		return never
	case kind != "ServiceAccount":
		return maybe
	}
	resource, number, _ := strings.Cut(scope, "/")
	if !isNumber(number) || !slices.Contains([]string{"projects", "folders", "organizations"}, resource) {
		return maybe // the number is what the documentation asks for; what another name means is not known
	}
	if resource == "projects" {
		home := in.indexed().numbers[a.Project]
		if isNumber(a.Project) {
			home = a.Project
		}
		switch home {
		case "":
			return maybe
		case number:
			return always
		}
		return never
	}
	ancestors := in.indexed().project(a.Project).Ancestors
	switch {
	case slices.Contains(ancestors, scope):
		return always
	case !WholeAncestry(ancestors):
		return maybe
	}
	return never
}
