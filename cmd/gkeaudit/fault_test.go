package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
)

// A faultCase is a fault that any call may meet.
type faultCase struct {
	Name     string
	Code     string // that the gap must have
	Only     string // only calls with this in their path can meet it
	Regional bool   // regions are read one by one instead, which succeeds
	Partial  bool   // what came is right, and there may be more
	Fault    gcptest.Fault
}

// lists are the permissions of lists, by the end of their paths. The rules that name
// the permission must not pass without the list, nor say that they do not apply.
var lists = map[string]string{
	"aggregated/routers":     "compute.routers.list",
	"global/routes":          "compute.routes.list",
	"aggregated/subnetworks": "compute.subnetworks.list",
}

// denied are rules that must not pass without the answer to a call of IAM, by the end of
// its path.
var denied = map[string][]string{
	":getIamPolicy":         {"node-service-account-roles", "project-basic-roles", "project-public-members", "project-service-account-impersonation"},
	":getAncestry":          {"node-service-account-roles", "project-basic-roles", "project-public-members", "project-service-account-impersonation"},
	"/serviceAccounts":      {"default-service-account-disabled", "node-service-account-enabled"},
	":searchAllIamPolicies": {"node-service-account-impersonation"},
	":searchAllResources":   {"node-service-account-keys"},
}

// pathOf returns the path of a call.
func pathOf(call string) string {
	_, path, _ := strings.Cut(call, " ")
	return path
}

// belowFolder are the projects of the estate that its folder and its organization are
// above.
var belowFolder = []string{"shop-data", "shop-prod"}

// ruleNeeds returns the permissions that a rule says it needs.
func ruleNeeds(id string) []string {
	r, err := findRule(id)
	if err != nil {
		return nil
	}
	return r.Permissions
}

// TestFaults meets every call of a run with every fault, for ever and once, and
// looks at what the program makes of it: it does not panic or hang, nothing passes
// or does not apply that needed what is missing, the gap is named, the findings of
// other projects are as without the fault, and the exit status is right.
func TestFaults(t *testing.T) {
	cases := readFaults(t)
	estate := readEstate(t)
	want, status := scanEstate(t, estate)
	if status != exitOK || !want.Complete {
		t.Fatalf("without a fault: status %d, complete %t", status, want.Complete)
	}
	server := gcptest.NewServer(estate)
	scanServer(t, server.URL)
	calls := server.Calls()
	server.Close()

	runs := 0
	for _, call := range calls {
		path := pathOf(call)
		for _, c := range cases {
			if !strings.Contains(path, c.Only) {
				continue
			}
			for _, times := range []int{0, 1} {
				runs++
				fault := c.Fault
				fault.Path, fault.Times = path, times
				fault.Body = bytes.ReplaceAll(fault.Body, []byte("SERVICE"), []byte(serviceOf(path)))
				name := c.Name + " once"
				if times == 0 {
					name = c.Name
				}
				t.Run(name+" at "+path, func(t *testing.T) {
					t.Parallel()
					got, status := scanEstate(t, estate, &fault)
					judgeFault(t, c, path, times == 1, want, got, status)
				})
			}
		}
	}
	t.Logf("%d calls, %d kinds of faults, %d runs", len(calls), len(cases), runs)
}

func serviceOf(path string) string {
	if strings.HasPrefix(path, "/compute/") {
		return "compute.googleapis.com"
	}
	return "container.googleapis.com"
}

// recovers are the codes of faults that another attempt gets over.
var recovers = []string{"RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED"}

func judgeFault(t *testing.T, c faultCase, path string, once bool, want, got *report.Report, status int) {
	t.Helper()
	project := audit.Segment(strings.TrimPrefix(path, "/compute/v1/"), "projects")
	project, _, _ = strings.Cut(project, ":")
	if once && c.Partial {
		return // the list ends after all, with its first page twice
	}
	if once && slices.Contains(recovers, c.Code) && c.Fault.Merge == nil && c.Fault.Status != 200 {
		if status != exitOK || len(got.Gaps) > 0 {
			t.Errorf("status %d and gaps %v after a fault that passed", status, got.Gaps)
		}
		if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
			t.Errorf("findings differ after a fault that passed:\n%s", diff)
		}
		return
	}
	if status != exitIncomplete || got.Complete {
		t.Errorf("status %d and complete %t, want %d and false", status, got.Complete, exitIncomplete)
	}
	if !slices.ContainsFunc(got.Gaps, func(g audit.Gap) bool { return g.Project == project && g.Code == c.Code }) {
		t.Errorf("no gap of project %s and code %s in %v", project, c.Code, got.Gaps)
	}
	before := map[string]audit.Finding{}
	for _, f := range want.Findings {
		before[f.ID] = f
	}
	seen := map[string]bool{}
	for _, f := range got.Findings {
		seen[f.ID] = true
		was, ok := before[f.ID]
		hit := project == audit.Segment(f.Cluster, "projects") || project == audit.Segment(f.Resource, "projects") ||
			project == "" && slices.Contains(belowFolder, audit.Segment(f.Cluster, "projects"))
		switch {
		case !ok:
			t.Errorf("a finding that was not there before: %+v", f)
		case !hit && !cmp.Equal(was, f):
			t.Errorf("a finding of a project without faults differs:\n%s", cmp.Diff(was, f))
		case hit && f.Status != was.Status && f.Status != audit.Unknown:
			t.Errorf("%s turned from %s to %s: %s", f.Rule, was.Status, f.Status, f.Message)
		}
		for call, rules := range denied {
			if hit && strings.HasSuffix(path, call) && slices.Contains(rules, f.Rule) && f.Status == audit.Pass {
				t.Errorf("%s passes without %s: %s", f.Rule, path, f.Message)
			}
		}
		needs := func(list string) bool {
			return strings.HasSuffix(path, list) && slices.Contains(ruleNeeds(f.Rule), lists[list]) && project == audit.Segment(f.Resource, "projects") &&
				audit.Segment(f.Resource, "subnetworks") != ""
		}
		if strings.Contains(path, "/aggregated/") && (c.Regional || c.Partial) {
			// Only what routers of other regions might bring is unknown then.
			if f.Status != was.Status && was.Status == audit.Pass {
				t.Errorf("%s turned from %s to %s, though its region was read: %s", f.Rule, was.Status, f.Status, f.Message)
			}
			continue
		}
		if (needs("aggregated/routers") && !reachedElsewhere(was)) || needs("global/routes") || needs("aggregated/subnetworks") {
			if f.Status == audit.Pass || f.Status == audit.NotApplicable {
				t.Errorf("%s %s without %s: %s", f.Rule, f.Status, path, f.Message)
			}
		}
	}
	for _, f := range want.Findings {
		if gone := strings.HasSuffix(path, "/clusters") && audit.Segment(f.Cluster, "projects") == project; !seen[f.ID] && !gone {
			t.Errorf("a finding is lost: %+v", f)
		}
	}
}

// reachedElsewhere reports whether a subnetwork's default route leads past Cloud
// NAT, so that its routers do not matter.
func reachedElsewhere(f audit.Finding) bool {
	return f.Status == audit.NotApplicable && strings.HasPrefix(f.Message, "egress by ")
}

// TestUnreachableAPI scans endpoints that refuse connections, or speak no TLS, or
// with a certificate that nobody trusts: there is no answer, and one clear error.
func TestUnreachableAPI(t *testing.T) {
	refusing := httptest.NewServer(nil)
	refusing.Close()
	plain := httptest.NewServer(nil)
	defer plain.Close()
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	for name, url := range map[string]string{
		"connection refused":    refusing.URL,
		"no TLS":                strings.Replace(plain.URL, "http:", "https:", 1),
		"certificate untrusted": untrusted.URL,
	} {
		t.Run(name, func(t *testing.T) {
			r, status := scanServer(t, url)
			if status != exitNoAnswer {
				t.Errorf("status %d, want %d", status, exitNoAnswer)
			}
			if len(r.Gaps) != 3 || r.Gaps[0].Code != "UNAVAILABLE" {
				t.Errorf("gaps %v, want one of code UNAVAILABLE for each project", r.Gaps)
			}
		})
	}
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

// TestDiscoveryFaults meets every call that finds projects with every fault. What is
// found in spite of it is judged as ever; what may be missing is a gap.
func TestDiscoveryFaults(t *testing.T) {
	cases := readFaults(t)
	estate := readEstate(t)
	tree := []*gcptest.Node{{Name: "organizations/1", Children: []*gcptest.Node{
		{Name: "folders/2", Children: []*gcptest.Node{{Name: "projects/10", ID: "shop-data"}}},
		{Name: "projects/11", ID: "shop-prod"},
		{Name: "projects/12", ID: "shop-test"},
		{Name: "projects/13", ID: "net-host"},
	}}}
	scan := func(t *testing.T, way string, faults ...*gcptest.Fault) (*gcptest.Server, *report.Report, int) {
		server := &gcptest.Server{Snapshot: estate, Hierarchy: tree, Faults: faults}
		server.Serve()
		defer server.Close()
		r, status := scanServer(t, server.URL, "--organization=1", "--discovery="+way)
		return server, r, status
	}
	runs := 0
	for _, way := range []string{"asset", "resource-manager"} {
		server, want, status := scan(t, way)
		if status != exitOK || len(want.Clusters) == 0 {
			t.Fatalf("%s: without a fault: status %d and %d clusters", way, status, len(want.Clusters))
		}
		before := map[string]audit.Finding{}
		for _, f := range want.Findings {
			before[f.ID] = f
		}
		for _, call := range server.Calls() {
			path := pathOf(call)
			if !strings.Contains(path, "?parent=") && !strings.HasSuffix(path, "/1:searchAllResources") {
				continue
			}
			for _, c := range cases {
				if c.Only != "" && !c.Partial || c.Fault.Page != "" && c.Fault.Merge == nil {
					continue
				}
				runs++
				fault := c.Fault
				fault.Path = path
				t.Run(c.Name+" at "+path, func(t *testing.T) {
					t.Parallel()
					_, got, status := scan(t, way, &fault)
					if status != exitIncomplete && status != exitNoAnswer || got.Complete {
						t.Errorf("status %d and complete %t", status, got.Complete)
					}
					if !slices.ContainsFunc(got.Gaps, func(g audit.Gap) bool { return g.Project == "" && g.Code == c.Code }) {
						t.Errorf("no gap of code %s in %v", c.Code, got.Gaps)
					}
					for _, f := range got.Findings {
						if !cmp.Equal(before[f.ID], f) {
							t.Errorf("a finding differs:\n%s", cmp.Diff(before[f.ID], f))
						}
					}
				})
			}
		}
	}
	t.Logf("%d kinds of faults, %d runs", len(cases), runs)
}

func readFaults(t *testing.T) []faultCase {
	t.Helper()
	var cases []faultCase
	data, err := os.ReadFile("../../testdata/faults/faults.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// scanEstate scans the estate on a server with a fault.
func scanEstate(t *testing.T, estate *audit.Snapshot, faults ...*gcptest.Fault) (*report.Report, int) {
	t.Helper()
	server := gcptest.NewServer(estate, faults...)
	defer server.Close()
	return scanServer(t, server.URL)
}

// scanServer runs the program on a server.
func scanServer(t *testing.T, url string, scope ...string) (*report.Report, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	p := &program{
		stdout: &out,
		stderr: &errs,
		now:    time.Now,
		getenv: func(name string) string {
			return map[string]string{
				"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER":            url,
				"CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE":              url + "/compute/v1/",
				"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER": url,
				"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDASSET":           url,
				"CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM":                  url,
				"CLOUDSDK_AUTH_DISABLE_CREDENTIALS":                    "true",
			}[name]
		},
		tune: func(c *gcp.Config) {
			c.Backoff = time.Millisecond
			c.AttemptTimeout = 300 * time.Millisecond
			c.QuotaPatience = 100 * time.Millisecond
		},
	}
	if scope == nil {
		scope = []string{"--project=shop-data", "--project=shop-prod", "--project=shop-test"}
	}
	status := p.run(ctx, append([]string{"scan", "--format=json"}, scope...))
	if ctx.Err() != nil {
		t.Fatal("the run hung")
	}
	var r report.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("status %d and no report: %v\n%s", status, err, errs.String())
	}
	return &r, status
}
