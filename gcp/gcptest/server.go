// Package gcptest serves a snapshot over HTTP the way the GKE and Compute Engine
// APIs do, and objects as Cloud Storage does, for tests.
package gcptest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"

	"google.golang.org/protobuf/proto"
)

// A Server serves the projects of a snapshot. Set its fields before the first call.
type Server struct {
	*httptest.Server

	Snapshot *audit.Snapshot

	// Hierarchy is what Resource Manager and Cloud Asset Inventory know: organizations,
	// folders or projects without a parent. The clusters are the snapshot's.
	Hierarchy []*Node

	// Faults take the place of answers.
	Faults []*Fault

	// PageSize is how many scopes or items a page holds; 0 for all.
	PageSize int

	// Latency is how long each answer takes.
	Latency time.Duration

	// Quota is how many calls are answered in each window of time; the others are
	// turned away, by GKE with 429 and by Compute Engine with 403. 0 for all.
	Quota  int
	Window time.Duration

	// Called, if not nil, is called when a call has arrived, before its answer.
	Called func()

	closed  chan struct{}
	closing sync.Once

	mu       sync.Mutex
	objects  map[string][]byte // by BUCKET/NAME
	calls    []string
	atOnce   int
	mostOnce int
	answered int // in the window
	window   time.Time
}

// A Node is an organization, a folder or a project.
type Node struct {
	Name     string  `json:"name"`     // organizations/1, folders/2, projects/3
	ID       string  `json:"id"`       // of a project
	State    string  `json:"state"`    // ACTIVE if empty
	Children []*Node `json:"children"` // folders and projects
}

// A Fault is an answer that takes the place of the right one.
type Fault struct {
	// Path is the end of the paths that get it, or all of them if it is empty. It may
	// name the parent of a list, or a network, as Calls does.
	Path string `json:"path"`

	// Page is the page token of the page that gets it; empty for the first.
	// "*" is every page.
	Page string `json:"page"`

	// Times is how often it comes before the right answer does; 0 for always.
	Times int `json:"times"`

	// Status is the HTTP status; 0 stands for 200.
	Status int `json:"status"`

	// Body is the answer, JSON or, in a JSON string, any other text.
	Body json.RawMessage `json:"body"`

	// Hang keeps the connection open without an answer until the client gives up.
	Hang bool `json:"hang"`

	// Reset breaks the connection off without an answer.
	Reset bool `json:"reset"`

	// Cut ends the connection in the middle of the right answer.
	Cut bool `json:"cut"`

	// Damage changes a bit of an object, before it is stored or as it is read.
	Damage bool `json:"damage"`

	// Merge is JSON whose fields are added to the right answer.
	Merge map[string]json.RawMessage `json:"merge"`

	served int
}

// NewServer starts a server on this machine with these faults.
func NewServer(s *audit.Snapshot, faults ...*Fault) *Server {
	srv := &Server{Snapshot: s, Faults: faults}
	srv.Serve()
	return srv
}

// Serve starts a server whose fields are set.
func (s *Server) Serve() {
	s.closed = make(chan struct{})
	s.Server = httptest.NewServer(s)
}

// Close ends the server, and the calls that hang.
func (s *Server) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.Server.Close()
}

// Calls returns the method and path of every call so far, sorted, and of lists of
// folders and projects the parent: GET /v3/folders?parent=organizations/1; of what is in
// force on a network, that. A call is
// counted as it arrives, whether it gets an answer or not.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.calls))
}

// MostAtOnce returns how many calls waited for their answers at one time.
func (s *Server) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mostOnce
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+pathAndParent(r))
	fault := s.fault(r)
	s.atOnce++
	s.mostOnce = max(s.mostOnce, s.atOnce)
	s.mu.Unlock()
	if s.Called != nil {
		s.Called()
	}
	time.Sleep(s.Latency)
	s.mu.Lock()
	s.atOnce-- // before the answer: the client may then make its next call
	s.mu.Unlock()

	// Who answers before all has arrived breaks off the connection.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if !s.withinQuota() {
		turnAway(w, r)
		return
	}
	switch {
	case fault == nil:
	case fault.Hang:
		select {
		case <-r.Context().Done():
		case <-s.closed: // not every client gives up
		}
		return
	case fault.Reset:
		reset(w)
		return
	case fault.Status != 0 || fault.Body != nil:
		if fault.Status != 0 {
			w.WriteHeader(fault.Status)
		}
		var text string
		if json.Unmarshal(fault.Body, &text) != nil {
			text = string(fault.Body)
		}
		fmt.Fprint(w, text)
		return
	}
	var answer map[string]any
	ok := true
	if isStorage(r) {
		if answer = s.storage(w, r, body, fault); answer == nil {
			return
		}
	} else if answer, ok = s.answer(r, body); !ok {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"error":{"code":404,"message":"The resource '%s' was not found","status":"NOT_FOUND"}}`, r.URL.Path)
		return
	}
	if fault != nil {
		for key, value := range fault.Merge {
			answer[key] = value
		}
	}
	if body, err = json.Marshal(answer); err != nil {
		panic(err)
	}
	if fault != nil && fault.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	w.Write(body)
}

// withinQuota counts a call and reports whether the quota bears it.
func (s *Server) withinQuota() bool {
	if s.Quota == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if window := time.Now().Truncate(s.Window); window != s.window {
		s.window, s.answered = window, 0
	}
	s.answered++
	return s.answered <= s.Quota
}

func turnAway(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/compute/") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":{"code":403,"message":"Quota exceeded","errors":[{"reason":"rateLimitExceeded"}]}}`)
		return
	}
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprint(w, `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`)
}

// reset closes a connection so that the client gets a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

func (s *Server) fault(r *http.Request) *Fault {
	for _, f := range s.Faults {
		if !strings.HasSuffix(r.URL.Path, f.Path) && !strings.HasSuffix(pathAndParent(r), f.Path) || f.Page != "*" && f.Page != r.URL.Query().Get("pageToken") {
			continue
		}
		if f.Times > 0 && f.served >= f.Times {
			continue
		}
		f.served++
		return f
	}
	return nil
}

// answer makes the right answer to a call: a JSON object.
func (s *Server) answer(r *http.Request, body []byte) (map[string]any, bool) {
	if strings.HasSuffix(r.URL.Path, ":testIamPermissions") && r.Method == http.MethodPost {
		var request map[string]any // all that is asked about is granted
		return request, json.Unmarshal(body, &request) == nil
	}
	if r.URL.Path == "/token" && r.Method == http.MethodPost {
		return map[string]any{"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}, true
	}
	if answer, ok := s.iam(r, body); ok {
		return answer, true
	}
	if r.Method != http.MethodGet {
		return nil, false
	}
	if answer, ok := s.hierarchy(r); ok {
		return answer, true
	}
	if strings.Contains(r.URL.Query().Get("$alt"), "enum-encoding=int") && strings.HasPrefix(r.URL.Path, "/v1/") {
		return nil, false // numbers hide the names of later values
	}
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/compute"), "/v1/")
	parts := strings.Split(path, "/")
	if len(parts) < 2 || parts[0] != "projects" {
		return nil, false
	}
	id := parts[1]
	if line := s.find("projects/" + id); line != nil {
		id = line[len(line)-1].ID // the APIs take a project's number, too
	}
	i := slices.IndexFunc(s.Snapshot.Projects, func(p *audit.Project) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	p := s.Snapshot.Projects[i]
	gap := func(kind string) bool {
		return slices.ContainsFunc(s.Snapshot.Gaps, func(g audit.Gap) bool { return g.Project == p.ID && strings.HasSuffix(g.Resource, kind) })
	}
	token := r.URL.Query().Get("pageToken")
	switch rest := parts[2:]; {
	case slices.Equal(rest, []string{"locations", "-", "clusters"}):
		return map[string]any{"clusters": encode(p.Clusters)}, !gap("/clusters")
	case slices.Equal(rest, []string{"aggregated", "subnetworks"}):
		return s.aggregated("subnetworks", encode(p.Subnetworks), token), p.Subnetworks != nil
	case slices.Equal(rest, []string{"aggregated", "routers"}):
		return s.aggregated("routers", encode(p.Routers), token), p.Routers != nil
	case slices.Equal(rest, []string{"global", "routes"}):
		return s.page(encode(p.Routes), token), p.Routes != nil
	case slices.Equal(rest, []string{"global", "networks"}):
		return s.page(encode(p.Networks), token), p.Networks != nil
	case len(rest) == 4 && rest[0] == "regions" && rest[3] == "getEffectiveFirewalls":
		return one(p.EffectiveFirewalls, rest[1]+"/"+audit.LastSegment(r.URL.Query().Get("network")))
	case len(rest) == 3 && rest[0] == "locations" && rest[2] == "serverConfig":
		return one(p.ServerConfigs, rest[1])
	case len(rest) == 3 && rest[0] == "regions" && rest[2] == "subnetworks":
		return s.page(inRegion(encode(p.Subnetworks), rest[1]), token), p.Subnetworks != nil
	case len(rest) == 3 && rest[0] == "regions" && rest[2] == "routers":
		return s.page(inRegion(encode(p.Routers), rest[1]), token), p.Routers != nil
	}
	return nil, false
}

// one is the answer that is a single message, of those by key.
func one[M proto.Message](messages map[string]M, key string) (map[string]any, bool) {
	m, ok := messages[key]
	if !ok {
		return nil, false
	}
	var answer map[string]any
	if err := json.Unmarshal(encode([]M{m})[0], &answer); err != nil {
		panic(err)
	}
	return answer, true
}

func encode[M proto.Message](messages []M) []json.RawMessage {
	raw := []json.RawMessage{}
	for _, m := range messages {
		b, err := audit.Marshal(m)
		if err != nil {
			panic(err)
		}
		raw = append(raw, b)
	}
	return raw
}

func regionOf(raw json.RawMessage) string {
	var item struct{ Region, SelfLink string }
	if err := json.Unmarshal(raw, &item); err != nil {
		panic(err)
	}
	if item.Region != "" {
		return audit.LastSegment(item.Region)
	}
	return audit.Segment(item.SelfLink, "regions")
}

func inRegion(items []json.RawMessage, region string) []json.RawMessage {
	return slices.DeleteFunc(items, func(item json.RawMessage) bool { return regionOf(item) != region })
}

// page cuts a list into pages. The token of a page is the number of its first item.
func (s *Server) page(items []json.RawMessage, token string) map[string]any {
	answer := map[string]any{"kind": "compute#list"}
	answer["items"], answer["nextPageToken"] = s.cut(items, token)
	if answer["nextPageToken"] == "" {
		delete(answer, "nextPageToken")
	}
	return answer
}

func (s *Server) cut(items []json.RawMessage, token string) ([]json.RawMessage, string) {
	start, _ := strconv.Atoi(token)
	items = items[min(start, len(items)):]
	if s.PageSize == 0 || len(items) <= s.PageSize {
		return items, ""
	}
	return items[:s.PageSize], strconv.Itoa(start + s.PageSize)
}

// aggregated is page with the items grouped by region. A region without items
// says so by a warning, as Compute Engine's does.
func (s *Server) aggregated(kind string, items []json.RawMessage, token string) map[string]any {
	items, next := s.cut(items, token)
	scopes := map[string]any{
		"regions/africa-south1": map[string]any{"warning": map[string]any{
			"code": "NO_RESULTS_ON_PAGE", "message": "There are no results for scope 'regions/africa-south1' on this page.",
		}},
	}
	for _, item := range items {
		scope := "regions/" + regionOf(item)
		if scopes[scope] == nil {
			scopes[scope] = map[string]any{kind: []json.RawMessage{}}
		}
		list := scopes[scope].(map[string]any)
		if list[kind] == nil { // africa-south1
			list = map[string]any{kind: []json.RawMessage{}}
			scopes[scope] = list
		}
		list[kind] = append(list[kind].([]json.RawMessage), item)
	}
	answer := map[string]any{"kind": "compute#aggregatedList", "items": scopes}
	if next != "" {
		answer["nextPageToken"] = next
	}
	return answer
}
