package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gkeaudit/audit"
)

// A survey is what the findings of a report come to: what its first screen says, and
// which findings of a rule are alike.
type survey struct {
	severities [audit.Critical + 1]tally // of findings that fail and are not waived
	unknown    tally
	clusters   []clusterTally
	rules      map[string]*ruleTally

	// reachable are the clusters whose control plane anyone can reach, and unsure is for
	// how many that is not known.
	reachable []reachable
	unsure    int

	grants    []grant
	undecided int // of the unknown findings

	// otherwise is how many findings are unknown because something could not be read that
	// no permission is missing for.
	otherwise int
}

// A tally counts findings that are open, and what became of them since a baseline, and the
// baseline's that are resolved.
type tally struct{ Open, New, Changed, Incomparable, Resolved int }

// What is omitted is how many findings a report counts and, for their severity, does not
// list. Which clusters they are in is not known any more.
type omitted struct {
	least           audit.Severity // below which findings are not listed
	all             int
	failing         [audit.Critical + 1]int
	unknown, waived int
	unread          int // of the unknown ones, those that are not undecided

	pass, notApplicable int

	resolved int // of the baseline's
}

// omits returns what is omitted, given how many findings are listed by status, and how many
// are waived and undecided.
func (r *Report) omits(listed [4]int, waived, undecided int) omitted {
	s := r.Summary
	o := omitted{least: r.Scope.least(), all: s.LeftOut}
	if r.Baseline != nil && o.least > audit.Low {
		o.resolved = max(0, r.Baseline.Counts.Resolved-len(r.Baseline.Resolved))
	}
	if s.LeftOut == 0 {
		return o
	}
	for severity := audit.Low; severity < o.least; severity++ {
		o.failing[severity] = s.Failing[severity.String()]
	}
	o.unknown, o.waived = s.Unknown-listed[audit.Unknown], s.Waived-waived
	o.unread = s.Unread() - (listed[audit.Unknown] - undecided)
	o.pass, o.notApplicable = s.Pass-listed[audit.Pass], s.NotApplicable-listed[audit.NotApplicable]
	return o
}

// fails reports whether findings that fail are omitted.
func (o omitted) fails() bool { return o.failing != [audit.Critical + 1]int{} }

// atLeast writes a number of findings that are listed, where so many others are omitted of
// which it may have some: "?" or "3+".
func atLeast(n, omitted int) string { return orMore(n, omitted, number(n)) }

// plainAtLeast is atLeast without commas between thousands.
func plainAtLeast(n, omitted int) string { return orMore(n, omitted, strconv.Itoa(n)) }

func orMore(n, omitted int, text string) string {
	switch {
	case omitted == 0:
		return text
	case n == 0:
		return "?"
	}
	return text + "+"
}

// omitted returns what is omitted by the report that was surveyed.
func (s *survey) omitted(r *Report) omitted {
	var listed [4]int
	waived := 0
	for _, t := range s.rules {
		for status, n := range t.Counts {
			listed[status] += n
		}
		waived += t.Waived
	}
	return r.omits(listed, waived, s.undecided)
}

// A clusterTally counts the findings of a cluster.
type clusterTally struct {
	Cluster
	Failing         [audit.Critical + 1]int
	Unknown, Waived int
}

// A ruleTally counts the findings of a rule, and the clusters where it fails.
type ruleTally struct {
	Counts   [4]int // by status; those that fail without the waived ones
	Waived   int
	Clusters int // where it fails without a waiver

	bySubject bool // the rule has steps for some findings only

	kinds   []*kind // in the order of their first findings
	settled []*settledKind
	last    string // the cluster that was counted last
	byKey   map[string]*kind
	settle  map[string]*settledKind
}

// A kind is findings of a rule that fail or are unknown and are alike in all but the
// place: their evidence and what became of them are said once for all. What differs by the
// names of their own projects and clusters alone is alike, too.
type kind struct {
	audit.Finding // the first
	Hits          []hit

	message  string           // of all: with words for names that differ
	was      string           // likewise
	evidence []audit.Evidence // likewise
	general  bool             // whether there are such names
}

// A hit is where a finding of a kind is.
type hit struct {
	cluster  int // its place among the report's
	resource string
}

// A settledKind is findings of a rule that pass or do not apply, with the same message.
type settledKind struct {
	Status  audit.Status
	Message string
	Count   int
}

// A reachable cluster is one whose control plane anyone can reach.
type reachable struct {
	Cluster
	Waived bool
}

// A grant is a permission that would decide findings that are unknown.
type grant struct {
	Permission string
	On         []string // the projects, folders and organizations that lack it
	Unknown    int      // how many findings it would help to decide; one may need others, too
}

// openToAll is the rule that fails where anyone can reach a control plane.
const openToAll = "authorized-networks"

// surveyed goes once through all findings. Kinds are kept if they are asked for.
func (r *Report) surveyed(kinds bool) *survey {
	s := &survey{rules: map[string]*ruleTally{}}
	for _, rule := range r.Rules {
		s.rules[rule.ID] = &ruleTally{
			byKey: map[string]*kind{}, settle: map[string]*settledKind{},
			bySubject: slices.ContainsFunc(rule.Remediation.Gcloud, func(s audit.Step) bool { return s.For != "" }),
		}
	}
	for _, c := range r.Clusters {
		s.clusters = append(s.clusters, clusterTally{Cluster: c})
	}
	lacking := newGrants(r.Gaps)
	at := 0 // findings are in the order of clusters
	for f := range r.Findings.All() {
		for at < len(s.clusters)-1 && s.clusters[at].Name < f.Cluster {
			at++
		}
		rule := s.rules[f.Rule]
		if rule == nil || at >= len(s.clusters) {
			continue // what is read is checked: there is no such finding
		}
		s.count(f, &s.clusters[at], rule)
		switch {
		case f.Undecided:
			s.undecided++
		case f.Status == audit.Unknown && !lacking.count(f):
			s.otherwise++
		}
		if kinds {
			rule.sort(f, at, s.clusters[at].Cluster)
		}
	}
	if r.Baseline != nil {
		for _, f := range r.Baseline.Resolved {
			if f.Status == audit.Unknown {
				s.unknown.Resolved++
			} else {
				s.severities[f.Severity].Resolved++
			}
		}
	}
	s.grants = lacking.sorted()
	return s
}

func (s *survey) count(f audit.Finding, c *clusterTally, rule *ruleTally) {
	var t *tally
	switch {
	case f.Status == audit.Fail && f.Waiver != "":
		rule.Waived++
		c.Waived++
	case f.Status == audit.Fail:
		t = &s.severities[f.Severity]
		c.Failing[f.Severity]++
		rule.Counts[audit.Fail]++
		if rule.last != f.Cluster {
			rule.last = f.Cluster
			rule.Clusters++
		}
	default:
		rule.Counts[f.Status]++
		if f.Status == audit.Unknown {
			t = &s.unknown
			c.Unknown++
		}
	}
	if t != nil {
		t.Open++
		switch f.Change {
		case audit.Appeared:
			t.New++
		case audit.Altered:
			t.Changed++
		case audit.NotComparable:
			t.Incomparable++
		}
	}
	if f.Rule == openToAll {
		switch f.Status {
		case audit.Fail:
			s.reachable = append(s.reachable, reachable{c.Cluster, f.Waiver != ""})
		case audit.Unknown:
			s.unsure++
		}
	}
}

// sort puts a finding of a cluster, whose place among the report's is given, to those that
// are like it.
func (t *ruleTally) sort(f audit.Finding, at int, c Cluster) {
	var key []byte
	add := func(s string) { key = append(strconv.AppendInt(key, int64(len(s)), 10), ":"+s...) }
	add(f.Status.String())
	if f.Status == audit.Pass || f.Status == audit.NotApplicable {
		message := f.Message
		if strings.Contains(message, c.Project) {
			message = withoutName(message, c.Project, "PROJECT")
		}
		add(message)
		k := t.settle[string(key)]
		if k == nil {
			k = &settledKind{Status: f.Status, Message: message}
			t.settle[string(key)] = k
			t.settled = append(t.settled, k)
		}
		k.Count++
		return
	}
	add(strconv.FormatBool(f.Undecided))
	add(f.Waiver)
	add(string(f.Change))
	add(dayOrNone(f.FirstSeen))
	if t.bySubject {
		add(string(subjectOf(f, c)))
	}
	message, was, evidence := unnamed(f, c.Project)
	add(message)
	add(was)
	for _, e := range evidence {
		add(e.Resource)
		add(e.Field)
		add(e.Value)
	}
	k := t.byKey[string(key)]
	if k == nil {
		f.Evidence = slices.Clone(f.Evidence)
		k = &kind{Finding: f, message: message, was: was, evidence: evidence}
		t.byKey[string(key)] = k
		t.kinds = append(t.kinds, k)
	}
	k.general = k.general || k.Message != f.Message || k.Was != f.Was || !slices.EqualFunc(k.Evidence, f.Evidence, sameBut(k.Resource, f.Resource))
	k.Hits = append(k.Hits, hit{at, f.Resource})
}

// sameBut compares evidence of two findings, whose own resources differ.
func sameBut(own, others string) func(a, b audit.Evidence) bool {
	return func(a, b audit.Evidence) bool {
		if a.Resource == own && b.Resource == others {
			a.Resource, b.Resource = "", ""
		}
		return a == b
	}
}

// unnamed returns the message of a finding, what it was and its evidence without the names of
// its own project, cluster and resource: words stand for the first two, and nothing for the
// last.
func unnamed(f audit.Finding, project string) (message, was string, evidence []audit.Evidence) {
	general := func(s string) string {
		if !strings.Contains(s, project) {
			return s
		}
		if rest, ok := strings.CutPrefix(s, f.Cluster); ok && (rest == "" || rest[0] == '/') {
			s = "CLUSTER" + rest
		}
		return withoutName(s, project, "PROJECT")
	}
	evidence = make([]audit.Evidence, len(f.Evidence))
	for i, e := range f.Evidence {
		evidence[i] = audit.Evidence{Field: e.Field, Value: general(e.Value)}
		if e.Resource != f.Resource {
			evidence[i].Resource = general(e.Resource)
		}
	}
	return general(f.Message), withoutName(withoutName(f.Was, f.Cluster, "CLUSTER"), project, "PROJECT"), evidence
}

// withoutName puts a word where a text has a name that is no part of a longer one.
func withoutName(s, name, word string) string {
	if name == "" {
		return s
	}
	part := func(c byte) bool { return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' }
	var b strings.Builder
	for {
		i := strings.Index(s, name)
		if i < 0 {
			return b.String() + s
		}
		after := s[i+len(name):]
		if i > 0 && part(s[i-1]) || after != "" && part(after[0]) {
			b.WriteString(s[:i+len(name)])
		} else {
			b.WriteString(s[:i] + word)
		}
		s = after
	}
}

// sorted returns the kinds: those that fail, then unknown, then waived, the more frequent
// ones first.
func (t *ruleTally) sorted() []*kind {
	rank := func(k *kind) int {
		switch {
		case k.Waiver != "":
			return 2
		case k.Status == audit.Unknown:
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(t.kinds), func(a, b *kind) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b.Hits), len(a.Hits)))
	})
}

// sortedSettled returns the most frequent kinds of what passes and does not apply, at most
// so many of them, and how many others there are.
func (t *ruleTally) sortedSettled(most int) ([]*settledKind, int) {
	all := slices.SortedStableFunc(slices.Values(t.settled), func(a, b *settledKind) int {
		return cmp.Or(cmp.Compare(b.Status, a.Status), cmp.Compare(b.Count, a.Count))
	})
	if len(all) <= most {
		return all, 0
	}
	return all[:most], len(all) - most
}

// at returns the finding of a hit, with its own names.
func (k *kind) at(h hit, c Cluster) audit.Finding {
	f := k.Finding
	f.Cluster, f.Resource = c.Name, h.resource
	if !k.general {
		return f
	}
	f.Evidence = slices.Clone(k.evidence)
	for i, e := range f.Evidence {
		if rest, ok := strings.CutPrefix(e.Resource, "CLUSTER"); ok {
			f.Evidence[i].Resource = c.Name + rest
		}
		f.Evidence[i].Resource = strings.ReplaceAll(f.Evidence[i].Resource, "projects/PROJECT/", "projects/"+c.Project+"/")
		if e.Resource == "" {
			f.Evidence[i].Resource = h.resource
		}
	}
	return f
}

// grants are the permissions that gaps lack.
type grants struct {
	byPermission map[string]*grant
	byResource   map[string]string // the permission, by the gap's resource
}

func newGrants(gaps []audit.Gap) grants {
	all := grants{map[string]*grant{}, map[string]string{}}
	for _, g := range gaps {
		if g.Permission == "" {
			continue
		}
		of := all.byPermission[g.Permission]
		if of == nil {
			of = &grant{Permission: g.Permission}
			all.byPermission[g.Permission] = of
		}
		if on := holder(g.Resource); !slices.Contains(of.On, on) {
			of.On = append(of.On, on)
		}
		all.byResource[g.Resource] = g.Permission
	}
	return all
}

// holder returns whose policy would grant what is missing: "projects/shop-prod".
func holder(resource string) string {
	parts := strings.SplitN(resource, "/", 3)
	if len(parts) < 2 {
		return resource
	}
	if parts[0] == "projects" {
		return parts[1]
	}
	return parts[0] + "/" + parts[1]
}

// count counts an unknown finding for each permission that its evidence lacks, and
// reports whether there is one.
func (all grants) count(f audit.Finding) bool {
	var counted []string
	for _, e := range f.Evidence {
		p := all.byResource[e.Resource]
		if p != "" && !slices.Contains(counted, p) {
			all.byPermission[p].Unknown++
			counted = append(counted, p)
		}
	}
	return counted != nil
}

func (all grants) sorted() []grant {
	var list []grant
	for _, name := range sortedKeys(all.byPermission) {
		list = append(list, *all.byPermission[name])
	}
	slices.SortStableFunc(list, func(a, b grant) int { return cmp.Compare(b.Unknown, a.Unknown) })
	return list
}

// An ending waiver is one whose last day is near.
type ending struct {
	Waiver
	Days int // that are left; 0 on the last one
}

// endingWaivers returns the active waivers that end within 30 days of the report's day,
// the first to end first.
func (r *Report) endingWaivers() []ending {
	today := r.StartedAt.UTC().Truncate(24 * time.Hour)
	var soon []ending
	for _, w := range r.Waivers {
		last, err := time.Parse(time.DateOnly, w.Expires)
		if err != nil || w.State != WaiverActive {
			continue
		}
		if days := int(last.Sub(today).Hours() / 24); days >= 0 && days <= 30 {
			soon = append(soon, ending{w, days})
		}
	}
	slices.SortStableFunc(soon, func(a, b ending) int { return cmp.Compare(a.Days, b.Days) })
	return soon
}

// dayOrNone writes the day of a time; empty for none.
func dayOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return dayOf(t)
}
