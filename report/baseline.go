package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
)

// Since returns the report with what became of its findings since a baseline, an earlier
// report. The report itself does not change, and what it may have said of another
// baseline is left out.
//
// Only what both have looked at is compared. What one of the two did not look at or could
// not read is incomparable: neither new nor resolved. The same holds for what a rule says
// otherwise than before if it checks something else now, or by other parameters.
func (r *Report) Since(base File) *Report {
	var findings Findings
	since := *r
	since.Baseline = r.compare(base, findings.Add)
	since.Findings = findings
	return &since
}

// compare hands the findings, with what became of them, to a function, in their order.
func (r *Report) compare(base File, keep func(audit.Finding)) *Baseline {
	c := &comparison{
		now: r, then: base.Report,
		rulesNow: r.rulesByID(), rulesThen: base.rulesByID(), waiversThen: base.waiversByID(),
		projectsNow: projectsOf(r), projectsThen: projectsOf(base.Report),
		notes: map[string]*note{}, add: keep,
		out: &Baseline{
			Name: base.Name, Version: base.Tool.Version, StartedAt: base.StartedAt,
			Failing: noFindings().Failing, Resolved: []audit.Finding{},
		},
	}
	c.begin()
	clusters := r.Clusters
	for _, old := range base.Clusters {
		for len(clusters) > 0 && clusters[0].Name < old.Name {
			c.cluster(&clusters[0], nil)
			clusters = clusters[1:]
		}
		if len(clusters) > 0 && clusters[0].Name == old.Name {
			c.cluster(&clusters[0], &old)
			clusters = clusters[1:]
		} else {
			c.cluster(nil, &old)
		}
	}
	for i := range clusters {
		c.cluster(&clusters[i], nil)
	}
	for _, name := range audit.Severities[:c.now.Scope.least()-1] {
		if n := c.now.Summary.Failing[name]; n > 0 { // of which nothing else is known
			c.out.Failing[name] += n
			c.note(leftOutHere, name, n)
		}
	}
	c.out.Counts.Resolved = len(c.out.Resolved)
	c.out.Notes = c.sentences()
	return c.out
}

// uncompared returns the report without what it says of a baseline, but for when findings
// were first seen.
func (r *Report) uncompared() *Report {
	if r.Baseline == nil {
		return r
	}
	without := *r
	without.Baseline = nil
	without.Findings = r.Findings.edited(func(f *audit.Finding) { f.Change, f.Was = "", "" })
	return &without
}

// A comparison is on its way through two reports, which are in the same order.
type comparison struct {
	now, then                 *Report
	rulesNow, rulesThen       map[string]*audit.Rule
	waiversThen               map[string]Waiver
	projectsNow, projectsThen map[string]*sight
	otherwise                 map[string]bool // rules that do not judge as they did
	sameSearch                bool            // whether projects were searched for as before
	notes                     map[string]*note
	add                       func(audit.Finding)
	out                       *Baseline
}

// A sight is how far a report looked at a project: at all of its clusters but for those
// in some locations.
type sight struct{ hidden []string }

func projectsOf(r *Report) map[string]*sight {
	all := map[string]*sight{}
	for _, id := range r.Scope.Projects {
		all[id] = &sight{}
	}
	for _, g := range r.Gaps {
		if s := all[g.Project]; s != nil && audit.LastSegment(g.Resource) == "clusters" {
			s.hidden = append(s.hidden, audit.Segment(g.Resource, "locations"))
		}
	}
	return all
}

// hides reports whether clusters of a location may be there that were not read.
func (s *sight) hides(location string) bool {
	return slices.ContainsFunc(s.hidden, func(l string) bool {
		return l == "-" || l == location || l == audit.RegionOf(location) || audit.RegionOf(l) == location
	})
}

// begin finds out what is said of the reports as a whole.
func (c *comparison) begin() {
	c.otherwise = map[string]bool{}
	changed := c.now.Settings.Parameters.Changed(c.then.Settings.Parameters)
	for id, rule := range c.rulesNow {
		old := c.rulesThen[id]
		if old == nil {
			continue
		}
		if rule.Severity != old.Severity {
			c.note(otherSeverity, id, 0)
		}
		if rule.Checks != old.Checks || reads(rule, changed) || reads(old, changed) {
			c.otherwise[id] = true
		}
	}
	now, then := c.now.Scope, c.then.Scope
	c.sameSearch = len(now.Organizations)+len(now.Folders) > 0 && now.search() == then.search() &&
		now.allFound() && then.allFound() && len(then.Missing) == 0 &&
		!slices.ContainsFunc(c.then.Gaps, func(g audit.Gap) bool { return g.HidesProjects() })
}

// search is what was asked for of organizations and folders.
func (s Scope) search() string {
	return fmt.Sprintf("%q", [][]string{s.Organizations, s.Folders, s.ExcludeProjects, s.ExcludeFolders})
}

// allFound reports whether all projects were found in organizations and folders, and none
// was named besides.
func (s Scope) allFound() bool {
	n := len(s.Projects)
	if s.Shard != nil {
		n = s.Shard.Projects
	}
	return s.Discovery != nil && s.Discovery.Projects == n
}

// reads reports whether a rule judges by one of some parameters.
func reads(r *audit.Rule, parameters []audit.Parameter) bool {
	return slices.ContainsFunc(r.Reads, func(p audit.Parameter) bool { return slices.Contains(parameters, p) })
}

// cluster compares the findings on a cluster, which one of the two may not have.
func (c *comparison) cluster(now, then *Cluster) {
	var news, olds []audit.Finding
	anew := now != nil && then != nil && now.ID != "" && then.ID != "" && now.ID != then.ID
	why := "" // one of the two would not have it if it were there
	switch {
	case now == nil:
		olds = c.then.Findings.of(then.Name)
		why = c.unseenNow(then)
	case then == nil:
		news = c.now.Findings.of(now.Name)
		why = c.unseenThen(now)
	default:
		news, olds = c.now.Findings.of(now.Name), c.then.Findings.of(then.Name)
	}
	if anew {
		c.note(madeAnew, now.Name, 0)
	}
	for len(news)+len(olds) > 0 {
		rule := ""
		if len(olds) == 0 || len(news) > 0 && news[0].Rule <= olds[0].Rule {
			rule = news[0].Rule
		} else {
			rule = olds[0].Rule
		}
		var n, o []audit.Finding
		n, news = ofRule(news, rule)
		o, olds = ofRule(olds, rule)
		switch {
		case c.rulesThen[rule] == nil:
			c.eachNew(n, c.unruled(rule, c.then, notThen, leftOutThen), rule)
		case c.rulesNow[rule] == nil:
			c.eachOld(o, c.unruled(rule, c.now, notNow, leftOutNow), rule, "")
		case now == nil:
			c.eachOld(o, why, noteName(why, then), audit.ClusterGone)
		case then == nil:
			c.eachNew(n, why, noteName(why, now))
		case anew:
			c.madeAnew(n, o)
		default:
			c.rule(n, o)
		}
	}
}

// ofRule splits off the findings of a rule.
func ofRule(findings []audit.Finding, rule string) (of, rest []audit.Finding) {
	n := 0
	for n < len(findings) && findings[n].Rule == rule {
		n++
	}
	return findings[:n], findings[n:]
}

// unruled says why a report has no findings of a rule that the other has.
func (c *comparison) unruled(rule string, r *Report, not, leftOut string) string {
	there := cmp.Or(c.rulesNow[rule], c.rulesThen[rule])
	if there.Severity < r.Scope.least() {
		return leftOut
	}
	return not
}

// unseenThen says why the baseline would not have a cluster even if it had been there;
// empty if it would.
func (c *comparison) unseenThen(cl *Cluster) string {
	s := c.projectsThen[cl.Project]
	switch {
	case s == nil && c.sameSearch && (c.then.Scope.Shard == nil || c.then.Scope.Shard.Has(cl.Project)):
		s = &sight{} // it would have been found
	case s == nil:
		return projectThen
	}
	switch {
	case s.hides(cl.Location):
		return unreadThen
	case !c.then.Scope.asksFor(cl):
		return clusterThen
	}
	return ""
}

// unseenNow is likewise for the report that is compared. A project that is no longer
// found may have moved elsewhere, so what it has had is not called gone.
func (c *comparison) unseenNow(cl *Cluster) string {
	s := c.projectsNow[cl.Project]
	switch {
	case s == nil && c.now.Scope.Shard != nil && !c.now.Scope.Shard.Has(cl.Project):
		return otherShard
	case s == nil:
		return projectNow
	case s.hides(cl.Location):
		return unreadNow
	case !c.now.Scope.asksFor(cl):
		return clusterNow
	}
	return ""
}

// asksFor reports whether a cluster of a project in scope is in scope.
func (s Scope) asksFor(c *Cluster) bool {
	return s.IncludesLocation(c.Location) && (len(s.Scope.Clusters) == 0 || slices.ContainsFunc(s.Scope.Clusters, func(want string) bool {
		return want == audit.LastSegment(c.Name) || audit.RelativeName(want) == c.Name
	}))
}

// noteName is what a note on a cluster names.
func noteName(why string, c *Cluster) string {
	if why == clusterThen || why == clusterNow {
		return c.Name
	}
	return c.Project
}

// eachNew takes findings that the baseline has not: new ones, unless there is a reason
// why it could not have them.
func (c *comparison) eachNew(findings []audit.Finding, why, name string) {
	for _, f := range findings {
		change := audit.Appeared
		if why != "" {
			change = audit.NotComparable
		}
		if isFound(f) && why != "" {
			c.note(why, name, 1)
		}
		c.keep(f, nil, change)
	}
}

// eachOld takes findings that the baseline alone has: resolved ones, unless there is a
// reason why the report cannot have them.
func (c *comparison) eachOld(findings []audit.Finding, why, name string, became audit.Change) {
	for _, f := range findings {
		switch {
		case !isFound(f):
		case why != "":
			c.note(why, name, 1)
		default:
			c.resolve(f, became)
		}
	}
}

// madeAnew takes the findings of a rule on two clusters of the same name. Those of the
// one that is gone are resolved where the other has not the same.
func (c *comparison) madeAnew(news, olds []audit.Finding) {
	c.eachNew(news, "", "")
	for _, o := range olds {
		i := slices.IndexFunc(news, func(f audit.Finding) bool { return f.Resource == o.Resource })
		if isFound(o) && (i < 0 || !isFound(news[i])) {
			c.resolve(o, audit.ClusterGone)
		}
	}
}

// rule compares the findings of a rule on a cluster.
func (c *comparison) rule(news, olds []audit.Finding) {
	// An unknown finding without another for its resource stands for all that could not
	// be read.
	hiddenThen, hiddenNow := standsAlone(olds, news), standsAlone(news, olds)
	became := answer(news)
	for len(news)+len(olds) > 0 {
		switch {
		case len(olds) == 0 || len(news) > 0 && news[0].Resource < olds[0].Resource:
			why := ""
			if hiddenThen {
				why = unknownThen
			} else if news[0].Status == audit.Unknown {
				why = unknownNow
			}
			c.eachNew(news[:1], why, news[0].Rule)
			news = news[1:]
		case len(news) == 0 || olds[0].Resource < news[0].Resource:
			why := ""
			if hiddenNow {
				why = unknownNow
			}
			if olds[0].Status != audit.Unknown {
				c.eachOld(olds[:1], why, olds[0].Rule, audit.ResourceGone)
			} else if why != "" || became != "" {
				c.eachOld(olds[:1], why, olds[0].Rule, became)
			}
			olds = olds[1:]
		default:
			c.pair(news[0], olds[0])
			news, olds = news[1:], olds[1:]
		}
	}
}

// answer says what has become of an unknown finding in whose place others are now; empty
// if they are open.
func answer(news []audit.Finding) audit.Change {
	became := audit.Inapplicable
	for _, f := range news {
		switch {
		case isFound(f):
			return ""
		case f.Status == audit.Pass:
			became = audit.Mended
		}
	}
	return became
}

func standsAlone(findings, others []audit.Finding) bool {
	return slices.ContainsFunc(findings, func(f audit.Finding) bool {
		return f.Status == audit.Unknown && !slices.ContainsFunc(others, func(o audit.Finding) bool { return o.Resource == f.Resource })
	})
}

// pair compares a finding with that of the same ID in the baseline.
func (c *comparison) pair(f, old audit.Finding) {
	change, why := audit.Same, ""
	switch {
	case !isFound(f) && !isFound(old):
	case f.Status == audit.Unknown && old.Status != audit.Unknown:
		why = unknownNow
	case f.Status == audit.Fail && old.Status == audit.Unknown:
		why = unknownThen
	case isFound(f) && isFound(old) && equalFindings(f, old):
	case c.otherwise[f.Rule]:
		why = judgedOtherwise
	case !isFound(f):
		became := audit.Mended
		if f.Status == audit.NotApplicable {
			became = audit.Inapplicable
		}
		c.resolve(old, became)
	case isFound(old):
		change = audit.Altered
	default:
		change = audit.Appeared
	}
	if why != "" {
		change = audit.NotComparable
		c.note(why, f.Rule, 1)
	}
	c.keep(f, &old, change)
}

// equalFindings reports whether two findings of the same ID say the same.
func equalFindings(a, b audit.Finding) bool {
	return a.Status == b.Status && a.Severity == b.Severity && a.Message == b.Message &&
		(a.Waiver == "") == (b.Waiver == "") && slices.Equal(a.Evidence, b.Evidence)
}

// isFound reports whether a finding fails, be it waived or not, or is unknown.
func isFound(f audit.Finding) bool { return f.Status == audit.Fail || f.Status == audit.Unknown }

// keep adds a finding to those of the report. The one of the baseline is nil if it has
// none, or one of another cluster.
func (c *comparison) keep(f audit.Finding, old *audit.Finding, change audit.Change) {
	own := f.FirstSeen
	f.Change, f.Was, f.FirstSeen = "", "", time.Time{}
	if isFound(f) {
		f.Change = change
		if change == audit.Altered {
			f.Was = c.was(*old, f)
		}
		c.out.Counts.count(change)
		f.FirstSeen = c.now.StartedAt
		if old != nil && isFound(*old) {
			f.FirstSeen = old.FirstSeen
			if f.FirstSeen.IsZero() {
				f.FirstSeen = c.then.StartedAt
			}
		} else if own.After(c.then.StartedAt) {
			f.FirstSeen = own // a report between the two has found it
		}
		if f.FirstSeen.After(c.now.StartedAt) {
			f.FirstSeen = c.now.StartedAt
		}
		shown := old != nil && old.Status == audit.Fail
		if f.Status == audit.Fail && f.Waiver == "" && (change == audit.Appeared || change == audit.NotComparable && !shown) {
			c.out.Failing[f.Severity.String()]++
		}
	}
	c.add(f)
}

func (c *comparison) resolve(old audit.Finding, became audit.Change) {
	old.Change, old.Was = became, "" // it may have been compared itself
	if old.FirstSeen.IsZero() {
		old.FirstSeen = c.then.StartedAt
	}
	old.Evidence = slices.Clone(old.Evidence) // or it keeps all of the cluster's
	c.out.Resolved = append(c.out.Resolved, old)
}

func (n *Counts) count(change audit.Change) {
	switch change {
	case audit.Appeared:
		n.New++
	case audit.Same:
		n.Unchanged++
	case audit.Altered:
		n.Changed++
	case audit.NotComparable:
		n.Incomparable++
	}
}

// A note is a reason not to compare, and what it holds for.
type note struct {
	names    map[string]bool
	findings int
}

// The reasons, in the order in which they are said.
const (
	projectThen     = "Projects that the baseline is not about"
	otherShard      = "Projects of other shards" // which goes without saying
	projectNow      = "Projects that only the baseline is about"
	clusterThen     = "Clusters that the baseline was not asked for"
	clusterNow      = "Clusters that only the baseline was asked for"
	unreadThen      = "Projects whose clusters the baseline could not read"
	unreadNow       = "Projects whose clusters could not be read now"
	notThen         = "Rules that the baseline does not apply"
	notNow          = "Rules that only the baseline applies"
	leftOutThen     = "Rules that were left out of the baseline for their severity"
	leftOutNow      = "Rules that only the baseline has, left out here for their severity"
	leftOutHere     = "Severities that are left out here, and may be new where they fail"
	judgedOtherwise = "Rules that check something else than in the baseline, or by other parameters"
	unknownThen     = "Rules that were unknown in the baseline where they are not now"
	unknownNow      = "Rules that are unknown now where they were not in the baseline"
	madeAnew        = "Clusters that were deleted and made anew under the same name, compared with nothing"
	otherSeverity   = "Rules of another severity than in the baseline"
)

var reasons = []string{projectThen, projectNow, clusterThen, clusterNow, unreadThen, unreadNow, notThen, notNow,
	leftOutThen, leftOutNow, leftOutHere, judgedOtherwise, unknownThen, unknownNow, madeAnew, otherSeverity}

// note notes that so many open findings of a rule, project or cluster are not compared.
func (c *comparison) note(reason, name string, findings int) {
	n := c.notes[reason]
	if n == nil {
		n = &note{names: map[string]bool{}}
		c.notes[reason] = n
	}
	n.names[name] = true
	n.findings += findings
}

// sentences says the notes.
func (c *comparison) sentences() []string {
	const most = 10
	var all []string
	if c.then.StartedAt.After(c.now.StartedAt) {
		all = append(all, "The baseline is of a later audit.")
	}
	if !c.then.Complete {
		all = append(all, "The baseline is incomplete: "+c.then.Incompleteness()+".")
	}
	for _, reason := range reasons {
		n := c.notes[reason]
		if n == nil {
			continue
		}
		names := slices.Sorted(maps.Keys(n.names))
		more := ""
		if len(names) > most {
			more = fmt.Sprintf(" and %d more", len(names)-most)
			names = names[:most]
		}
		text := reason + ": " + strings.Join(names, ", ") + more
		if n.findings > 0 {
			text += " (" + count(n.findings, "finding", "findings") + ")"
		}
		all = append(all, text+".")
	}
	return all
}

// leavingOut returns the baseline without what is below a severity, which stays counted.
func (b *Baseline) leavingOut(least audit.Severity) *Baseline {
	if b == nil {
		return nil
	}
	left := *b
	left.Resolved = []audit.Finding{}
	for _, f := range b.Resolved {
		if f.Severity >= least {
			left.Resolved = append(left.Resolved, f)
		}
	}
	return &left
}

// mostResolved is how many resolved findings a report for people lists. More are not read
// one by one, and the JSON has all.
const mostResolved = 500

// Shown are the first of what is resolved.
func (b *Baseline) Shown() []audit.Finding { return b.Resolved[:min(len(b.Resolved), mostResolved)] }

// More says how many are resolved that are not shown; empty if there are none.
func (b *Baseline) More() string {
	if n := len(b.Resolved) - len(b.Shown()); n > 0 {
		return fmt.Sprintf("And %d more, which gkeaudit diff and the JSON report list.", n)
	}
	return ""
}

// Line says in a sentence what became of the findings: "Since 2026-10-01 (old.json): 3 new,
// 2 resolved, 10 unchanged, 1 changed, 4 incomparable."
func (b *Baseline) Line() string {
	n := b.Counts
	return fmt.Sprintf("Since %s (%s): %d new, %d resolved, %d unchanged, %d changed, %d incomparable.",
		stamp(b.StartedAt), b.Name, n.New, n.Resolved, n.Unchanged, n.Changed, n.Incomparable)
}

// NewAt reports whether a finding of a severity or a higher one fails that did not in the
// baseline, or may not have, be it left out of the report or not. Without a baseline
// there is none.
func (r *Report) NewAt(least audit.Severity) bool {
	if r.Baseline == nil {
		return false
	}
	return slices.ContainsFunc(audit.Severities[least-1:], func(name string) bool { return r.Baseline.Failing[name] > 0 })
}

// resolutions are the words for what became of findings that are resolved.
var resolutions = map[audit.Change]string{
	audit.Mended: "passes now", audit.Inapplicable: "not applicable now", audit.ResourceGone: "gone or not used any more", audit.ClusterGone: "cluster gone",
}

// changeText says of an open finding what became of it, and since when it is known: "new",
// "changed, first seen 2026-10-01"; empty without a baseline.
func changeText(f audit.Finding) string {
	if f.Change == "" {
		return ""
	}
	text := string(f.Change)
	if f.Change != audit.Appeared && !f.FirstSeen.IsZero() {
		text += ", first seen " + f.FirstSeen.UTC().Format(time.DateOnly)
	}
	return text
}

// place names a finding's resource, and its cluster where that is not part of the name.
func place(f audit.Finding) string {
	if f.Resource == f.Cluster || strings.HasPrefix(f.Resource, f.Cluster+"/") {
		return f.Resource
	}
	return f.Resource + " for " + f.Cluster
}

// resolvedText says what became of a finding that is resolved: "FAIL, passes now".
func resolvedText(f audit.Finding) string {
	return strings.ToUpper(f.Status.String()) + ", " + resolutions[f.Change]
}

// checkBaseline holds what is said of a baseline against the findings.
func (r *Report) checkBaseline() error {
	b := r.Baseline
	if b == nil {
		b = &Baseline{}
	} else if b.Name == "" || b.Version == "" || b.StartedAt.IsZero() || len(b.Failing) != len(audit.Severities) {
		return errors.New("its baseline has no name, no version, no time or no counts")
	}
	var in Counts
	least := r.Scope.least()
	news, perhaps := map[string]int{}, map[string]int{}
	for f := range r.Findings.All() {
		if r.Baseline == nil && f.Change != "" || r.Baseline != nil && (f.Change != "") != isFound(f) || f.Change != "" && !slices.Contains(audit.Changes, f.Change) {
			return fmt.Errorf("finding %s does not say what became of it since the baseline, or should not", f.ID())
		}
		if f.Was != "" && f.Change != audit.Altered {
			return fmt.Errorf("finding %s says what it was, and is not called changed", f.ID())
		}
		in.count(f.Change)
		if f.Status == audit.Fail && (f.Change == audit.Appeared || f.Change == audit.NotComparable) {
			perhaps[f.Severity.String()]++
			if f.Change == audit.Appeared && f.Waiver == "" {
				news[f.Severity.String()]++
			}
		}
	}
	if r.Baseline == nil {
		return nil
	}
	for i, f := range b.Resolved {
		if f.Severity == 0 || f.Severity < least || !isFound(f) || !slices.Contains(audit.Resolutions, f.Change) ||
			f.Rule == "" || f.Resource == "" || !strings.HasPrefix(f.Cluster, "projects/") || !strings.Contains(f.Cluster, "/clusters/") {
			return fmt.Errorf("baseline: resolved[%d] did not fail and was not unknown, or has no rule, cluster or resource, or does not say what became of it", i)
		}
		if f.Was != "" {
			return fmt.Errorf("baseline: resolved[%d] says what it was, and is not called changed", i)
		}
		if i > 0 && compareFindings(b.Resolved[i-1], f) >= 0 {
			return fmt.Errorf("baseline: resolved[%d] is there twice or out of order", i)
		}
	}
	in.Resolved = len(b.Resolved)
	for _, n := range []struct {
		name        string
		says, holds int
	}{
		{"new", b.Counts.New, in.New}, {"resolved", b.Counts.Resolved, in.Resolved}, {"unchanged", b.Counts.Unchanged, in.Unchanged},
		{"changed", b.Counts.Changed, in.Changed}, {"incomparable", b.Counts.Incomparable, in.Incomparable},
	} {
		if n.says < n.holds || n.says > n.holds && least == audit.Low {
			return disagrees("baseline.counts."+n.name, n.says, n.holds)
		}
	}
	for i, name := range audit.Severities {
		says := b.Failing[name]
		if says < news[name] || says > perhaps[name] && audit.Severity(i+1) >= least {
			return disagrees("baseline.failing."+name, says, news[name])
		}
	}
	return nil
}

// compareFindings orders findings by cluster, rule and resource.
func compareFindings(a, b audit.Finding) int {
	return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Resource, b.Resource))
}
