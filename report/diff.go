package report

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"gkeaudit/audit"
)

// DiffSchema is the name and version of a comparison written as JSON.
const DiffSchema = "gkeaudit.diff/v1"

// DiffFormats are the names of the formats of a comparison.
var DiffFormats = []string{"table", "markdown", "json"}

// diffSections are the parts of a comparison, but for what is resolved.
var diffSections = []struct {
	change audit.Change
	title  string
}{{audit.Appeared, "New"}, {audit.Altered, "Changed"}, {audit.NotComparable, "Incomparable"}}

// WriteDiff writes what a report says of its baseline, which it has to have, and nothing
// else. What is unchanged is counted, and not listed.
func (r *Report) WriteDiff(w io.Writer, format string, o TableOptions) error {
	switch format {
	case "table":
		return r.writeDiffTable(w, o)
	case "markdown":
		return r.writeDiffMarkdown(w)
	case "json":
		return r.writeDiffJSON(w)
	}
	return fmt.Errorf("there is no format %q", format)
}

// changedTo returns the findings of which one thing became.
func (r *Report) changedTo(change audit.Change) iter.Seq[audit.Finding] {
	return func(yield func(audit.Finding) bool) {
		for f := range r.Findings.All() {
			if f.Change == change && !yield(f) {
				return
			}
		}
	}
}

func (r *Report) writeDiffTable(w io.Writer, o TableOptions) error {
	if o.Width == 0 {
		o.Width = 120
	}
	o.Width = max(o.Width, 60)
	t := &tableWriter{w: w, o: o}
	for _, section := range diffSections {
		title := section.title
		for f := range r.changedTo(section.change) {
			if title != "" {
				t.line("%s", t.paint(bold, title))
			}
			title = ""
			text := fmt.Sprintf("%s, %s: %s: %s", f.Severity, f.Rule, place(f), f.Message)
			if section.change != audit.Appeared {
				text += "; " + strings.TrimPrefix(changeText(f), string(f.Change)+", ")
			}
			lines := t.wrap(clean(text), t.o.Width-14)
			if f.Was != "" {
				lines = append(lines, t.wrap("was: "+clean(f.Was), t.o.Width-14)...)
			}
			t.line("  %s %s", t.paint(statusColor[f.Status], fmt.Sprintf("%-7s", diffWord(f))), strings.Join(lines, "\n            "))
		}
		if title == "" {
			t.line("")
		}
	}
	t.o.Verbose = true
	t.sinceBaseline(r.Baseline)
	t.text(r.Baseline.Line())
	return t.err
}

// diffWord is a finding's status in a comparison.
func diffWord(f audit.Finding) string {
	if f.Waiver != "" {
		return "WAIVED"
	}
	return strings.ToUpper(f.Status.String())
}

func (r *Report) writeDiffMarkdown(w io.Writer) error {
	m := &markdownWriter{w: w}
	m.line("# GKE audits compared")
	m.line("")
	for _, section := range diffSections {
		title := section.title
		was := func(cell string) string { // which the others have not
			if section.change != audit.Altered {
				return ""
			}
			return cell
		}
		for f := range r.changedTo(section.change) {
			if title != "" {
				m.line("## %s", title)
				m.line("")
				m.line("| Status | Severity | Rule | Resource | What is |%s First seen |", was(" What was |"))
				m.line("|---|---|---|---|---|%s---|", was("---|"))
			}
			title = ""
			m.line("| %s | %s | %s | %s | %s |%s %s |", diffWord(f), f.Severity, m.text(f.Rule), m.cell(place(f)), m.text(f.Message), was(" "+m.text(f.Was)+" |"), f.FirstSeen.Format("2006-01-02"))
		}
		if title == "" {
			m.line("")
		}
	}
	m.baseline(r.Baseline)
	return m.err
}

// baseline says what became of findings since the baseline.
func (m *markdownWriter) baseline(b *Baseline) {
	m.line("%s", m.text(b.Line()))
	m.line("")
	for _, note := range b.Notes {
		m.line("- %s", m.text(note))
	}
	if len(b.Notes) > 0 {
		m.line("")
	}
	if len(b.Resolved) == 0 {
		return
	}
	m.line("## Resolved")
	m.line("")
	m.line("| Was, and is | Severity | Rule | Resource |")
	m.line("|---|---|---|---|")
	for _, f := range b.Resolved {
		m.line("| %s | %s | %s | %s |", resolvedText(f), f.Severity, m.text(f.Rule), m.cell(place(f)))
	}
	m.line("")
}

func (r *Report) writeDiffJSON(w io.Writer) error {
	j := &jsonWriter{w: w}
	j.text("{\n")
	j.field("schema", DiffSchema)
	j.field("tool", r.Tool)
	j.field("startedAt", r.StartedAt)
	j.lines("  ", "findings", func(yield func(audit.Finding) bool) {
		for f := range r.Findings.All() {
			if f.Change != "" && f.Change != audit.Same && !yield(f) {
				return
			}
		}
	})
	j.text(",\n")
	j.baseline(r.Baseline)
	j.text("\n}\n")
	return j.err
}
