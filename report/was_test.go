package report_test

import (
	"bytes"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/report"
)

// told is what a finding was, as the tests have it.
const told = "severity low; the words of before"

// altered makes a report of which the findings that are open have changed, and were what a
// function says.
func altered(r *report.Report, was func(audit.Finding) string) *report.Report {
	old := *r
	old.StartedAt = r.StartedAt.AddDate(0, -1, 0)
	changed := *r.Since(report.File{Name: "then.json", Report: &old})
	findings := changed.Findings
	changed.Findings = report.Findings{}
	for f := range findings.All() {
		if f.Change == audit.Same {
			f.Change, f.Was = audit.Altered, was(f)
			changed.Baseline.Counts.Unchanged--
			changed.Baseline.Counts.Changed++
		}
		changed.Findings.Add(f)
	}
	return &changed
}

// TestWas looks for what findings were in every format, and finds it once for each finding,
// or for alike ones. Where an earlier program compared, the report does not say it and is
// written all the same.
func TestWas(t *testing.T) {
	r := altered(load(t, filepath.Join(folder, "review.json")), func(audit.Finding) string { return told })
	n := 0
	for f := range r.Findings.All() {
		if f.Change == audit.Altered {
			n++
		}
	}
	if n == 0 {
		t.Fatal("nothing has changed")
	}
	once := map[string]int{
		".report.json": n, ".md": n, ".csv": n, ".ndjson": n, ".sarif": n, ".ocsf.jsonl": n, ".xml": n,
		".200.txt": n, ".80.txt": 0, ".color.txt": 0, // the table says it where it is verbose
		".html": n, // in the lists of clusters, and by rule for alike findings
	}
	for extension, want := range once {
		out := string(write(t, r, extension))
		got := strings.Count(strings.Join(strings.Fields(out), " "), told)
		if extension == ".html" {
			got -= strings.Count(out, `<p class="soft">Was: <bdi>`+told+`</bdi></p>`)
		}
		if got != want {
			t.Errorf("%s says %d times what a finding was, want %d", extension, got, want)
		}
	}
	for _, format := range report.DiffFormats {
		var b bytes.Buffer
		if err := r.WriteDiff(&b, format, report.TableOptions{Width: 100}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(b.String(), told); got != n {
			t.Errorf("the comparison as %s says %d times what a finding was, want %d", format, got, n)
		}
	}

	earlier := strings.ReplaceAll(string(write(t, r, ".report.json")), `,"was":"`+told+`"`, "")
	back, err := report.Read(strings.NewReader(earlier))
	if err != nil {
		t.Fatal(err)
	}
	for extension := range formats {
		out := string(write(t, back, extension))
		if extension == ".csv" {
			out = strings.Replace(out, ",was\r\n", "\r\n", 1) // the column is there
		}
		for _, word := range []string{"was:", "Was:", `"was"`, ",was\r"} {
			if strings.Contains(out, word) {
				t.Errorf("%s of an earlier report says %s", extension, word)
			}
		}
	}
	if again := string(write(t, back, ".report.json")); again != earlier {
		t.Error("an earlier report, written again, is another")
	}
}

// TestHostileWas compares with a report that somebody wrote to do harm, and reads a report
// whose own words of what was are meant to.
func TestHostileWas(t *testing.T) {
	now := load(t, filepath.Join(folder, "review.json"))
	old := *now
	old.StartedAt, old.Tool.Version, old.Findings = old.StartedAt.AddDate(0, -1, 0), evil, report.Findings{}
	for f := range now.Findings.All() {
		f.Message = evil
		if f.Rule != "private-nodes" {
			f.Evidence = []audit.Evidence{{Resource: evil, Field: evil, Value: evil}}
		}
		old.Findings.Add(f)
	}
	then, err := old.Waiving([]report.Waiver{{Rule: "private-nodes", Resource: "projects/**", Owner: evil, Reason: evil, Ticket: evil, Expires: "2026-11-02"}})
	if err != nil {
		t.Fatal(err)
	}
	compared := now.Since(report.File{Name: evil, Report: then})
	for what, r := range map[string]*report.Report{"compared": compared, "written": altered(now, func(audit.Finding) string { return evil })} {
		t.Run(what, func(t *testing.T) {
			back, err := report.Read(bytes.NewReader(write(t, r, ".report.json")))
			if err != nil {
				t.Fatal(err)
			}
			said := 0
			for f := range back.Findings.All() {
				if strings.Contains(f.Was, "<script>alert(1)</script>") {
					said++
				}
			}
			if said == 0 || said != back.Baseline.Counts.Changed {
				t.Errorf("%d findings were something hostile, and %d have changed", said, back.Baseline.Counts.Changed)
			}
			harmless(t, back)
			for _, format := range report.DiffFormats {
				var b bytes.Buffer
				if err := back.WriteDiff(&b, format, report.TableOptions{Width: 90}); err != nil {
					t.Fatal(err)
				}
				for i, c := range b.String() {
					if c != '\n' && dangerous(c) {
						t.Errorf("the comparison as %s has %U: %q", format, c, around(b.Bytes(), i))
					}
				}
			}
		})
	}
}

// TestWasAlike: findings that were the same but for the names of their own projects and
// clusters are shown together, and others are not.
func TestWasAlike(t *testing.T) {
	r := load(t, filepath.Join(folder, "review.json"))
	r.Clusters = r.Clusters[1:]
	first, project := r.Clusters[0].Name, r.Clusters[0].Project
	findings := r.Findings
	r.Findings = report.Findings{}
	second := r.Clusters[0]
	second.Project += "2"
	second.Name = strings.Replace(first, project, second.Project, 1)
	r.Clusters = append(r.Clusters, second)
	r.Scope.Projects = []string{project, second.Project}
	for _, c := range r.Clusters {
		for f := range findings.All() {
			if f.Cluster == first {
				f.Cluster, f.Resource = c.Name, strings.Replace(f.Resource, first, c.Name, 1)
				f.Evidence = []audit.Evidence{{Resource: f.Resource, Field: "x", Value: "1"}}
				r.Findings.Add(f)
			}
		}
	}
	kinds := func(was func(audit.Finding) string) (n int, page string) {
		page = string(write(t, altered(r, was), ".html"))
		return strings.Count(page, `data-change="changed"`), page
	}
	want, _ := kinds(func(audit.Finding) string { return told })
	if want == 0 {
		t.Fatal("nothing has changed")
	}
	got, page := kinds(func(f audit.Finding) string {
		return "x = 0 (" + f.Cluster + "/nodePools/old); " + audit.Segment(f.Cluster, "projects") + " and " + f.Cluster + "-old"
	})
	where := strings.Replace(first, project, "PROJECT", 1) + "-old" // another cluster, whose name begins like that of the finding's
	if said := "<bdi>x = 0 (CLUSTER/nodePools/old); PROJECT and " + where + "</bdi>"; got != want || !strings.Contains(page, said) {
		t.Errorf("%d kinds of findings, want %d that were %s", got, want, said)
	}
	if !strings.Contains(page, "PROJECT and CLUSTER stand for") {
		t.Error("the words for names are not explained")
	}
	got, page = kinds(func(f audit.Finding) string { return "one of " + strconv.Itoa(len(f.Cluster)) })
	if got != 2*want {
		t.Errorf("%d kinds of findings, want %d, for those of the clusters were not the same", got, 2*want)
	}
	for _, c := range r.Clusters {
		if said := "Was: <bdi>one of " + strconv.Itoa(len(c.Name)) + "</bdi>"; strings.Count(page, said) != want {
			t.Errorf("%q is there %d times, want %d", said, strings.Count(page, said), want)
		}
	}
}
