package report

import (
	"fmt"
	"io"
	"strings"

	"gkeaudit/audit"
)

// WriteRules lists rules, one on a line.
func WriteRules(w io.Writer, rules []*audit.Rule) error {
	t := &tableWriter{w: w}
	widest := 0
	for _, r := range rules {
		widest = max(widest, len(r.ID))
	}
	for _, r := range rules {
		title := r.Title
		if r.Optional != "" {
			title += " (optional)"
		}
		t.line("%-*s  %-8s  %s", widest, r.ID, r.Severity, title)
	}
	return t.err
}

// WriteRule explains a rule for a terminal.
func WriteRule(w io.Writer, r *audit.Rule) error {
	t := &tableWriter{w: w}
	t.line("%s (%s)\n%s", r.ID, r.Severity, r.Title)
	t.line("\n%s", r.Weight)
	if r.Optional != "" {
		t.line("Not among the recommended rules: %s", r.Optional)
	}
	section := func(title, text string) {
		t.line("\n%s\n\n%s", title, text)
	}
	section("Why", general(r.Rationale))
	section("What is checked", general(r.Checks))
	section("How to mend it, with gcloud", indented(gcloudSteps(r.Remediation.Gcloud)))
	section("How to mend it, with Terraform", indented(general(r.Remediation.Terraform)))
	section("What that disrupts", general(r.Remediation.Disruption)+"\nWhat is made anew: "+recreations[r.Remediation.Recreates]+".")
	if len(r.Controls) > 0 {
		section("What others call it", controls(r.Controls))
	}
	section("Permissions it needs", strings.Join(r.Permissions, "\n"))
	var refs []string
	for _, ref := range r.References {
		refs = append(refs, fmt.Sprintf("%s\n    %s", ref.Title, ref.URL))
	}
	section("Read on", strings.Join(refs, "\n"))
	t.line("\nSince version %s.", r.Since)
	return t.err
}

// recreations say in words what a change makes anew.
var recreations = map[audit.Recreation]string{
	audit.RecreatesNothing:  "nothing",
	audit.RecreatesNodes:    "the nodes, one after the other",
	audit.RecreatesNodePool: "the node pool",
	audit.RecreatesCluster:  "the cluster",
}

// controls lists controls, those of a framework on one line.
func controls(cs []audit.Control) string {
	var lines []string
	for i, c := range cs {
		if i > 0 && cs[i-1].Framework == c.Framework {
			lines[len(lines)-1] += ", " + c.ID
			continue
		}
		lines = append(lines, string(c.Framework)+": "+c.ID)
	}
	return strings.Join(lines, "\n")
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
