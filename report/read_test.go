package report_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
)

// TestRead reads reports as they are written, and then with one thing wrong.
func TestRead(t *testing.T) {
	each(t, func(t *testing.T, name string, r *report.Report) {
		text := write(t, r, ".report.json")
		back, err := report.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for extension := range formats {
			if !bytes.Equal(write(t, back, extension), write(t, r, extension)) {
				t.Errorf("%s differs when read back", extension)
			}
		}
	})
	review := load(t, filepath.Join(folder, "review.json"))
	text := string(write(t, review, ".report.json"))
	lines := strings.Split(text, "\n")
	findings := slices.Index(lines, `  "findings": [`)
	first, second := lines[findings+1], lines[findings+2]
	for _, test := range []struct{ from, to, want string }{
		{`{"id":"cloud-nat"`, `{"later":[{}],"id":"cloud-nat"`, ""}, // a field of a later version
		{`"severity":"high","status"`, `"was":"it","severity":"high","status"`, "says what it was, and is not called changed"},
		{`"severity":"high","status"`, `"status"`, "findings[0] does not have the severity of its rule"},
		{`"severity":"high","status"`, `"severity":"low","status"`, "findings[0] does not have the severity of its rule"},
		{`"severity":"high","status"`, `"severity":"huge","status"`, `findings: [0]: severity "huge" is not one of`},
		{`"findings": [` + "\n    " + `{"id":"`, `"findings": [{"id":"x`, `findings: [0]: its id is "x`},
		{`"findings": [` + "\n    " + `{"id":`, `"findings": [{"ib":`, `findings: [0]: its id is ""`},
		{`"status":"fail",`, ``, `it has no status`},
		{`"status":"fail"`, `"status":null`, `it has no status`},
		{`"status":"fail"`, `"status":"good"`, `status "good" is not one of`},
		{`"status":"fail"`, `"status":"pass"`, "its summary does not count what is in it: pass is 3, and should be 4"},
		{`{"id":"cloud-nat"`, `{"id":"cloud-nax"`, "its rule or its cluster is not in the report"},
		{`"rule":"cloud-nat"`, `"rule":"none"`, "and of its rule, cluster and resource it is "},
		{`{"id":"cloud-nat"`, `null,{"id":"cloud-nat"`, "rules[1] has no ID"},
		{`{"name":"gkeaudit"`, `{"name":"<b>"`, "it does not say which version of gkeaudit wrote it"},
		{`"complete": false`, `"complete": true`, "it is called complete and is not"},
		{`"startedAt": "2026-11-02T08:00:00Z",`, ``, `it has no "startedAt"`},
		{`"finishedAt": "2026-11-02T08:00:02Z",`, ``, `it has no "finishedAt"`},
		{`"finishedAt": "2026-11-02T08:00:02Z"`, `"finishedAt": null`, `it does not say when the audit ran`},
		{`"finishedAt": "2026-11-02T08:00:02Z"`, `"finishedAt": "2026-11-02T07:00:02Z"`, `its audit finished before it started`},
		{`"finishedAt": "2026-11-02T08:00:02Z"`, `"finishedAt": "yesterday"`, `finishedAt: `},
		{`"pass":`, `"pass":1`, "its summary does not count what is in it: pass is 13"},
		{`"pass":`, `"pass":-`, "its summary does not count what is in it: pass is -3"},
		{`"gaps":`, `"gaps":1`, "its summary does not count what is in it: gaps is "},
		{`"projects":2`, `"projects":3`, "its summary does not count what is in it: projects is 3, and should be 2"},
		{`"leftOut":0`, `"leftOut":-1`, "leftOut is -1, and should be 0"},
		{`"leftOut":0`, `"leftOut":1`, "leftOut is 1, and should be 0"},
		{`"failing":{`, `"failing":{"huge":1,`, "its summary does not agree with itself"},
		{`"high":`, `"high":1`, "failing.high is 1"},
		{`"rationale":"`, `"rationale":"\u001b[31m`, "rules[0]: its text is not that of a rule"},
		{`"rationale":"`, `"rationale":"\u003cscript\\u003e`, "rules[0]: its text is not that of a rule"},
		{`"url":"https://`, `"url":"javascript:`, "is not the address of a page"},
		{`"readAt"`, `"shard":{"index":2,"count":2},"readAt"`, "there is no shard 2/2"},
		{`"readAt"`, `"shard":{"index":1,"count":100,"projects":9},"readAt"`, `project "shop-data" is not in shard 1/100`},
		{`"scope": {"projects":[`, `"scope": {"projects":["shop-data",`, `project "shop-data" of its scope is no project, or is listed twice`},
		{`"scope": {"projects":`, `"scope": {"others":`, `its scope has no list of projects`},
		{`"readAt"`, `"leastSeverity":"critical","readAt"`, `rules[0] is below the severity`},
		{`"readAt"`, `"discovery":{"methods":["guess"],"projects":1},"readAt"`, `does not say how or where projects were found`},
		{`"nodePools":`, `"nodesAccount":"$(id)","nodePools":`, "has a name for an account or a node pool that is not valid"},
		{`"nodePools":`, `"sandboxPool":"$(id)","nodePools":`, "has a name for an account or a node pool that is not valid"},
		{`"gaps": [`, `"gaps": null, "more": [`, "gaps: it is not a list"},
		{`{"project":"net-host","resource":"projects/net-host/aggregated/routers"`, `{"project":"net-host","resource":""`, "gaps[0] names no resource"},
		{`"readAt"`, `"shard":{"index":0,"count":1,"projects":1},"readAt"`, `shard 0/1 has 2 projects, and all shards together 1`},
		{`"readAt"`, `"shard":{"index":0,"count":1,"projects":2},"missing":["x"],"readAt"`, `a shard cannot have other shards missing`},
		{`"complete": false`, `"complete": false, "complete": false`, `"complete" is there twice`},
		{second, first + "\n" + second, "findings[1] is there twice: of rule authorized-networks on projects/shop-data/"},
		{first + "\n" + second, second + "\n" + first, "findings[1] is out of order"},
		{first, ``, "findings are missing: of 5 rules on 2 clusters there are those of 9 pairs"},
	} {
		if !strings.Contains(text, test.from) {
			t.Fatalf("the report has no %s", test.from)
		}
		_, err := report.Read(strings.NewReader(strings.Replace(text, test.from, test.to, 1)))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("with %s: got error %v, want %q", test.to, err, test.want)
		}
	}
	if _, err := report.Read(strings.NewReader(text + "{}")); err == nil {
		t.Error("what follows the report is no error")
	}
}

// TestReadLeftOut changes what a summary says of findings that are not there.
func TestReadLeftOut(t *testing.T) {
	r := load(t, "../cmd/gkeaudit/demo.json").LeavingOut(audit.Critical)
	text := string(write(t, r, ".report.json"))
	if r.Summary.LeftOut == 0 || r.Summary.Failing["high"] == 0 {
		t.Fatalf("the report leaves nothing out: %+v", r.Summary)
	}
	for _, test := range []struct {
		change func(s *report.Summary)
		want   string
	}{
		{func(s *report.Summary) {}, ""},
		{func(s *report.Summary) { s.LeftOut++ }, "leftOut is "},
		{func(s *report.Summary) { s.Pass++ }, "leftOut is "},
		{func(s *report.Summary) { s.Pass, s.LeftOut = s.Pass-100, s.LeftOut-100 }, "pass is "},
		{func(s *report.Summary) { s.Failing["high"]-- }, "fail is not the sum of failing"},
		{func(s *report.Summary) { s.Failing["low"], s.Failing["high"] = -1, s.Failing["high"]+1 }, "failing.low is -1, and should be 0"},
		{func(s *report.Summary) { s.Failing["critical"]++; s.Failing["high"]-- }, "failing.critical is "},
		{func(s *report.Summary) { s.Failing["critical"]++; s.Fail++; s.LeftOut++ }, "failing.critical is "},
		{func(s *report.Summary) { delete(s.Failing, "low") }, "does not agree with itself"},
	} {
		changed := *r
		changed.Summary.Failing = maps.Clone(r.Summary.Failing)
		test.change(&changed.Summary)
		_, err := report.Read(bytes.NewReader(write(t, &changed, ".report.json")))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("with the summary %+v: got error %v, want %q", changed.Summary, err, test.want)
		}
	}
	all := strings.Replace(text, `,"leastSeverity":"critical"`, ``, 1)
	if _, err := report.Read(strings.NewReader(all)); err == nil || !strings.Contains(err.Error(), "does not count what is in it") {
		t.Errorf("without its severity: got error %v", err)
	}
}

// FuzzRead reads what may be no report. What is read can be written in every format and
// merged, and its JSON is read as the same.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"good", "review", "hostile", "waived", "empty"} {
		text, err := os.ReadFile(filepath.Join(folder, name+".report.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := report.Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		r, err = report.Merge([]report.File{{Name: "a", Report: r}})
		if err != nil {
			t.Fatal(err)
		}
		for extension := range formats {
			write(t, r, extension)
		}
		first := write(t, r.LeavingOut(audit.Critical), ".report.json")
		back, err := report.Read(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second := write(t, back, ".report.json"); !bytes.Equal(first, second) {
			t.Errorf("written again it differs (-first +second):\n%s", cmp.Diff(string(first), string(second)))
		}
	})
}

// TestHostileReport reads a report that somebody wrote to do harm: what it says of the
// cloud is no more trusted than what the cloud says.
func TestHostileReport(t *testing.T) {
	r := *load(t, filepath.Join(folder, "review.json"))
	r.Tool.Version = evil
	r.Scope.Projects = append(slices.Clone(r.Scope.Projects), evil)
	r.Summary.Projects++
	r.Scope.Organizations, r.Scope.Folders = []string{evil}, []string{evil}
	r.Scope.ExcludeProjects, r.Scope.ExcludeFolders = []string{evil}, []string{evil}
	r.Scope.Locations, r.Scope.Clusters, r.Scope.Missing = []string{evil}, []string{evil}, []string{evil}
	r.Scope.Discovery = &audit.Discovery{Methods: []string{audit.ByAsset}, Note: evil}
	for i := range r.Clusters {
		c := &r.Clusters[i]
		c.Mode, c.Version, c.Channel, c.Status, c.Network, c.Subnetwork = evil, evil, evil, evil, evil, evil
	}
	for _, p := range r.NetworkPaths {
		for i := range p.Nodes {
			n := &p.Nodes[i]
			n.Name, n.Place, n.Notes = evil+strings.Repeat("long", 70), evil, []string{evil, evil + evil}
		}
		for i := range p.Ways {
			w := &p.Ways[i]
			w.Word, w.Reason, w.Permissions, w.Rules = evil+evil, evil, []string{evil}, []string{evil}
			w.Evidence = []audit.Evidence{{Resource: evil, Field: evil, Value: evil}}
		}
	}
	findings := r.Findings
	r.Findings = report.Findings{}
	for f := range findings.All() {
		f.Message, f.Resource = evil, f.Resource+evil
		f.Evidence = []audit.Evidence{{Resource: evil, Field: evil, Value: evil}}
		r.Findings.Add(f)
	}
	r.Gaps = []audit.Gap{{Project: evil, Resource: "projects/" + evil, Operation: evil, Code: evil, Reason: evil, Permission: evil, Message: evil}}
	r.Summary.ProjectsPartlyRead, r.Summary.ProjectsNotRead = 0, 0 // they are counted when it is read
	r.Benchmarks = []audit.Benchmark{{Framework: evil, Recommendations: []audit.Recommendation{{ID: evil, Title: evil, Otherwise: evil, Rules: []string{evil}}}}}
	r.Rules = slices.Clone(r.Rules)
	for i, rule := range r.Rules {
		// What is plain enough to be a rule's may still be somebody else's.
		const text = "x | y @everyone #1 GH-2 :tada: https://evil.example www.evil.example me@evil.example [a]\n\n[a]: //evil.example\n\n![a] *b* ***\n\n> c\n\n- d\n\n====\n1. e $x$ &lt;b> ~~~\n"
		changed := *rule
		changed.Title, changed.Weight, changed.Optional, changed.Obsolete, changed.Rationale, changed.Checks, changed.Since = text, text, text, text, text, text, text
		changed.Remediation.Disruption, changed.Remediation.Terraform, changed.Remediation.Recreates = text, text, text
		changed.Remediation.Gcloud = []audit.Step{{Title: text, Commands: text}}
		changed.Permissions, changed.Controls = []string{text}, []audit.Control{{Framework: text, ID: text}}
		changed.References = []audit.Reference{{Title: text, URL: rule.References[0].URL}}
		r.Rules[i] = &changed
	}
	waived, err := r.Waiving([]report.Waiver{
		{Rule: "private-nodes", Resource: "projects/**", Owner: evil, Reason: evil, Ticket: evil, Expires: "2026-11-02"},
		{Rule: evil, Resource: evil, Owner: evil, Reason: evil, Ticket: evil, Expires: "2026-11-01"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if waived.Summary.Waived == 0 {
		t.Error("nothing is waived")
	}
	back, err := report.Read(bytes.NewReader(write(t, waived, ".report.json")))
	if err != nil {
		t.Fatal(err)
	}
	harmless(t, back)
}

// harmless looks at what is made of a report in every format for what a reader may take for
// more than text.
func harmless(t *testing.T, r *report.Report) {
	t.Helper()
	for extension := range formats {
		out := string(write(t, r, extension))
		plain := ours.ReplaceAllString(out, "")
		if extension == ".csv" {
			plain = strings.ReplaceAll(plain, "\r\n", "\n")
		}
		for i, c := range plain {
			if c != '\n' && dangerous(c) {
				t.Errorf("%s has %U: %q", extension, c, around([]byte(plain), i))
			}
		}
		if extension == ".html" && strings.Count(out, "<script") != 1 {
			t.Errorf("%s has a script that is not its own", extension)
		}
		if extension == ".md" {
			checkMarkdown(t, r, []byte(out))
		}
	}
}
