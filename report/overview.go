package report

import (
	"cmp"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// An overview is what the formats for people say before they list findings.
type overview struct {
	causes    []cause
	undecided int              // of those listed
	rules     []*ruleFindings  // those that fail, be it waived, or are unknown; worst first
	clusters  []*clusterCounts // worst first

	// Open findings, and those resolved, by severity and change; unknown ones have
	// severity 0, waived ones -1.
	changes  map[audit.Severity]map[audit.Change]int
	resolved map[audit.Severity]int
}

// A cause is why findings are unknown.
type cause struct {
	permission string   // that is missing; empty if it is something else
	why        string   // what it is then
	places     []string // the projects, folders and organizations where something could not be read
	clustersIn bool     // whole clusters may be among what could not be read

	findings        int // of those listed, that it makes unknown, alone or with others
	rules, clusters map[string]bool
}

// A ruleFindings is a rule with its findings that fail or are unknown, in the order of
// clusters.
type ruleFindings struct {
	*audit.Rule
	open, waived []audit.Finding // open ones: first those that fail
	fails        int             // of the open ones
	clusters     int             // that fail
	fresh        int             // open and new
}

// A clusterCounts is a cluster with counts of its findings.
type clusterCounts struct {
	Cluster
	failing         [4]int // by severity, from low on
	unknown, waived int
	counts          [4]int // by status
}

const (
	// undecided is the cause of what is unknown although everything was read.
	undecided = "UNDECIDED: what the API reports does not decide it; each finding says why"

	// notInSnapshot is the cause of what is unknown for want of data that was never asked for.
	notInSnapshot = "the snapshot does not hold it; each finding says what"
)

func (r *Report) overview() *overview {
	o := &overview{changes: map[audit.Severity]map[audit.Change]int{}, resolved: map[audit.Severity]int{}}
	causes, byResource := r.gapCauses()
	rules := map[string]*ruleFindings{}
	for _, rule := range r.Rules {
		rules[rule.ID] = &ruleFindings{Rule: rule}
	}
	clusters := map[string]*clusterCounts{}
	for _, c := range r.Clusters {
		t := &clusterCounts{Cluster: c}
		clusters[c.Name] = t
		o.clusters = append(o.clusters, t)
	}
	failed := map[string]string{} // by rule, the cluster where it last did
	for f := range r.Findings.All() {
		c, rule := clusters[f.Cluster], rules[f.Rule]
		c.counts[f.Status]++
		switch {
		case f.Status == audit.Unknown:
			c.unknown++
			if f.Undecided {
				o.undecided++
			}
			rule.open = append(rule.open, f)
			for _, cause := range causesOf(f, causes, byResource) {
				cause.findings++
				cause.rules[f.Rule], cause.clusters[f.Cluster] = true, true
			}
		case f.Status == audit.Fail && f.Waiver != "":
			c.waived++
			rule.waived = append(rule.waived, f)
		case f.Status == audit.Fail:
			c.failing[f.Severity-1]++
			rule.open = append(rule.open, f)
			rule.fails++
			if failed[f.Rule] != f.Cluster {
				failed[f.Rule] = f.Cluster
				rule.clusters++
			}
		default:
			continue
		}
		if f.Change == audit.Appeared && f.Waiver == "" {
			rule.fresh++
		}
		by := countedAs(f)
		if o.changes[by] == nil {
			o.changes[by] = map[audit.Change]int{}
		}
		o.changes[by][f.Change]++
	}
	for _, rule := range r.Rules {
		t := rules[rule.ID]
		slices.SortStableFunc(t.open, func(a, b audit.Finding) int { return -cmp.Compare(a.Status, b.Status) })
		if len(t.open)+len(t.waived) > 0 {
			o.rules = append(o.rules, t)
		}
	}
	slices.SortStableFunc(o.rules, func(a, b *ruleFindings) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.clusters, b.clusters), -cmp.Compare(len(a.open), len(b.open)))
	})
	slices.SortStableFunc(o.clusters, func(a, b *clusterCounts) int {
		for i := len(a.failing) - 1; i >= 0; i-- {
			if c := cmp.Compare(b.failing[i], a.failing[i]); c != 0 {
				return c
			}
		}
		return -cmp.Compare(a.unknown, b.unknown)
	})
	if r.Baseline != nil {
		for _, f := range r.Baseline.Resolved {
			o.resolved[countedAs(f)]++
		}
	}
	for _, c := range causes {
		o.causes = append(o.causes, *c)
	}
	slices.SortStableFunc(o.causes, func(a, b cause) int { return -cmp.Compare(a.findings, b.findings) })
	return o
}

// changed returns how many of the open findings are listed that are counted in a line.
func (o *overview) changed(by audit.Severity) int {
	n := 0
	for _, of := range o.changes[by] {
		n += of
	}
	return n
}

// countedAs is the line that a finding is counted in.
func countedAs(f audit.Finding) audit.Severity {
	switch {
	case f.Status == audit.Unknown:
		return 0
	case f.Waiver != "":
		return -1
	}
	return f.Severity
}

// gapCauses returns the causes that gaps are, in the order of gaps, and those of each
// resource.
func (r *Report) gapCauses() (all []*cause, byResource map[string][]*cause) {
	known, listed := map[string]*cause{}, map[[2]string]bool{}
	byResource = map[string][]*cause{}
	for _, g := range r.Gaps {
		why := gapCause(g)
		c := known[why]
		if c == nil {
			c = &cause{permission: g.Permission, why: why, rules: map[string]bool{}, clusters: map[string]bool{}}
			known[why] = c
			all = append(all, c)
		}
		c.clustersIn = c.clustersIn || g.HidesProjects() || audit.LastSegment(g.Resource) == "clusters"
		place := g.Resource
		if parts := strings.SplitN(g.Resource, "/", 3); len(parts) > 2 {
			place = parts[0] + "/" + parts[1]
		}
		if !listed[[2]string{why, place}] {
			listed[[2]string{why, place}] = true
			c.places = append(c.places, place)
		}
		if !slices.Contains(byResource[g.Resource], c) {
			byResource[g.Resource] = append(byResource[g.Resource], c)
		}
	}
	if r.Summary.Unknown > 0 {
		for _, why := range []string{notInSnapshot, undecided} {
			all = append(all, &cause{why: why, rules: map[string]bool{}, clusters: map[string]bool{}})
		}
	}
	return all, byResource
}

// causesOf returns why a finding is unknown. Its evidence names what could not be read.
func causesOf(f audit.Finding, all []*cause, byResource map[string][]*cause) []*cause {
	if f.Undecided {
		return all[len(all)-1:]
	}
	var causes []*cause
	for _, e := range f.Evidence {
		for _, c := range byResource[e.Resource] {
			if !slices.Contains(causes, c) {
				causes = append(causes, c)
			}
		}
	}
	if causes == nil {
		return all[len(all)-2 : len(all)-1]
	}
	return causes
}

// waits reports whether somebody should look at a waiver.
func (r *Report) waits(w Waiver) bool {
	return w.State != WaiverActive || w.Broad != "" || w.DaysLeft(r.StartedAt) <= EndsSoon
}
