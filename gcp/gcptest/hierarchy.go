package gcptest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"gkeaudit/audit"
)

func pathAndParent(r *http.Request) string {
	if parent := r.URL.Query().Get("parent"); parent != "" {
		return r.URL.Path + "?parent=" + parent
	}
	if network := r.URL.Query().Get("network"); network != "" {
		return r.URL.Path + "?network=" + network
	}
	return r.URL.Path
}

// hierarchy makes the right answer to a call of Resource Manager or Cloud Asset
// Inventory.
func (s *Server) hierarchy(r *http.Request) (map[string]any, bool) {
	query := r.URL.Query()
	name, isV3 := strings.CutPrefix(r.URL.Path, "/v3/")
	switch {
	case isV3 && (name == "folders" || name == "projects"):
		line := s.find(query.Get("parent"))
		if line == nil {
			return nil, false
		}
		items := []json.RawMessage{}
		for _, n := range line[len(line)-1].Children {
			if strings.HasPrefix(n.Name, name+"/") {
				items = append(items, n.resource())
			}
		}
		return s.listed(name, items, query.Get("pageToken")), true
	case isV3:
		if line := s.find(name); line != nil {
			var answer map[string]any
			err := json.Unmarshal(line[len(line)-1].resource(), &answer)
			return answer, err == nil
		}
	case strings.HasSuffix(r.URL.Path, ":searchAllResources"):
		scope := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v1/"), ":searchAllResources")
		line := s.find(scope)
		fields := strings.Split(query.Get("readMask"), ",")
		var results []json.RawMessage
		switch {
		case line == nil:
			return nil, false
		case query.Get("assetTypes") == "container.googleapis.com/Cluster":
			results = s.clusters(line, fields)
		case query.Get("assetTypes") == "cloudresourcemanager.googleapis.com/Folder":
			results = folders(line, fields)
		default:
			return nil, false
		}
		return s.listed("results", results, query.Get("pageToken")), true
	}
	return nil, false
}

// listed is a page of a list.
func (s *Server) listed(key string, items []json.RawMessage, token string) map[string]any {
	answer := map[string]any{}
	items, next := s.cut(items, token)
	answer[key] = items
	if next != "" {
		answer["nextPageToken"] = next
	}
	return answer
}

// find returns a node and what is above it, top first; nil if there is none of the
// name. A project is found by its ID, too.
func (s *Server) find(name string) []*Node {
	var search func(nodes, above []*Node) []*Node
	search = func(nodes, above []*Node) []*Node {
		for _, n := range nodes {
			line := append(slices.Clip(above), n)
			if n.Name == name || n.ID != "" && "projects/"+n.ID == name {
				return line
			}
			if found := search(n.Children, line); found != nil {
				return found
			}
		}
		return nil
	}
	return search(s.Hierarchy, nil)
}

// clusters are the results of a search for the clusters below a node.
func (s *Server) clusters(line []*Node, fields []string) []json.RawMessage {
	results := []json.RawMessage{}
	last := line[len(line)-1]
	for _, child := range last.Children {
		results = append(results, s.clusters(append(slices.Clip(line), child), fields)...)
	}
	i := slices.IndexFunc(s.Snapshot.Projects, func(p *audit.Project) bool { return last.ID != "" && p.ID == last.ID })
	if i < 0 {
		return results
	}
	for _, c := range s.Snapshot.Projects[i].Clusters {
		results = append(results, result(fields, map[string]any{
			"name":      "//container.googleapis.com/" + audit.NewCluster(last.ID, c).ResourceName(),
			"assetType": "container.googleapis.com/Cluster",
			"project":   last.Name,
			"folders":   foldersOf(line),
		}))
	}
	return results
}

// folders are the results of a search for the folders below a node, and the node
// itself if it is one.
func folders(line []*Node, fields []string) []json.RawMessage {
	results := []json.RawMessage{}
	last := line[len(line)-1]
	if strings.HasPrefix(last.Name, "folders/") {
		results = append(results, result(fields, map[string]any{
			"name":      "//cloudresourcemanager.googleapis.com/" + last.Name,
			"assetType": "cloudresourcemanager.googleapis.com/Folder",
			"folders":   foldersOf(line),
		}))
	}
	for _, child := range last.Children {
		results = append(results, folders(append(slices.Clip(line), child), fields)...)
	}
	return results
}

// foldersOf are the folders of a line, top first.
func foldersOf(line []*Node) []string {
	names := []string{}
	for _, n := range line {
		if strings.HasPrefix(n.Name, "folders/") {
			names = append(names, n.Name)
		}
	}
	return names
}

// result is what of a resource a search was asked for.
func result(fields []string, resource map[string]any) json.RawMessage {
	for field := range resource {
		if !slices.Contains(fields, field) {
			delete(resource, field)
		}
	}
	return encodeJSON(resource)
}

func (n *Node) resource() json.RawMessage {
	resource := map[string]string{"name": n.Name, "state": cmp.Or(n.State, "ACTIVE")}
	if n.ID != "" {
		resource["projectId"] = n.ID
	}
	return encodeJSON(resource)
}

func encodeJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
