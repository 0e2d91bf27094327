package report

import (
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// A benchmarkRow is what a report says of a recommendation of a benchmark.
type benchmarkRow struct {
	audit.Recommendation

	// Status is the worst of the findings of its rules. It is unknown where rules do
	// not judge all of it, unless they found that it does not hold.
	Status audit.Status

	// Result says the outcome in a few words: "fail in 3 of 10 clusters".
	Result string
}

// Assessment says how the benchmark has the recommendation assessed.
func (b benchmarkRow) Assessment() string {
	if b.Automated {
		return "automated"
	}
	return "manual"
}

// counted returns the names of the clusters that a benchmark is about: those for Autopilot
// are about no others.
func (r *Report) counted(b audit.Benchmark) map[string]bool {
	names := map[string]bool{}
	for _, c := range r.Clusters {
		if b.Framework != audit.CISGKEAutopilot13 || c.Mode == "autopilot" {
			names[c.Name] = true
		}
	}
	return names
}

// hidesClusters reports whether there are or may be clusters that were not read.
func (r *Report) hidesClusters() bool {
	return len(r.Scope.Missing) > 0 || r.Scope.HidesClusters(r.Gaps)
}

// waived stands beside the statuses for that of findings that fail and are waived.
const waived = audit.Fail + 1

// benchmarkRows holds the findings against a benchmark.
func (r *Report) benchmarkRows(b audit.Benchmark) []benchmarkRow {
	counted := r.counted(b)
	in := make([][5]int, len(b.Recommendations)) // how many clusters, by status
	count := func(found map[string][5]bool) {    // the statuses of a cluster's findings, by rule
		for i, rec := range b.Recommendations {
			var any [5]bool
			for _, id := range rec.Rules {
				for status, is := range found[id] {
					any[status] = any[status] || is
				}
			}
			for status, is := range any {
				if is {
					in[i][status]++
				}
			}
		}
	}
	cluster, found := "", map[string][5]bool{}
	for f := range r.Findings.All() {
		if !counted[f.Cluster] {
			continue
		}
		if f.Cluster != cluster {
			count(found)
			clear(found)
			cluster = f.Cluster
		}
		statuses := found[f.Rule]
		statuses[f.Status] = true
		if f.Waiver != "" {
			statuses[waived] = true // it fails all the same
		}
		found[f.Rule] = statuses
	}
	count(found)
	var rows []benchmarkRow
	for i, rec := range b.Recommendations {
		var leftOut, notApplied []string
		for _, id := range rec.Rules {
			if !slices.ContainsFunc(r.Rules, func(rule *audit.Rule) bool { return rule.ID == id }) {
				if r.Scope.LeastSeverity != "" && !slices.Contains(r.Settings.Disabled, id) {
					leftOut = append(leftOut, id)
				} else {
					notApplied = append(notApplied, id)
				}
			}
		}
		rows = append(rows, r.judgeRecommendation(rec, in[i], len(counted), leftOut, notApplied))
	}
	return rows
}

func (r *Report) judgeRecommendation(rec audit.Recommendation, in [5]int, clusters int, leftOut, notApplied []string) benchmarkRow {
	row := benchmarkRow{Recommendation: rec}
	of := func(s audit.Status) string {
		return fmt.Sprintf("in %d of %s", in[s], count(clusters, "cluster", "clusters"))
	}
	var rest []string // what rules have not judged
	if rec.Otherwise != "" {
		rest = append(rest, rec.Otherwise)
	}
	if len(leftOut) > 0 {
		rest = append(rest, "left out for their severity: "+strings.Join(leftOut, ", "))
	}
	if len(notApplied) > 0 {
		rest = append(rest, "not applied: "+strings.Join(notApplied, ", "))
	}
	switch {
	case in[audit.Fail] > 0:
		row.Status, row.Result = audit.Fail, "fails "+of(audit.Fail)
		if in[waived] > 0 {
			row.Result += fmt.Sprintf(", with waived findings in %d", in[waived])
		}
	case len(rec.Rules) == len(notApplied):
		row.Result = "not judged"
	case len(rec.Rules) == len(notApplied)+len(leftOut):
		row.Result = "not in this report"
	case in[audit.Unknown] > 0:
		row.Result = "unknown " + of(audit.Unknown)
	case rest != nil:
		row.Result = "no fault found by rules"
	case in[audit.Pass]+in[audit.NotApplicable] > 0 && r.hidesClusters():
		row.Result = "no fault found; not all clusters could be read"
	case in[audit.Pass] > 0 && in[audit.Pass] < clusters:
		row.Status, row.Result = audit.Pass, "holds "+of(audit.Pass)+", not applicable to the others"
	case in[audit.Pass] > 0:
		row.Status, row.Result = audit.Pass, "holds"
	case in[audit.NotApplicable] > 0:
		row.Status, row.Result = audit.NotApplicable, "not applicable"
	default:
		row.Result = "no cluster was judged"
	}
	row.Result = strings.Join(append([]string{row.Result}, rest...), "; ")
	return row
}

// benchmarkCounts says how a benchmark was answered: "57 recommendations: 3 fail, ...".
func (r *Report) benchmarkCounts(b audit.Benchmark, rows []benchmarkRow) string {
	n := map[audit.Status]int{}
	for _, row := range rows {
		n[row.Status]++
	}
	text := fmt.Sprintf("%s, of which %d fail, %d hold, %d not applicable, %d not or not wholly judged",
		count(len(rows), "recommendation", "recommendations"), n[audit.Fail], n[audit.Pass], n[audit.NotApplicable], n[audit.Unknown])
	if others := len(r.Clusters) - len(r.counted(b)); others > 0 {
		text += fmt.Sprintf("; the benchmark is not about %s, Standard and not counted here", count(others, "cluster", "clusters"))
	}
	return text
}

// Facts says, each in a few words, what an audit was told about rules.
func (s Settings) Facts() []string {
	var facts []string
	add := func(format string, args ...any) { facts = append(facts, fmt.Sprintf(format, args...)) }
	if s.Profile != "" {
		add("profile %s", s.Profile)
	}
	if len(s.Enabled) > 0 {
		add("with %s", strings.Join(s.Enabled, ", "))
	}
	if len(s.Disabled) > 0 {
		add("without %s", strings.Join(s.Disabled, ", "))
	}
	for _, id := range sortedKeys(s.Severities) {
		add("another severity for %s, which is %s by itself", id, s.Severities[id])
	}
	p, usual := s.Parameters, audit.DefaultParameters()
	if n := p.AuthorizedNetworksBreadth; n != usual.AuthorizedNetworksBreadth && s.Profile != "" {
		add("authorized networks of at most %d public addresses", n)
	}
	if len(p.AllowedLocations) > 0 {
		add("clusters in %s only", strings.Join(p.AllowedLocations, ", "))
	}
	if len(p.NodeServiceAccounts) > 0 {
		add("nodes as %s only", strings.Join(p.NodeServiceAccounts, ", "))
	}
	if len(p.PeopleGroups) > 0 {
		add("groups of people: %s", strings.Join(p.PeopleGroups, ", "))
	}
	if len(p.AirGappedNetworks) > 0 {
		add("air-gapped: %s", strings.Join(p.AirGappedNetworks, ", "))
	}
	return facts
}
