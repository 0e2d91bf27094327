// Package report makes a [Report] of an audit and writes it as a table, Markdown,
// HTML, JSON, SARIF, JUnit XML, CSV, OCSF or NDJSON. The JSON is the report; every other format is made from the same
// value.
//
// Names, messages and values in a report come from the cloud and are not trusted:
// each format keeps them from being taken for anything but text.
package report

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
)

// Schema is the name and version of the JSON report. A field is never taken away
// or given another meaning within a version; new fields may come.
const Schema = "gkeaudit.report/v1"

// toolName is the name of the program, in every report.
const toolName = "gkeaudit"

// A Report is the outcome of an audit. [Report.WriteJSON] writes it, and [Read] reads it
// back.
type Report struct {
	Schema string `json:"schema"`
	Tool   Tool   `json:"tool"`

	// StartedAt and FinishedAt are when the audit ran, or the first and the last of
	// those that were merged. In two reports on the same data nothing else differs.
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`

	Scope    Scope    `json:"scope"`
	Settings Settings `json:"settings"`

	// Complete is false if something that was asked for could not be read: there are
	// gaps, findings that are unknown because of it, or parts missing. Findings that are
	// undecided do not make it false.
	Complete bool `json:"complete"`

	// Interrupted is true if the run was ended, by a signal or by its time limit, before
	// everything was read.
	Interrupted bool `json:"interrupted,omitempty"`

	Summary  Summary       `json:"summary"`
	Clusters []Cluster     `json:"clusters"`
	Rules    []*audit.Rule `json:"rules"`
	Findings Findings      `json:"-"` // in the order of cluster, rule and resource
	Gaps     []audit.Gap   `json:"gaps"`

	// Benchmarks are those that the profile is of, with what judges each of their
	// recommendations.
	Benchmarks []audit.Benchmark `json:"benchmarks,omitempty"`

	// Waivers are those that the audit was given, in the order of their IDs;
	// [Report.Waiving] applies them.
	Waivers []Waiver `json:"waivers,omitempty"`

	// Baseline is the earlier report that this one was compared with; nil without.
	Baseline *Baseline `json:"baseline,omitempty"`

	// NetworkPaths are the pictures of how traffic gets in and out of the clusters, in the
	// order of their first clusters. A cluster that is being created or deleted has none.
	NetworkPaths []audit.NetworkPath `json:"networkPaths,omitempty"`

	// Replacements are what commands need to replace the node pools that findings ask to
	// replace, in the order of their names.
	Replacements []audit.Replacement `json:"replacements,omitempty"`
}

// A Waiver is a decision to accept for some time that findings fail, and what has come of
// it in a report.
type Waiver struct {
	// ID tells the waiver from others; see [Waiver.WaiverID].
	ID string `json:"id"`

	// Rule and Resource are globs on the IDs of rules and on the names of resources or
	// their clusters; see [FitsGlob]. Findings that fail and fit both are accepted.
	Rule     string `json:"rule"`
	Resource string `json:"resource"`

	// Finding is the ID of the one finding that is accepted; empty for all that fit.
	Finding string `json:"finding,omitempty"`

	Owner  string `json:"owner"`
	Reason string `json:"reason"`
	Ticket string `json:"ticket"`

	// Expires is the last day on which the waiver holds, in UTC: "2027-03-31".
	Expires string `json:"expires"`

	// State is [WaiverActive], [WaiverExpired] or [WaiverUnused].
	State string `json:"state"`

	// Broad says why the waiver accepts more than one would look through; empty if it
	// does not.
	Broad string `json:"broad,omitempty"`

	// Findings is how many findings of the report fail and fit. Those of an expired
	// waiver are not accepted.
	Findings int `json:"findings"`
}

// The states of a waiver.
const (
	WaiverActive  = "active"
	WaiverExpired = "expired"
	WaiverUnused  = "unused" // it has not expired, and no finding fits
)

// A Baseline is an earlier report, and how it differs. What is new, unchanged, changed or
// incomparable is said by the findings themselves.
type Baseline struct {
	// Name is the file that it was read from.
	Name string `json:"name"`

	// Version is that of the program that made it; StartedAt is when its audit began.
	Version   string    `json:"version"`
	StartedAt time.Time `json:"startedAt"`

	// Counts count what became of findings, those that were left out for their
	// severity, too.
	Counts Counts `json:"counts"`

	// Failing counts, by severity, the findings that fail without a waiver and are new,
	// or may be: the baseline does not show them failing.
	Failing map[string]int `json:"failing"`

	// Notes say what cannot be compared, and why.
	Notes []string `json:"notes,omitempty"`

	// Resolved are its findings that failed or were unknown and do so no more, in the
	// order of cluster, rule and resource, as the baseline has them but for Change,
	// which says what became of them.
	Resolved []audit.Finding `json:"resolved"`
}

// Counts count findings by what became of them since a baseline, waived ones, too.
type Counts struct {
	New          int `json:"new"`
	Resolved     int `json:"resolved"`
	Unchanged    int `json:"unchanged"`
	Changed      int `json:"changed"`
	Incomparable int `json:"incomparable"`
}

// Settings are what an audit was told about rules.
type Settings struct {
	// Profile is the choice of rules; empty if they were named one by one.
	Profile string `json:"profile,omitempty"`

	// Enabled and Disabled are the IDs of rules that were applied though they are not
	// of the profile, and that were not though they are.
	Enabled  []string `json:"enabled,omitempty"`
	Disabled []string `json:"disabled,omitempty"`

	// Severities are the rules' own severities, by their IDs, where others hold in
	// this report.
	Severities map[string]audit.Severity `json:"severities,omitempty"`

	Parameters audit.Parameters `json:"parameters"`
}

// Tool names the program that made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Scope is what was audited.
type Scope struct {
	audit.Scope

	// ReadAt is when the data was read, which for a saved snapshot is long
	// before the audit.
	ReadAt time.Time `json:"readAt"`

	// LeastSeverity is the severity below which findings were left out; empty if
	// none were.
	LeastSeverity string `json:"leastSeverity,omitempty"`

	// Missing says, each in a few words, what a merged report lacks: "shard 2/10".
	Missing []string `json:"missing,omitempty"`
}

// Summary counts the findings. It counts those that were left out for their
// severity, too.
type Summary struct {
	Projects int `json:"projects"` // in scope

	// ProjectsPartlyRead are those of which something could not be read, and
	// ProjectsNotRead those whose clusters could not be listed. The others were read.
	ProjectsPartlyRead int `json:"projectsPartlyRead"`
	ProjectsNotRead    int `json:"projectsNotRead"`

	Clusters      int `json:"clusters"`
	Pass          int `json:"pass"`
	Fail          int `json:"fail"` // without those that are waived
	NotApplicable int `json:"notApplicable"`
	Unknown       int `json:"unknown"`

	// Undecided are those of status unknown although all was read; see
	// [audit.Finding.Undecided].
	Undecided int `json:"undecided"`

	// Waived counts the findings of status fail that a waiver accepts.
	Waived int `json:"waived,omitempty"`

	// Failing counts the others of status fail by severity.
	Failing map[string]int `json:"failing"`

	Gaps int `json:"gaps"`

	// LeftOut is how many findings are not in the report for their severity.
	LeftOut int `json:"leftOut"`
}

// A Cluster is what a report says of a cluster itself.
type Cluster struct {
	Name       string `json:"name"`         // projects/P/locations/L/clusters/C
	ID         string `json:"id,omitempty"` // another for a cluster made anew under the name
	Project    string `json:"project"`
	Location   string `json:"location"`
	Mode       string `json:"mode"` // standard or autopilot
	Version    string `json:"version"`
	Channel    string `json:"channel"` // the release channel in lower case; empty without one
	Status     string `json:"status"`
	Network    string `json:"network"`    // relative name; empty if not known
	Subnetwork string `json:"subnetwork"` // likewise
	NodePools  int    `json:"nodePools"`

	// NodesAccount and SandboxPool are what fixes call a service account for the cluster's
	// nodes and a node pool with GKE Sandbox where the usual names are taken.
	NodesAccount string `json:"nodesAccount,omitempty"`
	SandboxPool  string `json:"sandboxPool,omitempty"`
}

// Options say what a report holds.
type Options struct {
	Version   string
	StartedAt time.Time

	// Now tells the time. It is asked once everything is judged.
	Now func() time.Time

	Settings Settings

	// Interrupted is whether the run was ended before everything was read.
	Interrupted bool

	// Benchmarks are listed in the report.
	Benchmarks []audit.Benchmark

	// Path draws the network path of a cluster, while its findings are taken; it reports
	// false where there is nothing to draw. Nil draws none.
	Path func(*audit.Cluster) (audit.NetworkPath, bool)
}

// New makes a report of clusters, which are in the order of their names, and the findings
// of rules on them, as [audit.Judge] and [audit.Drain] give them. They are of a snapshot.
func New(s *audit.Snapshot, rules []*audit.Rule, judged iter.Seq2[*audit.Cluster, []audit.Finding], o Options) *Report {
	r := &Report{
		Schema:     Schema,
		Tool:       Tool{Name: toolName, Version: o.Version},
		StartedAt:  o.StartedAt.UTC().Truncate(time.Millisecond),
		Settings:   o.Settings,
		Benchmarks: o.Benchmarks,
		Scope:      Scope{Scope: s.Scope, ReadAt: s.Time.UTC().Truncate(time.Second)},
		Summary:    noFindings(),
		Clusters:   []Cluster{},
		Rules:      []*audit.Rule{},
		Gaps:       append([]audit.Gap{}, audit.DistinctGaps(s.Gaps)...),

		Interrupted: o.Interrupted,
	}
	if r.Scope.Projects == nil {
		r.Scope.Projects = []string{}
	}
	var paths audit.NetworkPaths
	read := newCoverage(r.Scope.Projects, r.Gaps)
	replacing := map[string]bool{}
	for _, rule := range rules {
		replacing[rule.ID] = slices.ContainsFunc(rule.Remediation.Gcloud, func(s audit.Step) bool {
			return strings.Contains(s.Commands, "{pool-flags}")
		})
	}
	flags := newSharedFlags()
	for c, findings := range judged {
		described := describe(c)
		if id := s.NodesAccount(c); id != audit.NodesAccountID(c.GetName()) {
			described.NodesAccount = id
		}
		r.Clusters = append(r.Clusters, described)
		if o.Path != nil {
			if path, ok := o.Path(c); ok {
				paths.Add(path)
			}
		}
		replaced := map[string]bool{}
		for _, f := range findings {
			r.Findings.Add(f)
			r.Summary.count(f)
			read.count(f)
			if f.Status == audit.Fail && replacing[f.Rule] && !c.Autopilot() {
				for _, pool := range poolsOf(f) {
					replaced[pool] = true
				}
			}
		}
		var replacements []audit.Replacement
		if len(replaced) > 0 {
			replacements = flags.share(c.Replacements(replaced))
		}
		r.Replacements = append(r.Replacements, replacements...)
		r.Clusters[len(r.Clusters)-1].SandboxPool = sandboxPool(c, replacements)
	}
	read.put(&r.Summary)
	sortReplacements(r.Replacements)
	r.NetworkPaths = paths.All()
	r.FinishedAt = finished(o).UTC().Truncate(time.Millisecond)
	r.Summary.Clusters, r.Summary.Gaps = len(r.Clusters), len(r.Gaps)
	r.Complete = r.complete()
	r.Rules = append(r.Rules, rules...)
	slices.SortFunc(r.Rules, func(a, b *audit.Rule) int { return strings.Compare(a.ID, b.ID) })
	return r
}

// sharedFlags are the flags of node pools, each list and each text once in memory: most
// node pools are alike.
type sharedFlags struct {
	lists map[string][]string
	texts map[string]string
}

func newSharedFlags() sharedFlags { return sharedFlags{map[string][]string{}, map[string]string{}} }

// share has replacements hold together what they have in common.
func (known sharedFlags) share(all []audit.Replacement) []audit.Replacement {
	for i, r := range all {
		all[i].Flags, all[i].LeftOut = known.list(r.Flags), known.list(r.LeftOut)
	}
	return all
}

func (known sharedFlags) list(list []string) []string {
	if list == nil {
		return nil
	}
	key := strings.Join(list, "\n")
	if same, ok := known.lists[key]; ok {
		return same
	}
	for i, text := range list {
		same, ok := known.texts[text]
		if !ok {
			known.texts[text], same = text, text
		}
		list[i] = same
	}
	known.lists[key] = list
	return list
}

func sortReplacements(all []audit.Replacement) {
	slices.SortFunc(all, func(a, b audit.Replacement) int { return strings.Compare(a.NodePool, b.NodePool) })
}

// finished returns when an audit finished, which is not before it started even where
// the clock was set in between.
func finished(o Options) time.Time {
	return o.StartedAt.Add(max(0, o.Now().Sub(o.StartedAt)))
}

// LeavingOut returns the report without the findings and rules below a severity, which
// stay counted; 0 leaves out none. The report itself does not change.
func (r *Report) LeavingOut(least audit.Severity) *Report {
	if least <= r.Scope.least() {
		return r
	}
	left := *r
	left.Scope.LeastSeverity = least.String()
	left.Rules, left.Findings = []*audit.Rule{}, r.Findings.atLeast(least)
	for _, rule := range r.Rules {
		if rule.Severity >= least {
			left.Rules = append(left.Rules, rule)
		}
	}
	left.Summary.LeftOut += r.Findings.Len() - left.Findings.Len()
	left.Baseline = r.Baseline.leavingOut(least)
	return &left
}

// least returns the least severity of the findings that were not left out.
func (s Scope) least() audit.Severity {
	least := audit.Low
	if s.LeastSeverity != "" && least.UnmarshalText([]byte(s.LeastSeverity)) != nil {
		return audit.Critical // what is read is checked: there is no such name
	}
	return least
}

// FailsAt reports whether a finding of a severity or a higher one fails, be it left out
// of the report or not.
func (r *Report) FailsAt(least audit.Severity) bool {
	for _, name := range audit.Severities[least-1:] {
		if r.Summary.Failing[name] > 0 {
			return true
		}
	}
	return false
}

func (r *Report) complete() bool {
	return len(r.Gaps) == 0 && r.Summary.Unread() == 0 && len(r.Scope.Missing) == 0
}

// noFindings returns a summary that counts none.
func noFindings() Summary {
	s := Summary{Failing: map[string]int{}}
	for _, name := range audit.Severities {
		s.Failing[name] = 0
	}
	return s
}

func (s *Summary) count(f audit.Finding) {
	switch f.Status {
	case audit.Pass:
		s.Pass++
	case audit.NotApplicable:
		s.NotApplicable++
	case audit.Unknown:
		s.Unknown++
		if f.Undecided {
			s.Undecided++
		}
	case audit.Fail:
		if f.Waiver != "" {
			s.Waived++
			return
		}
		s.Fail++
		s.Failing[f.Severity.String()]++
	}
}

func describe(c *audit.Cluster) Cluster {
	d := Cluster{
		Name:      c.ResourceName(),
		ID:        c.GetId(),
		Project:   c.Project,
		Location:  c.GetLocation(),
		Mode:      "standard",
		Version:   c.GetCurrentMasterVersion(),
		Status:    audit.EnumName(c.Cluster, c.GetStatus()),
		NodePools: len(c.GetNodePools()),
	}
	if c.Autopilot() {
		d.Mode = "autopilot"
	}
	if ch := c.GetReleaseChannel().GetChannel(); ch != 0 {
		d.Channel = strings.ToLower(audit.EnumName(c.GetReleaseChannel(), ch))
	}
	if n, ok := c.Network(); ok {
		d.Network = n.String()
	}
	if sn, ok := audit.ParseSubnetwork(c.GetNetworkConfig().GetSubnetwork()); ok {
		d.Subnetwork = sn.String()
	}
	return d
}

// sandboxPool returns a name for a node pool with GKE Sandbox if another has the usual one. It
// is none that replacements of the cluster's node pools get.
func sandboxPool(c *audit.Cluster, replacements []audit.Replacement) string {
	taken := map[string]bool{}
	for _, p := range c.GetNodePools() {
		taken[p.GetName()] = true
	}
	if !taken[usualSandboxPool] {
		return ""
	}
	for _, p := range replacements {
		taken[p.NewName] = true
	}
	return audit.FreeName(usualSandboxPool, audit.LongestNodePool, func(name string) bool { return taken[name] })
}

// A group is a cluster and its findings, worst first.
type group struct {
	Cluster  Cluster
	Findings []audit.Finding // failing, unknown, waived, then the others, each worst first
	Counts   [4]int          // by status, without those that are waived
	Waived   int
}

// open returns the findings that ask for something: fail and unknown.
func (g group) open() []audit.Finding {
	return g.Findings[:g.Counts[audit.Fail]+g.Counts[audit.Unknown]]
}

// waived returns those that fail and that a waiver accepts.
func (g group) waived() []audit.Finding {
	open := len(g.open())
	return g.Findings[open : open+g.Waived]
}

// settled returns the others.
func (g group) settled() []audit.Finding { return g.Findings[len(g.open())+g.Waived:] }

// groups returns the clusters with their findings, one after the other.
func (r *Report) groups() iter.Seq[group] {
	ranks := [4]int{audit.Fail: 0, audit.Unknown: 1, audit.Pass: 3, audit.NotApplicable: 4}
	rank := func(f audit.Finding) int {
		if f.Waiver != "" {
			return 2
		}
		return ranks[f.Status]
	}
	return func(yield func(group) bool) {
		for _, c := range r.Clusters {
			g := group{Cluster: c, Findings: r.Findings.of(c.Name)}
			for _, f := range g.Findings {
				if f.Waiver != "" {
					g.Waived++
				} else {
					g.Counts[f.Status]++
				}
			}
			slices.SortStableFunc(g.Findings, func(a, b audit.Finding) int {
				return cmp.Or(cmp.Compare(rank(a), rank(b)), -cmp.Compare(a.Severity, b.Severity))
			})
			if !yield(g) {
				return
			}
		}
	}
}

// interruption says that the run was interrupted.
const interruption = "Interrupted before everything was read."

// Verdict says the outcome in one sentence, after another if the run was interrupted.
func (r *Report) Verdict() string {
	if r.Interrupted {
		read := *r
		read.Interrupted = false
		return interruption + " " + read.Verdict()
	}
	s := r.Summary
	var parts []string
	switch {
	case s.Clusters == 0 && !r.Complete:
		verdict := "Nothing could be audited: no cluster was read"
		if s.Projects > 1 {
			verdict += "; " + s.coverage(" projects")
		}
		return verdict + "."
	case s.Clusters == 0:
		return "There are no clusters in what was asked for."
	case s.Fail > 0:
		parts = append(parts, count(s.Fail, "finding fails", "findings fail"))
	}
	switch {
	case s.Unknown > 0 && s.Fail > 0:
		parts = append(parts, count(s.Unknown, "is ", "are ")+s.unknownWord())
	case s.Unknown > 0:
		parts = append(parts, count(s.Unknown, "finding is ", "findings are ")+s.unknownWord())
	}
	verdict := "Every rule that applies holds for every cluster that was read"
	switch {
	case len(parts) > 0:
		verdict = strings.Join(parts, " and ") + " in " + count(s.Clusters, "cluster", "clusters")
		if s.Waived > 0 {
			verdict += fmt.Sprintf("; %d waived", s.Waived)
		}
	case s.Waived > 0:
		verdict = "All that fails is waived: " + count(s.Waived, "finding", "findings") + " in " + count(s.Clusters, "cluster", "clusters")
	}
	if r.Complete {
		return verdict + "."
	}
	return verdict + "; " + r.incompleteVerdict() + "."
}

// Found says how many projects were found where, and how; empty if they were all
// named.
func (r *Report) Found() string {
	s, d := r.Scope, r.Scope.Discovery
	if d == nil {
		return ""
	}
	found := count(d.Projects, "project", "projects")
	if slices.Equal(d.Methods, []string{audit.ByAsset}) {
		found += " with clusters"
	}
	var places, methods []string
	if len(s.Organizations) > 0 {
		places = append(places, plural(s.Organizations, "organization", "organizations"))
	}
	if len(s.Folders) > 0 {
		places = append(places, plural(s.Folders, "folder", "folders"))
	}
	for _, m := range d.Methods {
		methods = append(methods, map[string]string{audit.ByAsset: "Cloud Asset Inventory", audit.ByResourceManager: "Resource Manager"}[m])
	}
	if d.Projects == 0 && r.Unlisted() != "" { // whether there are any is not known
		found = "no projects"
	}
	return found + " in " + strings.Join(places, " and ") + ", by " + strings.Join(methods, " and ")
}

// Unlisted says which organizations and folders could not be searched for projects, and why;
// empty if all were.
func (r *Report) Unlisted() string {
	var lists []string
	for _, g := range r.Gaps {
		if g.HidesProjects() {
			lists = append(lists, g.Resource+" ("+gapCause(g)+")")
		}
	}
	if lists == nil {
		return ""
	}
	return "Could not be listed: " + firstOf(lists, 3) + "."
}

// Excluded says what was left out of a discovery; empty if nothing.
func (s Scope) Excluded() string {
	var parts []string
	if len(s.ExcludeProjects) > 0 {
		parts = append(parts, "projects "+strings.Join(s.ExcludeProjects, ", "))
	}
	if len(s.ExcludeFolders) > 0 {
		parts = append(parts, "folders "+strings.Join(s.ExcludeFolders, ", "))
	}
	return strings.Join(parts, " and ")
}

// plural puts a noun before names.
func plural(names []string, one, many string) string {
	if len(names) > 1 {
		one = many
	}
	return one + " " + strings.Join(names, ", ")
}

// shortResource names a resource in the context of its cluster: "node pool web".
func shortResource(f audit.Finding) string {
	if f.Resource == f.Cluster {
		return "cluster"
	}
	if rest, ok := strings.CutPrefix(f.Resource, f.Cluster+"/nodePools/"); ok {
		return "node pool " + rest
	}
	if sn, ok := audit.ParseSubnetwork(f.Resource); ok {
		short := "subnetwork " + sn.ID
		if sn.Project != audit.Segment(f.Cluster, "projects") {
			short += " of " + sn.Project
		}
		return short
	}
	project := audit.Segment(f.Resource, "projects")
	short := "project " + project
	if account := audit.Segment(f.Resource, "serviceAccounts"); account != "" {
		short = "service account " + account
		if project == audit.Segment(f.Cluster, "projects") {
			return short
		}
		short += " of " + project
	} else if f.Resource != "projects/"+project {
		return f.Resource
	}
	return short
}
