package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"gkeaudit/audit"
)

//go:embed report.html.tmpl
var htmlTemplate string

//go:embed report.css
var htmlStyle string

//go:embed report.js
var htmlScript string

// htmlPages are the templates. The style sheet and the script are inline, and the page's
// own policy lets in those by their hashes and nothing else: no other script, no image,
// no request. They are parsed when a page is written: most runs write none.
var htmlPages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(htmlFuncs).Parse(htmlTemplate + pathTemplate))
})

var htmlFuncs = template.FuncMap{
	"clean":       clean,
	"stamp":       stamp,
	"day":         dayOrNone,
	"count":       count,
	"number":      number,
	"general":     general,
	"terraform":   func(r audit.Remediation) string { return general(terraformText(r)) },
	"steps":       gcloudSteps,
	"scope":       scopeTitle,
	"rows":        (*Report).benchmarkRows,
	"answers":     (*Report).benchmarkCounts,
	"clusterLine": clusterLine,
	"place":       whereIs,
	"short":       shortCluster,
	"anchor":      anchor,
	"upper":       strings.ToUpper,
	"resolved":    resolvedText,
	"recreates":   func(r *audit.Rule) string { return recreations[r.Remediation.Recreates] },
	"paragraphs":  paragraphs,
	"controls":    controls,
	"legend":      func() []legendEntry { return pathLegend },
}

const (
	// mostInFull is how many findings a page has at most that writes each with its own
	// commands, and what passes with its evidence. A larger one has the commands once
	// for each rule, so that a browser still opens it at once.
	mostInFull = 5000

	// mostUnfolded is how many places of alike findings are shown without unfolding.
	mostUnfolded = 12
)

// An htmlPage is what the template sees.
type htmlPage struct {
	*Report
	Style  template.CSS
	Script template.JS
	Policy string
	State  string // fail, unknown or pass: the worst there is
	Full   bool   // each finding has its own commands

	// Projects are the pages of an index; nil for a page that has findings itself.
	Projects []projectPage

	// Index is the page that leads here; empty for a page of its own.
	Index string

	survey *survey
	advice *advice
	left   omitted // by the whole report, of which this may be a page
	rules  map[string]*audit.Rule
	paths  map[string]string // the places of the clusters' pictures

	Pictures []picture
}

// WriteHTML writes the report as one page that needs no other file.
func (r *Report) WriteHTML(w io.Writer) error {
	s := r.surveyed(true)
	return r.writePage(w, s, s.omitted(r), nil, "")
}

func (r *Report) writePage(w io.Writer, s *survey, left omitted, projects []projectPage, index string) error {
	page := &htmlPage{
		Report:   r,
		Style:    template.CSS(strings.TrimSpace(htmlStyle + pathStyle)),
		Script:   template.JS(strings.TrimSpace(htmlScript)),
		State:    map[string]string{"CAUTION": "fail", "WARNING": "unknown", "TIP": "pass"}[alert(r)],
		Full:     r.Findings.Len() <= mostInFull,
		Projects: projects,
		Index:    index,
		survey:   s,
		advice:   r.advice(),
		left:     left,
		rules:    map[string]*audit.Rule{},
		paths:    map[string]string{},
	}
	if page.Partial() && page.State == "pass" {
		page.State = "unknown"
	}
	page.Policy = "default-src 'none'; style-src " + hashOf(string(page.Style)) + "; script-src " + hashOf(string(page.Script)) + "; base-uri 'none'; form-action 'none'"
	for _, rule := range r.Rules {
		page.rules[rule.ID] = rule
	}
	page.Pictures = page.pictures()
	return htmlPages().Execute(w, page)
}

// hashOf names a text in a Content Security Policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// anchor names a cluster's place in the page: the same in every report.
func anchor(cluster string) string {
	sum := sha256.Sum256([]byte(cluster))
	return "c" + hex.EncodeToString(sum[:5])
}

// findingAnchor names a finding's place in the page, by the beginning of its ID.
func findingAnchor(f audit.Finding) string { return "f" + f.ID()[:12] }

// Partial reports whether the page is of a project of which findings may have been left out
// for their severity. They are counted for the whole report only.
func (p *htmlPage) Partial() bool { return p.Index != "" && p.left.all > 0 }

// Least is the severity below which findings are left out; empty if none are.
func (p *htmlPage) Least() string {
	if p.left.least == audit.Low {
		return ""
	}
	return p.left.least.String()
}

// Hides reports whether there are findings in the whole report that fail, are unknown or
// are waived and that it does not list.
func (p *htmlPage) Hides() bool { return p.left.fails() || p.left.unknown > 0 || p.left.waived > 0 }

// Fails reports whether there are some that fail.
func (p *htmlPage) Fails() bool { return p.left.fails() }

// Hidden is how many of them are unknown.
func (p *htmlPage) Hidden() int { return p.left.unknown }

// Verdict says the outcome in one sentence. That of one project says nothing of what was
// left out.
func (p *htmlPage) Verdict() string {
	if !p.Partial() {
		return p.Report.Verdict()
	}
	s := p.Summary
	verdict := strings.TrimSuffix(p.Report.Verdict(), ".")
	if s.Fail+s.Unknown == 0 {
		verdict = "Nothing that is listed fails or is unknown"
		if s.Waived > 0 {
			verdict = "All that is listed and fails is waived: " + count(s.Waived, "finding", "findings") + " in " + count(s.Clusters, "cluster", "clusters")
		}
		if !p.Complete {
			verdict += "; " + p.incompleteVerdict()
		}
		if p.Interrupted {
			verdict = interruption + " " + verdict
		}
	}
	return verdict + "; findings below severity " + p.Least() + " are left out, and counted in the index only."
}

// Lacks says why the report is not complete.
func (p *htmlPage) Lacks() string {
	text := p.Incompleteness()
	if p.Index != "" && p.left.unread > 0 {
		if text != "" {
			text += ", "
		}
		text += "unknown findings below severity " + p.Least() + " are left out, which may be of this project"
	}
	return text
}

// Undecided is how many findings of those listed are undecided.
func (p *htmlPage) Undecided() int { return p.survey.undecided }

// Waived is how many findings are waived.
func (p *htmlPage) Waived() string {
	if p.Index != "" {
		return atLeast(p.Summary.Waived, p.left.waived)
	}
	return number(p.Summary.Waived)
}

// An htmlTally is a number on the first screen.
type htmlTally struct {
	Name string
	tally

	uncounted  int  // how many there are in the whole report that this page may have some of
	some, none bool // some or all of them are not listed, wherever they are
}

// Number is how many findings there are, as far as that is known.
func (t htmlTally) Number() string { return atLeast(t.Open, t.uncounted) }

// Unsure reports whether there may be some though none is listed.
func (t htmlTally) Unsure() bool { return t.Open == 0 && t.uncounted > 0 }

// Severities are the numbers of findings that fail, worst first.
func (p *htmlPage) Severities() []htmlTally {
	var all []htmlTally
	for s := audit.Critical; s >= audit.Low; s-- {
		t := p.survey.severities[s]
		t.Open = p.Summary.Failing[s.String()] // with those that were left out
		h := htmlTally{Name: s.String(), tally: t, none: s < p.left.least}
		if p.Index != "" {
			h.uncounted = p.left.failing[s]
		}
		all = append(all, h)
	}
	return all
}

// Unknown is the number of findings that are unknown.
func (p *htmlPage) Unknown() htmlTally {
	t := p.survey.unknown
	t.Open = p.Summary.Unknown
	h := htmlTally{Name: "unknown", tally: t, some: p.left.unknown > 0 || p.left.resolved > 0}
	h.none = h.some && p.survey.unknown.Open+t.Resolved == 0
	if p.Index != "" {
		h.uncounted = p.left.unknown
	}
	return h
}

// Since says what became of the findings since the baseline, as far as they are listed.
func (t htmlTally) Since() string {
	if t.none {
		return "not listed"
	}
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, number(n)+" "+what)
		}
	}
	add(t.New, "new")
	add(t.Resolved, "resolved")
	add(t.Changed, "changed")
	add(t.Incomparable, "incomparable")
	if parts == nil {
		parts = []string{"no change"}
	}
	if t.some {
		parts = append(parts, "others not listed")
	}
	return strings.Join(parts, ", ")
}

// Grants are the permissions that would decide what is unknown.
func (p *htmlPage) Grants() []grant { return p.survey.grants }

// Where names who lacks the permission.
func (g grant) Where() string { return clean(firstOf(g.On, 3)) }

// firstOf lists the first names of many.
func firstOf(names []string, most int) string {
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + number(len(names)-most) + " more"
}

// Otherwise is how many findings are unknown for want of what no permission would give.
func (p *htmlPage) Otherwise() int { return p.survey.otherwise }

// Ending are the waivers that end soon.
func (p *htmlPage) Ending() []ending { return p.endingWaivers() }

// Left says how long a waiver still holds.
func (e ending) Left() string {
	if e.Days == 0 {
		return "today is its last day"
	}
	return count(e.Days, "day left", "days left")
}

// WaiverStates counts the waivers that want to be looked at: "1 expired, 2 unused".
func (p *htmlPage) WaiverStates() string {
	n := map[string]int{}
	for _, w := range p.Waivers {
		n[w.State]++
		if w.Broad != "" {
			n["broad"]++
		}
	}
	var parts []string
	for _, state := range []string{WaiverActive, WaiverExpired, WaiverUnused, "broad"} {
		if n[state] > 0 {
			parts = append(parts, number(n[state])+" "+state)
		}
	}
	return strings.Join(parts, ", ")
}

// Waiver returns a waiver by its ID; nil if the report has none of it.
func (p *htmlPage) Waiver(id string) *Waiver {
	i := slices.IndexFunc(p.Waivers, func(w Waiver) bool { return w.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Waivers[i]
}

// An htmlRule is a rule and what was found by it.
type htmlRule struct {
	*audit.Rule
	*ruleTally
	page *htmlPage
}

// ruleList returns the rules of which some are true, in their order.
func (p *htmlPage) ruleList(in func(*ruleTally) bool) []htmlRule {
	var all []htmlRule
	for _, rule := range p.Report.Rules {
		if t := p.survey.rules[rule.ID]; in(t) {
			all = append(all, htmlRule{rule, t, p})
		}
	}
	return all
}

// asks reports whether a rule has findings that somebody is to look at.
func (t *ruleTally) asks() bool { return t.Counts[audit.Fail]+t.Counts[audit.Unknown]+t.Waived > 0 }

// Asking are the rules with findings that are open or waived, worst first.
func (p *htmlPage) Asking() []htmlRule {
	all := p.ruleList((*ruleTally).asks)
	rank := func(r htmlRule) int {
		switch {
		case r.Counts[audit.Fail] > 0:
			return -int(r.Severity)
		case r.Counts[audit.Unknown] > 0:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b htmlRule) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Clusters, a.Clusters), cmp.Compare(b.Counts[audit.Unknown], a.Counts[audit.Unknown]))
	})
	return all
}

// Quiet are the other rules.
func (p *htmlPage) Quiet() []htmlRule {
	return p.ruleList(func(t *ruleTally) bool { return !t.asks() })
}

// Shown is how many findings the page has that are open or waived.
func (p *htmlPage) Shown() int {
	n := 0
	for _, t := range p.survey.rules {
		n += t.Counts[audit.Fail] + t.Counts[audit.Unknown] + t.Waived
	}
	return n
}

// Exposing are the rules that fail in most clusters, at most five.
func (p *htmlPage) Exposing() []htmlRule {
	all := p.ruleList(func(t *ruleTally) bool { return t.Clusters > 0 })
	slices.SortStableFunc(all, func(a, b htmlRule) int {
		return cmp.Or(cmp.Compare(b.Clusters, a.Clusters), cmp.Compare(b.Severity, a.Severity))
	})
	return all[:min(len(all), 5)]
}

// Share is how many of a hundred clusters the rule fails in, rounded up.
func (r htmlRule) Share() int {
	return (r.Clusters*100 + r.page.Summary.Clusters - 1) / max(1, r.page.Summary.Clusters)
}

// Asks reports whether the rule has findings that are open or waived.
func (r htmlRule) Asks() bool { return r.asks() }

// Tally counts the rule's findings in words.
func (r htmlRule) Tally() string {
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, number(n)+" "+text)
		}
	}
	fail := "FAIL in " + count(r.Clusters, "cluster", "clusters")
	add(r.Counts[audit.Fail], fail)
	add(r.Counts[audit.Unknown], "UNKNOWN")
	add(r.Waived, "WAIVED")
	add(r.Counts[audit.Pass], "pass")
	add(r.Counts[audit.NotApplicable], "not applicable")
	if parts == nil {
		return "no findings"
	}
	return strings.Join(parts, " · ")
}

// Settled counts what passes and does not apply; empty if nothing does.
func (r htmlRule) Settled() string {
	return settledCounts(group{Counts: [4]int{audit.Pass: r.Counts[audit.Pass], audit.NotApplicable: r.Counts[audit.NotApplicable]}})
}

// An htmlSettled is what most findings say that pass or do not apply.
type htmlSettled struct {
	Kinds  []*settledKind
	Others int // further messages
}

// Said is what the findings of the rule say that pass or do not apply.
func (r htmlRule) Said() htmlSettled {
	kinds, others := r.sortedSettled(10)
	return htmlSettled{kinds, others}
}

// An htmlKind is findings of a rule that are alike.
type htmlKind struct {
	*kind
	page *htmlPage
	rule *audit.Rule
}

// Kinds are the findings that are open or waived.
func (r htmlRule) Kinds() iter.Seq[htmlKind] {
	return func(yield func(htmlKind) bool) {
		for _, k := range r.sorted() {
			if !yield(htmlKind{k, r.page, r.Rule}) {
				return
			}
		}
	}
}

// State is fail, unknown or waived.
func (k htmlKind) State() string { return state(k.Finding) }

// Word is the state as people read it.
func (k htmlKind) Word() string { return verdictWord(k.Finding) }

// Accepted returns the waiver of the findings; nil if they are not waived.
func (k htmlKind) Accepted() *Waiver {
	if k.Waiver == "" {
		return nil
	}
	if w := k.page.Waiver(k.Waiver); w != nil {
		return w
	}
	return &Waiver{ID: k.Waiver} // one that was merged away is named at least
}

// Folded reports whether there are so many places that they are shown on demand.
func (k htmlKind) Folded() bool { return len(k.Hits) > mostUnfolded }

// Disruption says what mending the findings interrupts.
func (k htmlKind) Disruption() string {
	r := k.rule.Remediation
	return general(r.Disruption) + " Recreates: " + recreations[r.Recreates] + "."
}

// Says is the message of the findings.
func (k htmlKind) Says() string {
	if k.general {
		return k.message
	}
	return k.Message
}

// Before is what the findings were in the baseline, as far as they are that no more.
func (k htmlKind) Before() string {
	if k.general {
		return k.was
	}
	return k.Was
}

// Commands are those that mend the findings, where not each has its own. The words that
// stand for names are marked as such.
func (k htmlKind) Commands() []htmlStep {
	if k.page.Full || k.Status != audit.Fail {
		return nil
	}
	h := k.Hits[0]
	c := k.page.Clusters[h.cluster]
	f := k.at(h, c)
	words := placeholdersIn(audit.Segment(f.Cluster, "projects"))
	var fitting []htmlStep
	for _, step := range k.rule.Remediation.Gcloud {
		if step.For == "" || step.For == subjectOf(f, c) {
			says := step
			says.For = ""
			text := template.HTMLEscapeString(strings.TrimSpace(step.Commands))
			for mark, word := range words {
				text = strings.ReplaceAll(text, mark, "<var>"+word+"</var>")
			}
			fitting = append(fitting, htmlStep{shown(says).Says, template.HTML(text)}) // the rule's, and escaped
		}
	}
	return fitting
}

// Of names whose field evidence is, unless it is the findings' own resource.
func (k htmlKind) Of(e audit.Evidence) string {
	if e.Resource == "CLUSTER" || !k.general && e.Resource == k.Cluster {
		return "the cluster"
	}
	return e.Resource
}

// Fixes reports whether each finding has its own commands.
func (k htmlKind) Fixes() bool { return k.page.Full && k.Status == audit.Fail }

// General reports whether words stand for names that differ.
func (k htmlKind) General() bool { return k.general }

// Seen is the evidence of the findings. That of their own resources names none.
func (k htmlKind) Seen() []audit.Evidence {
	if k.general {
		return k.evidence
	}
	seen := slices.Clone(k.Evidence)
	for i, e := range seen {
		if e.Resource == k.Resource {
			seen[i].Resource = ""
		}
	}
	return seen
}

// An htmlPlace is where alike findings are in a project.
type htmlPlace struct {
	Project  string
	Clusters []htmlHits
}

// htmlHits are where alike findings are in a cluster.
type htmlHits struct {
	Short, Target string // the cluster's name and its place on the page
	Hits          []htmlHit
}

// One reports whether there is one finding, which is about the cluster itself.
func (hs htmlHits) One() bool { return len(hs.Hits) == 1 && hs.Hits[0].Part == "" }

// An htmlStep is a gcloudStep in which the words for names are marked.
type htmlStep struct {
	Says     string
	Commands template.HTML
}

// An htmlHit is a finding of a kind.
type htmlHit struct {
	ID, Part string // the part of the cluster that it is about; empty for itself

	// Gcloud and Terraform are there only where each finding has its own commands.
	Gcloud    []gcloudStep
	Terraform string
}

// Places are the findings by project and cluster.
func (k htmlKind) Places() iter.Seq[htmlPlace] {
	return func(yield func(htmlPlace) bool) {
		var p htmlPlace
		last := -1
		for _, h := range k.Hits {
			c := k.page.Clusters[h.cluster]
			if len(p.Clusters) > 0 && c.Project != p.Project {
				if !yield(p) {
					return
				}
				p = htmlPlace{}
			}
			p.Project = c.Project
			if h.cluster != last {
				p.Clusters = append(p.Clusters, htmlHits{Short: shortCluster(c), Target: anchor(c.Name)})
				last = h.cluster
			}
			in := &p.Clusters[len(p.Clusters)-1]
			in.Hits = append(in.Hits, k.hit(h, c))
		}
		yield(p)
	}
}

func (k htmlKind) hit(h hit, c Cluster) htmlHit {
	f := audit.Finding{Rule: k.Rule, Cluster: c.Name, Resource: h.resource}
	one := htmlHit{ID: findingAnchor(f), Part: partOf(f)}
	if k.Fixes() {
		f = k.at(h, c)
		one.Gcloud = k.page.advice.gcloud(k.rule.Remediation.Gcloud, f, c)
		one.Terraform = terraformFor(k.rule.Remediation, f, c)
	}
	return one
}

// partOf names what a finding is about beside its cluster; empty for the cluster itself.
func partOf(f audit.Finding) string {
	if f.Resource == f.Cluster {
		return ""
	}
	if nat := audit.Segment(f.Resource, "nats"); nat != "" {
		part := "gateway " + nat + " of router " + audit.Segment(f.Resource, "routers") + ", " + audit.Segment(f.Resource, "regions")
		if host := audit.Segment(f.Resource, "projects"); host != audit.Segment(f.Cluster, "projects") {
			part += " of " + host
		}
		return clean(part)
	}
	return clean(shortResource(f))
}

// shortCluster is the cluster's own name.
func shortCluster(c Cluster) string {
	return clean(strings.TrimPrefix(c.Name, "projects/"+c.Project+"/locations/"+c.Location+"/clusters/"))
}

// An htmlCluster is a cluster on the page.
type htmlCluster struct {
	clusterTally
	Mild bool // there are worse ones on the page, and many
	left omitted
}

// mostWorst is how many clusters are in the table that is not folded.
const mostWorst = 25

// Worst are the clusters that are shown first, the worst first.
func (p *htmlPage) Worst() []*htmlCluster {
	all := p.glance()
	return all[:min(len(all), mostWorst)]
}

// Milder are the others.
func (p *htmlPage) Milder() []*htmlCluster {
	all := p.glance()
	others := all[min(len(all), mostWorst):]
	for _, c := range others {
		c.Mild = true
	}
	return others
}

func (p *htmlPage) glance() []*htmlCluster {
	all := make([]*htmlCluster, len(p.survey.clusters))
	for i := range all {
		all[i] = &htmlCluster{clusterTally: p.survey.clusters[i], left: p.left}
	}
	slices.SortStableFunc(all, func(a, b *htmlCluster) int {
		for s := audit.Critical; s >= audit.Low; s-- {
			if a.Failing[s] != b.Failing[s] {
				return b.Failing[s] - a.Failing[s]
			}
		}
		return b.Unknown - a.Unknown
	})
	return all
}

// Numbers are the cluster's findings that fail, worst first, then those that are unknown
// and those that are waived, as far as they are known.
func (c *htmlCluster) Numbers() []string { return c.left.cells(c.Failing, c.Unknown, c.Waived) }

// cells write the numbers of a row of the report's tables.
func (o omitted) cells(failing [audit.Critical + 1]int, unknown, waived int) []string {
	var cells []string
	for s := audit.Critical; s >= audit.Low; s-- {
		cells = append(cells, atLeast(failing[s], o.failing[s]))
	}
	return append(cells, atLeast(unknown, o.unknown), atLeast(waived, o.waived))
}

// Cells are the numbers of a project.
func (p *htmlPage) Cells(of projectPage) []string {
	return p.left.cells(of.Failing, of.Unknown, of.Waived)
}

// Reachable are the clusters whose control plane anyone can reach.
func (p *htmlPage) Reachable() []reachable { return p.survey.reachable }

// Unsure is for how many clusters that is not known.
func (p *htmlPage) Unsure() int { return p.survey.unsure }

// JudgesReach reports whether the report has the rule that tells.
func (p *htmlPage) JudgesReach() bool { return p.survey.rules[openToAll] != nil }

// An htmlGroup is a cluster with its findings.
type htmlGroup struct {
	group
	page *htmlPage
}

// Groups are the clusters with their findings.
func (p *htmlPage) Groups() iter.Seq[htmlGroup] {
	return func(yield func(htmlGroup) bool) {
		for g := range p.groups() {
			if !yield(htmlGroup{g, p}) {
				return
			}
		}
	}
}

// A htmlSection is findings of a cluster of one state and severity.
type htmlSection struct {
	State, Severity string
	Rules           []htmlRuleFindings
}

// htmlRuleFindings are findings of a section by one rule.
type htmlRuleFindings struct {
	ID       string
	Findings []htmlFinding
}

// Asking are the findings of the cluster that are open or waived.
func (g htmlGroup) Asking() []htmlSection {
	var all []htmlSection
	for _, f := range slices.Concat(g.open(), g.waived()) {
		s, severity := state(f), f.Severity.String()
		if n := len(all); n == 0 || all[n-1].State != s || all[n-1].Severity != severity {
			all = append(all, htmlSection{State: s, Severity: severity})
		}
		last := &all[len(all)-1]
		if n := len(last.Rules); n == 0 || last.Rules[n-1].ID != f.Rule {
			last.Rules = append(last.Rules, htmlRuleFindings{ID: f.Rule})
		}
		of := &last.Rules[len(last.Rules)-1]
		of.Findings = append(of.Findings, g.page.finding(f))
	}
	return all
}

// Settled are the others.
func (g htmlGroup) Settled() iter.Seq[htmlFinding] {
	return func(yield func(htmlFinding) bool) {
		for _, f := range g.settled() {
			if !yield(g.page.finding(f)) {
				return
			}
		}
	}
}

// NotApplicable are the rules that do not apply to the cluster in any way.
func (g htmlGroup) NotApplicable() []string {
	var ids, others []string
	for _, f := range g.Findings {
		if f.Status != audit.NotApplicable {
			others = append(others, f.Rule)
		}
	}
	slices.Sort(others)
	for _, f := range g.settled() {
		if _, other := slices.BinarySearch(others, f.Rule); f.Status == audit.NotApplicable && !other {
			ids = append(ids, f.Rule)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Passing is how many rules hold for the cluster and all of its parts.
func (g htmlGroup) Passing() int {
	worse := map[string]bool{}
	for _, f := range g.Findings {
		worse[f.Rule] = worse[f.Rule] || f.Status == audit.Fail || f.Status == audit.Unknown
	}
	n := 0
	for _, w := range worse {
		if !w {
			n++
		}
	}
	return n - len(g.NotApplicable())
}

// SettledCounts counts what passes and does not apply.
func (g htmlGroup) SettledCounts() string { return settledCounts(g.group) }

// Compact reports whether findings are in full by rule only.
func (g htmlGroup) Compact() bool { return !g.page.Full }

// Anchor is the cluster's place in the page.
func (g htmlGroup) Anchor() string { return anchor(g.Cluster.Name) }

// Path is the place of the cluster's picture; empty if it has none.
func (g htmlGroup) Path() string { return g.page.paths[g.Cluster.Name] }

// Short is the cluster's own name.
func (g htmlGroup) Short() string { return shortCluster(g.Cluster) }

// Tally counts the cluster's findings in words.
func (g htmlGroup) Tally() string {
	text := number(g.Counts[audit.Fail]) + " FAIL · " + number(g.Counts[audit.Unknown]) + " UNKNOWN"
	if g.Waived > 0 {
		text += " · " + number(g.Waived) + " WAIVED"
	}
	if g.page.Hides() {
		text += " of severity " + g.page.Least() + " or above"
	}
	return text
}

// An htmlFinding is a finding in the list of its cluster.
type htmlFinding struct {
	audit.Finding
	Anchor string
}

func (p *htmlPage) finding(f audit.Finding) htmlFinding { return htmlFinding{f, findingAnchor(f)} }

// Part is the part of the cluster that the finding is about; empty for itself.
func (f htmlFinding) Part() string { return partOf(f.Finding) }

// Word is the finding's status in words.
func (f htmlFinding) Word() string {
	return strings.ToUpper(strings.ReplaceAll(f.Status.String(), "-", " "))
}

// Own reports whether evidence is about the finding's own resource.
func (f htmlFinding) Own(e audit.Evidence) bool { return e.Resource == f.Resource }

// Moved is what became of the finding since the baseline, where that is not nothing.
func (f htmlFinding) Moved() string {
	if f.Change == audit.Same {
		return ""
	}
	return string(f.Change)
}

// Resolved are the baseline's findings that are no longer open.
func (p *htmlPage) Resolved() []htmlFinding {
	var all []htmlFinding
	for _, f := range p.Baseline.Shown() {
		h := p.finding(f)
		h.Anchor = "was-" + h.Anchor // what it is now may be on the page, too
		all = append(all, h)
	}
	return all
}

// Present reports whether the page has a section of a cluster or of a rule.
func (p *htmlPage) Present(name string) bool {
	_, found := slices.BinarySearchFunc(p.Clusters, name, func(c Cluster, name string) int { return strings.Compare(c.Name, name) })
	return p.Projects == nil && (found || p.rules[name] != nil)
}

// Changed counts what became of the findings since the baseline, in words.
func (p *htmlPage) Changed() string {
	n := p.Baseline.Counts
	if p.Index != "" { // they are of all projects
		n = Counts{Resolved: len(p.Baseline.Resolved)}
		for f := range p.Findings.All() {
			n.count(f.Change)
		}
	}
	text := fmt.Sprintf("%s new, %s resolved, %s unchanged, %s changed, %s incomparable",
		number(n.New), number(n.Resolved), number(n.Unchanged), number(n.Changed), number(n.Incomparable))
	if p.Index != "" && p.Least() != "" {
		text += ", as listed from severity " + p.Least() + " on"
	}
	return text
}

// whereIs writes a cluster's project and location.
func whereIs(c Cluster) string { return clean(c.Project + " / " + c.Location) }

// number writes a number with a comma between thousands.
func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// paragraphs splits a rule's text at blank lines.
func paragraphs(text string) []string {
	return strings.Split(strings.TrimSpace(text), "\n\n")
}

// scopeTitle names what was audited in a few words.
func scopeTitle(r *Report) string {
	ps := r.Scope.Projects
	switch len(ps) {
	case 0:
		return "GKE audit"
	case 1:
		return "GKE audit of " + clean(ps[0])
	}
	return "GKE audit of " + clean(ps[0]) + " and " + count(len(ps)-1, "other project", "other projects")
}
