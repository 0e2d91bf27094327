package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"gkeaudit/audit"
)

// WriteMarkdown writes the report in GitHub Flavored Markdown.
func (r *Report) WriteMarkdown(w io.Writer) error {
	m := &markdownWriter{w: w}
	m.line("# GKE audit")
	m.line("")
	m.line("> [!%s]", alert(r))
	m.line("> **%s**", m.text(r.Verdict()))
	m.line("")
	m.facts(r)
	m.counts(r)
	m.gaps(r.Gaps)
	m.networkPaths(r)
	for _, b := range r.Benchmarks {
		m.benchmark(r, b)
	}
	m.clusters(r)
	m.rules(r)
	m.line("")
	m.line("---")
	m.line("")
	m.line("%s %s, %s to %s", r.Tool.Name, m.text(r.Tool.Version), stamp(r.StartedAt), stamp(r.FinishedAt))
	return m.err
}

// markdownWriter remembers the first error.
type markdownWriter struct {
	w   io.Writer
	err error
}

func (m *markdownWriter) line(format string, args ...any) {
	if m.err == nil {
		_, m.err = fmt.Fprintf(m.w, format+"\n", args...)
	}
}

// special are the characters that may begin something other than text in GFM, on
// GitHub ($ for mathematics) or in a table (|).
var special = regexp.MustCompile("[\\\\`*_\\[\\]<>|~&!#$]|:/|www\\.")

// text escapes a value for running text and table cells.
func (m *markdownWriter) text(s string) string {
	s = special.ReplaceAllStringFunc(clean(s), func(c string) string {
		if c == "www." {
			return `www\.`
		}
		return `\` + c
	})
	return unlinked(s)
}

// unlinked keeps GitHub from taking what follows an @ for a user's name, or what is
// around it for an e-mail address to link to.
func unlinked(s string) string { return strings.ReplaceAll(s, "@", "@<!-- -->") }

// cell writes a value as a code span in a table, where a | needs a backslash even
// in a code span. After another backslash renderers do not agree what that means,
// so then the value is plain text.
func (m *markdownWriter) cell(s string) string {
	if strings.Contains(clean(s), `\|`) {
		return m.text(s)
	}
	return strings.ReplaceAll(m.code(s), "|", `\|`)
}

// code writes a value as a code span in running text.
func (m *markdownWriter) code(s string) string {
	s = clean(s)
	if s == "" {
		return ""
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		s = " " + s + " " // one space at either end is not part of the code
	}
	return fence + s + fence
}

func alert(r *Report) string {
	switch {
	case r.Summary.Fail > 0:
		return "CAUTION"
	case !r.Complete:
		return "WARNING"
	}
	return "TIP"
}

func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05 UTC") }

func (m *markdownWriter) facts(r *Report) {
	m.line("| | |")
	m.line("|---|---|")
	projects := m.codes(r.Scope.Projects)
	if projects == "" {
		projects = "none"
	}
	m.line("| Projects | %s |", projects)
	if found := r.Scope.Found(); found != "" {
		m.line("| Found | %s |", m.text(strings.TrimSpace(found+". "+r.Scope.Discovery.Note)))
	}
	if len(r.Scope.ExcludeProjects) > 0 {
		m.line("| Without projects | %s |", m.codes(r.Scope.ExcludeProjects))
	}
	if len(r.Scope.ExcludeFolders) > 0 {
		m.line("| Without folders | %s |", m.codes(r.Scope.ExcludeFolders))
	}
	if len(r.Scope.Locations) > 0 {
		m.line("| Only locations | %s |", m.codes(r.Scope.Locations))
	}
	if len(r.Scope.Scope.Clusters) > 0 {
		m.line("| Only clusters | %s |", m.codes(r.Scope.Scope.Clusters))
	}
	if sh := r.Scope.Shard; sh != nil {
		m.line("| Shard | %s: %d of %s |", sh, r.Summary.Projects, count(sh.Projects, "project", "projects"))
	}
	m.line("| Clusters | %d |", r.Summary.Clusters)
	m.line("| Data read | %s |", stamp(r.Scope.ReadAt))
	complete := "yes"
	if !r.Complete {
		complete = fmt.Sprintf("no: %s, %s", count(r.Summary.Gaps, "gap", "gaps"), count(r.Summary.Unknown, "finding is unknown", "findings are unknown"))
	}
	m.line("| Complete | %s |", complete)
	for _, part := range r.Scope.Missing {
		m.line("| Missing | %s |", m.text(part))
	}
	if facts := r.Settings.Facts(); facts != nil {
		m.line("| Rules | %s |", m.text(strings.Join(facts, "; ")))
	}
	if r.Summary.LeftOut > 0 {
		m.line("| Left out | %s below severity %s |", count(r.Summary.LeftOut, "finding", "findings"), r.Scope.LeastSeverity)
	}
	m.line("")
}

func (m *markdownWriter) benchmark(r *Report, b audit.Benchmark) {
	rows := r.benchmarkRows(b)
	m.line("## %s", m.text(string(b.Framework)))
	m.line("")
	m.line("%s.", r.benchmarkCounts(b, rows))
	m.line("")
	m.line("| | Recommendation | Level | Assessment | Result | Rules |")
	m.line("|---|---|---:|---|---|---|")
	for _, row := range rows {
		m.line("| %s | %s | %d | %s | %s | %s |", m.text(row.ID), m.text(row.Title), row.Level, row.Assessment(), m.text(row.Result), m.codes(row.Rules))
	}
	m.line("")
}

func (m *markdownWriter) codes(names []string) string {
	spans := make([]string, len(names))
	for i, n := range names {
		spans[i] = m.cell(n)
	}
	return strings.Join(spans, ", ")
}

func (m *markdownWriter) counts(r *Report) {
	s := r.Summary
	m.line("## Summary")
	m.line("")
	m.line("| Fail: critical | Fail: high | Fail: medium | Fail: low | Unknown | Pass | Not applicable |")
	m.line("|---:|---:|---:|---:|---:|---:|---:|")
	m.line("| %d | %d | %d | %d | %d | %d | %d |",
		s.Failing["critical"], s.Failing["high"], s.Failing["medium"], s.Failing["low"], s.Unknown, s.Pass, s.NotApplicable)
	m.line("")
}

func (m *markdownWriter) gaps(gaps []audit.Gap) {
	if len(gaps) == 0 {
		return
	}
	m.line("## Could not be read")
	m.line("")
	m.line("What these hide is unknown, neither passed nor failed.")
	m.line("")
	m.line("| What | Why | Missing permission |")
	m.line("|---|---|---|")
	for _, g := range gaps {
		why := g.Code
		if g.Reason != "" {
			why += ", " + g.Reason
		}
		m.line("| %s | %s | %s |", m.cell(g.Resource), m.text(g.Message+" ("+why+")"), m.cell(g.Permission))
	}
	m.line("")
}

// status writes a status as a word that stands out without colour.
func statusWord(s audit.Status) string {
	switch s {
	case audit.Fail:
		return "**FAIL**"
	case audit.Unknown:
		return "**UNKNOWN**"
	case audit.Pass:
		return "pass"
	}
	return "not applicable"
}

func (m *markdownWriter) clusters(r *Report) {
	if len(r.Clusters) == 0 {
		return
	}
	m.line("## Clusters")
	for g := range r.groups() {
		m.line("")
		m.line("### %s", m.code(g.Cluster.Name))
		m.line("")
		m.line("%s", m.text(clusterLine(g.Cluster)))
		m.line("")
		m.findings(g.open())
		if len(g.open()) > 0 {
			m.fold("Evidence", func() { m.evidence(g.open()) })
		}
		if len(g.settled()) > 0 {
			m.fold(settledCounts(g), func() {
				m.findings(g.settled())
				m.evidence(g.settled())
			})
		}
	}
}

// fold writes details. GitHub wants blank lines around Markdown inside.
func (m *markdownWriter) fold(summary string, body func()) {
	m.line("<details><summary>%s</summary>", summary)
	m.line("")
	body()
	m.line("</details>")
	m.line("")
}

func (m *markdownWriter) findings(findings []audit.Finding) {
	if len(findings) == 0 {
		return
	}
	m.line("| Status | Severity | Rule | Resource | What is |")
	m.line("|---|---|---|---|---|")
	for _, f := range findings {
		rule := f.Rule
		if f.Status == audit.Fail || f.Status == audit.Unknown {
			rule = fmt.Sprintf("[%s](#%s)", f.Rule, f.Rule)
		}
		m.line("| %s | %s | %s | %s | %s |", statusWord(f.Status), f.Severity, rule, m.text(shortResource(f)), m.text(f.Message))
	}
	m.line("")
}

func (m *markdownWriter) evidence(findings []audit.Finding) {
	m.line("| Rule | Resource | Field | Value |")
	m.line("|---|---|---|---|")
	for _, f := range findings {
		for _, e := range f.Evidence {
			m.line("| %s | %s | %s | %s |", f.Rule, m.cell(e.Resource), m.cell(e.Field), m.cell(e.Value))
		}
	}
	m.line("")
}

// rules explains the rules that ask for something.
func (m *markdownWriter) rules(r *Report) {
	open := map[string]bool{}
	for f := range r.Findings.All() {
		if f.Status == audit.Fail || f.Status == audit.Unknown {
			open[f.Rule] = true
		}
	}
	if len(open) == 0 {
		return
	}
	m.line("")
	m.line("## How to mend it")
	for _, rule := range r.Rules {
		if open[rule.ID] {
			m.line("")
			m.line("### %s", rule.ID)
			m.line("")
			m.line("**%s.** Severity: %s.", m.text(rule.Title), rule.Severity)
			m.rule(rule)
		}
	}
}

// rule writes what a rule says. Its text is ours and Markdown already.
func (m *markdownWriter) rule(r *audit.Rule) {
	m.line("")
	m.line("%s", unlinked(general(r.Rationale)))
	m.line("")
	m.line("*Why %s:* %s", r.Severity, unlinked(r.Weight))
	m.line("")
	if r.Optional != "" {
		m.line("*Not among the recommended rules:* %s", unlinked(r.Optional))
		m.line("")
	}
	m.line("*What is checked:* %s", unlinked(general(r.Checks)))
	m.line("")
	m.line("*Permissions it needs:* %s", m.codes(r.Permissions))
	m.line("")
	m.line("With gcloud:")
	m.line("")
	m.line("```sh\n%s\n```", gcloudSteps(r.Remediation.Gcloud))
	m.line("")
	m.line("With Terraform:")
	m.line("")
	m.line("```terraform\n%s\n```", general(r.Remediation.Terraform))
	m.line("")
	m.line("*What that disrupts:* %s What is made anew: %s.", unlinked(general(r.Remediation.Disruption)), recreations[r.Remediation.Recreates])
	m.line("")
	if len(r.Controls) > 0 {
		m.line("*What others call it:* %s.", m.text(strings.ReplaceAll(controls(r.Controls), "\n", "; ")))
		m.line("")
	}
	for _, ref := range r.References {
		m.line("- [%s](%s)", m.text(ref.Title), ref.URL)
	}
}
