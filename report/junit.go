package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

// junitCases is how many cases of rules a file has: as many as SARIF has results. Readers
// hold all of them, and nobody looks through more. Of what could not be read it has as many
// as SARIF has notices.
const junitCases = sarifResults

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
// not be read; else it is skipped if one is undecided or waived or none passes. Of too many
// cases the worst are written, and one more says how many are not.
func (r *Report) WriteJUnit(w io.Writer) error {
	j := &junitWriter{Report: r, rules: r.rulesByID(), permissions: r.permissions(), waivers: r.waiversByID()}
	j.choose()
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

	last, room int       // all cases of better ranks are kept, and so many of this one
	left       junitLeft // what is not
}

// junitLeft counts the cases that are left out, in the order of junitStates.
type junitLeft [6]int

// junitStates are the states of a case, worst first.
var junitStates = [...]string{"fail", "unknown", "undecided", "waived", "pass", "not-applicable"}

// junitState returns which of [junitStates] a case of findings is in, and its rank among
// cases: what fails before what is unknown of the same severity, as in SARIF.
func junitState(findings []audit.Finding) (of, rank int) {
	of = len(junitStates) - 1
	for _, f := range findings {
		s := state(f)
		if f.Undecided {
			s = "undecided"
		}
		of = min(of, slices.Index(junitStates[:], s))
	}
	below := int(audit.Critical - findings[0].Severity)
	if of < 2 {
		return of, 2*below + of
	}
	return of, 4*of + below
}

// choose finds out which cases are kept.
func (j *junitWriter) choose() {
	var counts [4 * len(junitStates)]int
	states := map[int]junitLeft{} // by rank
	for _, c := range j.Clusters {
		for findings := range eachRule(j.Findings.of(c.Name)) {
			of, rank := junitState(findings)
			counts[rank]++
			n := states[rank]
			n[of]++
			states[rank] = n
		}
	}
	j.room = junitCases
	for j.last < len(counts)-1 && counts[j.last] <= j.room {
		j.room -= counts[j.last]
		j.last++
	}
	for rank, n := range states {
		for of := range n {
			switch {
			case rank == j.last:
				j.left[of] += max(0, n[of]-j.room)
			case rank > j.last:
				j.left[of] += n[of]
			}
		}
	}
}

// eachRule splits the findings on a cluster by rule.
func eachRule(findings []audit.Finding) iter.Seq[[]audit.Finding] {
	return func(yield func([]audit.Finding) bool) {
		for len(findings) > 0 {
			var of []audit.Finding
			if of, findings = ofRule(findings, findings[0].Rule); !yield(of) {
				return
			}
		}
	}
}

// junitSuites returns one suite after the other.
func (r *Report) junitSuites(j *junitWriter) func(yield func(*junitSuite) bool) {
	return func(yield func(*junitSuite) bool) {
		room := j.room
		for _, c := range r.Clusters {
			s := j.suite(c.Name)
			for findings := range eachRule(r.Findings.of(c.Name)) {
				_, rank := junitState(findings)
				if rank == j.last {
					room--
				}
				if rank < j.last || rank == j.last && room >= 0 {
					s.add(j.rule(s.Name, findings))
				}
			}
			if s.Tests > 0 && !yield(s) {
				return
			}
		}
		if s := j.leftOut(); s != nil && !yield(s) {
			return
		}
		parts := r.Scope.Missing
		if _, unread := r.unknownLeftOut(); unread > 0 { // what fails and is left out was asked to be
			parts = r.lacks()
		}
		if len(r.Gaps)+len(parts) == 0 {
			return
		}
		s := j.suite("what could not be read")
		for i, g := range r.Gaps {
			if i == sarifNotices {
				line := count(len(r.Gaps)-i, "other thing", "other things") + " could not be read, too"
				s.add(junitCase{Name: "others", Class: s.Name, Error: &junitOutcome{Type: "LEFT_OUT", Message: "UNKNOWN: " + line, Text: line}})
				break
			}
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

// leftOut says what is left out; nil if nothing is. Where something of that fails or could
// not be read, it is an error.
func (j *junitWriter) leftOut() *junitSuite {
	var parts []string
	all := 0
	for i, n := range j.left {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(junitStates[i], "-", " ")))
		}
		all += n
	}
	if all == 0 {
		return nil
	}
	s := j.suite("left out of this file")
	line := fmt.Sprintf("%s left out of this file: %s. The JSON report has them all.", count(all, "case is", "cases are"), strings.Join(parts, ", "))
	c := junitCase{Name: "cases", Class: s.Name, Skipped: line}
	if j.left[0]+j.left[1] > 0 {
		c.Skipped, c.Error = "", &junitOutcome{Type: "LEFT_OUT", Message: "UNKNOWN: " + line, Text: line}
	}
	s.add(c)
	return s
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
