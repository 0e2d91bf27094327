package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestSince compares pairs of reports: each file in the folder has an earlier one, "then",
// a later one, "now", and what is to come of it. A report is lines:
//
//	scope JSON                            default that of project p
//	settings JSON
//	missing SHARD
//	version VERSION
//	rule ID SEVERITY [CHECKS] [reads=PARAMETER,...] [uses=DATA]
//	cluster NAME [ID]                     P/L/C for projects/P/locations/L/clusters/C
//	unread PROJECT LOCATION               a gap that hides clusters
//	gap RESOURCE                          another gap
//	STATUS RULE CLUSTER [RESOURCE] [key=value ...]
//
// where waiver=, seen= and message= are of the finding, and other keys evidence, FIELD= or
// FIELD@RESOURCE=.
func TestSince(t *testing.T) {
	files, err := filepath.Glob("../testdata/baseline/*.txtar")
	if err != nil || files == nil {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			then := brief(t, parts["then"], time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
			now := brief(t, parts["now"], time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
			since := now.Since(File{"then.json", then})
			got := told(since)
			if updating() {
				archive.Files[2].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(parts["want"], got); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
			again := through(t, since)
			if diff := cmp.Diff(got, told(again)); diff != "" {
				t.Errorf("what is read back differs (-written +read):\n%s", diff)
			}
			if diff := cmp.Diff(got, told(again.Since(File{"then.json", then}))); diff != "" {
				t.Errorf("compared once more it differs (-once +twice):\n%s", diff)
			}
			if got := now.Baseline; got != nil {
				t.Errorf("the report itself was changed: %v", got)
			}
			high := through(t, since.LeavingOut(audit.High))
			if high.Baseline.Counts != since.Baseline.Counts {
				t.Errorf("without what is below high the counts are %v, want %v", high.Baseline.Counts, since.Baseline.Counts)
			}
			for f := range high.Findings.All() {
				if (f.Was != "") != (f.Change == audit.Altered) {
					t.Errorf("without what is below high, %s of %s is %s, and was %q", f.Rule, f.Resource, f.Change, f.Was)
				}
			}
			for i, name := range audit.Severities {
				if s := audit.Severity(i + 1); high.NewAt(s) != since.NewAt(s) {
					t.Errorf("without what is below high, new at %s is %v", name, high.NewAt(s))
				}
			}
			for _, r := range []*Report{then, since} {
				itself := through(t, r.Since(File{"itself.json", r}))
				if n := itself.Baseline.Counts; n.New+n.Changed+n.Incomparable+n.Resolved > 0 {
					t.Errorf("a report differs from itself: %v", n)
				}
				for f := range itself.Findings.All() {
					if f.Was != "" {
						t.Errorf("%s of %s is unchanged, and was %s", f.Rule, f.Resource, f.Was)
					}
				}
			}
			mended := *now
			mended.Findings = now.Findings.edited(func(f *audit.Finding) { f.Status, f.Waiver = audit.Pass, "" })
			for _, f := range mended.Since(File{"now.json", since}).Baseline.Resolved {
				if f.Was != "" {
					t.Errorf("%s of %s is resolved, and was %s before the baseline", f.Rule, f.Resource, f.Was)
				}
			}
			for f := range since.uncompared().Findings.All() {
				if f.Change != "" || f.Was != "" {
					t.Errorf("without what it says of a baseline, %s of %s is %s, and was %s", f.Rule, f.Resource, f.Change, f.Was)
				}
			}
		})
	}
}

// updating reports whether -update is given, which the tests from outside define.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// through writes a report and reads it back.
func through(t *testing.T, r *Report) *Report {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatalf("%v:\n%s", err, b.Bytes())
	}
	var c bytes.Buffer
	if err := again.WriteJSON(&c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), c.String()); diff != "" {
		t.Errorf("read and written again it differs:\n%s", diff)
	}
	return again
}

// told says what a report says of its baseline.
func told(r *Report) string {
	var b strings.Builder
	for f := range r.Findings.All() {
		if f.Change != "" {
			fmt.Fprintf(&b, "%s: %s %s %s, %s\n", f.Change, f.Status, f.Rule, shortName(f.Resource), f.FirstSeen.Format(time.DateOnly))
		}
		if f.Was != "" {
			fmt.Fprintf(&b, "  was: %s\n", f.Was)
		}
	}
	for _, f := range r.Baseline.Resolved {
		fmt.Fprintf(&b, "resolved: %s %s %s, %s, %s\n", f.Status, f.Rule, shortName(f.Resource), f.Change, f.FirstSeen.Format(time.DateOnly))
	}
	for _, note := range r.Baseline.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	_, counts, _ := strings.Cut(r.Baseline.Line(), ": ")
	fmt.Fprintf(&b, "%s\n", counts)
	for _, name := range audit.Severities {
		if n := r.Baseline.Failing[name]; n > 0 {
			fmt.Fprintf(&b, "new:%s %d\n", name, n)
		}
	}
	return b.String()
}

func shortName(resource string) string {
	for _, collection := range []string{"projects/", "/locations", "/clusters", "/nodePools"} {
		resource = strings.ReplaceAll(resource, collection, "")
	}
	return resource
}

// brief makes a report of lines.
func brief(t *testing.T, lines string, started time.Time) *Report {
	t.Helper()
	s := &audit.Snapshot{Time: started, Scope: audit.Scope{Projects: []string{"p"}}}
	o := Options{Version: "1.0", StartedAt: started, Now: func() time.Time { return started.Add(time.Minute) }}
	var rules []*audit.Rule
	var clusters []Cluster
	var missing []string
	severities := map[string]audit.Severity{}
	var findings []audit.Finding
	var waivers []Waiver
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(lines) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := append(strings.Fields(rest), "", "")
		switch key {
		case "scope":
			s.Scope = audit.Scope{}
			check(json.Unmarshal([]byte(rest), &s.Scope))
		case "settings":
			check(json.Unmarshal([]byte(rest), &o.Settings))
		case "missing":
			missing = append(missing, rest)
		case "version":
			o.Version = rest
		case "rule":
			var severity audit.Severity
			check(severity.UnmarshalText([]byte(words[1])))
			severities[words[0]] = severity
			rule := &audit.Rule{ID: words[0], Title: words[0], Severity: severity}
			for _, word := range words[2:] {
				switch name, value, _ := strings.Cut(word, "="); name {
				case "reads":
					for name := range strings.SplitSeq(value, ",") {
						rule.Reads = append(rule.Reads, audit.Parameter(name))
					}
				case "uses":
					rule.Uses = []audit.Data{audit.Data(value)}
				default:
					rule.Checks += word
				}
			}
			rules = append(rules, rule)
		case "cluster":
			p := strings.Split(words[0], "/")
			clusters = append(clusters, Cluster{Name: long(words[0]), ID: words[1], Project: p[0], Location: p[1], Mode: "standard", Status: "RUNNING"})
		case "unread":
			s.Gaps = append(s.Gaps, audit.Gap{Project: words[0], Resource: "projects/" + words[0] + "/locations/" + words[1] + "/clusters", Operation: "list", Code: "PERMISSION_DENIED"})
		case "gap":
			s.Gaps = append(s.Gaps, audit.Gap{Resource: rest, Operation: "list", Code: "PERMISSION_DENIED"})
		default:
			f := audit.Finding{Rule: words[0], Severity: severities[words[0]], Cluster: long(words[1]), Resource: long(words[1]), Message: "message", Evidence: []audit.Evidence{}}
			check(f.Status.UnmarshalText([]byte(key)))
			for _, word := range words[2:] {
				name, value, isField := strings.Cut(word, "=")
				switch {
				case word == "":
				case !isField:
					f.Resource += "/nodePools/" + word
				case name == "waiver":
					waivers = append(waivers, Waiver{Rule: f.Rule, Resource: f.Resource, Owner: value, Reason: "why", Ticket: "T-1", Expires: started.Format(time.DateOnly)})
				case name == "message":
					f.Message = value
				case name == "seen":
					seen, err := time.Parse(time.DateOnly, value)
					check(err)
					f.FirstSeen = seen
				default:
					e := audit.Evidence{Resource: f.Resource, Field: name, Value: value}
					if field, resource, other := strings.Cut(name, "@"); other {
						e.Field, e.Resource = field, resource
					}
					f.Evidence = append(f.Evidence, e)
				}
			}
			findings = append(findings, f)
		}
	}
	slices.SortFunc(findings, compareFindings)
	slices.SortFunc(clusters, func(a, b Cluster) int { return strings.Compare(a.Name, b.Name) })
	r := New(s, rules, func(func(*audit.Cluster, []audit.Finding) bool) {}, o)
	r.Clusters, r.Summary.Clusters, r.Scope.Missing = append(r.Clusters, clusters...), len(clusters), missing
	for _, f := range findings {
		r.Findings.Add(f)
		r.Summary.count(f)
	}
	r.Complete = r.complete()
	if waivers != nil {
		var err error
		r, err = r.Waiving(waivers)
		check(err)
	}
	check(r.validate())
	return r
}

func long(name string) string {
	p := strings.Split(name, "/")
	return "projects/" + p[0] + "/locations/" + p[1] + "/clusters/" + p[2]
}

// TestReadBaseline changes what a report says of its baseline.
func TestReadBaseline(t *testing.T) {
	raw, err := os.ReadFile("../testdata/report/compared.report.json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	lines := strings.SplitAfter(text, "\n")
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, `    "resolved": [`) })
	first, second := lines[at+1], lines[at+2]
	for _, test := range []struct{ from, to, want string }{
		{`"baseline": {`, `"baseline": {"later": 1,`, ""},
		{`"baseline": {`, `"baseline": null, "other": {`, "does not say what became of it since the baseline, or should not"},
		{`"change":"new",`, ``, "does not say what became of it"},
		{`"change":"new",`, `"change":"passes",`, "does not say what became of it"},
		{`"change":"new",`, `"change":"unchanged",`, "baseline.counts.new is 2, and should be 1"},
		{`"status":"pass",`, `"status":"pass","change":"new",`, "does not say what became of it"},
		{`"was":"`, `"later":"`, ""}, // an earlier version of the program compared
		{`"was":"`, `"was":7,"later":"`, "findings: [4]: json: cannot unmarshal number"},
		{`"change":"changed",`, `"change":"unchanged",`, "says what it was, and is not called changed"},
		{`"change":"new",`, `"change":"new","was":"it",`, "says what it was, and is not called changed"},
		{`"status":"pass",`, `"status":"pass","was":"it",`, "says what it was, and is not called changed"},
		{`"change":"cluster-gone"`, `"change":"cluster-gone","was":"it"`, "baseline: resolved[0] says what it was, and is not called changed"},
		{`"counts": {"new":2`, `"counts": {"new":3`, "baseline.counts.new is 3, and should be 2"},
		{`"resolved":6`, `"resolved":5`, "baseline.counts.resolved is 5, and should be 6"},
		{`"failing": {"critical":0`, `"failing": {"critical":1`, "baseline.failing.critical is 1, and should be 0"},
		{`,"high":3,`, `,"high":1,`, "baseline.failing.high is 1, and should be 2"},
		{`"failing": {"critical":0`, `"failing": {"huge":0,"critical":0`, "its baseline has no name, no version, no time or no counts"},
		{`"version": "1.2.3"`, `"version": ""`, "its baseline has no name, no version, no time or no counts"},
		{`"change":"cluster-gone"`, `"change":"new"`, "resolved[0] did not fail"},
		{`"change":"cluster-gone"`, `"chance":""`, "resolved[0] did not fail"},
		{first + second, second + first, "resolved[1] is there twice or out of order"},
		{first, first + first, "resolved[1] is there twice or out of order"},
		{first, strings.Replace(first, `"severity":"high",`, ``, 1), "resolved[0] did not fail"},
		{first, strings.NewReplacer(`"status":"unknown"`, `"status":"pass"`, `"undecided":true,`, "").Replace(first), "resolved[0] did not fail"},
		{first, strings.Replace(first, `"status":"unknown"`, `"status":"pass"`, 1), "resolved[0]: it is undecided, and its status is not unknown"},
		{first, strings.Replace(first, `"id":"`, `"id":"0`, 1), "baseline: resolved[0]: its id is "},
		{`"resolved": [`, `"resolver": [`, "baseline: it has no list of what is resolved"},
	} {
		if !strings.Contains(text, test.from) {
			t.Fatalf("the report has no %s", test.from)
		}
		_, err := Read(strings.NewReader(strings.Replace(text, test.from, test.to, 1)))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("with %s: got error %v, want %q", test.to, err, test.want)
		}
	}
}
