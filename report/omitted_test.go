package report_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/report"
)

// divided writes a report as pages and returns those of projects, by their paths, and the
// index.
func divided(t *testing.T, r *report.Report) (projects map[string]string, index string) {
	t.Helper()
	projects = map[string]string{}
	for _, p := range r.Pages("review.html", len(r.Clusters)-1) {
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		if p.Path == "" {
			index = b.String()
		} else {
			projects[p.Path] = b.String()
		}
	}
	return projects, index
}

// hasNone reports texts that a page must not have.
func hasNone(t *testing.T, what, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			t.Errorf("%s says %q", what, text)
		}
	}
}

func hasAll(t *testing.T, what, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("%s does not say %q", what, text)
		}
	}
}

// onlyCritical returns a report that fails and is unknown, of which no such finding is
// listed: they are below the least severity.
func onlyCritical(t *testing.T) *report.Report {
	t.Helper()
	all := load(t, filepath.Join(folder, "review.json"))
	var mild report.Findings
	for f := range all.Findings.All() {
		if open := f.Status == audit.Fail || f.Status == audit.Unknown; !open || f.Severity < audit.Critical {
			mild.Add(f)
		} else if f.Status == audit.Fail {
			all.Summary.Fail--
			all.Summary.Failing["critical"]--
		} else {
			all.Summary.Unknown--
		}
	}
	all.Findings = mild
	r := all.LeavingOut(audit.Critical)
	if r.Summary.Fail == 0 || r.Summary.Unknown == 0 {
		t.Fatalf("%d findings fail and %d are unknown, want some of both", r.Summary.Fail, r.Summary.Unknown)
	}
	return r
}

// TestOmittedInPages proves that no page takes for settled what was left out for its
// severity.
func TestOmittedInPages(t *testing.T) {
	r := onlyCritical(t)
	projects, index := divided(t, r)
	untrue := []string{"Every rule that applies holds", `class="verdict pass"`, "yes: all that was asked for was read", "Nothing: every finding passed",
		"No rule fails without a waiver", "Nothing is open or waived"}
	hasNone(t, "the index", index, untrue...)
	for path, page := range projects {
		hasNone(t, path, page, untrue...)
		hasAll(t, path, page, `class="verdict unknown"`, "findings below severity critical are left out, and counted in the index only",
			"unknown findings below severity critical are left out, which may be of this project", "<b>?</b> unknown")
	}
	parts, _ := divided(t, since(load(t, filepath.Join(folder, "review.json"))).LeavingOut(audit.High))
	for path, page := range parts {
		hasAll(t, path, page, "incomparable, as listed from severity high on")
	}
	page := string(write(t, r, ".html"))
	hasNone(t, "the page", page, untrue...)
	hasAll(t, "the page", page, "No rule of severity critical or above fails", "Nothing that is of severity critical or above is open or waived",
		"Rules below severity critical are left out", "below severity critical is left out, with what would decide it", "<td>?")
	if regexp.MustCompile(`(<td>0){5}`).MatchString(page) {
		t.Error("a cluster has zeros for what is left out")
	}

	// Where all is listed there is nothing to doubt.
	good := load(t, filepath.Join(folder, "good.json"))
	hasAll(t, "the page of a good report", string(write(t, good, ".html")), "Nothing: every finding passed", "Nothing is open or waived", `class="verdict pass"`)
}

// TestOmittedInMarkdown is the same for Markdown.
func TestOmittedInMarkdown(t *testing.T) {
	r := onlyCritical(t)
	r.Gaps, r.Summary.Gaps = nil, 0
	text := string(write(t, r, ".md"))
	checkMarkdown(t, r, []byte(text))
	hasAll(t, "Markdown", text, "1 UNKNOWN finding below severity critical is left out, and counted with no reason here")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| [`shop-") && strings.Contains(line, " 0 | 0 | 0 |") {
			t.Errorf("a cluster has zeros for what is left out: %s", line)
		}
	}
	r.Gaps = []audit.Gap{{Project: "shop-prod", Resource: "projects/shop-prod/iamPolicy", Code: "PERMISSION_DENIED", Permission: "resourcemanager.projects.getIamPolicy", Message: "no"}}
	r.Summary.Gaps = 1
	hasAll(t, "Markdown", string(write(t, r, ".md")), " | ? | ? | ? |\n")
}

// TestMissingParts names on the first screen what a merged report lacks.
func TestMissingParts(t *testing.T) {
	r := load(t, filepath.Join(folder, "good.json"))
	r.Scope.Missing, r.Complete = []string{"shard 2/10"}, false
	page := string(write(t, r, ".html"))
	hasNone(t, "the page", page, "Nothing: every finding passed", "0 gaps", "0 findings are unknown")
	hasAll(t, "the page", page, "no: 1 part is missing (shard 2/10)", "Missing from this report: <bdi>shard 2/10</bdi>")
}

// TestTilesSince says of each severity what has changed, whatever it is.
func TestTilesSince(t *testing.T) {
	for want, changes := range map[string][]audit.Change{
		"1 new, 1 resolved": {audit.Appeared},
		"1 changed":         {audit.Altered},
		"1 incomparable":    {audit.NotComparable},
		"1 new, 1 changed":  {audit.Appeared, audit.Altered},
		"no change":         {audit.Same},
	} {
		r := load(t, filepath.Join(folder, "review.json"))
		r.Baseline = &report.Baseline{Name: "old.json", Version: "1.0.0", StartedAt: r.StartedAt}
		var findings report.Findings
		n := 0
		for f := range r.Findings.All() {
			f.Change = ""
			if f.Status == audit.Fail && f.Severity == audit.High {
				f.Change = audit.Same
				if n < len(changes) {
					f.Change = changes[n]
				}
				if n++; n == 1 && strings.Contains(want, "resolved") {
					was := f
					was.Resource += "-old"
					r.Baseline.Resolved = append(r.Baseline.Resolved, was)
				}
			}
			findings.Add(f)
		}
		if r.Findings = findings; n < len(changes) {
			t.Fatalf("%d findings of severity high fail, want %d or more", n, len(changes))
		}
		hasAll(t, want, string(write(t, r, ".html")), "</b> high<span>"+want+"</span>")
		if want == "1 changed" {
			page := string(write(t, r.LeavingOut(audit.Critical), ".html"))
			hasAll(t, "what is left out", page, "</b> high<span>not listed</span>", "</b> unknown<span>not listed</span>")
		}
	}
}

// TestResolvedWithoutPage lists in the index what is resolved in a project that has no
// clusters any more, and only there.
func TestResolvedWithoutPage(t *testing.T) {
	r := since(load(t, filepath.Join(folder, "review.json")))
	gone := r.Baseline.Resolved[0]
	gone.Cluster = "projects/gone/locations/europe-west1/clusters/old"
	gone.Resource = gone.Cluster
	r.Baseline.Resolved = append(r.Baseline.Resolved, gone)
	projects, index := divided(t, r)
	id := "was-f" + gone.ID()[:12]
	hasAll(t, "the index", index, "id="+id)
	hasNone(t, "the index", index, "was-f"+r.Baseline.Resolved[0].ID()[:12])
	for path, page := range projects {
		hasNone(t, path, page, id)
	}
}

// TestGapsOfHosts names on the page of a project the permission that its findings lack in
// another.
func TestGapsOfHosts(t *testing.T) {
	r := load(t, filepath.Join(folder, "review.json"))
	const lacking = "projects/shop-host/global/firewalls"
	r.Gaps = append(r.Gaps, audit.Gap{Project: "shop-host", Resource: lacking, Code: "PERMISSION_DENIED", Permission: "compute.firewalls.list", Message: "no"})
	r.Summary.Gaps, r.Complete = len(r.Gaps), false
	var findings report.Findings
	of := ""
	for f := range r.Findings.All() {
		if of == "" {
			of = audit.Segment(f.Cluster, "projects")
			f.Status, f.Evidence = audit.Unknown, []audit.Evidence{{Resource: lacking, Field: "f", Value: "PERMISSION_DENIED"}}
		}
		findings.Add(f)
	}
	r.Findings = findings
	projects, index := divided(t, r)
	if row := regexp.MustCompile(`/` + of + `\.[0-9a-f]{12}\.html"><bdi>` + of + `</bdi></a><td>1<td>([0-9]+)<td>`).FindStringSubmatch(index); row == nil || row[1] == "0" {
		t.Errorf("the index counts no gap of %s: %q", of, row)
	}
	for path, page := range projects {
		const grant = "Grant <code>compute.firewalls.list</code> on <bdi>shop-host</bdi>"
		if strings.Contains(path, "/"+of+".") {
			hasAll(t, path, page, grant, "<code>"+lacking+"</code>")
		} else {
			hasNone(t, path, page, grant)
		}
	}
}
