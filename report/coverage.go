package report

import (
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// A coverage says how far the projects of a report were read.
type coverage struct {
	projects int // in scope

	// partly are those of which something could not be read: a gap is theirs, or a finding
	// on one of their clusters is unknown for want of it, wherever it belongs.
	partly map[string]bool

	not map[string]bool // those whose clusters could not be listed at all
}

// newCoverage returns what the gaps of a report say of its projects. [coverage.count] adds
// what its findings say.
func newCoverage(projects []string, gaps []audit.Gap) *coverage {
	c := &coverage{len(projects), map[string]bool{}, map[string]bool{}}
	scope := make(map[string]bool, len(projects))
	for _, id := range projects {
		scope[id] = true
	}
	for _, g := range gaps {
		switch {
		case !scope[g.Project]:
		case g.Resource == "projects/"+g.Project+"/locations/-/clusters":
			c.not[g.Project] = true
		default:
			c.partly[g.Project] = true
		}
	}
	return c
}

// count adds a finding on a cluster of a project.
func (c *coverage) count(f audit.Finding) {
	if f.Status == audit.Unknown && !f.Undecided {
		c.partly[audit.Segment(f.Cluster, "projects")] = true
	}
}

// put writes the counts into a summary.
func (c *coverage) put(s *Summary) {
	s.Projects, s.ProjectsNotRead = c.projects, len(c.not)
	s.ProjectsPartlyRead = 0
	for id := range c.partly {
		if !c.not[id] {
			s.ProjectsPartlyRead++
		}
	}
}

// ProjectsRead is how many projects were read whole.
func (s Summary) ProjectsRead() int { return s.Projects - s.ProjectsPartlyRead - s.ProjectsNotRead }

// Coverage says how many projects were read: "55 of 70 read, 5 partly read, 10 not read".
func (s Summary) Coverage() string { return s.coverage("") }

// coverage is Coverage with a noun behind the number of projects: "55 of 70 projects read".
func (s Summary) coverage(noun string) string {
	text := fmt.Sprintf("%d of %d%s read", s.ProjectsRead(), s.Projects, noun)
	for _, part := range []struct {
		n    int
		what string
	}{{s.ProjectsPartlyRead, "partly read"}, {s.ProjectsNotRead, "not read"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

// Unread is how many findings are unknown because something could not be read.
func (s Summary) Unread() int { return s.Unknown - s.Undecided }

// unknownWord is what the unknown findings are: "unknown", "unknown (2 undecided)" or
// "undecided".
func (s Summary) unknownWord() string {
	switch {
	case s.Undecided == 0:
		return "unknown"
	case s.Unread() == 0:
		return "undecided"
	}
	return fmt.Sprintf("unknown (%d undecided)", s.Undecided)
}

// unreadFindings says how many findings are unknown that are not undecided: "11 findings are
// unknown, besides 2 that are undecided". It gives no reason: a report of a version that did
// not tell the two apart has undecided ones among them.
func (s Summary) unreadFindings() string {
	text := count(s.Unread(), "finding is unknown", "findings are unknown")
	if s.Undecided > 0 {
		text += fmt.Sprintf(", besides %s undecided", count(s.Undecided, "that is", "that are"))
	}
	return text
}

// Incompleteness says why a report is not complete, in one line: "2 gaps, 3 findings are
// unknown because of them". Empty if it is complete.
func (r *Report) Incompleteness() string {
	if r.Complete {
		return ""
	}
	var parts []string
	if r.Interrupted {
		parts = append(parts, "interrupted")
	}
	if n := r.Summary.Gaps; n > 0 {
		parts = append(parts, count(n, "gap", "gaps"))
	}
	if r.Summary.Unread() > 0 {
		parts = append(parts, r.Summary.unreadFindings())
	}
	if names := r.Scope.Missing; len(names) > 0 {
		parts = append(parts, count(len(names), "part is missing", "parts are missing")+" ("+clean(firstOf(names, 3))+")")
	}
	return strings.Join(parts, ", ")
}

// incompleteVerdict ends the verdict on a report that is not complete.
func (r *Report) incompleteVerdict() string {
	const text = "the audit is incomplete"
	s := r.Summary
	var parts []string
	switch {
	case s.ProjectsPartlyRead+s.ProjectsNotRead == 0:
	case s.Projects == 1 && s.ProjectsPartlyRead == 1:
		parts = append(parts, "the project was partly read")
	case s.Projects == 1:
		parts = append(parts, "the project was not read")
	default:
		parts = append(parts, s.coverage(" projects"))
	}
	if slices.ContainsFunc(r.Gaps, func(g audit.Gap) bool { return g.HidesProjects() }) {
		parts = append(parts, "some projects could not be listed")
	}
	if n := s.Gaps; parts == nil && n > 0 { // they are of no project in scope
		parts = append(parts, count(n, "gap", "gaps"))
	}
	if parts == nil {
		return text
	}
	return text + ": " + strings.Join(parts, "; ")
}
