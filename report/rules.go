package report

import (
	"fmt"
	"io"
	"strings"

	"gkeaudit/audit"
)

// WriteRules lists rules. Titles are wrapped to a width; 0 stands for any.
func WriteRules(w io.Writer, rules []*audit.Rule, width int) error {
	t := &tableWriter{w: w}
	widest := 0
	for _, r := range rules {
		widest = max(widest, len(r.ID))
	}
	before := widest + len("  critical  ")
	for _, r := range rules {
		title := r.Title
		if r.Optional != "" {
			title += " (optional)"
		}
		if r.Obsolete != "" {
			title += " (obsolete)"
		}
		if width > 0 {
			title = strings.Join(t.wrap(title, max(width-before, 20)), "\n"+strings.Repeat(" ", before))
		}
		t.line("%-*s  %-8s  %s", widest, r.ID, r.Severity, title)
	}
	return t.err
}

// WriteRule explains a rule for a terminal. Prose is wrapped to a width, and commands stay
// whole; 0 stands for any width.
func WriteRule(w io.Writer, r *audit.Rule, width int) error {
	t := &tableWriter{w: w}
	prose := func(text string) string { return t.reflow(text, width) }
	t.line("%s (%s)\n%s", r.ID, r.Severity, prose(r.Title))
	t.line("\n%s", prose(r.Weight))
	if r.Optional != "" {
		t.line("%s", prose("Not among the recommended rules: "+r.Optional))
	}
	if r.Obsolete != "" {
		t.line("%s", prose("Obsolete, and not among the recommended rules: "+r.Obsolete))
	}
	section := func(title, text string) {
		t.line("\n%s\n\n%s", title, text)
	}
	section("Why", prose(general(r.Rationale)))
	section("What is checked", prose(general(r.Checks)))
	section("How to mend it, with gcloud", t.steps(gcloudSteps(r.Remediation.Gcloud), width))
	section("How to mend it, with Terraform", t.comments(indented(general(terraformText(r.Remediation))), width))
	section("What that disrupts", prose(general(r.Remediation.Disruption))+"\n"+prose("Recreates: "+recreations[r.Remediation.Recreates]+"."))
	if len(r.Controls) > 0 {
		var lines []string
		for _, line := range controls(r.Controls) {
			lines = append(lines, strings.ReplaceAll(prose(line), "\n", "\n  "))
		}
		section("What others call it", strings.Join(lines, "\n"))
	}
	section("Permissions it needs", strings.Join(r.Permissions, "\n"))
	var refs []string
	for _, ref := range r.References {
		refs = append(refs, fmt.Sprintf("%s\n    %s", prose(ref.Title), ref.URL))
	}
	section("Read on", strings.Join(refs, "\n"))
	t.line("\nSince version %s.", r.Since)
	return t.err
}

// reflow wraps the paragraphs of a text to a width, or leaves it as it is if that is 0.
// Lines that are indented stay whole.
func (t *tableWriter) reflow(text string, width int) string {
	if width == 0 {
		return text
	}
	var lines, paragraph []string
	end := func() {
		if paragraph != nil {
			lines = append(lines, t.wrap(strings.Join(paragraph, " "), width)...)
		}
		paragraph = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" || line[0] == ' ' {
			end()
			lines = append(lines, line)
			continue
		}
		paragraph = append(paragraph, line)
	}
	end()
	return strings.Join(lines, "\n")
}

// comments wraps the lines of commands that are comments and would not fit a width.
func (t *tableWriter) comments(text string, width int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		indent, comment, is := strings.Cut(line, "# ")
		if width > 0 && len(line) > width && is && strings.TrimSpace(indent) == "" {
			mark := indent + "# "
			lines[i] = mark + strings.Join(t.wrap(comment, max(width-len(mark), 20)), "\n"+mark)
		}
	}
	return strings.Join(lines, "\n")
}

// steps writes what each step says, and its commands whole.
func (t *tableWriter) steps(steps []gcloudStep, width int) string {
	var parts []string
	for _, s := range steps {
		parts = append(parts, t.reflow(s.Says, width)+"\n\n"+indented(s.Commands))
	}
	return strings.Join(parts, "\n\n")
}

// recreations say in words what a change recreates.
var recreations = map[audit.Recreation]string{
	audit.RecreatesNothing:  "nothing",
	audit.RecreatesNodes:    "the nodes, one after the other",
	audit.RecreatesNodePool: "the node pool",
	audit.RecreatesCluster:  "the cluster",
}

// controls lists controls, those of a framework on one line.
func controls(cs []audit.Control) []string {
	var lines []string
	for i, c := range cs {
		if i > 0 && cs[i-1].Framework == c.Framework {
			lines[len(lines)-1] += ", " + c.ID
			continue
		}
		lines = append(lines, string(c.Framework)+": "+c.ID)
	}
	return lines
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\n    "), "\n    \n", "\n\n")
}

// WriteCatalogue writes the rules as a Markdown page.
func WriteCatalogue(w io.Writer, rules []*audit.Rule) error {
	m := &markdownWriter{w: w}
	m.line("# Rules")
	m.line("")
	m.line("Made from the rules themselves; `gkeaudit explain RULE` prints the same.")
	m.line("")
	m.line("What severities mean:")
	m.line("")
	m.line("| Severity | Meaning |")
	m.line("|---|---|")
	for s := audit.Critical; s >= audit.Low; s-- {
		m.line("| %s | %s |", s, m.text(s.Meaning()))
	}
	m.line("")
	m.line("Each rule says why it has its severity. A configuration file can give it another.")
	m.line("")
	m.line("| Rule | Severity | What holds when all is well |")
	m.line("|---|---|---|")
	for _, r := range rules {
		m.line("| [%s](#%s) | %s | %s |", r.ID, r.ID, r.Severity, m.text(r.Title))
	}
	for _, r := range rules {
		m.line("")
		m.line("## %s", r.ID)
		m.line("")
		m.line("**%s.** Severity: %s.", m.text(r.Title), r.Severity)
		m.rule(r)
	}
	return m.err
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
	if r.Obsolete != "" {
		m.line("*Obsolete, and not among the recommended rules:* %s", unlinked(r.Obsolete))
		m.line("")
	}
	m.line("*What is checked:* %s", unlinked(general(r.Checks)))
	m.line("")
	m.line("*Permissions it needs:* %s", m.codes(r.Permissions))
	m.line("")
	m.line("With gcloud:")
	m.line("")
	for _, s := range gcloudSteps(r.Remediation.Gcloud) {
		m.line("%s", flowing(s.Says))
		m.line("")
		m.line("```sh\n%s\n```", s.Commands)
		m.line("")
	}
	m.line("With Terraform:")
	m.line("")
	m.line("```terraform\n%s\n```", general(terraformText(r.Remediation)))
	m.line("")
	m.line("*What that disrupts:* %s Recreates: %s.", unlinked(general(r.Remediation.Disruption)), recreations[r.Remediation.Recreates])
	m.line("")
	if len(r.Controls) > 0 {
		m.line("*What others call it:* %s.", m.text(strings.Join(controls(r.Controls), "; ")))
		m.line("")
	}
	for _, ref := range r.References {
		m.line("- [%s](%s)", m.text(ref.Title), ref.URL)
	}
}
