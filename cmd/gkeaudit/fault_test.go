package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"
	"gkeaudit/report"

	gocmp "github.com/google/go-cmp/cmp"
)

// A faultKind is a fault that any call may meet: a line of faults.json.
type faultKind struct {
	Name       string
	Code       string // that the gap must have
	Reason     string // that the gap must have, if any
	Permission bool   // the gap must name the permission that is missing
	Only       string // a regular expression of the calls that can meet it; empty for all
	Heals      bool   // if it comes only once, another attempt gets over it
	Regional   bool   // regions are read one by one instead, which succeeds
	Partial    bool   // what came is right, and there may be more
	Fault      gcptest.Fault
}

// A callKind is a call that the program makes: a line of calls.json.
type callKind struct {
	Operation  string
	Call       string // a regular expression of its method and path
	Gap        string // what is missing without it, after [regexp.Regexp.Expand]; empty for nothing by itself
	Permission string // that it needs
}

// A faultRun is a way to run the program in which calls meet faults: a line of
// runs.json.
type faultRun struct {
	Name     string
	Args     []string
	Before   [][]string       // runs without faults that make the objects that it reads
	Standing []*gcptest.Fault // faults that make it take another way
	Drive    string           // a regular expression of the calls that meet faults here, besides those of no run before
	Faults   string           // a regular expression of the faults; empty for all
	Key      bool             // it has the credentials of a service account's key

	// Spare are the codes of faults that change nothing, as something else gives the
	// answer, by operation or, before a space, operation and beginning of the path; "*"
	// is every code.
	Spare map[string][]string

	// Becomes is what is missing without an operation, where that is what another
	// operation was refused.
	Becomes map[string]string
}

// A hit is a call that meets a fault, and what its kind says of it.
type hit struct {
	call string
	callKind
	project, region string // whose data is missing
}

// An outcome is all that a run of the program leaves.
type outcome struct {
	status         int
	stdout, stderr string
	report         *namedReport // nil if it wrote none
	access         []gcp.Access
	objects        []string
	calls          []string
}

// A namedReport is a report whose names were changed, which [report.Read] refuses: the
// IDs of its findings are those of other names.
type namedReport struct {
	report.Report
	Findings []audit.Finding `json:"findings"`
}

// tree is where the projects of the estate are.
var tree = []*gcptest.Node{{Name: "organizations/1", Children: []*gcptest.Node{
	{Name: "folders/2", Children: []*gcptest.Node{{Name: "projects/10", ID: "shop-data"}}},
	{Name: "projects/11", ID: "shop-prod"},
	{Name: "projects/12", ID: "shop-test"},
	{Name: "projects/13", ID: "net-host"},
}}}

// hides are the projects that are not found without a list of projects or folders.
var hides = map[string][]string{
	"organizations/1/projects": {"net-host", "shop-prod", "shop-test"},
	"organizations/1/folders":  {"shop-data"},
	"folders/2/projects":       {"shop-data"},
	"folders/2/folders":        {},
}

var byNumber = strings.NewReplacer("projects/10", "projects/shop-data", "projects/11", "projects/shop-prod", "projects/12", "projects/shop-test", "projects/13", "projects/net-host")

// A faultMatrix is every run, every call of it and every fault.
type faultMatrix struct {
	estate *audit.Snapshot
	faults []faultKind
	kinds  []callKind
	runs   []faultRun
	key    string // a file

	mu     sync.Mutex
	driven map[string]bool // calls that met a fault
	made   map[string]bool // calls that were ever made

	unreached map[string]bool // APIs that could not be reached in some run
}

// A faultCase is one run of the matrix.
type faultCase struct {
	name      string
	run       *faultRun
	want      *outcome
	objects   map[string][]byte
	kind      faultKind
	hits      []hit
	once      bool
	endpoints map[string]string // in place of the server's, by API
}

// TestFaults meets every call of every run with every fault, for ever and once, and
// looks at what the program makes of it (one that does not pass comes once only in the
// first of the runs): it does not panic or hang, nothing passes
// or does not apply that needed what is missing, the gap is named, the findings of
// other projects are as without the fault, and the exit status is right. Where another
// call gives the answer, nothing may differ at all. A call that met no fault, and an
// operation that was never called, fails it.
func TestFaults(t *testing.T) {
	m := newFaultMatrix(t)
	var cases []faultCase
	for i := range m.runs {
		cases = append(cases, m.casesOf(t, &m.runs[i])...)
	}
	var wg sync.WaitGroup
	workers := func(n int) chan faultCase {
		queue := make(chan faultCase, len(cases))
		for range n {
			wg.Go(func() {
				for c := range queue {
					t.Run(c.name, func(t *testing.T) { m.try(t, &c) })
				}
			})
		}
		return queue
	}
	waiting, working := workers(16), workers(4) // those that wait need no processor
	var keyed []faultCase                       // these change the environment, and so come one after the other
	for _, c := range cases {
		switch {
		case c.run.Key:
			keyed = append(keyed, c)
		case c.kind.Fault.Hang:
			waiting <- c
		default:
			working <- c
		}
	}
	close(waiting)
	close(working)
	wg.Wait()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", m.key)
	for _, c := range keyed {
		t.Run(c.name, func(t *testing.T) { m.try(t, &c) })
	}
	m.checkCoverage(t)
	t.Logf("%d ways to run, %d calls, %d kinds of faults: %d runs", len(m.runs), len(m.driven), len(m.faults), len(cases))
}

func newFaultMatrix(t *testing.T) *faultMatrix {
	t.Helper()
	m := &faultMatrix{driven: map[string]bool{}, made: map[string]bool{}, unreached: map[string]bool{}, key: filepath.Join(t.TempDir(), "key.json")}
	m.estate = readEstate(t)
	for name, to := range map[string]any{"faults": &m.faults, "calls": &m.kinds, "runs": &m.runs} {
		data, err := os.ReadFile("../../testdata/faults/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(to); err != nil {
			t.Fatalf("%s.json: %v", name, err)
		}
	}
	return m
}

func readEstate(t *testing.T) *audit.Snapshot {
	t.Helper()
	f, err := os.Open("../../testdata/faults/estate.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := audit.ReadSnapshotStrict(f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// casesOf runs the program without a fault, and makes the cases of each call that it
// made, and of each API that cannot be reached.
func (m *faultMatrix) casesOf(t *testing.T, r *faultRun) []faultCase {
	objects := map[string][]byte{}
	for _, args := range r.Before {
		if got := m.start(t, &faultCase{run: &faultRun{Args: args}, objects: objects}, nil); got.status != exitOK {
			t.Fatalf("%s: %v: status %d: %s", r.Name, args, got.status, got.stderr)
		}
	}
	basis := faultCase{run: r, objects: objects}
	if r.Key {
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", m.key)
	}
	basis.want = m.start(t, &basis, nil)
	wantStatus := exitOK
	if r.Standing != nil && len(basis.want.gaps()) > 0 {
		wantStatus = exitIncomplete
	}
	if basis.want.status != wantStatus {
		t.Fatalf("%s: without a fault: status %d: %s", r.Name, basis.want.status, basis.want.stderr)
	}
	var cases []faultCase
	byAPI := map[string][]hit{}
	drive := regexp.MustCompile(r.Drive)
	for _, call := range slices.Compact(slices.Clone(basis.want.calls)) {
		h, ok := m.hitOf(call)
		if !ok {
			t.Errorf("%s: the call %s is of no kind", r.Name, call)
			continue
		}
		byAPI[apiOf(call)] = append(byAPI[apiOf(call)], h)
		if met := m.driven[byNumber.Replace(call)]; met && !drive.MatchString(call) {
			continue
		}
		m.driven[byNumber.Replace(call)] = true
		for _, kind := range m.faults {
			if !regexp.MustCompile(kind.Only).MatchString(call) || !regexp.MustCompile(r.Faults).MatchString(kind.Name) {
				continue
			}
			if h.Operation == "iam.roles.get" && kind.Code == "NOT_FOUND" {
				continue // an answer: there is no such role
			}
			if h.Operation == "token" {
				if status := kind.Fault.Status; status >= 400 && status < 429 && status != 407 {
					kind.Code, kind.Reason, kind.Heals = "UNAUTHENTICATED", "", false // whatever the reason
				} else if status == 200 {
					kind.Code = "UNAVAILABLE"
				}
				kind.Heals = kind.Heals && !kind.Fault.Hang // the next attempt waits for the first one's token
			}
			for _, once := range []bool{false, true} {
				if once && !kind.Heals && r != &m.runs[0] {
					continue // it is not asked again, as the first run shows
				}
				c := basis
				c.kind, c.hits, c.once = kind, []hit{h}, once
				c.name = r.Name + "/" + kind.Name + " at " + call
				if once {
					c.name = r.Name + "/" + kind.Name + " once at " + call
				}
				cases = append(cases, c)
			}
		}
	}
	for api, hits := range byAPI {
		if api == "" || m.unreached[api] {
			continue
		}
		m.unreached[api] = true
		for name, url := range unreachable(t) {
			c := basis
			c.name = r.Name + "/" + api + ": " + name
			c.kind, c.hits = faultKind{Code: "UNAVAILABLE"}, hits
			c.endpoints = map[string]string{api: url}
			cases = append(cases, c)
		}
	}
	return cases
}

// unreachable are the addresses of servers that no call can be made to.
func unreachable(t *testing.T) map[string]string {
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	return map[string]string{
		"connection refused":    "http://127.0.0.1:1", // a privileged port that nothing listens on
		"no TLS":                strings.Replace(plain.URL, "http:", "https:", 1),
		"certificate untrusted": untrusted.URL,
	}
}

// apiOf returns the name of a call's API in the variables of endpoint overrides.
func apiOf(call string) string {
	for _, api := range [][2]string{
		{"/compute/", "COMPUTE"}, {"/storage/", "STORAGE"}, {":searchAll", "CLOUDASSET"},
		{" /v3/", "CLOUDRESOURCEMANAGER"}, {" /v1/", "CONTAINER"},
	} {
		if strings.Contains(call, api[0]) {
			return api[1]
		}
	}
	return ""
}

// hitOf says what kind a call is of.
func (m *faultMatrix) hitOf(call string) (hit, bool) {
	for _, kind := range m.kinds {
		expression := regexp.MustCompile("^" + kind.Call + "$")
		place := expression.FindStringSubmatchIndex(call)
		if place == nil {
			continue
		}
		h := hit{call: call, callKind: kind}
		h.Gap = string(expression.ExpandString(nil, kind.Gap, call, place))
		h.project, h.region = audit.Segment(h.Gap, "projects"), audit.Segment(h.Gap, "regions")
		return h, true
	}
	return hit{}, false
}

// try runs a case and judges its outcome.
func (m *faultMatrix) try(t *testing.T, c *faultCase) {
	fault := c.kind.Fault
	if c.endpoints == nil {
		_, fault.Path, _ = strings.Cut(c.hits[0].call, " ")
		service := map[string]string{"CONTAINER": "container.googleapis.com", "COMPUTE": "compute.googleapis.com"}[apiOf(c.hits[0].call)]
		fault.Body = bytes.ReplaceAll(fault.Body, []byte(`"SERVICE"`), []byte(`"`+cmp.Or(service, "other.googleapis.com")+`"`))
	}
	if c.once {
		fault.Times = 1
	}
	var faults []*gcptest.Fault
	if c.endpoints == nil {
		faults = append(faults, &fault)
	}
	got := m.start(t, c, faults)
	switch {
	case c.unchanged():
		c.judgeUnchanged(t, got)
	case strings.HasPrefix(c.hits[0].Operation, "storage."):
		c.judgeStorage(t, got)
	case c.run.Args[0] == "access":
		c.judgeAccess(t, got)
	default:
		c.judgeReport(t, got)
	}
}

// unchanged reports whether the run must end as if there were no fault.
func (c *faultCase) unchanged() bool {
	if c.once && c.kind.Heals {
		return true
	}
	if c.run.Args[0] == "access" && c.kind.Fault.Merge["missingZones"] != nil {
		return true // it is no matter of permissions
	}
	return !slices.ContainsFunc(c.hits, func(h hit) bool {
		for spare, codes := range c.run.Spare {
			operation, path, _ := strings.Cut(spare, " ")
			if h.Operation == operation && strings.Contains(h.call, path) && (slices.Contains(codes, c.kind.Code) || codes[0] == "*") {
				return false
			}
		}
		return true
	})
}

func (c *faultCase) judgeUnchanged(t *testing.T, got *outcome) {
	if got.status != c.want.status {
		t.Errorf("status %d, want %d: %s", got.status, c.want.status, got.stderr)
	}
	if diff := gocmp.Diff(c.want.findings(), got.findings(), gocmp.Transformer("versions", ofAnyProject)); diff != "" {
		t.Errorf("findings differ:\n%s", diff)
	}
	if diff := gocmp.Diff(c.want.gaps(), got.gaps()); diff != "" {
		t.Errorf("gaps differ:\n%s", diff)
	}
	if diff := gocmp.Diff(c.want.access, got.access); diff != "" {
		t.Errorf("access differs:\n%s", diff)
	}
	if diff := gocmp.Diff(c.want.objects, got.objects); diff != "" {
		t.Errorf("objects differ:\n%s", diff)
	}
}

// ofAnyProject returns evidence without the project that told what GKE offers in a
// location, if it is of that.
func ofAnyProject(e audit.Evidence) string {
	resource := e.Resource
	if location := audit.Segment(resource, "locations"); strings.HasSuffix(resource, "/serverConfig") {
		resource = location + "/serverConfig"
	}
	return resource + " " + e.Field + " = " + e.Value
}

// judgeStorage judges a run that cannot read or write an object: without what it
// reads there is no report; what it writes, it writes wherever it can.
func (c *faultCase) judgeStorage(t *testing.T, got *outcome) {
	if got.status != exitNoAnswer {
		t.Errorf("status %d, want %d", got.status, exitNoAnswer)
	}
	reading, missing := false, []string{}
	for _, h := range c.hits {
		if h.Operation != "storage.objects.insert" {
			reading = true
		}
	}
	for _, h := range c.hits {
		if h.Operation == "storage.objects.insert" {
			missing = append(missing, h.Gap)
		}
		if reading == (h.Operation != "storage.objects.insert") && len(c.hits) == 1 && !strings.Contains(got.stderr, h.Gap) {
			t.Errorf("%s is not named in %q", h.Gap, got.stderr)
		}
		if c.kind.Permission && !strings.Contains(got.stderr, "missing permission "+h.Permission) {
			t.Errorf("permission %s is not named in %q", h.Permission, got.stderr)
		}
		if c.kind.Reason != "" && strings.Contains(got.stderr, "missing permission") {
			t.Errorf("a permission is named, and it is %s: %q", c.kind.Reason, got.stderr)
		}
	}
	if strings.Contains(got.stderr, "Usage:") || strings.Count(got.stderr, "gkeaudit: ") != 1 {
		t.Errorf("not one clear error: %q", got.stderr)
	}
	if reading {
		if got.stdout != "" || len(got.objects) != len(c.objects) {
			t.Errorf("a report in spite of it: %q %v", got.stdout, got.objects)
		}
		return
	}
	want := slices.DeleteFunc(slices.Clone(c.want.objects), func(name string) bool {
		return !c.kind.Fault.Cut && slices.ContainsFunc(missing, func(gap string) bool { return strings.HasPrefix("gs://"+name, gap) })
	})
	if !slices.Equal(want, got.objects) {
		t.Errorf("objects %v, want %v", got.objects, want)
	}
	if diff := gocmp.Diff(c.want.findings(), got.findings()); diff != "" {
		t.Errorf("findings differ:\n%s", diff)
	}
}

// judgeAccess judges what is said of permissions: nothing may be said to be there on a
// resource that could not be asked about, and all else is as without the fault.
func (c *faultCase) judgeAccess(t *testing.T, got *outcome) {
	if got.status != exitIncomplete {
		t.Errorf("status %d, want %d", got.status, exitIncomplete)
	}
	said := map[string]gcp.Access{}
	for _, a := range got.access {
		said[a.Resource] = a
	}
	for _, was := range c.want.access {
		a, ok := said[was.Resource]
		struck := slices.ContainsFunc(c.hits, func(h hit) bool {
			return h.project != "" && was.Resource == "projects/"+h.project || strings.HasSuffix(h.call, "/v3/"+was.Resource+":testIamPermissions")
		})
		switch {
		case !ok && !slices.ContainsFunc(c.hits, func(h hit) bool {
			return h.Permission == "container.clusters.list" || h.Permission == "cloudasset.assets.searchAllResources"
		}):
			t.Errorf("nothing is said of %s", was.Resource)
		case !ok:
		case !struck && !gocmp.Equal(was, a):
			t.Errorf("what is said of %s differs:\n%s", was.Resource, gocmp.Diff(was, a))
		case struck && len(a.Missing) == 0 && a.Unknown == "":
			t.Errorf("all is said to be there: %+v", a)
		case struck && c.kind.Permission && len(c.hits) == 1 && c.hits[0].project != "" && !slices.Contains(a.Missing, c.hits[0].Permission) && a.Unknown == "":
			t.Errorf("permission %s is not said to be missing: %+v", c.hits[0].Permission, a)
		}
	}
}

// judgeReport judges a scan that lacks what calls were to read.
func (c *faultCase) judgeReport(t *testing.T, got *outcome) {
	if got.report == nil {
		t.Fatalf("status %d and no report: %s", got.status, got.stderr)
	}
	lost := map[string]bool{} // the projects whose clusters are not known
	for _, h := range c.hits {
		code, reason := c.kind.Code, c.kind.Reason
		if to, ok := c.run.Becomes[h.Operation]; ok {
			h.Gap, code, reason = to, "PERMISSION_DENIED", "SERVICE_DISABLED"
			h.project, h.Permission = audit.Segment(to, "projects"), "container.clusters.list"
		}
		for _, id := range hides[h.Gap] {
			lost[id] = lost[id] || !c.kind.Partial && h.Operation != "cloudasset.searchAllResources"
		}
		switch {
		case c.kind.Partial:
		case h.Operation == "cloudasset.searchAllResources", h.Operation == "token":
			lost["net-host"], lost["shop-data"], lost["shop-prod"], lost["shop-test"] = true, true, true, true
		case h.Permission == "container.clusters.list" && h.Operation != "container.projects.locations.getServerConfig":
			lost[h.project] = true
		}
		if h.Gap == "" || len(c.hits) > 1 {
			continue
		}
		if !slices.ContainsFunc(got.report.Gaps, func(g audit.Gap) bool {
			return g.Project == h.project && (g.Resource == h.Gap || inside(g.Resource, h.Gap)) && g.Code == code && (reason == "" || g.Reason == reason) &&
				(!c.kind.Permission || g.Permission == h.Permission || c.run.Becomes[h.Operation] != "")
		}) {
			t.Errorf("no gap of %s and code %s (%s) in %v", h.Gap, code, reason, got.report.Gaps)
		}
	}
	want := exitNoAnswer
	for _, project := range c.want.report.Scope.Projects {
		if !lost[project] || c.want.report.Scope.Shard != nil { // others may have an answer
			want = exitIncomplete
		}
	}
	if got.status != want || got.report.Complete {
		t.Errorf("status %d and complete %t, want %d and false: %s", got.status, got.report.Complete, want, got.stderr)
	}
	if len(got.report.Gaps) == 0 || !slices.ContainsFunc(got.report.Gaps, func(g audit.Gap) bool { return g.Code == c.kind.Code || c.run.Becomes != nil }) {
		t.Errorf("no gap of code %s in %v", c.kind.Code, got.report.Gaps)
	}

	now := got.findings()
	for id, was := range c.want.findings() {
		f, ok := now[id]
		gone := lost[audit.Segment(was.Cluster, "projects")]
		switch {
		case gone && ok:
			t.Errorf("a finding on a cluster that was not read: %+v", f)
		case !gone && !ok:
			t.Errorf("a finding is lost: %+v", was)
		case !gone:
			c.judgeFinding(t, was, f)
		}
		delete(now, id)
	}
	for _, f := range now {
		t.Errorf("a finding that was not there before: %+v", f)
	}
}

// dataOf returns the kind of data about service accounts and policies that an operation
// reads; empty for others.
func dataOf(operation string) audit.Data {
	switch {
	case strings.HasSuffix(operation, "roles.list"), strings.HasSuffix(operation, "roles.get"):
		return audit.Roles
	case strings.HasSuffix(operation, "serviceAccounts.list"):
		return audit.ServiceAccounts
	case strings.HasSuffix(operation, "searchAllIamPolicies"):
		return audit.ServiceAccountPolicies
	case strings.HasSuffix(operation, "of keys"):
		return audit.ServiceAccountKeys
	case strings.HasSuffix(operation, "getIamPolicy"), strings.HasSuffix(operation, "getAncestry"):
		return audit.IAMPolicies
	}
	return ""
}

// judgeFinding judges a finding by what it was without the fault.
func (c *faultCase) judgeFinding(t *testing.T, was, f audit.Finding) {
	for _, h := range c.hits {
		rule, err := findRule(f.Rule)
		if err != nil {
			t.Fatal(err)
		}
		if h.Operation == "container.projects.locations.clusters.list" && slices.Contains(rule.Uses, audit.OtherClusters) {
			if f.Status != audit.Unknown && (f.Status != was.Status || f.Status == audit.Pass) {
				t.Errorf("%s turned from %s to %s without clusters of %s: %s", f.Rule, was.Status, f.Status, h.project, f.Message)
			}
			return
		}
		if data := dataOf(h.Operation); data != "" {
			near := h.project == "" || h.project == audit.Segment(f.Resource, "projects") || h.project == audit.Segment(f.Cluster, "projects")
			if near && slices.Contains(rule.Needs, data) {
				// The list of accounts does no more than tell which key or policy is whose,
				// and what a role grants matters where an account or people hold it.
				holds := slices.ContainsFunc(was.Evidence, func(e audit.Evidence) bool { return strings.Contains(e.Field, "["+h.Gap) }) ||
					f.Rule == "project-service-account-impersonation" && h.Gap == "roles/browser"
				spare := data == audit.ServiceAccounts && f.Rule != "node-service-account-enabled" || data == audit.Roles && !holds
				if f.Status != audit.Unknown && (f.Status != was.Status || f.Status == audit.Pass && !spare) {
					t.Errorf("%s turned from %s to %s without %s: %s", f.Rule, was.Status, f.Status, h.Gap, f.Message)
				}
				return
			}
		}
		// A network is in the list that is missing; what is one answer is evidence.
		rests := strings.HasPrefix(f.Resource, h.Gap+"/") || slices.ContainsFunc(was.Evidence, func(e audit.Evidence) bool { return e.Resource == h.Gap })
		onSubnetwork := audit.Segment(f.Resource, "subnetworks") != "" && audit.Segment(f.Resource, "projects") == h.project &&
			(h.region == "" || audit.Segment(f.Resource, "regions") == h.region)
		if h.Permission == "container.clusters.list" && !rests || !onSubnetwork && !rests || !slices.Contains(rule.Permissions, h.Permission) {
			continue
		}
		// There may be a route or a router that was not read, unless a default route
		// leads past Cloud NAT.
		past := h.Permission == "compute.routers.list" && was.Status == audit.NotApplicable && strings.HasPrefix(was.Message, "egress by ")
		aggregated := strings.Contains(h.Gap, "/aggregated/")
		switch {
		case aggregated && (c.kind.Regional || c.kind.Partial):
			if was.Status == audit.Pass && f.Status != audit.Pass {
				t.Errorf("%s turned from pass to %s, though its region was read: %s", f.Rule, f.Status, f.Message)
			}
		case c.kind.Partial && (h.region != "" || rests):
		case (f.Status == audit.Pass || f.Status == audit.NotApplicable) && !past:
			t.Errorf("%s %s without %s: %s", f.Rule, f.Status, h.Gap, f.Message)
		}
		if f.Status != was.Status && f.Status != audit.Unknown {
			t.Errorf("%s turned from %s to %s: %s", f.Rule, was.Status, f.Status, f.Message)
		}
		return
	}
	if !slices.ContainsFunc(c.hits, func(h hit) bool { return h.project == audit.Segment(f.Resource, "projects") }) && !gocmp.Equal(was, f) {
		t.Errorf("a finding of a project without faults differs:\n%s", gocmp.Diff(was, f))
	} else if f.Status != was.Status {
		t.Errorf("%s, which needs nothing of what is missing, turned from %s to %s: %s", f.Rule, was.Status, f.Status, f.Message)
	}
}

// inside reports whether a gap is in a region or zone of a list of all.
func inside(resource, list string) bool {
	kind := audit.LastSegment(list)
	return (strings.Contains(list, "/aggregated/") || strings.Contains(list, "/-/")) &&
		strings.HasPrefix(resource, "projects/"+audit.Segment(list, "projects")+"/") && strings.HasSuffix(resource, "/"+kind)
}

// checkCoverage checks that calls of the kind of every call that was made met faults,
// in whatever run it was made, and that there is no operation that was never called.
func (m *faultMatrix) checkCoverage(t *testing.T) {
	met := map[string]bool{}
	for call := range m.driven {
		h, _ := m.hitOf(call)
		met[h.Operation] = true
	}
	for call := range m.made {
		if h, ok := m.hitOf(call); !ok || !met[h.Operation] {
			t.Errorf("the call %s met no fault: a run of runs.json has to make it without one", call)
		}
	}
	sources, err := filepath.Glob("../../gcp/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`operation\{"([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			names++
			if !met[match[1]] {
				t.Errorf("no run calls %s", match[1])
			}
		}
	}
	if names < 10 {
		t.Errorf("%d operations were found in the program", names)
	}
}

// start runs the program on a server that has faults. What it writes to Cloud Storage
// without any is there for the cases that follow.
func (m *faultMatrix) start(t *testing.T, c *faultCase, faults []*gcptest.Fault) *outcome {
	t.Helper()
	server := &gcptest.Server{Snapshot: m.estate, Hierarchy: tree, Faults: faults}
	for _, standing := range c.run.Standing {
		fault := *standing
		server.Faults = append(server.Faults, &fault)
	}
	for name, content := range c.objects {
		server.Put(name, content)
	}
	server.Serve()
	defer server.Close()
	if c.run.Key {
		writeKey(t, m.key, server.URL+"/token")
	}

	got := &outcome{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	p := &program{
		stdout: &stdout,
		stderr: &stderr,
		now:    time.Now,
		getenv: func(name string) string {
			if api, ok := strings.CutPrefix(name, "CLOUDSDK_API_ENDPOINT_OVERRIDES_"); ok {
				return cmp.Or(c.endpoints[api], server.URL)
			}
			if name == "CLOUDSDK_AUTH_DISABLE_CREDENTIALS" && !c.run.Key {
				return "true"
			}
			return ""
		},
		tune: func(config *gcp.Config) {
			config.Backoff = time.Millisecond
			config.AttemptTimeout = 10 * time.Second
			if config.QuotaPatience = 100 * time.Millisecond; c.once {
				config.QuotaPatience = 10 * time.Second
			}
			if c.kind.Fault.Hang {
				config.AttemptTimeout = 3 * time.Second
				if strings.Contains(c.hits[0].call, "/storage/") {
					config.AttemptTimeout /= 10 // the program gives objects longer
				}
			}
		},
	}
	got.status = p.run(ctx, slices.Clone(c.run.Args))
	if ctx.Err() != nil {
		t.Fatal("the run hung")
	}
	got.stdout, got.stderr = stdout.String(), stderr.String()
	stored := slices.ContainsFunc(c.run.Args, func(arg string) bool { return strings.Contains(arg, "gs://") })
	if got.stdout != "" && c.run.Args[0] == "scan" && !stored && !strings.Contains(c.run.Args[len(c.run.Args)-1], "--shard") {
		// Read back, it gives the same, but for a shard, which lacks the others.
		p.stdin, p.stdout = &stdout, io.Discard
		if again := p.run(ctx, []string{"report", "-"}); again != got.status {
			t.Errorf("report gives status %d where scan gave %d: %s", again, got.status, stderr.String())
		}
	}
	got.calls, got.objects = server.Calls(), server.Objects()
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.run.Name == "" {
		for _, name := range got.objects {
			c.objects[name], _ = server.Object(name)
		}
	} else {
		for _, call := range got.calls {
			m.made[call] = true
		}
	}
	if got.stdout == "" {
		return got
	}
	var err error
	if c.run.Args[0] == "access" {
		err = json.Unmarshal(stdout.Bytes(), &got.access)
	} else {
		err = json.Unmarshal([]byte(byNumber.Replace(got.stdout)), &got.report)
	}
	if err != nil {
		t.Fatalf("status %d: %v: %s\n%s", got.status, err, got.stdout, got.stderr)
	}
	return got
}

// findings returns the findings by rule, cluster and resource, with the projects' IDs
// where they have their numbers.
func (o *outcome) findings() map[string]audit.Finding {
	all := map[string]audit.Finding{}
	if o.report == nil {
		return all
	}
	for _, f := range o.report.Findings {
		// A default account is named by what is known of it.
		resource := strings.Replace(f.Resource, "/10-compute@developer.gserviceaccount.com", "/default", 1)
		all[f.Rule+" "+f.Cluster+" "+resource] = f
	}
	return all
}

func (o *outcome) gaps() []audit.Gap {
	if o.report == nil {
		return nil
	}
	return o.report.Gaps
}

var privateKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// writeKey writes the key file of a service account that gets its tokens from an
// address.
func writeKey(t *testing.T, name, tokens string) {
	t.Helper()
	raw, err := json.Marshal(map[string]string{
		"type":         "service_account",
		"project_id":   "shop-prod",
		"client_email": "audit@shop-prod.iam.gserviceaccount.com",
		"private_key":  privateKey(),
		"token_uri":    tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
