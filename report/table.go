package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"gkeaudit/audit"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// TableOptions say how a table looks.
type TableOptions struct {
	// Width is how many columns there are; 0 stands for 120, and less than 60 is
	// taken for 60.
	Width int

	// Color marks statuses in colour. They are always words, too.
	Color bool

	// Verbose lists findings that pass and do not apply, and the evidence of all.
	Verbose bool
}

// WriteTable writes the report for a terminal.
func (r *Report) WriteTable(w io.Writer, o TableOptions) error {
	if o.Width == 0 {
		o.Width = 120
	}
	o.Width = max(o.Width, 60)
	t := &tableWriter{w: w, o: o, waivers: r.waiversByID()}
	for _, rule := range r.Rules {
		t.widest = max(t.widest, len(rule.ID))
	}
	if r.Interrupted {
		t.line("%s\n", t.paint(statusColor[audit.Unknown], interruption))
	}
	for g := range r.groups() {
		t.group(g)
	}
	for _, b := range r.Benchmarks {
		t.benchmark(r, b)
	}
	t.gaps(r)
	t.list("Missing from this report", r.Scope.Missing)
	t.sinceBaseline(r.Baseline)
	t.waiverList(r)
	t.summary(r)
	return t.err
}

// tableWriter remembers the first error.
type tableWriter struct {
	w       io.Writer
	o       TableOptions
	waivers map[string]Waiver
	widest  int // rule's ID
	grouped bool
	err     error
}

func (t *tableWriter) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *tableWriter) group(g group) {
	c := g.Cluster
	for _, line := range t.wrap(clean(c.Name), t.o.Width) {
		t.line("%s", t.paint(bold, line))
	}
	for _, line := range t.wrap(clusterLine(c), t.o.Width) {
		t.line("%s", t.paint(dim, line))
	}
	var open, waived, settled [][]string
	for len(g.Findings) > 0 {
		f := g.Findings[0]
		n := 1
		if !t.o.Verbose && f.Status == audit.Unknown {
			n = alike(g.Findings)
		}
		switch {
		case n > 1:
			open = append(open, t.groupRow(g.Findings[:n]))
		case f.Waiver != "":
			waived = append(waived, t.row(f))
		case f.Status == audit.Fail || f.Status == audit.Unknown:
			open = append(open, t.row(f))
		case t.o.Verbose:
			settled = append(settled, t.row(f))
		}
		g.Findings = g.Findings[n:]
	}
	t.table(slices.Concat(open, waived, settled))
	if counts := settledCounts(g); !t.o.Verbose && counts != "" {
		t.line("  %s", counts)
	}
	t.line("")
}

// alike moves the findings that are unknown for the same reason as the first to the
// front, and returns how many there are. They follow those that fail.
func alike(findings []audit.Finding) int {
	of := func(f audit.Finding) bool { return f.Status == audit.Unknown && f.Message == findings[0].Message }
	slices.SortStableFunc(findings[1:], func(a, b audit.Finding) int {
		switch {
		case of(a) == of(b):
			return 0
		case of(a):
			return -1
		}
		return 1
	})
	n := 1
	for n < len(findings) && of(findings[n]) {
		n++
	}
	return n
}

// groupRow writes findings of a cluster that are unknown for the same reason, and of which
// the first has the highest severity.
func (t *tableWriter) groupRow(findings []audit.Finding) []string {
	const most = 3
	t.grouped = true
	first := findings[0]
	var rules, resources []string
	for _, f := range findings {
		if !slices.Contains(rules, f.Rule) {
			rules = append(rules, f.Rule)
		}
		if short := shortResource(f); !slices.Contains(resources, short) {
			resources = append(resources, short)
		}
	}
	what := rules[0]
	if n := len(rules); n > 1 {
		what = fmt.Sprintf("%d rules (%s", n, strings.Join(rules[:min(most, n)], ", "))
		if n > most {
			what += fmt.Sprintf(" and %d more", n-most)
		}
		what += ")"
	}
	resource := resources[0]
	if len(resources) > 1 {
		resource = fmt.Sprintf("%d resources", len(resources))
	}
	message := fmt.Sprintf("%d findings: %s%s", len(findings), first.Message, changeMark(findings))
	return t.cells(first, clean(what), clean(resource), clean(message))
}

// changeMark says how findings have changed: " (new)", or " (2 new)" of several.
func changeMark(findings []audit.Finding) string {
	var marks []string
	for _, change := range []audit.Change{audit.Appeared, audit.Altered, audit.NotComparable} {
		n := 0
		for _, f := range findings {
			if f.Change == change {
				n++
			}
		}
		switch {
		case n > 0 && n == len(findings):
			marks = append(marks, string(change))
		case n > 0:
			marks = append(marks, fmt.Sprintf("%d %s", n, change))
		}
	}
	if marks == nil {
		return ""
	}
	return " (" + strings.Join(marks, ", ") + ")"
}

// clusterLine describes a cluster: "standard, 1.33.5-gke.1000 (regular)".
func clusterLine(c Cluster) string {
	line := clean(c.Mode)
	if c.Version != "" {
		line += ", " + clean(c.Version)
	}
	if c.Channel != "" {
		line += " (" + clean(c.Channel) + " channel)"
	}
	if c.Status != "RUNNING" && c.Status != "STATUS_UNSPECIFIED" {
		line += ", " + clean(c.Status)
	}
	return line
}

// settledCounts counts what passes and does not apply: "3 pass, 1 not applicable".
func settledCounts(g group) string {
	var parts []string
	if n := g.Counts[audit.Pass]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d pass", n))
	}
	if n := g.Counts[audit.NotApplicable]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d not applicable", n))
	}
	return strings.Join(parts, ", ")
}

func (t *tableWriter) row(f audit.Finding) []string {
	message := clean(f.Message)
	if f.Waiver != "" {
		message += "\n" + clean(waivedBy(t.waivers[f.Waiver]))
	}
	if f.Change != audit.Same || t.o.Verbose {
		if change := changeText(f); change != "" {
			message += "\n· " + change
		}
	}
	if f.Was != "" && t.o.Verbose {
		message += "\n· was: " + clean(f.Was)
	}
	row := t.cells(f, f.Rule, clean(shortResource(f)), message)
	if t.o.Verbose {
		for _, e := range f.Evidence {
			row[len(row)-1] += "\n· " + evidenceLine(e, f.Resource)
		}
	}
	return row
}

// cells writes the cells of a row, for which all but the finding is safe to show.
func (t *tableWriter) cells(f audit.Finding, rule, resource, message string) []string {
	status, color := verdictWord(f), statusColor[f.Status]
	severity := f.Severity.String()
	switch {
	case f.Waiver != "":
		color = dim
	case f.Status == audit.NotApplicable:
		status, severity = "N/A", ""
	case f.Status == audit.Pass:
		severity = ""
	}
	row := []string{t.paint(color, status), severity}
	if t.wide() {
		return append(row, rule, resource, message)
	}
	return append(row, rule+": "+resource+"\n"+message)
}

// evidenceLine writes evidence on one line; its resource only if it is another
// than the finding's.
func evidenceLine(e audit.Evidence, resource string) string {
	return clean(evidenceText(e, resource))
}

// evidenceText is evidenceLine before it is safe to show.
func evidenceText(e audit.Evidence, resource string) string {
	line := e.Field + " = " + e.Value
	if e.Resource != resource {
		line += " (" + e.Resource + ")"
	}
	return line
}

// wide reports whether there is room for columns of rules and resources.
func (t *tableWriter) wide() bool { return t.o.Width >= 130 }

// widths returns the width of each column. Two spaces of padding are part of it.
func (t *tableWriter) widths() []int {
	if t.wide() {
		rule, resource := min(max(t.widest, 10)+2, t.o.Width/4), min(t.o.Width/5, 44)
		return []int{11, 10, rule, resource, t.o.Width - 21 - rule - resource}
	}
	return []int{11, 10, t.o.Width - 21}
}

func (t *tableWriter) table(rows [][]string) {
	if len(rows) == 0 || t.err != nil {
		return
	}
	widths := t.widths()
	mapper := tw.NewMapper[int, int]()
	for i, width := range widths {
		mapper.Set(i, width)
		for _, row := range rows {
			if i > 0 { // the status is short, and its colours are no text to be broken
				row[i] = breakWords(row[i], width-2)
			}
		}
	}
	var buf bytes.Buffer
	table := tablewriter.NewTable(&buf,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleNone),
			Settings: tw.Settings{
				Separators: tw.SeparatorsNone,
				Lines:      tw.LinesNone,
			},
		})),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithRowAutoWrap(tw.WrapNormal),
		tablewriter.WithPadding(tw.Padding{Left: "  ", Right: "", Overwrite: true}),
		tablewriter.WithColumnWidths(mapper),
	)
	if t.err = table.Bulk(rows); t.err != nil {
		return
	}
	if t.err = table.Render(); t.err != nil {
		return
	}
	for line := range strings.Lines(buf.String()) {
		t.line("%s", strings.TrimRight(line, " \n"))
	}
}

// breakWords puts a space into words that are wider than a column, which
// tablewriter cuts off, best after a slash, dash or dot.
func breakWords(text string, width int) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r > ' ' }) {
		return text
	}
	var b strings.Builder
	used, brk := 0, -1 // of the word so far: its width, and where in b it may break
	for _, r := range text {
		w := twwidth.Width(string(r))
		if r == ' ' || r == '\n' {
			used, brk = 0, -1
			b.WriteRune(r)
			continue
		}
		if used+w > width {
			if brk < 0 {
				brk = b.Len()
			}
			s := b.String()
			b.Reset()
			b.WriteString(s[:brk] + " " + s[brk:])
			used, brk = twwidth.Width(s[brk:]), -1
		}
		b.WriteRune(r)
		used += w
		if strings.ContainsRune("/-.@", r) {
			brk = b.Len()
		}
	}
	return b.String()
}

// gaps lists what could not be read: of each reason a few, or else how many there are.
func (t *tableWriter) gaps(r *Report) {
	const few = 3
	times := map[string]int{}
	for _, g := range r.Gaps {
		times[gapCause(g)]++
	}
	var lines []string
	var causes map[string]cause
	said := map[string]bool{}
	for _, g := range r.Gaps {
		why := gapCause(g)
		if t.o.Verbose || times[why] <= few {
			lines = append(lines, gapLine(g))
			continue
		}
		if said[why] {
			continue
		}
		said[why] = true
		if causes == nil {
			causes = map[string]cause{}
			for _, c := range r.overview().causes {
				causes[c.why] = c
			}
		}
		c := causes[why]
		line := fmt.Sprintf("%s: %s in %s", why, count(times[why], "gap", "gaps"), strings.Join(c.places[:min(few, len(c.places))], ", "))
		if n := len(c.places) - few; n > 0 {
			line += fmt.Sprintf(" and %d more", n)
		}
		if c.findings > 0 {
			line += fmt.Sprintf("; %s of %s in %s unknown", count(c.findings, "finding", "findings"), count(len(c.rules), "rule", "rules"), count(len(c.clusters), "cluster is", "clusters are"))
		}
		t.grouped = true
		lines = append(lines, line)
	}
	t.list("Could not be read", lines)
}

// list writes lines under a heading, if there are any.
func (t *tableWriter) list(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	t.line("%s", t.paint(bold, heading))
	for _, line := range lines {
		t.line("%s", t.indent(clean(line)))
	}
	t.line("")
}

// sinceBaseline lists what was open in the baseline and is no more, and what does not
// compare. Without verbose it lists the first of what is resolved.
func (t *tableWriter) sinceBaseline(b *Baseline) {
	const most = 10
	if b == nil {
		return
	}
	t.list("Not compared with the baseline", b.Notes)
	var lines []string
	for i, f := range b.Resolved {
		if i == most && !t.o.Verbose {
			lines = append(lines, fmt.Sprintf("and %d more, which --verbose lists", len(b.Resolved)-most))
			break
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", f.Rule, place(f), resolvedText(f)))
	}
	t.list("Resolved since the baseline", lines)
}

// waiverList counts the waivers, and lists those that somebody has to look at, or all.
func (t *tableWriter) waiverList(r *Report) {
	if len(r.Waivers) == 0 {
		return
	}
	for _, line := range t.wrap("Waivers: "+r.waiverCounts(), t.o.Width) {
		t.line("%s", t.paint(bold, line))
	}
	for _, w := range r.listedWaivers() {
		if r.waits(w) || t.o.Verbose {
			t.line("%s", t.indent(clean(fmt.Sprintf("%s: %s on %s, %s, by %s (%s)", r.waiverState(w), w.Rule, w.Resource, count(w.Findings, "finding", "findings"), w.Owner, w.Ticket))))
		}
	}
	t.line("")
}

// gapLine says what a gap hides and why.
func gapLine(g audit.Gap) string { return clean(g.Resource + ": " + gapCause(g)) }

// gapCause says why something could not be read, and which permission would help.
func gapCause(g audit.Gap) string {
	if g.Permission != "" {
		return "missing permission " + g.Permission
	}
	cause := g.Message + " (" + g.Code
	if g.Reason != "" {
		cause += ", " + g.Reason
	}
	return cause + ")"
}

// indent breaks a text into lines that are two columns in.
func (t *tableWriter) indent(text string) string {
	return "  " + strings.Join(t.wrap(text, t.o.Width-4), "\n    ")
}

func (t *tableWriter) wrap(text string, width int) []string {
	lines, _ := twwarp.WrapString(breakWords(text, width), width)
	return lines
}

func (t *tableWriter) summary(r *Report) {
	s := r.Summary
	color := statusColor[audit.Pass]
	switch {
	case s.Fail > 0:
		color = statusColor[audit.Fail]
	case !r.Complete || s.Unknown > 0:
		color = statusColor[audit.Unknown]
	}
	for _, line := range t.wrap(r.Verdict(), t.o.Width) {
		t.line("%s", t.paint(color, line))
	}
	counts := fmt.Sprintf("%d fail%s, %d %s", s.Fail, failingCounts(s), s.Unknown, s.unknownWord())
	if s.Waived > 0 {
		counts += fmt.Sprintf(", %d waived", s.Waived)
	}
	counts += fmt.Sprintf(", %d pass, %d not applicable;", s.Pass, s.NotApplicable)
	gaps := count(s.Gaps, "gap", "gaps")
	if len(counts)+1+len(gaps) > t.o.Width {
		t.text(counts)
		t.text(gaps)
	} else {
		t.text(counts + " " + gaps)
	}
	if r.Baseline != nil {
		t.text(r.Baseline.Line())
	}
	if s.Projects > 0 {
		t.text("Projects: " + s.Coverage() + ".")
	}
	if t.grouped {
		t.text("What is unknown for one reason is on one line; --verbose lists each.")
	}
	if sh := r.Scope.Shard; sh != nil {
		t.line("Shard %s: %d of %s.", sh, s.Projects, count(sh.Projects, "project", "projects"))
	}
	if s.LeftOut > 0 {
		t.line("Left out: %s below severity %s.", count(s.LeftOut, "finding", "findings"), r.Scope.LeastSeverity)
	}
	t.discovery(r)
	if facts := r.Settings.Facts(); facts != nil {
		t.text("Rules: " + strings.Join(facts, "; ") + ".")
	}
	if s.Fail > 0 {
		t.line("How to mend a finding: gkeaudit explain RULE")
	}
}

func (t *tableWriter) discovery(r *Report) {
	s, found := r.Scope, r.Found()
	if found == "" {
		return
	}
	line := "Found " + found
	if excluded := s.Excluded(); excluded != "" {
		line += ", without " + excluded
	}
	line += "."
	for _, more := range []string{r.Unlisted(), s.Discovery.Note} {
		if more != "" {
			line += " " + more
		}
	}
	t.text(line)
}

// text writes running text.
func (t *tableWriter) text(text string) {
	for _, line := range t.wrap(clean(text), t.o.Width) {
		t.line("%s", line)
	}
}

func (t *tableWriter) benchmark(r *Report, b audit.Benchmark) {
	rows := r.benchmarkRows(b)
	t.line("%s", t.paint(bold, clean(string(b.Framework))))
	for _, row := range rows {
		words := map[audit.Status]string{audit.Fail: "FAIL", audit.Pass: "PASS", audit.NotApplicable: "N/A", audit.Unknown: "-"}
		text := t.wrap(clean(row.Title+": "+row.Result), t.o.Width-18)
		t.line("  %s %-7s %s", t.paint(statusColor[row.Status], fmt.Sprintf("%-6s", words[row.Status])), clean(row.ID), strings.Join(text, "\n"+strings.Repeat(" ", 17)))
	}
	t.line("%s", t.indent(r.benchmarkCounts(b, rows)))
	t.line("")
}

// failingCounts counts failing findings by severity: " (1 critical, 3 high)".
func failingCounts(s Summary) string {
	var parts []string
	for i := len(audit.Severities) - 1; i >= 0; i-- {
		if n := s.Failing[audit.Severities[i]]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, audit.Severities[i]))
		}
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// ANSI graphic renditions (ECMA-48, SGR).
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

var statusColor = map[audit.Status]string{
	audit.Fail:          red,
	audit.Unknown:       yellow,
	audit.Pass:          green,
	audit.NotApplicable: dim,
}

func (t *tableWriter) paint(rendition, text string) string {
	if !t.o.Color {
		return text
	}
	return "\x1b[" + rendition + "m" + text + "\x1b[0m"
}
