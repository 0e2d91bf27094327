package report_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/report"
)

// TestInterrupted says in the first line of what people read, and to programs in a field,
// that a run ended before everything was read. What is made of the report says so, too.
func TestInterrupted(t *testing.T) {
	whole := load(t, filepath.Join(folder, "review.json"))
	interrupted := *whole
	interrupted.Interrupted = true
	r, err := report.Read(bytes.NewReader(write(t, &interrupted, ".report.json")))
	if err != nil {
		t.Fatal(err)
	}
	waived, err := r.Waiving(nil)
	if err != nil {
		t.Fatal(err)
	}
	other := *load(t, filepath.Join(folder, "good.json"))
	other.Scope.Projects = []string{"another"}
	other.Clusters, other.Findings, other.NetworkPaths, other.Gaps = nil, report.Findings{}, nil, nil
	merged, err := report.Merge([]report.File{{Name: "a", Report: &other}, {Name: "b", Report: r}})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*report.Report{
		"read": r, "waived": waived, "merged": merged, "left out": r.LeavingOut(audit.Critical), "compared": r.Since(report.File{Name: "then", Report: whole}),
	} {
		for extension, want := range map[string]string{
			".80.txt": "Interrupted before everything was read.\n\n", ".md": "# GKE audit: interrupted\n",
		} {
			if text := string(write(t, r, extension)); !strings.HasPrefix(text, want) {
				t.Errorf("%s: %s begins with %.60q, want %q", name, extension, text, want)
			}
		}
		h := &report.History{From: "runs"}
		h.Add([]string{"run.json"}, r)
		var course bytes.Buffer
		if err := h.WriteHTML(&course); err != nil || !strings.Contains(course.String(), "interrupted, ") {
			t.Errorf("%s: the history does not say that the run was interrupted, error %v", name, err)
		}
		page := string(write(t, r, ".html"))
		title, _, _ := strings.Cut(page, "</title>")
		if !strings.Contains(title, "Interrupted before everything was read. ") {
			t.Errorf("%s: the title is %.300q", name, title)
		}
		if !strings.HasPrefix(r.Verdict(), "Interrupted before everything was read. ") {
			t.Errorf("%s: the verdict is %q", name, r.Verdict())
		}
	}
	interrupted.Complete, interrupted.Gaps, interrupted.Summary.Gaps = true, nil, 0
	interrupted.Findings, interrupted.Clusters, interrupted.NetworkPaths, interrupted.Replacements = report.Findings{}, nil, nil, nil
	interrupted.Summary = report.Summary{Projects: len(interrupted.Scope.Projects), Failing: map[string]int{"low": 0, "medium": 0, "high": 0, "critical": 0}}
	if _, err := report.Read(bytes.NewReader(write(t, &interrupted, ".report.json"))); err == nil || !strings.Contains(err.Error(), "it is called interrupted, and nothing is missing") {
		t.Errorf("of a complete report: got error %v", err)
	}
}
