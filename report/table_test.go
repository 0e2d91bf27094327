package report_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// TestTableWidth measures lines as a terminal does: none is wider than it.
func TestTableWidth(t *testing.T) {
	each(t, func(t *testing.T, name string, r *report.Report) {
		r.Benchmarks = rules.BenchmarksOf("cis-gke-1.9")
		long := strings.Repeat("名", 60) + strings.Repeat("e\u0301", 60) + strings.Repeat("x", 253)
		for what, r := range map[string]*report.Report{"as it is": r, "reviewed": eventful(r, ""), "hostile": eventful(r, evil), "long": eventful(r, long)} {
			for _, width := range []int{60, 80, 200} {
				for _, verbose := range []bool{false, true} {
					var b bytes.Buffer
					if err := r.WriteTable(&b, report.TableOptions{Width: width, Verbose: verbose}); err != nil {
						t.Fatal(err)
					}
					for line := range strings.Lines(b.String()) {
						line = strings.TrimRight(line, "\n")
						if n := twwidth.Width(line); n > width {
							t.Errorf("%s: line of %d columns in a table of %d: %s", what, n, width, line)
						}
						if strings.TrimRight(line, " ") != line {
							t.Errorf("white space ends the line %q", line)
						}
					}
				}
			}
		}
	})
}

var (
	grouped = regexp.MustCompile(`(\d+) findings: `)
	unknown = regexp.MustCompile(`(?m)^  UNKNOWN `)
)

// TestTableGroups takes a permission away from many clusters. What that leaves unknown is on
// one line for each cluster, and all of it is counted.
func TestTableGroups(t *testing.T) {
	r := *estate(t, 20)
	findings := r.Findings
	r.Findings, r.Gaps = report.Findings{}, nil
	r.Summary.Fail, r.Summary.Unknown, r.Summary.Pass, r.Summary.NotApplicable = 0, 0, 0, 0
	for f := range findings.All() {
		f.Status, f.Message = audit.Unknown, "its policy could not be read (missing permission resourcemanager.projects.getIamPolicy)"
		resource := "projects/" + audit.Segment(f.Cluster, "projects") + "/iamPolicy"
		f.Evidence = []audit.Evidence{{Resource: resource, Field: "resourcemanager.projects.getIamPolicy", Value: "PERMISSION_DENIED"}}
		r.Findings.Add(f)
		r.Summary.Unknown++
	}
	for _, c := range r.Clusters {
		r.Gaps = append(r.Gaps, audit.Gap{Project: c.Project, Resource: "projects/" + c.Project + "/iamPolicy", Code: "PERMISSION_DENIED", Permission: "resourcemanager.projects.getIamPolicy"})
	}
	r.Summary.Gaps = len(r.Gaps)
	table := func(verbose bool) string {
		var b bytes.Buffer
		if err := r.WriteTable(&b, report.TableOptions{Width: 200, Verbose: verbose}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	short := table(false)
	rows := len(unknown.FindAllString(short, -1))
	counted := rows
	for _, m := range grouped.FindAllStringSubmatch(short, -1) {
		n, _ := strconv.Atoi(m[1])
		counted += n - 1
	}
	if rows > len(r.Clusters) || counted != r.Summary.Unknown {
		t.Errorf("%d rows for %d clusters stand for %d findings, and %d are unknown", rows, len(r.Clusters), counted, r.Summary.Unknown)
	}
	want := fmt.Sprintf("missing permission resourcemanager.projects.getIamPolicy: 20 gaps in projects/project-000000, projects/project-000001, projects/project-000002 and 17 more; %d findings of", r.Summary.Unknown)
	if flat := strings.Join(strings.Fields(short), " "); !strings.Contains(flat, want) {
		t.Errorf("it does not say %q:\n%s", want, short[strings.Index(short, "Could not be read"):])
	}
	if n := len(unknown.FindAllString(table(true), -1)); n != r.Summary.Unknown {
		t.Errorf("--verbose lists %d of %d unknown findings", n, r.Summary.Unknown)
	}
}

// TestTableHostile proves that nothing that people or the cloud say drives a terminal.
func TestTableHostile(t *testing.T) {
	r := eventful(load(t, filepath.Join(folder, "hostile.json")), evil)
	for _, verbose := range []bool{false, true} {
		var b bytes.Buffer
		if err := r.WriteTable(&b, report.TableOptions{Width: 80, Color: true, Verbose: verbose}); err != nil {
			t.Fatal(err)
		}
		for _, c := range ours.ReplaceAllString(b.String(), "") {
			if c != '\n' && dangerous(c) {
				t.Errorf("it has %U", c)
			}
		}
	}
}
