package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

// A junitSuite is a cluster, or what could not be read.
type junitSuite struct {
	XMLName   xml.Name `xml:"testsuite"`
	Name      string   `xml:"name,attr"`
	Tests     int      `xml:"tests,attr"`
	Failures  int      `xml:"failures,attr"`
	Errors    int      `xml:"errors,attr"`
	Skipped   int      `xml:"skipped,attr"`
	Timestamp string   `xml:"timestamp,attr"`
	Cases     []junitCase
}

// A junitCase is a rule on a cluster. It has at most one of the three: the schemas that
// readers hold it against give a skipped one no attributes.
type junitCase struct {
	XMLName xml.Name      `xml:"testcase"`
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Skipped string        `xml:"skipped,omitempty"`
	Error   *junitOutcome `xml:"error"`
	Failure *junitOutcome `xml:"failure"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML: a suite for each cluster with a case for
// each rule, and one for what could not be read. A case fails if a finding of the rule
// fails that is not waived; else it is an error if one is unknown because something could
// not be read; else it is skipped if one is undecided or waived or none passes.
func (r *Report) WriteJUnit(w io.Writer) error {
	j := &junitWriter{Report: r, rules: r.rulesByID(), permissions: r.permissions(), waivers: r.waiversByID()}
	var all junitSuite
	for s := range r.junitSuites(j) {
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	root := xml.StartElement{Name: xml.Name{Local: "testsuites"}}
	for _, a := range []struct{ name, value string }{
		{"name", toolName},
		{"tests", strconv.Itoa(all.Tests)},
		{"failures", strconv.Itoa(all.Failures)},
		{"errors", strconv.Itoa(all.Errors)},
	} {
		root.Attr = append(root.Attr, xml.Attr{Name: xml.Name{Local: a.name}, Value: a.value})
	}
	if err := e.EncodeToken(root); err != nil {
		return err
	}
	for s := range r.junitSuites(j) {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	if err := e.EncodeToken(root.End()); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junitWriter knows what cases are made with.
type junitWriter struct {
	*Report
	rules       map[string]*audit.Rule
	permissions permissions
	waivers     map[string]Waiver
}

// junitSuites returns one suite after the other.
func (r *Report) junitSuites(j *junitWriter) func(yield func(*junitSuite) bool) {
	return func(yield func(*junitSuite) bool) {
		for _, c := range r.Clusters {
			s := j.suite(c.Name)
			for findings := r.Findings.of(c.Name); len(findings) > 0; {
				n := 1
				for n < len(findings) && findings[n].Rule == findings[0].Rule {
					n++
				}
				s.add(j.rule(s.Name, findings[:n]))
				findings = findings[n:]
			}
			if !yield(s) {
				return
			}
		}
		parts := r.Scope.Missing
		if r.unknownLeftOut() > 0 { // what fails and is left out was asked to be
			parts = r.lacks()
		}
		if len(r.Gaps)+len(parts) == 0 {
			return
		}
		s := j.suite("what could not be read")
		for _, g := range r.Gaps {
			s.add(junitCase{Name: clean(g.Resource + " " + g.Operation), Class: s.Name, Error: &junitOutcome{
				Type: clean(g.Code), Message: "UNKNOWN: " + gapLine(g), Text: gapLine(g),
			}})
		}
		for _, part := range parts {
			line := "missing from this report: " + clean(part)
			s.add(junitCase{Name: clean(part), Class: s.Name, Error: &junitOutcome{Type: "MISSING", Message: "UNKNOWN: " + line, Text: line}})
		}
		yield(s)
	}
}

func (j *junitWriter) suite(name string) *junitSuite {
	// Without a fraction and a zone, which the older readers do not know.
	return &junitSuite{Name: clean(name), Timestamp: j.StartedAt.UTC().Format("2006-01-02T15:04:05")}
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != "":
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

// rule makes a case of the findings of a rule on a cluster.
func (j *junitWriter) rule(cluster string, findings []audit.Finding) junitCase {
	c := junitCase{Name: clean(findings[0].Rule), Class: cluster}
	var fails, unknown, undecided, waived, notApplicable []string
	passes := 0
	for _, f := range findings {
		line := clean(shortResource(f) + ": " + f.Message)
		switch state(f) {
		case "fail":
			fails = append(fails, line)
		case "unknown":
			if f.Undecided {
				undecided = append(undecided, line)
			} else {
				unknown = append(unknown, line+j.missing(f))
			}
		case "waived":
			waived = append(waived, line+j.accepted(f))
		case "pass":
			passes++
		default:
			notApplicable = append(notApplicable, line)
		}
	}
	switch {
	case fails != nil:
		c.Failure = j.outcome(findings, "FAIL", fails, slices.Concat(unknown, undecided))
	case unknown != nil:
		c.Error = j.outcome(findings, "UNKNOWN", unknown, nil)
	case undecided != nil: // as the exit status, it does not stop a pipeline
		c.Skipped = "UNDECIDED: " + strings.Join(undecided, "\n")
	case waived != nil:
		c.Skipped = "WAIVED: " + strings.Join(waived, "\n")
	case passes == 0:
		c.Skipped = "NOT APPLICABLE: " + strings.Join(notApplicable, "\n")
	}
	return c
}

// missing names the permissions for want of which a finding is unknown, where its message
// does not.
func (j *junitWriter) missing(f audit.Finding) string {
	names := clean(j.permissions.of(f))
	if names == "" || strings.Contains(clean(f.Message), names) {
		return ""
	}
	return " (missing permission " + names + ")"
}

func (j *junitWriter) accepted(f audit.Finding) string {
	if w, ok := j.waivers[f.Waiver]; ok {
		return " [" + clean(waivedBy(w)) + "]"
	}
	return " [waived: " + clean(f.Waiver) + "]"
}

// outcome says what fails or is unknown: the first in the message, which is all that most
// show, and everything with evidence in the text.
func (j *junitWriter) outcome(findings []audit.Finding, word string, lines, unknown []string) *junitOutcome {
	o := &junitOutcome{Type: findings[0].Severity.String(), Message: word + ": " + lines[0]}
	if more := len(lines) - 1; more > 0 {
		o.Message += fmt.Sprintf(" and %d more", more)
	}
	if len(unknown) > 0 {
		o.Message += fmt.Sprintf("; %d unknown", len(unknown))
	}
	var text strings.Builder
	rule := j.rules[findings[0].Rule]
	if rule != nil {
		fmt.Fprintf(&text, "%s (%s)\n", clean(rule.Title), rule.Severity)
	}
	for _, f := range findings {
		fmt.Fprintf(&text, "\n%s %s", verdictWord(f), clean(shortResource(f)+": "+f.Message))
		switch state(f) {
		case "unknown":
			text.WriteString(j.missing(f))
		case "waived":
			text.WriteString(j.accepted(f))
		case "pass", "not-applicable":
			continue
		}
		if f.Change != "" {
			fmt.Fprintf(&text, "\n  %s since the baseline", clean(string(f.Change)))
		}
		if f.Was != "" {
			text.WriteString("\n  was: " + clean(f.Was))
		}
		for _, e := range f.Evidence {
			text.WriteString("\n  " + evidenceLine(e, f.Resource))
		}
	}
	fmt.Fprintf(&text, "\n\nHow to mend it: gkeaudit explain %s\n%s\n", clean(findings[0].Rule), clean(firstReference(rule)))
	o.Text = text.String()
	return o
}
