package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"
)

//go:embed history.html.tmpl
var historyTemplate string

//go:embed history.css
var historyStyle string

// A Run is the files of one audit: a report, those of its shards, or those of several
// projects each.
type Run []NamedHead

// A NamedHead is the beginning of a report, and the name of its file.
type NamedHead struct {
	Name string
	Head
}

// longestRun is how long after the first part of an audit another may begin.
const longestRun = 24 * time.Hour

// Runs puts reports in the order in which their audits began, and the parts of one audit
// together: shards, or reports of different projects, that are in one folder and began
// within a day. A report that says the same again, as a copy or what was merged of shards
// that are there, too, is passed over for the first or the merged one, and named with the
// reason.
func Runs(heads []NamedHead) (runs []Run, passed []string) {
	heads = slices.Clone(heads)
	slices.SortFunc(heads, func(a, b NamedHead) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), strings.Compare(a.Name, b.Name))
	})
	for _, h := range heads {
		if i := slices.IndexFunc(runs, func(r Run) bool { return r.takes(h) }); i >= 0 {
			runs[i] = append(runs[i], h)
			continue
		}
		runs = append(runs, Run{h})
	}
	// What was merged began when the first of its shards did.
	whole := map[string]string{}
	for _, r := range runs {
		if len(r) == 1 && r[0].Scope.Shard == nil {
			if _, ok := whole[r.key()]; !ok {
				whole[r.key()] = r[0].Name
			}
		}
	}
	var kept []Run
	for _, r := range runs {
		name, ok := whole[r.key()]
		if !ok || name == r[0].Name {
			kept = append(kept, r)
			continue
		}
		for _, h := range r {
			passed = append(passed, h.Name+": of the same audit as "+name)
		}
	}
	return kept, passed
}

// takes reports whether a report is another part of the run.
func (r Run) takes(h NamedHead) bool {
	first, sh := r[0], h.Scope.Shard
	if path.Dir(h.Name) != path.Dir(first.Name) || h.StartedAt.Sub(first.StartedAt) >= longestRun || h.Scope.rest() != first.Scope.rest() {
		return false
	}
	if sh != nil && first.Scope.Shard != nil {
		return sh.Count == first.Scope.Shard.Count && sh.Whole == first.Scope.Shard.Whole &&
			!slices.ContainsFunc(r, func(other NamedHead) bool { return other.Scope.Shard.Index == sh.Index })
	}
	return sh == nil && first.Scope.Shard == nil && len(h.Scope.Projects) > 0 && len(h.Scope.Missing)+len(first.Scope.Missing) == 0 &&
		!slices.ContainsFunc(r, func(other NamedHead) bool {
			return len(other.Scope.Projects) == 0 || slices.ContainsFunc(other.Scope.Projects, func(id string) bool { return slices.Contains(h.Scope.Projects, id) })
		})
}

// key tells the run from others.
func (r Run) key() string {
	var projects []string
	for _, h := range r {
		projects = append(projects, h.Scope.Projects...)
	}
	slices.Sort(projects)
	return fmt.Sprintf("%d %s %q", r[0].StartedAt.UnixMilli(), r[0].Scope.rest(), projects)
}

// Files are the names of the run's files.
func (r Run) Files() []string {
	var all []string
	for _, h := range r {
		all = append(all, h.Name)
	}
	return all
}

// A History is what became of open findings from audit to audit. It holds the last report
// that was added, and of each a few figures.
type History struct {
	// From is where the reports were looked for.
	From string

	// Skipped are files that were passed over, each with the reason.
	Skipped []string

	points []historyPoint
	last   *File
}

// mostListed is how many findings are listed that appeared or were closed at once.
const mostListed = 25

// A historyPoint is a report in a history.
type historyPoint struct {
	Number    int
	Files     []string
	StartedAt time.Time
	Version   string
	Complete  bool
	Why       string // it is not complete
	Clusters  int
	Failing   [4]int // by severity, least first
	Unknown   int
	Waived    int
	Projects  map[string]int // open findings of those that were read
	LeftOut   bool           // findings are, so those of projects are not all
	Differs   bool           // in scope or rules from the point before

	// Of what became of findings since the point before; nil at the first.
	Since            *Baseline
	Appeared, Closed []audit.Finding // the worst of them
}

// Add adds a report of files, which is later than those that were added before.
func (h *History) Add(files []string, r *Report) {
	p := historyPoint{
		Number: len(h.points) + 1, Files: files, StartedAt: r.StartedAt, Version: r.Tool.Version, Complete: r.Complete, Why: incompleteness(r),
		Clusters: r.Summary.Clusters, Unknown: r.Summary.Unknown, Waived: r.Summary.Waived,
		Projects: map[string]int{}, LeftOut: r.Summary.LeftOut > 0,
	}
	for i, name := range audit.Severities {
		p.Failing[i] = r.Summary.Failing[name]
	}
	for _, id := range r.Scope.Projects {
		p.Projects[id] = 0
	}
	of := map[string]string{} // projects by clusters
	for _, c := range r.Clusters {
		of[c.Name] = c.Project
	}
	count := func(f audit.Finding) {
		if f.Status == audit.Unknown || f.Status == audit.Fail && f.Waiver == "" {
			p.Projects[of[f.Cluster]]++
		}
	}
	if h.last == nil {
		for f := range r.Findings.All() {
			count(f)
		}
	} else {
		p.Since = r.compare(*h.last, func(f audit.Finding) {
			count(f)
			if f.Change == audit.Appeared {
				p.Appeared = worst(p.Appeared, f)
			}
		})
		p.Differs = slices.ContainsFunc(p.Since.Notes, func(note string) bool {
			return slices.ContainsFunc(otherQuestions, func(reason string) bool { return strings.HasPrefix(note, reason+": ") })
		})
		for _, f := range p.Since.Resolved {
			p.Closed = worst(p.Closed, f)
		}
		p.Since.Resolved = nil
	}
	// What was left out is not nothing, ...
	if p.LeftOut {
		p.Projects = map[string]int{}
	}
	// ... nor is what could not be read.
	for id, s := range projectsOf(r) {
		if len(s.hidden) > 0 && p.Projects[id] == 0 {
			delete(p.Projects, id)
		}
	}
	h.last = &File{files[0], r}
	h.points = append(h.points, p)
}

// otherQuestions are the reasons not to compare that have to do with what was asked.
var otherQuestions = []string{projectThen, projectNow, clusterThen, clusterNow, notThen, notNow, leftOutThen, leftOutNow, judgedOtherwise, otherSeverity}

// Len returns how many reports were added.
func (h *History) Len() int { return len(h.points) }

// worst adds a finding to the worst of those that came so far.
func worst(all []audit.Finding, f audit.Finding) []audit.Finding {
	i, _ := slices.BinarySearchFunc(all, f, func(a, b audit.Finding) int {
		if a.Severity >= b.Severity {
			return -1
		}
		return 1
	})
	if i == mostListed {
		return all
	}
	f.Evidence = nil // it is not shown
	return slices.Insert(all[:min(len(all), mostListed-1)], i, f)
}

// incompleteness says why a report is not complete; empty if it is.
func incompleteness(r *Report) string {
	if r.Complete {
		return ""
	}
	parts := slices.Clone(r.Scope.Missing)
	if r.Interrupted {
		parts = append([]string{"interrupted"}, parts...)
	}
	if n := r.Summary.Gaps; n > 0 {
		parts = append(parts, count(n, "gap", "gaps"))
	}
	if n := r.Summary.Unknown; n > 0 {
		parts = append(parts, count(n, "finding is unknown", "findings are unknown"))
	}
	return strings.Join(parts, ", ")
}

var historyPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("history").Funcs(template.FuncMap{
		"clean": clean,
		"stamp": stamp,
		"count": count,
		"place": place,
		"became": func(f audit.Finding) string {
			return resolutions[f.Change]
		},
	}).Parse(historyTemplate))
})

// historyView is what the template sees.
type historyView struct {
	*History
	Style                template.CSS
	Policy               string
	Points               []historyPoint // the latest first
	First, Last          historyPoint
	BySeverity           chart
	ByProject            chart
	Projects             []historyProject
	OtherProjects        int
	OtherFirst, OtherNow int
	Drawn                int // projects in the chart
	Incomplete, Differs  bool
}

type historyProject struct {
	Name              string
	First, Most, Last int
	There             bool // at the end
	Since             time.Time
}

// Change says how many more or fewer there are: "+3".
func (p historyProject) Change() string { return signed(p.Last - p.First) }

func signed(n int) string {
	switch {
	case n > 0:
		return fmt.Sprintf("+%d", n)
	case n < 0:
		return fmt.Sprintf("\u2212%d", -n)
	}
	return "0"
}

// Open counts the open findings.
func (p historyPoint) Open() int {
	n := p.Unknown
	for _, f := range p.Failing {
		n += f
	}
	return n
}

// At is how many fail of a severity.
func (p historyPoint) At(severity string) int {
	return p.Failing[slices.Index(audit.Severities, severity)]
}

// MoreAppeared and MoreClosed count those that are not listed.
func (p historyPoint) MoreAppeared() int { return p.Since.Counts.New - len(p.Appeared) }

// MoreClosed is likewise.
func (p historyPoint) MoreClosed() int { return p.Since.Counts.Resolved - len(p.Closed) }

// WriteHTML writes the history, of one report at least, as one page that needs no other
// file and runs no script.
func (h *History) WriteHTML(w io.Writer) error {
	style := strings.TrimSpace(htmlStyle) + "\n" + strings.TrimSpace(historyStyle)
	sum := sha256.Sum256([]byte(style))
	v := historyView{
		History: h,
		Style:   template.CSS(style),
		Policy:  "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
		Points:  slices.Clone(h.points),
		First:   h.points[0],
		Last:    h.points[len(h.points)-1],
	}
	slices.Reverse(v.Points)
	var series []line
	for i := len(audit.Severities) - 1; i >= 0; i-- {
		series = append(series, h.line(audit.Severities[i], audit.Severities[i], func(p historyPoint) int { return p.Failing[i] }))
	}
	series = append(series, h.line("unknown", "unknown", func(p historyPoint) int { return p.Unknown }))
	v.BySeverity = draw(h.points, series)
	v.projects()
	for _, p := range h.points {
		v.Incomplete = v.Incomplete || !p.Complete
		v.Differs = v.Differs || p.Differs
	}
	return historyPage().Execute(w, v)
}

func (h *History) line(label, class string, value func(historyPoint) int) line {
	l := line{Label: label, Class: class}
	for _, p := range h.points {
		l.values = append(l.values, value(p))
	}
	return l
}

// projects finds the projects with the most open findings, of which the first few are
// drawn.
func (v *historyView) projects() {
	const mostDrawn, mostInTable = 5, 100
	all := map[string]*historyProject{}
	for _, p := range v.points {
		for id, n := range p.Projects {
			if all[id] == nil {
				all[id] = &historyProject{Name: id, First: n, Since: p.StartedAt}
			}
			all[id].Most = max(all[id].Most, n)
		}
	}
	for id, p := range all {
		p.Last, p.There = v.Last.Projects[id]
		v.Projects = append(v.Projects, *p)
	}
	slices.SortFunc(v.Projects, func(a, b historyProject) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(b.Most, a.Most), strings.Compare(a.Name, b.Name))
	})
	var series []line
	for i, p := range v.Projects[:min(len(v.Projects), mostDrawn)] {
		series = append(series, v.line(p.Name, fmt.Sprintf("project-%d", i+1), func(at historyPoint) int {
			if n, ok := at.Projects[p.Name]; ok {
				return n
			}
			return -1
		}))
	}
	v.Drawn = len(series)
	v.ByProject = draw(v.points, series)
	if len(v.Projects) > mostInTable {
		for _, p := range v.Projects[mostInTable:] {
			v.OtherProjects++
			v.OtherFirst += p.First
			v.OtherNow += p.Last
		}
		v.Projects = v.Projects[:mostInTable]
	}
}

// A chart is lines over time, drawn on a plane of its Width and Height.
type chart struct {
	Width, Height int
	Left, Right   float64 // of the plane that lines are on
	Top, Bottom   float64
	Lines         []line
	Grid          []tick
	Times         []tick
	Marks         []tick // audits that were incomplete
	Differing     []tick // audits of another scope or by other rules than the one before
}

// A line is a series of values. One that is negative is not there.
type line struct {
	Label, Class string
	values       []int
	Paths        []string // from value to value that are there
	Points       []tick
	LabelY       float64
	EndX, EndY   float64
	Shape        int // of the marks: each line has another
}

// A tick is a place, and what stands there.
type tick struct {
	X, Y  float64
	Label string
}

// draw lays out lines on which there is a value for each point in time.
func draw(points []historyPoint, lines []line) chart {
	c := chart{Width: 960, Height: 340, Left: 56, Right: 760, Top: 22, Bottom: 292}
	most := 1
	for _, l := range lines {
		most = max(most, slices.Max(l.values))
	}
	step := niceStep(most)
	top := (most + step - 1) / step * step
	y := func(n int) float64 { return round(c.Bottom - (c.Bottom-c.Top)*float64(n)/float64(top)) }
	for n := 0; n <= top; n += step {
		c.Grid = append(c.Grid, tick{c.Left, y(n), fmt.Sprint(n)})
	}
	start, end := points[0].StartedAt, points[len(points)-1].StartedAt
	x := func(p historyPoint) float64 {
		if !end.After(start) {
			return round((c.Left + c.Right) / 2)
		}
		return round(c.Left + 12 + (c.Right-c.Left-24)*float64(p.StartedAt.Sub(start))/float64(end.Sub(start)))
	}
	const dateWidth = 84
	free := c.Left - dateWidth
	for _, p := range points {
		if at := x(p); at-free >= dateWidth {
			c.Times = append(c.Times, tick{at, c.Bottom, p.StartedAt.UTC().Format(time.DateOnly)})
			free = at
		}
		if !p.Complete {
			c.Marks = append(c.Marks, tick{x(p), c.Bottom, stamp(p.StartedAt) + ": incomplete"})
		}
		if p.Differs {
			c.Differing = append(c.Differing, tick{x(p), c.Top, stamp(p.StartedAt) + ": other scope or rules than before"})
		}
	}
	for i, l := range lines {
		l.Shape = i
		var path strings.Builder
		flush := func() {
			if path.Len() > 0 {
				l.Paths = append(l.Paths, path.String())
				path.Reset()
			}
		}
		for k, n := range l.values {
			if n < 0 {
				flush()
				continue
			}
			at := tick{x(points[k]), y(n), fmt.Sprintf("%s: %d, %s", l.Label, n, stamp(points[k].StartedAt))}
			letter := "L"
			if path.Len() == 0 {
				letter = "M"
			}
			fmt.Fprintf(&path, "%s%g %g", letter, at.X, at.Y)
			l.Points = append(l.Points, at)
		}
		flush()
		if len(l.Points) > 0 {
			last := l.Points[len(l.Points)-1]
			l.EndX, l.EndY = last.X, last.Y
		}
		c.Lines = append(c.Lines, l)
	}
	c.label()
	return c
}

// label puts the lines' names at their ends, and moves apart those that would cover each
// other.
func (c *chart) label() {
	const height = 18
	order := make([]*line, len(c.Lines))
	for i := range c.Lines {
		order[i] = &c.Lines[i]
	}
	slices.SortStableFunc(order, func(a, b *line) int { return cmp.Compare(a.EndY, b.EndY) })
	below := c.Top - height
	for _, l := range order {
		l.LabelY = max(l.EndY, below+height)
		below = l.LabelY
	}
	above := c.Bottom + height
	for i := len(order) - 1; i >= 0; i-- {
		order[i].LabelY = min(order[i].LabelY, above-height)
		above = order[i].LabelY
	}
}

// niceStep returns a step of a scale: 1, 2 or 5 times a power of ten, of which five or
// fewer, or little more, reach the most.
func niceStep(most int) int {
	for step := 1; ; step *= 10 {
		for _, n := range []int{1, 2, 5} {
			if step*n*5 >= most {
				return step * n
			}
		}
	}
}

func round(f float64) float64 { return float64(int(f*10+0.5)) / 10 }

// Short is a label that has room beside a chart.
func (l line) Short() string {
	const most = 17
	name := []rune(clean(l.Label))
	if len(name) > most {
		return string(name[:most-1]) + "\u2026"
	}
	return string(name)
}

// LabelX is where the marks of labels stand, and TextX where their texts begin.
func (c chart) LabelX() float64 { return c.Right + 18 }

// TextX is where the texts of labels begin.
func (c chart) TextX() float64 { return c.Right + 30 }

// NumberX is where the numbers of the scale end.
func (c chart) NumberX() float64 { return c.Left - 8 }

// DateY is the line that dates stand on.
func (c chart) DateY() float64 { return c.Bottom + 32 }

// A titledChart has a title, and an ID in the page.
type titledChart struct {
	chart
	ID, Title string
}

// Titled gives the chart a title, and an ID in the page.
func (c chart) Titled(id, title string) titledChart { return titledChart{c, id, title} }

// FirstValue is the first one that is there.
func (l line) FirstValue() int {
	i := slices.IndexFunc(l.values, func(n int) bool { return n >= 0 })
	return l.values[max(i, 0)]
}

// Ending says the last value that is there, and whether it is not that of the end.
func (l line) Ending() string {
	text := fmt.Sprint(l.LastValue())
	if l.values[len(l.values)-1] < 0 {
		text += ", not now"
	}
	return text
}

// LastValue is the last one that is there.
func (l line) LastValue() int {
	for _, n := range slices.Backward(l.values) {
		if n >= 0 {
			return n
		}
	}
	return 0
}

// Mark is the shape of the line's marks, around 0 0: a circle, a square, a triangle, a
// diamond, a cross.
func (l line) Mark() string {
	shapes := []string{
		"M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z", "M-4-4H4V4H-4z", "M0-5.5 5 4H-5z", "M0-6 6 0 0 6-6 0z",
		"M-5.5-3-3-5.5 0-2.5 3-5.5 5.5-3 2.5 0 5.5 3 3 5.5 0 2.5-3 5.5-5.5 3-2.5 0z",
	}
	return shapes[l.Shape%len(shapes)]
}
