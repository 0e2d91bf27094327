package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"

	"google.golang.org/api/cloudasset/v1"
	cloudresourcemanagerv1 "google.golang.org/api/cloudresourcemanager/v1"
	"google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/iam/v1"
)

// iamData are the kinds of data that are about service accounts and their rights.
var iamData = []audit.Data{audit.IAMPolicies, audit.Roles, audit.ServiceAccounts, audit.ServiceAccountPolicies, audit.ServiceAccountKeys}

// homes returns the projects that the nodes' service accounts belong to, sorted, and
// finds out the numbers of those whose default account is in use. Without data that
// is about them, there are none.
func (col *collection) homes(ctx context.Context, data []audit.Data) []string {
	if !slices.ContainsFunc(data, func(d audit.Data) bool { return slices.Contains(iamData, d) }) {
		return nil
	}
	unnumbered := map[string]bool{} // projects whose number has to be known
	unnamed := map[string]bool{}    // numbers of projects whose ID has to be
	for _, p := range col.projects {
		for _, cluster := range slices.Concat(p.Clusters, p.OtherClusters) {
			col.client.named(p.ID, audit.NewCluster(p.ID, cluster).ProjectNumber())
		}
	}
	for _, c := range col.snapshot().Clusters() {
		for _, n := range c.NodeSources() {
			name, _ := n.ServiceAccount()
			a := audit.ParseAccount(name)
			if a.Kind == audit.ComputeDefault && !isNumber(c.Project) {
				unnumbered[c.Project] = true
			}
			if a.Home != c.Project && isNumber(a.Home) {
				unnamed[a.Home] = true
			}
		}
	}
	var wg sync.WaitGroup
	for id := range unnumbered {
		wg.Go(func() {
			number, f := col.client.otherName(ctx, id)
			if number == "" {
				if f.code == "" {
					f = faultOf(getProject, errNoAnswer)
				}
				col.gap(f.gap(getProject, id, "projects/"+id+"/number"))
			}
			col.projects[id].Number = number
		})
	}
	wg.Wait() // one of the unnumbered may be one of the unnamed
	ids := make(map[string]string)
	var mu sync.Mutex
	for number := range unnamed {
		wg.Go(func() {
			id := col.client.projectID(ctx, number)
			mu.Lock()
			defer mu.Unlock()
			ids[number] = id
		})
	}
	wg.Wait()
	for number, id := range ids {
		if id != number {
			col.project(id).Number = number
		}
	}
	homes := map[string]bool{}
	s := col.snapshot()
	for _, c := range s.Clusters() {
		accounts, _ := s.NodeAccounts(c)
		for _, a := range accounts {
			homes[a.Project] = true
		}
	}
	for id := range homes {
		col.project(id)
	}
	return slices.Sorted(maps.Keys(homes))
}

// project returns the project with an ID, which from now on is in the snapshot.
func (col *collection) project(id string) *audit.Project {
	if col.projects[id] == nil {
		col.projects[id] = &audit.Project{ID: id}
	}
	return col.projects[id]
}

// iam reads what the data asks for of the homes of nodes' service accounts and of the
// projects that have clusters, besides the definitions of roles.
func (col *collection) iam(ctx context.Context, homes []string, data []audit.Data) {
	var ids []string
	for id, p := range col.projects {
		if len(p.Clusters) > 0 || slices.Contains(homes, id) {
			ids = append(ids, id)
		}
	}
	needs := func(kind audit.Data) bool { return slices.Contains(data, kind) }
	var wg sync.WaitGroup
	for _, id := range ids {
		p, home := col.projects[id], slices.Contains(homes, id)
		if needs(audit.IAMPolicies) {
			wg.Go(func() { p.IAMPolicy = col.policy(ctx, projectPolicy, id, "projects/"+id) })
			wg.Go(func() { col.ancestry(ctx, p) })
		}
		if needs(audit.ServiceAccounts) {
			wg.Go(func() { col.serviceAccounts(ctx, p) })
		}
		if home && needs(audit.ServiceAccountPolicies) {
			wg.Go(func() { col.serviceAccountPolicies(ctx, p) })
		}
		if home && needs(audit.ServiceAccountKeys) {
			wg.Go(func() { col.serviceAccountKeys(ctx, p) })
		}
	}
	wg.Wait()
	if needs(audit.IAMPolicies) {
		for name, a := range col.ancestors {
			op := folderPolicy
			if strings.HasPrefix(name, "organizations/") {
				op = orgPolicy
			}
			wg.Go(func() { a.IAMPolicy = col.policy(ctx, op, "", name) })
		}
		wg.Wait()
	}
}

var (
	errNoAncestry = errors.New("the answer does not name the project and all that is above it")
	errNoPolicy   = errors.New("the answer has no etag, which every policy has")
	errOtherRole  = errors.New("the answer is not the role that was asked for")
)

// ancestry reads what is above a project, nearest first. The answer begins with the
// project itself. Source: projects.getAncestry, in the Resource Manager API reference.
func (col *collection) ancestry(ctx context.Context, p *audit.Project) {
	f, ok := col.client.call(ctx, getAncestry, p.ID, func(ctx context.Context) error {
		answer, err := whole(col.client.managerV1.Projects.GetAncestry(p.ID, &cloudresourcemanagerv1.GetAncestryRequest{}).Context(ctx).Do())
		if err != nil {
			return err
		}
		names := []string{}
		for i, a := range answer.Ancestor {
			switch {
			case a == nil || a.ResourceId == nil || (i == 0) != (a.ResourceId.Type == "project"):
				return errNoAncestry
			case i == 0:
			case (a.ResourceId.Type == "folder" || a.ResourceId.Type == "organization") && isNumber(a.ResourceId.Id):
				names = append(names, a.ResourceId.Type+"s/"+a.ResourceId.Id)
			default:
				return errNoAncestry
			}
		}
		if len(answer.Ancestor) == 0 || !audit.WholeAncestry(names) {
			return errNoAncestry
		}
		p.Ancestors = names
		return nil
	})
	if !ok {
		col.gap(f.gap(getAncestry, p.ID, "projects/"+p.ID+"/ancestry"))
		return
	}
	col.mu.Lock()
	defer col.mu.Unlock()
	for _, name := range p.Ancestors {
		if col.ancestors[name] == nil {
			col.ancestors[name] = &audit.Ancestor{Name: name}
		}
	}
}

// policy reads the allow policy of a project, a folder or an organization; it returns
// nil where that fails. Only version 3 tells the conditions of bindings.
func (col *collection) policy(ctx context.Context, op operation, project, resource string) *audit.Policy {
	request := &cloudresourcemanager.GetIamPolicyRequest{Options: &cloudresourcemanager.GetPolicyOptions{RequestedPolicyVersion: 3}}
	var answer *cloudresourcemanager.Policy
	f, ok := col.client.call(ctx, op, resource, func(ctx context.Context) (err error) {
		switch op {
		case orgPolicy:
			answer, err = whole(col.client.manager.Organizations.GetIamPolicy(resource, request).Context(ctx).Do())
		case folderPolicy:
			answer, err = whole(col.client.manager.Folders.GetIamPolicy(resource, request).Context(ctx).Do())
		default:
			answer, err = whole(col.client.manager.Projects.GetIamPolicy(resource, request).Context(ctx).Do())
		}
		if err == nil && answer.Etag == "" {
			err = errNoPolicy
		}
		return err
	})
	if !ok {
		col.gap(f.gap(op, project, resource+"/iamPolicy"))
		return nil
	}
	policy := &audit.Policy{}
	for _, b := range answer.Bindings {
		if b != nil {
			binding := audit.Binding{Role: b.Role, Members: b.Members}
			if b.Condition != nil {
				binding.Condition = &audit.Condition{Title: b.Condition.Title, Expression: b.Condition.Expression}
			}
			policy.Bindings = append(policy.Bindings, binding)
		}
	}
	for _, a := range answer.AuditConfigs {
		if a == nil {
			continue
		}
		config := audit.AuditConfig{Service: a.Service}
		for _, l := range a.AuditLogConfigs {
			if l != nil {
				config.AuditLogConfigs = append(config.AuditLogConfigs, audit.AuditLogConfig{LogType: l.LogType, ExemptedMembers: l.ExemptedMembers})
			}
		}
		policy.AuditConfigs = append(policy.AuditConfigs, config)
	}
	col.share(policy)
	return policy
}

func (col *collection) share(policy *audit.Policy) {
	col.mu.Lock()
	defer col.mu.Unlock()
	policy.Share(col.texts)
}

// granted returns the names of the roles that policies which were read grant to members
// whom rules look at.
func (col *collection) granted() []string {
	s := &audit.Snapshot{Ancestors: col.snapshot().Ancestors}
	for _, p := range col.projects { // without their networks, which are being read
		s.Projects = append(s.Projects, &audit.Project{ID: p.ID, Number: p.Number, Clusters: p.Clusters,
			IAMPolicy: p.IAMPolicy, ServiceAccountPolicies: p.ServiceAccountPolicies})
	}
	return s.GrantedRoles()
}

// roles reads the definitions of the roles that are granted.
func (col *collection) roles(ctx context.Context) {
	names := col.granted()
	col.customRoles(ctx, names)
	col.predefinedRoles(ctx, names)
}

// customRoles reads those of some roles that are custom: the list of each project or
// organization that has such a role, of which the others are dropped.
func (col *collection) customRoles(ctx context.Context, roles []string) {
	wanted := map[string]map[string]bool{} // names by parent
	for _, name := range roles {
		if !audit.IsCustomRole(name) {
			continue
		}
		parent, _, _ := strings.Cut(name, "/roles/")
		if wanted[parent] == nil {
			wanted[parent] = map[string]bool{}
		}
		wanted[parent][name] = true
		if id, ok := strings.CutPrefix(parent, "organizations/"); ok && isNumber(id) && col.ancestors[parent] == nil {
			col.ancestors[parent] = &audit.Ancestor{Name: parent} // as no policy above projects was asked for
		}
	}
	var wg sync.WaitGroup
	for parent, names := range wanted {
		kind, id, _ := strings.Cut(parent, "/")
		switch {
		case kind == "projects" && col.projects[id] != nil:
			wg.Go(func() { col.projects[id].CustomRoles = col.rolesOf(ctx, projectRoles, id, parent, names) })
		case col.ancestors[parent] != nil:
			wg.Go(func() { col.ancestors[parent].CustomRoles = col.rolesOf(ctx, orgRoles, "", parent, names) })
		}
	}
	wg.Wait()
}

// predefinedRoles reads those of some roles that are predefined, one by one. An estate
// grants some dozens of the 2,500 that there are (August 2026). By roles.list they would
// take three calls and 7 MB in every run and shard, and a page that fails would hide them
// all. Here, what fails hides one role, and NOT_FOUND is an answer: the API has no such
// role. The number of calls depends on how many different roles are granted, and not on
// clusters.
//
// It takes no permission: a predefined role is of no resource. Source: roles.get and
// roles.list in the IAM API reference.
func (col *collection) predefinedRoles(ctx context.Context, roles []string) {
	var wg sync.WaitGroup
	for _, name := range roles {
		switch {
		case predefinedName.MatchString(name):
			wg.Go(func() { col.predefinedRole(ctx, name) })
		case strings.HasPrefix(name, "roles/"): // and something that would be part of a URL
			col.keepRole(audit.Role{Name: name, Missing: true})
		}
	}
	wg.Wait()
	slices.SortFunc(col.predefined, func(a, b audit.Role) int { return strings.Compare(a.Name, b.Name) })
}

var predefinedName = regexp.MustCompile(`^roles/[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$`)

func (col *collection) predefinedRole(ctx context.Context, name string) {
	var answer *iam.Role
	f, ok := col.client.call(ctx, getRole, "", func(ctx context.Context) (err error) {
		answer, err = whole(col.client.iam.Roles.Get(name).Context(ctx).Do())
		if err == nil && answer.Name != name {
			err = errOtherRole
		}
		return err
	})
	role := audit.Role{Name: name}
	switch {
	case ok:
		role.Permissions, role.Stage, role.Deleted = answer.IncludedPermissions, answer.Stage, answer.Deleted
	case f.code == "NOT_FOUND":
		role.Missing = true
	default:
		col.gap(f.gap(getRole, "", name))
		return
	}
	col.keepRole(role)
}

func (col *collection) keepRole(role audit.Role) {
	col.mu.Lock()
	defer col.mu.Unlock()
	role.Share(col.texts)
	col.predefined = append(col.predefined, role)
}

// rolesOf reads the roles with these names of a project or an organization. It returns
// nil if the list could not be read to its end.
func (col *collection) rolesOf(ctx context.Context, op operation, project, parent string, names map[string]bool) []audit.Role {
	roles := []audit.Role{}
	f, ok := col.client.pages(ctx, op, parent, func(ctx context.Context, token string) (string, error) {
		var answer *iam.ListRolesResponse
		var err error
		if op == orgRoles {
			answer, err = whole(col.client.iam.Organizations.Roles.List(parent).View("FULL").ShowDeleted(true).PageSize(1000).PageToken(token).Context(ctx).Do())
		} else {
			answer, err = whole(col.client.iam.Projects.Roles.List(parent).View("FULL").ShowDeleted(true).PageSize(1000).PageToken(token).Context(ctx).Do())
		}
		if err != nil {
			return "", err
		}
		for _, r := range answer.Roles {
			if r != nil && names[r.Name] {
				roles = append(roles, audit.Role{Name: r.Name, Permissions: r.IncludedPermissions, Stage: r.Stage, Deleted: r.Deleted})
			}
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		col.gap(f.gap(op, project, parent+"/roles"))
		return nil
	}
	roles = distinct(roles, func(r audit.Role) string { return r.Name })
	slices.SortFunc(roles, func(a, b audit.Role) int { return strings.Compare(a.Name, b.Name) })
	return roles
}

func (col *collection) serviceAccounts(ctx context.Context, p *audit.Project) {
	accounts := []audit.ServiceAccount{}
	f, ok := col.client.pages(ctx, listAccounts, p.ID, func(ctx context.Context, token string) (string, error) {
		answer, err := whole(col.client.iam.Projects.ServiceAccounts.List("projects/" + p.ID).PageSize(100).PageToken(token).Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, a := range answer.Accounts {
			if a != nil {
				accounts = append(accounts, audit.ServiceAccount{Email: strings.ToLower(a.Email), UniqueID: a.UniqueId, Disabled: a.Disabled})
			}
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		col.gap(f.gap(listAccounts, p.ID, "projects/"+p.ID+"/serviceAccounts"))
		return
	}
	p.ServiceAccounts = distinct(accounts, func(a audit.ServiceAccount) string { return a.Email })
}

// serviceAccountPolicies reads the allow policies of a project's service accounts. One
// without a policy is not in the answer.
func (col *collection) serviceAccountPolicies(ctx context.Context, p *audit.Project) {
	policies := []audit.ServiceAccountPolicy{}
	f, ok := col.client.pages(ctx, searchPolicies, p.ID, func(ctx context.Context, token string) (string, error) {
		answer, err := whole(col.client.assets.V1.SearchAllIamPolicies("projects/" + p.ID).AssetTypes("iam.googleapis.com/ServiceAccount").
			PageSize(500).PageToken(token).Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, r := range answer.Results {
			if r != nil && r.Policy != nil {
				policies = append(policies, audit.ServiceAccountPolicy{Account: strings.ToLower(audit.LastSegment(r.Resource)), Policy: col.assetPolicy(r.Policy)})
			}
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		col.gap(f.gap(searchPolicies, p.ID, "projects/"+p.ID+"/serviceAccountPolicies"))
		return
	}
	p.ServiceAccountPolicies = distinct(policies, func(sp audit.ServiceAccountPolicy) string { return sp.Account })
}

func (col *collection) assetPolicy(from *cloudasset.Policy) *audit.Policy {
	policy := &audit.Policy{}
	for _, b := range from.Bindings {
		if b != nil {
			binding := audit.Binding{Role: b.Role, Members: b.Members}
			if b.Condition != nil {
				binding.Condition = &audit.Condition{Title: b.Condition.Title, Expression: b.Condition.Expression}
			}
			policy.Bindings = append(policy.Bindings, binding)
		}
	}
	col.share(policy)
	return policy
}

// serviceAccountKeys reads which keys a project's service accounts have. The search
// gives the resource itself if it is asked for versionedResources; the type is empty
// where it does not.
func (col *collection) serviceAccountKeys(ctx context.Context, p *audit.Project) {
	keys := []audit.ServiceAccountKey{}
	f, ok := col.client.pages(ctx, searchKeys, p.ID, func(ctx context.Context, token string) (string, error) {
		answer, err := whole(col.client.assets.V1.SearchAllResources("projects/" + p.ID).AssetTypes("iam.googleapis.com/ServiceAccountKey").
			ReadMask("name,versionedResources").PageSize(500).PageToken(token).Context(ctx).Do())
		if err != nil {
			return "", err
		}
		for _, r := range answer.Results {
			if r != nil {
				keys = append(keys, serviceAccountKey(r))
			}
		}
		return answer.NextPageToken, nil
	})
	if !ok {
		col.gap(f.gap(searchKeys, p.ID, "projects/"+p.ID+"/serviceAccountKeys"))
		return
	}
	p.ServiceAccountKeys = distinct(keys, func(k audit.ServiceAccountKey) string { return k.Account + "/" + k.ID })
}

// serviceAccountKey reads a result of the search. The name of the resource has the
// account's e-mail address where the name of the asset may have its unique ID.
func serviceAccountKey(r *cloudasset.ResourceSearchResult) audit.ServiceAccountKey {
	var resource struct {
		Name, KeyType, ValidBeforeTime string
		Disabled                       bool
	}
	for _, v := range r.VersionedResources {
		if v != nil && json.Unmarshal(v.Resource, &resource) != nil {
			resource.KeyType = "" // it is in a form that is not known
		}
	}
	name := r.Name
	if audit.Segment(resource.Name, "serviceAccounts") != "" {
		name = resource.Name
	}
	expires, _ := time.Parse(time.RFC3339, resource.ValidBeforeTime) // if it is not told, the key is taken to be valid
	return audit.ServiceAccountKey{
		Account:  strings.ToLower(audit.Segment(name, "serviceAccounts")),
		ID:       audit.LastSegment(name),
		Type:     resource.KeyType,
		Disabled: resource.Disabled,

		ValidBefore: expires,
	}
}
