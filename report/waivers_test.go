package report_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
)

func TestFitsGlob(t *testing.T) {
	const pool = "projects/shop-prod/locations/europe-west4/clusters/web/nodePools/main"
	for _, test := range []struct {
		glob, name string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"*", "", true},
		{"*", "abc", true},
		{"*", "a/b", false},
		{"**", "a/b", true},
		{"***", "a/b", true},
		{"private-*", "private-nodes", true},
		{"private-*", "node-private", false},
		{"*-nodes", "private-nodes-nodes", true},
		{"a?", "ab", false}, // no other character is special
		{"[a]", "a", false},
		{pool, pool, true},
		{"projects/shop-prod/**", pool, true},
		{"projects/shop-*/locations/*/clusters/web/nodePools/*", pool, true},
		{"projects/*/locations/*/clusters/web", pool, false},
		{"projects/*/clusters/web", "projects/shop-prod/locations/europe-west4/clusters/web", false},
		{"**/nodePools/m*n", pool, true},
		{"**/clusters/*b/**", pool, true},
		{"**/clusters/*x/**", pool, false},
		{"**a*b/c**d", "a/axb/c/c/xd", true},
		{"projects/shop-prod", pool, false},
	} {
		if got := report.FitsGlob(test.glob, test.name); got != test.want {
			t.Errorf("%q on %q: got %t, want %t", test.glob, test.name, got, test.want)
		}
	}
}

// FuzzFitsGlob holds globs against the regular expressions that say the same.
func FuzzFitsGlob(f *testing.F) {
	f.Add("projects/*/**/x*", "projects/a/b/x")
	f.Add("**a*b*c", "a/ab/abc")
	f.Add("*a/b*", "xa/ba/b")
	f.Fuzz(func(t *testing.T, glob, name string) {
		if len(glob) > 50 || len(name) > 200 {
			return
		}
		pattern := regexp.MustCompile(`\\\*\\\*(\\\*)*|\\\*`).ReplaceAllStringFunc(regexp.QuoteMeta(glob), func(stars string) string {
			if stars == `\*` {
				return `[^/]*`
			}
			return `.*`
		})
		same, err := regexp.Compile(`(?s)^(?:` + pattern + `)$`)
		if err != nil {
			return // it is no UTF-8
		}
		if strings.ToValidUTF8(name, "") != name {
			return
		}
		if got, want := report.FitsGlob(glob, name), same.MatchString(name); got != want {
			t.Errorf("%q on %q: got %t, want %t", glob, name, got, want)
		}
	})
}

// TestWaiving applies one waiver at a time to a report of 2 November 2026, of which three
// findings fail and one is unknown.
func TestWaiving(t *testing.T) {
	r := load(t, filepath.Join(folder, "review.json"))
	const till = "projects/shop-prod/locations/europe-west1-b/clusters/till"
	for _, test := range []struct {
		name                    string
		rule, resource, finding string
		expires                 string

		state           string
		findings, fails int
		broad           string
	}{
		{"a cluster, and so its node pools", "*-nodes", till, "", "2027-01-31", "active", 1, 2, ""},
		{"a node pool", "private-nodes", till + "/nodePools/default-pool", "", "2027-01-31", "active", 1, 2, ""},
		{"one finding of two", "*", till + "/**", "32c0dda1625bb86fe23f35cbc796fb5f", "2027-01-31", "active", 1, 2, ""},
		{"on the last day", "private-nodes", "**/till", "", "2026-11-02", "active", 1, 2, ""},
		{"the day after", "private-nodes", "**/till", "", "2026-11-01", "expired", 1, 3, ""},
		{"what is unknown", "cloud-nat", "projects/shop-data/**", "", "2027-01-31", "unused", 0, 3, ""},
		{"what passes", "private-nodes", "projects/shop-data/**", "", "2027-01-31", "unused", 0, 3, ""},
		{"another cluster", "private-nodes", "**/clusters/til", "", "2027-01-31", "unused", 0, 3, ""},
		{"another rule", "private-node", "**/till", "", "2027-01-31", "unused", 0, 3, ""},
		{"every rule", "*", "projects/shop-prod/**", "", "2027-01-31", "active", 3, 0, "it is for every rule"},
		{"every cluster", "private-nodes", "projects/*/locations/**", "", "2027-01-31", "active", 1, 2, "it is for every project"},
		{"all there is", "**", "**", "", "2027-01-31", "active", 3, 0, "it is for every rule, and it is for every project"},
	} {
		w := report.Waiver{Rule: test.rule, Resource: test.resource, Finding: test.finding, Owner: "o", Reason: "r", Ticket: "t", Expires: test.expires}
		got, err := r.Waiving([]report.Waiver{w})
		if err != nil {
			t.Fatal(err)
		}
		want := w
		want.ID, want.State, want.Findings, want.Broad = w.WaiverID(), test.state, test.findings, test.broad
		if diff := cmp.Diff([]report.Waiver{want}, got.Waivers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		waived := 0
		for f := range got.Findings.All() {
			if f.Waiver != "" {
				waived++
				if f.Status != audit.Fail || f.Waiver != want.ID {
					t.Errorf("%s: waived is %+v", test.name, f)
				}
			}
		}
		if s := got.Summary; s.Fail != test.fails || s.Fail+s.Waived != 3 || s.Waived != waived || s.Unknown != 1 || s.Failing["high"] != test.fails || got.Complete {
			t.Errorf("%s: %d are waived, and the summary is %+v", test.name, waived, s)
		}
		if got.FailsAt(audit.Low) != (test.fails > 0) {
			t.Errorf("%s: the report fails: %t", test.name, got.FailsAt(audit.Low))
		}
		if _, err := report.Read(bytes.NewReader(write(t, got, ".report.json"))); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if r.Summary.Fail != 3 || r.Waivers != nil {
		t.Error("the report itself has changed")
	}
}

// TestWaivingAgain puts other waivers, and then none, in place of those that there are.
func TestWaivingAgain(t *testing.T) {
	plain, waived := load(t, filepath.Join(folder, "review.json")), load(t, filepath.Join(folder, "waived.json"))
	again, err := plain.Waiving([]report.Waiver{{Rule: "*", Resource: "**", Owner: "o", Reason: "r", Ticket: "t", Expires: "2027-01-31"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		from, want *report.Report
		waivers    []report.Waiver
	}{
		{again, waived, waived.Waivers},
		{again, plain, nil},
		{waived, waived, slices.Concat(waived.Waivers, waived.Waivers)}, // each counts once
	} {
		got, err := test.from.Waiving(test.waivers)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(write(t, test.want, ".report.json")), string(write(t, got, ".report.json"))); diff != "" {
			t.Errorf("differs (-want +got):\n%s", diff)
		}
	}
	demo := load(t, "../cmd/gkeaudit/demo.json").LeavingOut(audit.Critical)
	if _, err := demo.Waiving(nil); err == nil || !strings.Contains(err.Error(), "leaves out findings below severity critical") {
		t.Errorf("of a report that leaves findings out: got error %v", err)
	}
}

// TestWaivedLeftOut leaves waived findings out for their severity: they stay counted, and
// so do their waivers.
func TestWaivedLeftOut(t *testing.T) {
	r := load(t, filepath.Join(folder, "waived.json")).LeavingOut(audit.Critical)
	if s := r.Summary; s.Waived != 2 || s.LeftOut != r.Summary.Pass+s.Fail+s.Waived+s.Unknown+s.NotApplicable {
		t.Errorf("the summary is %+v", s)
	}
	back, err := report.Read(bytes.NewReader(write(t, r, ".report.json")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Waivers, back.Waivers); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

// TestLongestWaiver gives a finding two waivers: it is shown with the one that lasts.
func TestLongestWaiver(t *testing.T) {
	r := load(t, filepath.Join(folder, "review.json"))
	w := report.Waiver{Rule: "private-nodes", Resource: "**/till", Owner: "o", Reason: "r", Ticket: "t"}
	var waivers []report.Waiver
	for _, day := range []string{"2026-12-01", "2026-10-01", "2027-01-01", "2026-12-31"} {
		w.Expires = day
		waivers = append(waivers, w)
	}
	r, err := r.Waiving(waivers)
	if err != nil {
		t.Fatal(err)
	}
	for f := range r.Findings.All() {
		if f.Waiver != "" && f.Waiver != waivers[2].WaiverID() {
			t.Errorf("%s has the waiver %s", f.Rule, f.Waiver)
		}
	}
	states := map[string]string{}
	for _, w := range r.Waivers {
		states[w.Expires] = w.State
	}
	want := map[string]string{"2026-10-01": "expired", "2026-12-01": "active", "2026-12-31": "active", "2027-01-01": "active"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWaivingByTheDayOfTheStart waives in reports of audits over midnight: whether a waiver
// holds, how it is counted and what is said of it are all of the day on which the audit
// began.
func TestWaivingByTheDayOfTheStart(t *testing.T) {
	for _, test := range []struct {
		expires, state, says string
		waived               bool
	}{
		{"2026-11-29", report.WaiverExpired, "expired on 2026-11-29", false},
		{"2026-11-30", report.WaiverActive, "ends today, on 2026-11-30", true},
		{"2026-12-01", report.WaiverActive, "ends in 1 day, on 2026-12-01", true},
	} {
		r := *load(t, filepath.Join(folder, "review.json"))
		r.StartedAt = time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
		r.FinishedAt = r.StartedAt.Add(2 * time.Minute)
		got, err := r.Waiving([]report.Waiver{{Rule: "*", Resource: "**", Owner: "o", Reason: "r", Ticket: "t", Expires: test.expires}})
		if err != nil {
			t.Fatal(err)
		}
		if w := got.Waivers[0]; w.State != test.state || got.Summary.Waived > 0 != test.waived {
			t.Errorf("until %s: %s, %d waived", test.expires, w.State, got.Summary.Waived)
		}
		text := string(write(t, got, ".80.txt"))
		if !strings.Contains(text, test.says) || !strings.Contains(text, "1 "+test.state) {
			t.Errorf("until %s, the report is not of %q, %q:\n%s", test.expires, test.says, test.state, text)
		}
		if _, err := report.Read(bytes.NewReader(write(t, got, ".report.json"))); err != nil {
			t.Errorf("until %s: %v", test.expires, err)
		}
	}
}

func TestBreadth(t *testing.T) {
	for _, test := range []struct {
		rule, resource, finding string
		findings                int
		want                    string
	}{
		{"private-nodes", "projects/shop-prod/**", "", 50, ""},
		{"private-nodes", "projects/shop-prod/**", "", 51, "it is for 51 findings"},
		{"*", "projects/shop-prod/**", "", 0, "it is for every rule"},
		{"*-*", "projects/shop-prod/**", "", 0, "it is for every rule"},
		{"*e*", "projects/shop-prod/**", "", 0, "it is for nearly every rule"},
		{"*nat*", "projects/shop-prod/**", "", 0, ""},
		{"private-nodes", "projects/*/locations/*-*/clusters/**", "", 0, "it is for every project"},
		{"private-nodes", "projects/**", "", 0, "it is for every project"},
		{"private-nodes", "projects/*/locations/*/clusters/*", "", 0, "it is for every project"},
		{"private-nodes", "**/nodePools/*", "", 0, "it is for every project"},
		{"private-nodes", "**/nodePools/default-pool", "", 0, ""},
		{"**", "**", "", 99, "it is for every rule, and it is for every project, and it is for 99 findings"},
		{"**", "**", "548490aadaa8ccd232d030fe161812f4", 1, ""},
	} {
		w := report.Waiver{Rule: test.rule, Resource: test.resource, Finding: test.finding}
		if got := w.Breadth(test.findings); got != test.want {
			t.Errorf("%s on %s, %d findings: got %q, want %q", test.rule, test.resource, test.findings, got, test.want)
		}
	}
}

func TestDaysLeft(t *testing.T) {
	day := time.Date(2027, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) // still 31 December in UTC
	for _, test := range []struct {
		expires  string
		left     int
		standing string
	}{
		{"2026-12-30", -1, "expired on 2026-12-30"},
		{"2026-12-31", 0, "ends today, on 2026-12-31"},
		{"2027-01-01", 1, "ends in 1 day, on 2027-01-01"},
		{"2027-01-30", 30, "ends in 30 days, on 2027-01-30"},
		{"2027-01-31", 31, "until 2027-01-31"},
		{"9999-12-31", 2912078, "until 9999-12-31"},
	} {
		w := report.Waiver{Expires: test.expires}
		if left, standing := w.DaysLeft(day), w.Standing(day); left != test.left || standing != test.standing || w.Ended(day) != (left < 0) {
			t.Errorf("%s: %d days, %s", test.expires, left, standing)
		}
	}
}

// TestMergeWaivers audits the sample estate in shards and as a whole, with waivers of which
// some are used in one shard, in several and in none.
func TestMergeWaivers(t *testing.T) {
	var waivers []report.Waiver
	for _, g := range []struct{ rule, resource, expires string }{
		{"private-nodes", "projects/shop-prod/**", "2027-01-31"},
		{"*", "**", "2026-11-10"},
		{"cloud-nat", "**", "2026-11-01"},
		{"authorized-networks", "projects/nowhere/**", "2027-01-31"},
	} {
		waivers = append(waivers, report.Waiver{Rule: g.rule, Resource: g.resource, Owner: "o", Reason: "r", Ticket: "t", Expires: g.expires})
	}
	whole, err := load(t, "../cmd/gkeaudit/demo.json").Waiving(waivers)
	if err != nil {
		t.Fatal(err)
	}
	var files []report.File
	for i := range 3 {
		r, err := loadShard(t, "../cmd/gkeaudit/demo.json", audit.Shard{Index: i, Count: 3}).Waiving(waivers)
		if err != nil {
			t.Fatal(err)
		}
		back, err := report.Read(bytes.NewReader(write(t, r, ".report.json")))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, report.File{Name: fmt.Sprint(i), Report: back})
	}
	slices.Reverse(files)
	merged, err := report.Merge(files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(write(t, whole, ".report.json")), string(write(t, merged, ".report.json"))); diff != "" {
		t.Errorf("the shards differ from the whole (-whole +shards):\n%s", diff)
	}
	if merged.Summary.Waived == 0 || merged.Summary.Fail != 0 || len(merged.Waivers) != 4 {
		t.Errorf("the shards together are of %+v", merged.Summary)
	}
}

func loadShard(t *testing.T, file string, sh audit.Shard) *report.Report {
	t.Helper()
	s := loadSnapshot(t, file)
	return judge(s.Narrow(sh.Of(s.Scope)))
}

// TestMergeOtherWaivers merges reports of different projects, of which one was given a
// waiver that would fit findings of the other.
func TestMergeOtherWaivers(t *testing.T) {
	s := loadSnapshot(t, "../cmd/gkeaudit/demo.json")
	var files []report.File
	for i, project := range []string{"shop-dev", "shop-prod"} {
		r := judge(s.Narrow(audit.Scope{Projects: []string{project}}))
		if i == 0 {
			var err error
			if r, err = r.Waiving([]report.Waiver{{Rule: "*", Resource: "projects/**", Owner: "o", Reason: "r", Ticket: "t", Expires: "2027-01-31"}}); err != nil {
				t.Fatal(err)
			}
		}
		files = append(files, report.File{Name: project, Report: r})
	}
	merged, err := report.Merge(files)
	if err != nil {
		t.Fatal(err)
	}
	if s := merged.Summary; s.Waived == 0 || s.Waived != files[0].Summary.Waived || s.Fail == 0 || s.Fail != files[1].Summary.Fail {
		t.Errorf("the summary is %+v", merged.Summary)
	}
	if _, err := report.Read(bytes.NewReader(write(t, merged, ".report.json"))); err != nil {
		t.Error(err)
	}
}

// TestReadWaivers changes what a report says of its waivers.
func TestReadWaivers(t *testing.T) {
	const id = "ea4060b1488a0021673f2119449aae02" // of authorized-networks, active
	text := string(write(t, load(t, filepath.Join(folder, "waived.json")), ".report.json"))
	for _, test := range []struct{ from, to, want string }{
		{`"waiver":"` + id + `"`, `"waiver":""`, "fail is 1, and should be 2"},
		{`,"waiver":"` + id + `"`, ``, "fail is 1, and should be 2"},
		{`"waiver":"` + id + `"`, `"waiver":"x"`, `is waived by "x", which is none of the waivers or does not fit it`},
		{`"waiver":"` + id + `"`, `"waiver":"8c3b17d6504814406f0089e92ce7a200"`, `is none of the waivers or does not fit it`},
		{`"status":"unknown",`, `"status":"unknown","waiver":"` + id + `",`, "findings[1] is waived and does not fail"},
		{`"status":"pass",`, `"status":"pass","waiver":"` + id + `",`, "is waived and does not fail"},
		{`"waived":2`, `"waived":3`, "waived is 3, and should be 2"},
		{`"waived":2,`, ``, "waived is 0, and should be 2"},
		{`"id":"` + id, `"id":"fa4060b1488a0021673f2119449aae02`, "and by what it says it is " + id},
		{`"owner":"team-till@example.com"`, `"owner":"someone@example.com"`, "has the id"},
		{`"owner":"team-till@example.com"`, `"owner":""`, "lacks its rule, resource, owner, reason or ticket"},
		{`"expires":"2026-11-20"`, `"expires":"2999-11-20"`, "has the id"},
		{`"expires":"2026-11-20"`, `"expires":"soon"`, `ends on "soon", which is no day`},
		{`"state":"expired"`, `"state":"active"`, `is called "active", and should be "expired"`},
		{`"state":"unused"`, `"state":"active"`, `is called "active", and should be "unused"`},
		{`"state":"unused"`, `"state":"used"`, `is called "used", and should be "unused"`},
		{`"expires":"2026-11-20","state":"active","findings":1`, `"expires":"2026-11-20","state":"unused","findings":0`, `which is unused`},
		{`"expires":"2026-11-20","state":"active","findings":1`, `"expires":"2026-11-20","state":"active","findings":-1`, `of -1 findings`},
		{`"expires":"2026-11-20","state":"active","findings":1`, `"expires":"2026-11-20","state":"active","findings":2`, `is of 2 findings, and there are 1`},
		{`"waivers": [`, `"others": [`, `which is none of the waivers`},
		{`"waivers": [`, `"waivers": [` + "\n    {},", `waivers[0] ends on ""`},
		{`"waivers": [`, `"waivers": "", "others": [`, `waivers: it is not a list`},
	} {
		if !strings.Contains(text, test.from) {
			t.Fatalf("the report has no %s", test.from)
		}
		_, err := report.Read(strings.NewReader(strings.Replace(text, test.from, test.to, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with %s: got error %v, want %q", test.to, err, test.want)
		}
	}
	lines := strings.Split(text, "\n")
	first := slices.Index(lines, `  "waivers": [`) + 1
	lines[first], lines[first+1] = lines[first+1], lines[first]
	if _, err := report.Read(strings.NewReader(strings.Join(lines, "\n"))); err == nil || !strings.Contains(err.Error(), "is listed twice or out of order") {
		t.Errorf("out of order: got error %v", err)
	}
}

// TestWaivedBenchmark waives what fails of a benchmark: it fails all the same.
func TestWaivedBenchmark(t *testing.T) {
	s := loadSnapshot(t, "../cmd/gkeaudit/demo.json")
	profile := rules.In("cis-gke-1.9")
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	r := report.New(s, profile, audit.Judge(audit.NewInput(s), profile), report.Options{
		Version: "1.2.3", StartedAt: start, Now: func() time.Time { return start }, Benchmarks: rules.BenchmarksOf("cis-gke-1.9"),
	})
	fails := regexp.MustCompile(`fails in \d+ of \d+ clusters`)
	before := fails.FindAllString(string(write(t, r, ".md")), -1)
	r, err := r.Waiving([]report.Waiver{{Rule: "*", Resource: "**", Owner: "o", Reason: "r", Ticket: "t", Expires: "2027-01-31"}})
	if err != nil {
		t.Fatal(err)
	}
	out := string(write(t, r, ".md"))
	if after := fails.FindAllString(out, -1); len(before) == 0 || !slices.Equal(before, after) {
		t.Errorf("before it says %q, and with waivers %q", before, after)
	}
	if n := strings.Count(out, ", with waived findings in "); n != len(before) {
		t.Errorf("%d of %d are said to be waived", n, len(before))
	}
}
