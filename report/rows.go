package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"gkeaudit/audit"
)

// A row is a line of the flat formats. There is one for each finding, one for each thing
// that could not be read, one for each part that a merged report lacks, and one for each
// finding of the baseline that is resolved: what is not known is never left out.
type row struct {
	*Report
	kind       string // finding, gap, missing or resolved
	status     string // a status, waived or resolved
	finding    audit.Finding
	rule       *audit.Rule // without one it has no ID
	project    string
	id         string
	message    string
	permission string // that is missing, if one is
	waiver     Waiver // empty if it has none
}

// A column is a column of the flat formats. Its values are texts without controls.
type column struct {
	name  string
	value func(*row) string
}

// columns are the columns of the flat formats. Their order and meaning stay; new ones are
// added at the end. What BigQuery is told of them is in ndjson.schema.json.
var columns = []column{
	{"kind", func(r *row) string { return r.kind }},
	{"id", func(r *row) string { return r.id }},
	{"status", func(r *row) string { return r.status }},
	{"severity", func(r *row) string {
		if r.rule == nil {
			return ""
		}
		return r.finding.Severity.String()
	}},
	{"rule", func(r *row) string { return r.finding.Rule }},
	{"title", func(r *row) string { return r.title() }},
	{"project", func(r *row) string { return r.project }},
	{"location", func(r *row) string { return audit.Segment(r.finding.Cluster, "locations") }},
	{"cluster", func(r *row) string { return r.finding.Cluster }},
	{"resource", func(r *row) string { return r.finding.Resource }},
	{"message", func(r *row) string { return r.message }},
	{"evidence", func(r *row) string {
		lines := make([]string, len(r.finding.Evidence))
		for i, e := range r.finding.Evidence {
			lines[i] = evidenceLine(e, r.finding.Resource)
		}
		return strings.Join(lines, "; ")
	}},
	{"permission", func(r *row) string { return r.permission }},
	{"change", func(r *row) string { return string(r.finding.Change) }},
	{"first_seen", func(r *row) string { return timestamp(r.finding.FirstSeen) }},
	{"waiver", func(r *row) string { return r.finding.Waiver }},
	{"waiver_owner", func(r *row) string { return r.waiver.Owner }},
	{"waiver_reason", func(r *row) string { return r.waiver.Reason }},
	{"waiver_ticket", func(r *row) string { return r.waiver.Ticket }},
	{"waiver_expires", func(r *row) string { return day(r.waiver.Expires) }},
	{"controls", func(r *row) string { return strings.Join(controlNames(r.rule), "; ") }},
	{"reference", func(r *row) string { return firstReference(r.rule) }},
	{"read_at", func(r *row) string { return timestamp(r.Scope.ReadAt) }},
	{"audited_at", func(r *row) string { return timestamp(r.StartedAt) }},
	{"audit_complete", func(r *row) string { return strconv.FormatBool(r.Complete) }},
	{"tool_version", func(r *row) string { return r.Tool.Version }},
	{"was", func(r *row) string { return r.finding.Was }},
	{"undecided", func(r *row) string {
		if !r.finding.Undecided {
			return ""
		}
		return "true"
	}},
}

// rows returns the report's rows: the findings in their order, the gaps, what is missing
// and what is resolved. A row is good until the next.
func (r *Report) rows() iter.Seq[*row] {
	rules, permissions, waivers := r.rulesByID(), r.permissions(), r.waiversByID()
	return func(yield func(*row) bool) {
		line := &row{}
		put := func(kind, status, id, project, message, permission string, f audit.Finding) bool {
			*line = row{
				Report: r, kind: kind, status: status, finding: f, rule: rules[f.Rule], project: project,
				id: id, message: message, permission: permission, waiver: waivers[f.Waiver],
			}
			return yield(line)
		}
		for f := range r.Findings.All() {
			if !put("finding", state(f), f.ID(), audit.Segment(f.Cluster, "projects"), f.Message, permissions.of(f), f) {
				return
			}
		}
		for _, g := range r.Gaps {
			f := audit.Finding{Resource: g.Resource, Evidence: []audit.Evidence{{Resource: g.Resource, Field: g.Operation, Value: g.Code}}}
			if !put("gap", audit.Unknown.String(), gapID(g), g.Project, "could not be read: "+gapCause(g), g.Permission, f) {
				return
			}
		}
		for _, part := range r.lacks() {
			if !put("missing", audit.Unknown.String(), missingID(part), "", "missing from this report: "+part, "", audit.Finding{}) {
				return
			}
		}
		if r.Baseline == nil {
			return
		}
		for _, f := range r.Baseline.Resolved {
			if !put("resolved", "resolved", f.ID(), audit.Segment(f.Cluster, "projects"), "resolved; it was: "+f.Message, "", f) {
				return
			}
		}
	}
}

// lacks says, each in a few words, what is not in the report: parts that a merged one
// lacks, and findings that were left out for their severity.
func (r *Report) lacks() []string {
	if r.Summary.LeftOut == 0 {
		return r.Scope.Missing
	}
	unknown, _ := r.unknownLeftOut()
	return append(slices.Clone(r.Scope.Missing), fmt.Sprintf("%s below severity %s, of which %s",
		count(r.Summary.LeftOut, "finding", "findings"), r.Scope.LeastSeverity, count(unknown, "is unknown", "are unknown")))
}

// unknownLeftOut is how many findings are unknown that were left out for their severity, and
// how many of those because something could not be read.
func (r *Report) unknownLeftOut() (unknown, unread int) {
	unknown, unread = r.Summary.Unknown, r.Summary.Unread()
	for f := range r.Findings.All() {
		if f.Status == audit.Unknown {
			unknown--
			if !f.Undecided {
				unread--
			}
		}
	}
	return unknown, unread
}

func (r *row) title() string {
	switch {
	case r.rule != nil:
		return r.rule.Title
	case r.kind == "gap":
		return "Could not be read"
	case r.kind == "missing":
		return "Missing from this report"
	}
	return r.finding.Rule // of the baseline, which had others
}

// state is the status of a finding, or waived.
func state(f audit.Finding) string {
	if f.Status == audit.Fail && f.Waiver != "" {
		return "waived"
	}
	return f.Status.String()
}

// verdictWord returns a finding's state as people read it: "FAIL", "NOT APPLICABLE". What is unknown
// although all was read is "UNDECIDED".
func verdictWord(f audit.Finding) string {
	if f.Undecided {
		return "UNDECIDED"
	}
	return strings.ToUpper(strings.ReplaceAll(state(f), "-", " "))
}

func (r *Report) rulesByID() map[string]*audit.Rule {
	rules := make(map[string]*audit.Rule, len(r.Rules))
	for _, rule := range r.Rules {
		rules[rule.ID] = rule
	}
	return rules
}

// permissions are the permissions that gaps say are missing, by what could not be read
// and the method that was to read it.
type permissions map[[2]string]string

func (r *Report) permissions() permissions {
	p := permissions{}
	for _, g := range r.Gaps {
		if g.Permission != "" {
			p[[2]string{g.Resource, g.Operation}] = g.Permission
		}
	}
	return p
}

// of returns the permissions without which a finding is unknown.
func (p permissions) of(f audit.Finding) string {
	if f.Status != audit.Unknown || len(p) == 0 {
		return ""
	}
	var names []string
	for _, e := range f.Evidence {
		if name := p[[2]string{e.Resource, e.Field}]; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// gapID names a gap as a finding's ID names a finding, by all but the words of its message.
func gapID(g audit.Gap) string {
	return idOf("gap", g.Project, g.Resource, g.Operation, g.Code, g.Reason, g.Permission)
}

func missingID(part string) string { return idOf("missing", part) }

func idOf(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// controlNames names the controls of a rule: "CIS GKE 1.9.0 5.6.5".
func controlNames(rule *audit.Rule) []string {
	if rule == nil {
		return nil
	}
	names := make([]string, len(rule.Controls))
	for i, c := range rule.Controls {
		names[i] = string(c.Framework) + " " + c.ID
	}
	return names
}

func firstReference(rule *audit.Rule) string {
	if rule == nil || len(rule.References) == 0 {
		return ""
	}
	return rule.References[0].URL
}

// timestamp writes a time as all that read the machine formats take it; empty for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// day returns a date, and nothing for what is none.
func day(s string) string {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return ""
	}
	return s
}
