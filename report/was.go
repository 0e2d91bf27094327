package report

import (
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// mostWas is how many values of evidence are named that are no more.
const mostWas = 3

// was says what of a finding of the baseline is no more in the one of the same ID that is
// called changed: its severity, its waiver or that it had none, its message and its
// evidence, as far as they differ. Where all of it is there still, and with more or in
// another order, it says that.
func (c *comparison) was(old, f audit.Finding) string {
	var parts []string
	if old.Severity != f.Severity {
		parts = append(parts, "severity "+old.Severity.String())
	}
	switch {
	case old.Waiver == "" && f.Waiver != "":
		parts = append(parts, "not waived")
	case old.Waiver != "" && f.Waiver == "":
		w := c.waiversThen[old.Waiver]
		parts = append(parts, fmt.Sprintf("waived until %s (%s)", w.Expires, w.Ticket))
	}
	if old.Message != f.Message {
		text := old.Message
		if version := c.then.Tool.Version; version != c.now.Tool.Version && slices.Equal(old.Evidence, f.Evidence) {
			text += " (as " + toolName + " " + version + " put the same evidence)" // and perhaps no more has changed
		}
		parts = append(parts, text)
	}
	parts = append(parts, missingFrom(f, old.Evidence, f.Evidence)...)
	if parts != nil {
		return strings.Join(parts, "; ")
	}
	if more := missingFrom(f, f.Evidence, old.Evidence); more != nil {
		return "without " + strings.Join(more, "; ")
	}
	return "the same evidence, listed otherwise"
}

// missingFrom writes the evidence of a finding that other evidence has not, and counts what
// is too much.
func missingFrom(f audit.Finding, evidence, other []audit.Evidence) []string {
	var lines []string
	for _, e := range evidence {
		if !slices.Contains(other, e) {
			lines = append(lines, evidenceText(e, f.Resource))
		}
	}
	if more := len(lines) - mostWas; more > 0 {
		lines = append(lines[:mostWas], fmt.Sprintf("and %d more", more))
	}
	return lines
}
