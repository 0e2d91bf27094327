package report

import (
	"testing"

	"gkeaudit/audit"
)

// TestBenchmarkRows holds each kind of recommendation to what may be said of it: that it
// holds only if rules judge all of it and nothing of theirs is missing.
func TestBenchmarkRows(t *testing.T) {
	finding := func(rule, cluster string, s audit.Status) audit.Finding {
		return audit.Finding{Rule: rule, Cluster: cluster, Status: s}
	}
	r := &Report{
		Clusters: []Cluster{{Name: "a", Mode: "autopilot"}, {Name: "b", Mode: "standard"}},
		Rules:    []*audit.Rule{{ID: "fine"}, {ID: "good"}, {ID: "bad"}, {ID: "dark"}, {ID: "moot"}, {ID: "mixed"}},
	}
	for _, f := range []audit.Finding{
		finding("fine", "a", audit.Pass), finding("good", "a", audit.Pass), finding("bad", "a", audit.Fail), finding("bad", "a", audit.Fail),
		finding("dark", "a", audit.Unknown), finding("moot", "a", audit.NotApplicable), finding("mixed", "a", audit.Fail),
		finding("fine", "b", audit.Pass), finding("good", "b", audit.NotApplicable), finding("bad", "b", audit.Pass), finding("dark", "b", audit.Pass),
		finding("moot", "b", audit.NotApplicable), finding("mixed", "b", audit.Unknown),
	} {
		r.Findings.Add(f)
	}
	for _, c := range []struct {
		rules     []string
		otherwise string
		status    audit.Status
		result    string
	}{
		{[]string{"fine"}, "", audit.Pass, "holds"},
		{[]string{"fine", "moot"}, "", audit.Pass, "holds"},
		{[]string{"good"}, "", audit.Pass, "holds in 1 of 2 clusters, not applicable to the others"},
		{[]string{"good"}, "needs the Kubernetes API", audit.Unknown, "no fault found by rules; needs the Kubernetes API"},
		{[]string{"good", "absent"}, "", audit.Unknown, "no fault found by rules; not applied: absent"},
		{[]string{"good", "dark"}, "", audit.Unknown, "unknown in 1 of 2 clusters"},
		{[]string{"good", "bad"}, "", audit.Fail, "fails in 1 of 2 clusters"},
		{[]string{"bad", "mixed"}, "", audit.Fail, "fails in 1 of 2 clusters"},
		{[]string{"bad", "absent"}, "needs a look", audit.Fail, "fails in 1 of 2 clusters; needs a look; not applied: absent"},
		{[]string{"moot"}, "", audit.NotApplicable, "not applicable"},
		{[]string{"absent"}, "", audit.Unknown, "not judged; not applied: absent"},
		{nil, "manual", audit.Unknown, "not judged; manual"},
	} {
		rows := r.benchmarkRows(audit.Benchmark{Recommendations: []audit.Recommendation{{ID: "1.1", Rules: c.rules, Otherwise: c.otherwise}}})
		if rows[0].Status != c.status || rows[0].Result != c.result {
			t.Errorf("%v, %q: %s, %q; want %s, %q", c.rules, c.otherwise, rows[0].Status, rows[0].Result, c.status, c.result)
		}
	}
	one := func(r *Report, f audit.Framework, rules ...string) string {
		row := r.benchmarkRows(audit.Benchmark{Framework: f, Recommendations: []audit.Recommendation{{Rules: rules}}})[0]
		return row.Status.String() + ": " + row.Result
	}
	if got := one(r, audit.CISGKEAutopilot13, "bad"); got != "fail: fails in 1 of 1 cluster" {
		t.Errorf("of Autopilot clusters alone: %s", got)
	}
	if got := one(r, audit.CISGKEAutopilot13, "good"); got != "pass: holds" {
		t.Errorf("of Autopilot clusters alone: %s", got)
	}
	r.Scope.LeastSeverity = "high"
	r.Settings.Disabled = []string{"off"}
	if got := one(r, "", "low"); got != "unknown: not in this report; left out for their severity: low" {
		t.Errorf("left out: %s", got)
	}
	if got := one(r, "", "fine", "low", "off"); got != "unknown: no fault found by rules; left out for their severity: low; not applied: off" {
		t.Errorf("partly left out: %s", got)
	}
	r.Scope.Projects = []string{"p"}
	for _, g := range []audit.Gap{{Project: "p", Resource: "projects/p/locations/-/clusters"}, {Resource: "folders/1/projects"}} {
		r.Gaps = []audit.Gap{g}
		if got := one(r, "", "fine"); got != "unknown: no fault found; not all clusters could be read" {
			t.Errorf("with a gap of %s: %s", g.Resource, got)
		}
	}
	for _, g := range []audit.Gap{{Project: "p", Resource: "projects/p/global/routes"}, {Project: "of-another-shard", Resource: "projects/of-another-shard/locations/-/clusters"}} {
		r.Gaps = []audit.Gap{g}
		if got := one(r, "", "fine"); got != "pass: holds" {
			t.Errorf("with a gap that hides no clusters, of %s: %s", g.Resource, got)
		}
	}
	r = &Report{Rules: []*audit.Rule{{ID: "good"}}}
	if row := r.benchmarkRows(audit.Benchmark{Recommendations: []audit.Recommendation{{Rules: []string{"good"}}}})[0]; row.Status != audit.Unknown || row.Result != "no cluster was judged" {
		t.Errorf("without clusters: %s, %q", row.Status, row.Result)
	}
}
