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
		if line == nil || query.Get("assetTypes") != "container.googleapis.com/Cluster" {
			return nil, false
		}
		return s.listed("results", s.clusters(line, strings.Split(query.Get("readMask"), ",")), query.Get("pageToken")), true
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
	folders := []string{}
	for _, n := range line {
		if strings.HasPrefix(n.Name, "folders/") {
			folders = append(folders, n.Name)
		}
	}
	for _, c := range s.Snapshot.Projects[i].Clusters {
		result := map[string]any{
			"name":      "//container.googleapis.com/" + audit.NewCluster(last.ID, c).ResourceName(),
			"assetType": "container.googleapis.com/Cluster",
			"project":   last.Name,
			"folders":   folders,
		}
		for field := range result {
			if !slices.Contains(fields, field) {
				delete(result, field)
			}
		}
		results = append(results, encodeJSON(result))
	}
	return results
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
