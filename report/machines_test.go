package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
)

// machines are the formats for programs.
var machines = []string{".sarif", ".xml", ".csv", ".ocsf.jsonl", ".ndjson"}

// hostile are values that some reader may take for more than text.
var hostile = []string{
	"plain",
	"<script>alert(1)</script><!-- ]]> &amp; &#x0;",
	"\x1b[2J\x1b]0;title\x07\u009b31m\x7f",
	"\u202egnp.exe\u2066\u200b\ufeff\u2028\u2029",
	`=HYPERLINK("http://evil.example","x")`,
	`+1-1@SUM(A1),=2;=3"=4	=5`,
	" \t@cmd|'/c calc'!A1",
	"＝1＋1",
	"a|b\\|c`d`*e*_f_[g](javascript:alert(1))",
	"line\nline\r\n\r# heading",
	"nul\x00 \ufffe\uffff\U0001fffe \v\f",
	"not \xff\xc3 UTF-8 \xed\xa0\x80",
	strings.Repeat("long-", 50) + "end",
	"👩‍👩‍👧‍👦 ✔️ عربى 漢字 e\u0301",
	"{0} {{1}} %s ${HOME} $(reboot) `reboot`",
	"..",
	"\ue000\U000e0041\u3164",
	"null",
}

// reviewed makes a report that has a waiver, a baseline, gaps and missing parts, and
// hostile values in every field that may carry them: a cluster for each of them.
func reviewed() *report.Report {
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	seen := time.Date(2026, 9, 1, 6, 30, 0, 250e6, time.UTC)
	use := []*audit.Rule{}
	for _, rule := range rules.In("core")[:4] {
		copied := *rule
		use = append(use, &copied)
	}
	slices.SortFunc(use, func(a, b *audit.Rule) int { return strings.Compare(a.ID, b.ID) })
	use[0].Severity, use[1].Severity, use[2].Severity, use[3].Severity = audit.Critical, audit.High, audit.Medium, audit.Low
	r := &report.Report{
		Schema: report.Schema, Tool: report.Tool{Name: "gkeaudit", Version: "1.2.3"},
		StartedAt: start, FinishedAt: start.Add(2 * time.Second),
		Scope:    report.Scope{Scope: audit.Scope{Projects: []string{"p"}}, ReadAt: start.Add(-time.Hour)},
		Summary:  report.Summary{Projects: 1, Failing: map[string]int{"low": 0, "medium": 0, "high": 0, "critical": 0}},
		Rules:    use,
		Baseline: &report.Baseline{Name: hostile[1], Version: "1.2.2", StartedAt: start.Add(-24 * time.Hour), Notes: hostile},
	}
	var ids []string
	for _, v := range hostile {
		ids = append(ids, strings.ReplaceAll(v, "/", ":"))
	}
	slices.Sort(ids)
	for i, id := range ids {
		v := hostile[i]
		name := "projects/p/locations/europe-west4/clusters/" + id
		r.Clusters = append(r.Clusters, report.Cluster{
			Name: name, Project: "p", Location: "europe-west4", Mode: v, Version: v, Channel: v, Status: v, Network: v, Subnetwork: v,
		})
		w := report.Waiver{ID: fmt.Sprintf("w%02d %s", i, v), Rule: use[2].ID, Resource: v, Owner: v, Reason: v, Ticket: v, Expires: "2027-03-31", State: report.WaiverActive, Broad: v, Findings: 1}
		if i == 0 {
			w.State, w.Expires = report.WaiverExpired, v
		}
		r.Waivers = append(r.Waivers, w)
		gap := audit.Gap{Project: "p", Resource: "projects/p/regions/" + v + "/routers", Operation: "compute.routers.list " + v, Code: "PERMISSION_DENIED", Reason: v, Permission: "compute.routers.list", Message: v}
		r.Gaps = append(r.Gaps, gap)
		evidence := []audit.Evidence{{Resource: name, Field: "field " + v, Value: v}, {Resource: v, Field: v, Value: v}}
		for _, f := range []audit.Finding{
			{Rule: use[0].ID, Severity: audit.Critical, Status: audit.Fail, Resource: name, Change: audit.Appeared},
			{Rule: use[1].ID, Severity: audit.High, Status: audit.Unknown, Resource: name, Change: audit.Same, FirstSeen: seen,
				Evidence: []audit.Evidence{{Resource: gap.Resource, Field: gap.Operation, Value: gap.Code}}},
			{Rule: use[2].ID, Severity: audit.Medium, Status: audit.Fail, Resource: name + "/nodePools/" + v, Waiver: w.ID, Change: audit.Altered, Was: v, FirstSeen: seen},
			{Rule: use[2].ID, Severity: audit.Medium, Status: audit.Pass, Resource: name + "/nodePools/" + v + "2"},
			{Rule: use[3].ID, Severity: audit.Low, Status: []audit.Status{audit.Pass, audit.NotApplicable, audit.Fail}[i%3], Resource: name + "/nodePools/" + v},
			{Rule: use[3].ID, Severity: audit.Low, Status: []audit.Status{audit.Pass, audit.NotApplicable, audit.Unknown}[i%3], Resource: name + "/nodePools/" + v + "2", Change: audit.NotComparable},
		} {
			f.Cluster, f.Message = name, "what is: "+v
			if f.Evidence == nil {
				f.Evidence = evidence
			}
			if f.Status == audit.Pass || f.Status == audit.NotApplicable {
				f.Change = ""
			}
			r.Findings.Add(f)
			switch {
			case f.Waiver != "":
				r.Summary.Waived++
			case f.Status == audit.Fail:
				r.Summary.Fail++
				r.Summary.Failing[f.Severity.String()]++
			case f.Status == audit.Unknown:
				r.Summary.Unknown++
			case f.Status == audit.Pass:
				r.Summary.Pass++
			default:
				r.Summary.NotApplicable++
			}
			if f.Rule == use[3].ID && f.Status == audit.Pass {
				was := f
				was.Status, was.Change = audit.Fail, ""
				r.Baseline.Resolved = append(r.Baseline.Resolved, was)
			}
		}
		gone := audit.Finding{Rule: "gone-rule", Severity: audit.Low, Status: audit.Fail, Cluster: name + "-gone", Resource: v, Message: v, Evidence: evidence}
		r.Baseline.Resolved = append(r.Baseline.Resolved, gone)
	}
	r.Gaps = audit.DistinctGaps(r.Gaps)
	r.Scope.Missing = hostile
	r.Summary.Clusters, r.Summary.Gaps = len(r.Clusters), len(r.Gaps)
	return r
}

// TestReviewed compares what is made of the hostile report with golden files, which other
// programs validate.
func TestReviewed(t *testing.T) {
	for _, extension := range machines {
		file := filepath.Join(folder, "reviewed"+extension)
		got := write(t, reviewed(), extension)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", file, diff)
		}
	}
}

// A result is what the tests look at of a result in SARIF.
type result struct {
	RuleID        string
	Kind, Level   string
	BaselineState string
	Suppressions  *[]struct{ Kind, Status, Justification string }
	Message       struct{ Text string }
	Locations     []struct {
		PhysicalLocation struct {
			ArtifactLocation struct{ URI string }
			Region           struct{ StartLine, StartColumn, EndLine, EndColumn int }
		}
		LogicalLocations []struct{ FullyQualifiedName string }
	}
	PartialFingerprints map[string]string
	Properties          struct{ Was string }
}

type run struct {
	Tool struct {
		Driver struct {
			Rules []struct {
				ID   string
				Help struct{ Text, Markdown string }
			}
		}
	}
	AutomationDetails struct{ ID string }
	Results           []result
	Invocations       []struct {
		ExecutionSuccessful        bool
		ToolExecutionNotifications []struct {
			Descriptor struct{ ID string }
			Level      string
			Message    struct{ Text string }
		}
	}
}

func sarif(t *testing.T, r *report.Report) run {
	t.Helper()
	var log struct{ Runs []run }
	if err := json.Unmarshal(write(t, r, ".sarif"), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || len(log.Runs[0].Invocations) != 1 {
		t.Fatalf("%d runs", len(log.Runs))
	}
	return log.Runs[0]
}

// notices returns the messages of a run's notifications on something.
func (r run) notices(about string) []string {
	var texts []string
	for _, n := range r.Invocations[0].ToolExecutionNotifications {
		if n.Descriptor.ID == about {
			texts = append(texts, n.Level+": "+n.Message.Text)
		}
	}
	return texts
}

// TestSARIF holds results against findings: what fails, is unknown or is waived has one
// that says so, and nothing else has.
func TestSARIF(t *testing.T) {
	r := reviewed()
	got := sarif(t, r)
	results := map[string]result{}
	for _, res := range got.Results {
		results[res.PartialFingerprints["primaryLocationLineHash"]] = res
	}
	waivers := map[string]report.Waiver{}
	for _, w := range r.Waivers {
		waivers[w.ID] = w
	}
	n := 0
	for f := range r.Findings.All() {
		res, ok := results[f.ID()]
		if f.Status == audit.Pass || f.Status == audit.NotApplicable {
			if ok {
				t.Errorf("%s, which is %s, has a result", f.Resource, f.Status)
			}
			continue
		}
		n++
		if !ok || res.RuleID != f.Rule {
			t.Fatalf("%s of %q has no result", f.Rule, f.Resource)
		}
		want := result{Level: map[audit.Severity]string{audit.Low: "note", audit.Medium: "warning", audit.High: "error", audit.Critical: "error"}[f.Severity]}
		want.BaselineState = map[audit.Change]string{audit.Appeared: "new", audit.Same: "unchanged", audit.Altered: "updated", audit.NotComparable: "new", "": "new"}[f.Change]
		if f.Status == audit.Unknown {
			want.Kind, want.Level = "open", ""
		}
		if res.Kind != want.Kind || res.Level != want.Level || res.BaselineState != want.BaselineState {
			t.Errorf("%s of %q, which is %s and %s, is of kind %q, level %q and %q", f.Rule, f.Resource, f.Status, f.Change, res.Kind, res.Level, res.BaselineState)
		}
		if res.Suppressions == nil || len(*res.Suppressions) != map[bool]int{true: 1}[f.Waiver != ""] {
			t.Fatalf("%s of %q, whose waiver is %q, has suppressions %v", f.Rule, f.Resource, f.Waiver, res.Suppressions)
		}
		if f.Waiver != "" {
			s := (*res.Suppressions)[0]
			if s.Kind != "external" || s.Status != "accepted" || !strings.Contains(s.Justification, "until 2027-03-31 (") && waivers[f.Waiver].State == report.WaiverActive {
				t.Errorf("a suppression %v", s)
			}
		}
		if strings.Contains(res.Message.Text, "](") || strings.Contains(res.Message.Text, "{0") {
			t.Errorf("a message has a link or a placeholder: %q", res.Message.Text)
		}
		if f.Status == audit.Unknown && f.Severity == audit.High && !strings.Contains(res.Message.Text, "(missing permission compute.routers.list)") {
			t.Errorf("the message does not name the permission: %q", res.Message.Text)
		}
	}
	if len(results) != n || len(got.Results) != n {
		t.Errorf("%d results with %d fingerprints, want %d", len(got.Results), len(results), n)
	}
	if got.Invocations[0].ExecutionSuccessful {
		t.Error("an incomplete audit is called successful")
	}
	if n := len(got.notices("gap")); n != len(r.Gaps) {
		t.Errorf("%d gaps are told, want %d", n, len(r.Gaps))
	}
	if n := len(got.notices("missing")); n != len(r.Scope.Missing) {
		t.Errorf("%d missing parts are told, want %d", n, len(r.Scope.Missing))
	}
	if want := []string{"note: 30 findings are resolved since the baseline of 2026-11-01 08:00:00 UTC."}; !slices.Equal(got.notices("resolved"), want) {
		t.Errorf("of what is resolved is told %q, want %q", got.notices("resolved"), want)
	}
	if n := len(got.notices("baseline")); n != len(r.Baseline.Notes) {
		t.Errorf("%d notes on the baseline are told, want %d", n, len(r.Baseline.Notes))
	}
	if n := len(got.notices("waiver")); n != 1 {
		t.Errorf("%d waivers are told, want the expired one", n)
	}
	if n := len(got.notices("cut")); n != 0 {
		t.Errorf("%v", got.notices("cut"))
	}
}

// TestSARIFLimits has more findings than code scanning takes. The most severe are kept,
// what fails before what is unknown, and what is waived last; the run says how many are
// not there.
func TestSARIFLimits(t *testing.T) {
	many := func(size int, counts map[string]int) *report.Report {
		r := reviewed()
		r.Findings, r.Baseline = report.Findings{}, nil
		text := strings.Repeat("漢字", size/2)
		i := 0
		for _, kind := range slices.Backward(slices.Sorted(maps.Keys(counts))) { // the worst come last
			for range counts[kind] {
				f := audit.Finding{Cluster: "projects/p/locations/l/clusters/" + fmt.Sprint(i), Resource: "x", Message: text}
				i++
				word, severity, _ := strings.Cut(kind, " ")
				f.Severity = audit.Severity(1 + slices.Index(audit.Severities, severity))
				f.Rule = r.Rules[4-f.Severity].ID
				switch word {
				case "fail":
					f.Status = audit.Fail
				case "waived":
					f.Status, f.Waiver = audit.Fail, r.Waivers[1].ID
				}
				r.Findings.Add(f)
			}
		}
		return r
	}
	kinds := func(r *report.Report, got run) map[string]int {
		severities := map[string]string{}
		for _, rule := range r.Rules {
			severities[rule.ID] = rule.Severity.String()
		}
		n := map[string]int{}
		for _, res := range got.Results {
			word := "fail"
			if res.Kind == "open" {
				word = "unknown"
			} else if len(*res.Suppressions) > 0 {
				word = "waived"
			}
			n[word+" "+severities[res.RuleID]]++
		}
		return n
	}
	for _, test := range []struct{ has, want map[string]int }{
		{map[string]int{"fail critical": 2000, "unknown critical": 1000, "fail high": 1999, "unknown high": 30000, "fail low": 9, "waived critical": 9},
			map[string]int{"fail critical": 2000, "unknown critical": 1000, "fail high": 1999, "unknown high": 1}},
		{map[string]int{"fail low": 4990, "unknown low": 5, "waived critical": 3, "waived high": 9}, map[string]int{"fail low": 4990, "unknown low": 5, "waived critical": 3, "waived high": 2}},
		{map[string]int{"fail low": 5000}, map[string]int{"fail low": 5000}},
		{map[string]int{"waived low": 5001}, map[string]int{"waived low": 5000}},
	} {
		r := many(0, test.has)
		got := sarif(t, r)
		if diff := cmp.Diff(test.want, kinds(r, got)); diff != "" {
			t.Errorf("of %v others are kept (-want +got):\n%s", test.has, diff)
		}
		left := r.Findings.Len() - len(got.Results)
		notices := got.notices("cut")
		if left == 0 && len(notices) == 0 {
			continue
		}
		if len(notices) != 1 || !strings.HasPrefix(notices[0], fmt.Sprintf("warning: %d finding", left)) {
			t.Errorf("%d are left out, and told is %q", left, notices)
		}
	}
	// Long texts: the file stays below 10 MB, and what is left out is the least severe.
	r := many(10_000, map[string]int{"fail low": 4000, "fail high": 900})
	r.Baseline = &report.Baseline{}
	changed := r.Findings
	r.Findings = report.Findings{}
	for f := range changed.All() {
		f.Change, f.Was = audit.Altered, f.Message
		r.Findings.Add(f)
	}
	out := write(t, r, ".sarif")
	got := sarif(t, r)
	if was := got.Results[0].Properties.Was; utf8.RuneCountInString(was) != 1024 || !strings.HasSuffix(was, "…") {
		t.Errorf("%d characters of what a finding was, want 1024 with a mark that there are more", utf8.RuneCountInString(was))
	}
	n := kinds(r, got)
	if len(out) > 10_500_000 || n["fail high"] != 900 || n["fail low"] == 0 || n["fail low"] == 4000 {
		t.Errorf("%d bytes with %v", len(out), n)
	}
	if want := fmt.Sprintf("warning: %d findings are not in this file", 4900-len(got.Results)); len(got.notices("cut")) != 1 || !strings.HasPrefix(got.notices("cut")[0], want) {
		t.Errorf("told is %q, want %q", got.notices("cut"), want)
	}
}

// TestSARIFCategory: alerts are closed by a later file of the same category, so that of
// another scope or profile is another, and that of the same is the same.
func TestSARIFCategory(t *testing.T) {
	category := func(change func(r *report.Report)) string {
		r := load(t, filepath.Join(folder, "review.json"))
		change(r)
		id := sarif(t, r).AutomationDetails.ID
		return id[:strings.LastIndex(id, "/")]
	}
	first := category(func(*report.Report) {})
	for name, change := range map[string]func(r *report.Report){
		"later":     func(r *report.Report) { r.StartedAt = r.StartedAt.Add(time.Hour) },
		"read then": func(r *report.Report) { r.Scope.ReadAt = r.Scope.ReadAt.Add(time.Hour) },
	} {
		if got := category(change); got != first {
			t.Errorf("%s: %s, want %s", name, got, first)
		}
	}
	for name, change := range map[string]func(r *report.Report){
		"project":  func(r *report.Report) { r.Scope.Projects = []string{"another"} },
		"location": func(r *report.Report) { r.Scope.Locations = []string{"europe-west4"} },
		"profile":  func(r *report.Report) { r.Settings.Profile = "all" },
		"shard":    func(r *report.Report) { r.Scope.Shard = &audit.Shard{Index: 1, Count: 2} },
		"severity": func(r *report.Report) { r.Scope.LeastSeverity = "high" },
	} {
		if got := category(change); got == first {
			t.Errorf("of another %s the category is the same", name)
		}
	}
	found := func(projects ...string) func(r *report.Report) {
		return func(r *report.Report) {
			r.Scope.Organizations, r.Scope.Discovery, r.Scope.Projects = []string{"1"}, &audit.Discovery{}, projects
		}
	}
	if category(found("a")) != category(found("a", "b")) {
		t.Error("a new project makes another category of an organization")
	}
}

// TestJUnit counts cases and reads what they say.
func TestJUnit(t *testing.T) {
	type outcome struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string   `xml:"name,attr"`
				Class   string   `xml:"classname,attr"`
				Skipped *string  `xml:"skipped"`
				Error   *outcome `xml:"error"`
				Failure *outcome `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	r := reviewed()
	if err := xml.Unmarshal(write(t, r, ".xml"), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Suites) != len(r.Clusters)+1 {
		t.Fatalf("%d suites, want one for each of %d clusters and one for gaps", len(got.Suites), len(r.Clusters))
	}
	for i, s := range got.Suites[:len(r.Clusters)] {
		if len(s.Cases) != len(r.Rules) {
			t.Fatalf("%d cases in %s", len(s.Cases), s.Name)
		}
		for k, c := range s.Cases {
			if c.Name != r.Rules[k].ID || c.Class != s.Name {
				t.Errorf("case %s of %s", c.Name, c.Class)
			}
		}
		critical, high, medium, low := s.Cases[0], s.Cases[1], s.Cases[2], s.Cases[3]
		if critical.Failure == nil || critical.Error != nil || critical.Skipped != nil || !strings.HasPrefix(critical.Failure.Message, "FAIL: cluster: what is: ") {
			t.Errorf("what fails: %+v", critical)
		}
		if high.Error == nil || high.Failure != nil || !strings.Contains(high.Error.Message, "(missing permission compute.routers.list)") {
			t.Errorf("what is unknown: %+v", high)
		}
		if medium.Skipped == nil || !strings.HasPrefix(*medium.Skipped, "WAIVED: ") || i > 0 && !strings.Contains(*medium.Skipped, " until 2027-03-31 (") {
			t.Errorf("what is waived: %+v", medium)
		}
		switch i % 3 {
		case 0:
			if low.Skipped != nil || low.Error != nil || low.Failure != nil {
				t.Errorf("what passes: %+v", low)
			}
		case 1:
			if low.Skipped == nil || !strings.HasPrefix(*low.Skipped, "NOT APPLICABLE: ") {
				t.Errorf("what does not apply: %+v", low)
			}
		case 2:
			if low.Failure == nil || !strings.HasSuffix(low.Failure.Message, "; 1 unknown") || !strings.Contains(low.Failure.Text, "\nUNKNOWN ") {
				t.Errorf("one fails and one is unknown: %+v", low)
			}
		}
	}
	last := got.Suites[len(r.Clusters)]
	for _, c := range last.Cases {
		if c.Error == nil {
			t.Errorf("%s could not be read, and is no error", c.Name)
		}
	}
	n, lows := len(r.Clusters), len(r.Clusters)/3
	rest := len(r.Gaps) + len(r.Scope.Missing)
	if got.Tests != 4*n+rest || got.Failures != n+lows || got.Errors != n+rest || len(last.Cases) != rest {
		t.Errorf("%d tests, %d failures, %d errors of %d clusters and %d things that could not be read", got.Tests, got.Failures, got.Errors, n, rest)
	}
}

// TestJUnitLimits has more cases than a pipeline shows. The worst are kept, as in SARIF,
// those that pass or do not apply last, and a case says what is left out: it is an error
// if some of that fails or is unknown.
func TestJUnitLimits(t *testing.T) {
	type suite struct {
		Name  string `xml:"name,attr"`
		Tests int    `xml:"tests,attr"`
		Cases []struct {
			Skipped *string   `xml:"skipped"`
			Failure *struct{} `xml:"failure"`
			Error   *struct {
				Message string `xml:"message,attr"`
			} `xml:"error"`
		} `xml:"testcase"`
	}
	for _, test := range []struct {
		counts [5]int // clusters where the critical rule fails, the high one is unknown, the medium one is waived, and the low one passes or does not apply
		kept   map[string]int
		left   string
		open   bool
	}{
		{[5]int{1000, 1000, 1000, 1000, 999}, map[string]int{"fail": 1000, "unknown": 1000, "waived": 1000, "pass": 1000, "not-applicable": 999}, "", false},
		{[5]int{1000, 1000, 1000, 2000, 1}, map[string]int{"fail": 1000, "unknown": 1000, "waived": 1000, "pass": 2000}, "1 case is left out of this file: 1 not applicable.", false},
		{[5]int{3000, 1500, 1000, 9, 8}, map[string]int{"fail": 3000, "unknown": 1500, "waived": 500}, "517 cases are left out of this file: 500 waived, 9 pass, 8 not applicable.", false},
		{[5]int{3000, 3000, 7, 0, 0}, map[string]int{"fail": 3000, "unknown": 2000}, "1007 cases are left out of this file: 1000 unknown, 7 waived.", true},
		{[5]int{6000, 1, 0, 0, 0}, map[string]int{"fail": 5000}, "1001 cases are left out of this file: 1000 fail, 1 unknown.", true},
	} {
		r := reviewed()
		r.Findings, r.Clusters, r.Gaps, r.Scope.Missing, r.Summary.LeftOut = report.Findings{}, nil, nil, nil, 0
		i := 0
		for kind := len(test.counts) - 1; kind >= 0; kind-- { // the worst come last
			for range test.counts[kind] {
				name := fmt.Sprintf("projects/p/locations/l/clusters/c%05d", i)
				i++
				r.Clusters = append(r.Clusters, report.Cluster{Name: name, Project: "p", Location: "l"})
				f := audit.Finding{Cluster: name, Resource: name, Rule: r.Rules[min(kind, 3)].ID, Severity: r.Rules[min(kind, 3)].Severity, Message: "m"}
				f.Status = []audit.Status{audit.Fail, audit.Unknown, audit.Fail, audit.Pass, audit.NotApplicable}[kind]
				if kind == 2 {
					f.Waiver = r.Waivers[1].ID
				}
				r.Findings.Add(f)
			}
		}
		var got struct {
			Tests    int     `xml:"tests,attr"`
			Failures int     `xml:"failures,attr"`
			Errors   int     `xml:"errors,attr"`
			Suites   []suite `xml:"testsuite"`
		}
		if err := xml.Unmarshal(write(t, r, ".xml"), &got); err != nil {
			t.Fatal(err)
		}
		kept, cases, failures, errors, left := map[string]int{}, 0, 0, 0, ""
		for _, s := range got.Suites {
			if s.Tests != len(s.Cases) || s.Tests == 0 {
				t.Errorf("%s is of %d tests, and has %d", s.Name, s.Tests, len(s.Cases))
			}
			cases += len(s.Cases)
			for _, c := range s.Cases {
				if c.Failure != nil {
					failures++
				}
				if c.Error != nil {
					errors++
				}
				switch {
				case s.Name == "left out of this file" && c.Error != nil:
					left = strings.TrimPrefix(c.Error.Message, "UNKNOWN: ")
				case s.Name == "left out of this file":
					left = *c.Skipped
				case c.Failure != nil:
					kept["fail"]++
				case c.Error != nil:
					kept["unknown"]++
				case c.Skipped == nil:
					kept["pass"]++
				case strings.HasPrefix(*c.Skipped, "WAIVED: "):
					kept["waived"]++
				default:
					kept["not-applicable"]++
				}
			}
		}
		if diff := cmp.Diff(test.kept, kept); diff != "" {
			t.Errorf("%v: kept are (-want +got):\n%s", test.counts, diff)
		}
		want := test.left
		if want != "" {
			want += " The JSON report has them all."
		}
		if left != want || (errors > kept["unknown"]) != test.open {
			t.Errorf("%v: it says %q, want %q, as an error: %v", test.counts, left, want, test.open)
		}
		if got.Tests != cases || got.Failures != failures || got.Errors != errors {
			t.Errorf("%v: it counts %d tests, %d failures, %d errors, and has %d, %d, %d", test.counts, got.Tests, got.Failures, got.Errors, cases, failures, errors)
		}
	}
}

// TestJUnitGaps has more that could not be read than anybody looks through.
func TestJUnitGaps(t *testing.T) {
	r := load(t, filepath.Join(folder, "review.json"))
	r.Gaps = nil
	for i := range 502 {
		r.Gaps = append(r.Gaps, audit.Gap{Project: "p", Resource: fmt.Sprintf("projects/p%03d/locations/-/clusters", i), Operation: "list", Code: "PERMISSION_DENIED", Message: "no"})
	}
	text := string(write(t, r, ".xml"))
	hasAll(t, "the report", text, `name="projects/p499/locations/-/clusters list"`, `name="others"`, "2 other things could not be read, too")
	hasNone(t, "the report", text, `name="projects/p500/locations/-/clusters list"`)
}

// TestRows holds the flat formats against each other, and the table's schema against
// both: the columns are the same, and a row says the same in each.
func TestRows(t *testing.T) {
	var schema []struct{ Name, Type, Mode, Description string }
	raw, err := os.ReadFile("ndjson.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	r := reviewed()
	lines, err := csv.NewReader(bytes.NewReader(write(t, r, ".csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range schema {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff(names, lines[0]); diff != "" {
		t.Errorf("the columns differ (-schema +csv):\n%s", diff)
	}
	// These are released: they stay where they are.
	if want := strings.Fields("kind id status severity rule title project location cluster resource message evidence permission change first_seen waiver waiver_owner waiver_reason waiver_ticket waiver_expires controls reference read_at audited_at audit_complete tool_version"); !slices.Equal(names[:min(len(names), len(want))], want) {
		t.Errorf("columns are %v, and have to begin with %v", names, want)
	}
	i := 0
	counts := map[string]int{}
	for line := range strings.Lines(string(write(t, r, ".ndjson"))) {
		i++
		row := map[string]any{}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		counts[fmt.Sprint(row["kind"], " ", row["status"])]++
		for k, c := range schema {
			value, there := row[c.Name]
			delete(row, c.Name)
			if !there && c.Mode == "REQUIRED" {
				t.Errorf("row %d has no %s", i, c.Name)
			}
			if _, isBool := value.(bool); there && isBool != (c.Type == "BOOLEAN") {
				t.Errorf("row %d: %s is %v, and of type %s", i, c.Name, value, c.Type)
			}
			if !there {
				value = ""
			}
			if got := strings.ReplaceAll(lines[i][k], "'", ""); got != strings.ReplaceAll(fmt.Sprint(value), "'", "") {
				t.Errorf("row %d: %s is %q in CSV, and %q", i, c.Name, lines[i][k], value)
			}
		}
		if len(row) > 0 {
			t.Errorf("row %d has %v, of which the schema says nothing", i, row)
		}
	}
	want := map[string]int{
		"finding fail": r.Summary.Fail, "finding waived": r.Summary.Waived, "finding unknown": r.Summary.Unknown, "finding pass": r.Summary.Pass,
		"finding not-applicable": r.Summary.NotApplicable, "gap unknown": len(r.Gaps), "missing unknown": len(r.Scope.Missing), "resolved resolved": len(r.Baseline.Resolved),
	}
	if diff := cmp.Diff(want, counts); diff != "" || len(lines) != i+1 {
		t.Errorf("%d lines of CSV, and rows differ (-want +got):\n%s", len(lines), diff)
	}
}

// TestFormulas: no cell is left that a spreadsheet takes for a formula, be lines split at
// commas, semicolons or tabs.
func TestFormulas(t *testing.T) {
	r := reviewed()
	out := string(write(t, r, ".csv"))
	apostrophes := 0
	for _, comma := range []rune{',', ';', '\t'} {
		reader := csv.NewReader(strings.NewReader(out))
		reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = comma, true, -1
		lines, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			for _, cell := range line {
				bare := strings.TrimLeft(cell, ` "`)
				if bare != "" && strings.ContainsAny(bare[:1], "=+-@\t\r") || strings.HasPrefix(bare, "＝") {
					t.Errorf("split at %q, a cell is %q", comma, cell)
				}
				if strings.HasPrefix(bare, "'=") {
					apostrophes++
				}
			}
		}
	}
	if apostrophes == 0 {
		t.Error("no formula was tried")
	}
	if !strings.HasSuffix(out, "\r\n") || strings.Count(out, "\n") != strings.Count(out, "\r\n") {
		t.Error("a line does not end in CR LF")
	}
}

// TestOCSF holds events against findings: a pass is what passes and nothing else.
func TestOCSF(t *testing.T) {
	type event struct {
		ActivityID int `json:"activity_id"`
		SeverityID int `json:"severity_id"`
		StatusID   int `json:"status_id"`
		Time       int64
		Info       struct {
			UID       string
			FirstSeen int64 `json:"first_seen_time"`
		} `json:"finding_info"`
		Compliance struct {
			StatusID int `json:"status_id"`
		}
		StatusDetail string `json:"status_detail"`
	}
	r := reviewed()
	events := map[string]event{}
	n := 0
	for line := range strings.Lines(string(write(t, r, ".ocsf.jsonl"))) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		events[e.Info.UID] = e
		n++
	}
	if n != len(events) {
		t.Errorf("%d events have %d IDs", n, len(events))
	}
	resolved := map[string]bool{}
	for _, f := range r.Baseline.Resolved {
		resolved[f.ID()] = true
	}
	for f := range r.Findings.All() {
		e, ok := events[f.ID()]
		if !ok {
			t.Fatalf("%s of %q has no event", f.Rule, f.Resource)
		}
		delete(events, f.ID())
		want := event{ActivityID: 1, SeverityID: int(f.Severity) + 1, StatusID: 1, Time: r.FinishedAt.UnixMilli()}
		want.Info.UID = f.ID()
		want.Compliance.StatusID = map[audit.Status]int{audit.Unknown: 2, audit.Pass: 1, audit.Fail: 3, audit.NotApplicable: 99}[f.Status]
		if f.Change == audit.Same || f.Change == audit.Altered {
			want.ActivityID = 2
		}
		if f.Status == audit.Pass || f.Status == audit.NotApplicable {
			want.SeverityID, want.StatusID = 1, 0
		}
		if f.Waiver != "" {
			want.StatusID = 3
			if !strings.HasPrefix(e.StatusDetail, "waived by ") {
				t.Errorf("of a waiver is said %q", e.StatusDetail)
			}
		}
		if resolved[f.ID()] {
			want.ActivityID, want.StatusID = 3, 4
		}
		if !f.FirstSeen.IsZero() {
			want.Info.FirstSeen = f.FirstSeen.UnixMilli()
		}
		e.StatusDetail = ""
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%s of %q (-want +got):\n%s", f.Rule, f.Resource, diff)
		}
	}
	warnings, closed := 0, 0
	for _, e := range events {
		switch {
		case e.Compliance.StatusID == 2 && e.StatusID == 1:
			warnings++
		case e.Compliance.StatusID == 99 && e.StatusID == 4 && e.ActivityID == 3:
			closed++
		}
	}
	if warnings != len(r.Gaps)+len(r.Scope.Missing) || closed != len(hostile) || warnings+closed != len(events) {
		t.Errorf("%d warnings of what could not be read, %d closed, %d in all", warnings, closed, len(events))
	}
}

// TestMachinesNoControls looks through the hostile report for what a terminal might obey.
func TestMachinesNoControls(t *testing.T) {
	for _, extension := range machines {
		out := strings.ReplaceAll(string(write(t, reviewed(), extension)), "\r\n", "\n")
		if i := strings.IndexFunc(out, func(c rune) bool { return c != '\n' && dangerous(c) }); i >= 0 {
			t.Errorf("%s: %q", extension, around([]byte(out), i))
		}
	}
}
