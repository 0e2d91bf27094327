package gcptest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// iam makes the right answer to a call about service accounts and their rights. What the
// snapshot does not have, and has no gap for, is empty: a policy without bindings, a
// project without an organization.
func (s *Server) iam(r *http.Request, body []byte) (map[string]any, bool) {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/v1/"), "/v3/")
	name, method, _ := strings.Cut(path, ":")
	if i := strings.LastIndex(path, ":"); i >= 0 { // example.com:project:method
		name, method = path[:i], path[i+1:]
	}
	query := r.URL.Query()
	token := query.Get("pageToken")
	switch {
	case r.Method == http.MethodPost && method == "getIamPolicy":
		var request struct {
			Options struct{ RequestedPolicyVersion int }
		}
		if json.Unmarshal(body, &request) != nil || request.Options.RequestedPolicyVersion != 3 {
			return nil, false // older versions hide conditions
		}
		policy, ok := s.policy(name)
		return policy, ok
	case r.Method == http.MethodPost && method == "getAncestry":
		p := s.project(name)
		if p == nil || s.gap(name+"/ancestry") {
			return nil, false
		}
		line := []map[string]any{ancestor("project", p.ID)}
		for _, a := range p.Ancestors {
			kind, id, _ := strings.Cut(a, "/")
			line = append(line, ancestor(strings.TrimSuffix(kind, "s"), id))
		}
		return map[string]any{"ancestor": line}, true
	case r.Method != http.MethodGet:
		return nil, false
	case strings.HasPrefix(r.URL.Path, "/v3/projects/"):
		if p := s.project(path); p != nil && p.Number != "" {
			return map[string]any{"name": "projects/" + p.Number, "projectId": p.ID, "state": "ACTIVE"}, true
		}
		return nil, false
	case strings.HasPrefix(path, "roles/"):
		i := slices.IndexFunc(s.Snapshot.Roles, func(r audit.Role) bool { return r.Name == path && !r.Missing })
		if i < 0 {
			return nil, false
		}
		r := s.Snapshot.Roles[i]
		return map[string]any{"name": r.Name, "includedPermissions": r.Permissions, "stage": r.Stage}, true
	case strings.HasSuffix(path, "/roles"):
		parent := strings.TrimSuffix(path, "/roles")
		if s.gap(path) || query.Get("view") != "FULL" || query.Get("showDeleted") != "true" {
			return nil, false
		}
		return s.listed("roles", raw(s.roles(parent)), token), true
	}
	if p := s.project(name); p != nil && method == "searchAllIamPolicies" {
		var results []any
		for _, sp := range p.ServiceAccountPolicies {
			results = append(results, map[string]any{"resource": "//iam.googleapis.com/" + name + "/serviceAccounts/" + sp.Account,
				"assetType": "iam.googleapis.com/ServiceAccount", "policy": sp.Policy})
		}
		return s.listed("results", raw(results), token),
			query.Get("assetTypes") == "iam.googleapis.com/ServiceAccount" && !s.gap(name+"/serviceAccountPolicies")
	}
	if p := s.project(name); p != nil && method == "searchAllResources" {
		var results []any
		for _, k := range p.ServiceAccountKeys {
			key := name + "/serviceAccounts/" + k.Account + "/keys/" + k.ID
			result := map[string]any{"name": "//iam.googleapis.com/" + key}
			if k.Type != "" {
				resource := map[string]any{"name": key, "keyType": k.Type, "disabled": k.Disabled}
				if !k.ValidBefore.IsZero() {
					resource["validBeforeTime"] = k.ValidBefore
				}
				result["versionedResources"] = []any{map[string]any{"version": "v1", "resource": resource}}
			}
			results = append(results, result)
		}
		return s.listed("results", raw(results), token),
			query.Get("assetTypes") == "iam.googleapis.com/ServiceAccountKey" && !s.gap(name+"/serviceAccountKeys")
	}
	if p := s.project(strings.TrimSuffix(path, "/serviceAccounts")); p != nil && strings.HasSuffix(path, "/serviceAccounts") {
		return s.listed("accounts", raw(p.ServiceAccounts), token), !s.gap(path)
	}
	return nil, false
}

func ancestor(kind, id string) map[string]any {
	return map[string]any{"resourceId": map[string]any{"type": kind, "id": id}}
}

// project finds a project by its relative name, with its ID or its number.
func (s *Server) project(name string) *audit.Project {
	id := strings.TrimPrefix(name, "projects/")
	i := slices.IndexFunc(s.Snapshot.Projects, func(p *audit.Project) bool { return id == p.ID || id == p.Number && id != "" })
	if i < 0 || id == name {
		return nil
	}
	return s.Snapshot.Projects[i]
}

func (s *Server) gap(resource string) bool {
	return slices.ContainsFunc(s.Snapshot.Gaps, func(g audit.Gap) bool { return g.Resource == resource })
}

func (s *Server) policy(name string) (map[string]any, bool) {
	var policy *audit.Policy
	if p := s.project(name); p != nil {
		policy = p.IAMPolicy
	} else if i := slices.IndexFunc(s.Snapshot.Ancestors, func(a *audit.Ancestor) bool { return a.Name == name }); i >= 0 {
		policy = s.Snapshot.Ancestors[i].IAMPolicy
	} else {
		return nil, false
	}
	answer := map[string]any{"version": 3, "etag": "BwYk3Q=="}
	if policy != nil {
		answer["bindings"], answer["auditConfigs"] = policy.Bindings, policy.AuditConfigs
	}
	return answer, !s.gap(name + "/iamPolicy")
}

func (s *Server) roles(parent string) []audit.Role {
	if p := s.project(parent); p != nil {
		return p.CustomRoles
	}
	for _, a := range s.Snapshot.Ancestors {
		if a.Name == parent {
			return a.CustomRoles
		}
	}
	return nil
}

func raw[T any](items []T) []json.RawMessage {
	list := []json.RawMessage{}
	for _, item := range items {
		list = append(list, encodeJSON(item))
	}
	return list
}
