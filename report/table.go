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
	for g := range r.groups() {
		t.group(g)
	}
	for _, b := range r.Benchmarks {
		t.benchmark(r, b)
	}
	t.listWaivers(r)
	if r.Baseline != nil {
		t.resolved(r.Baseline, r.Baseline.Shown(), r.Baseline.More())
	}
	t.gaps(r.Gaps)
	t.missing(r.Scope.Missing)
	t.summary(r)
	return t.err
}

// tableWriter remembers the first error.
type tableWriter struct {
	w       io.Writer
	o       TableOptions
	waivers map[string]Waiver
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
	t.line("%s", t.paint(dim, clusterLine(c)))
	shown := append(slices.Clip(g.open()), g.waived()...)
	if t.o.Verbose {
		shown = g.Findings
	}
	var rows [][]string
	for _, f := range shown {
		rows = append(rows, t.row(f))
	}
	t.table(rows)
	if !t.o.Verbose && len(g.settled()) > 0 {
		t.line("  %s", settledCounts(g))
	}
	t.line("")
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
	status := strings.ToUpper(f.Status.String())
	if f.Status == audit.NotApplicable {
		status = "N/A"
	}
	severity := f.Severity.String()
	if f.Status == audit.Pass || f.Status == audit.NotApplicable {
		severity = ""
	}
	resource, message := clean(shortResource(f)), clean(f.Message)
	color := statusColor[f.Status]
	if f.Waiver != "" {
		status, color = "WAIVED", dim
		message += "\n" + clean(waivedBy(t.waivers[f.Waiver]))
	}
	row := []string{t.paint(color, status), severity}
	if t.wide() {
		row = append(row, f.Rule, resource, message)
	} else {
		row = append(row, f.Rule+": "+resource+"\n"+message)
	}
	if f.Change != "" && (f.Change != audit.Same || t.o.Verbose) {
		row[len(row)-1] += "\n· " + changeText(f)
	}
	if t.o.Verbose {
		for _, e := range f.Evidence {
			row[len(row)-1] += "\n· " + evidenceLine(e, f.Resource)
		}
	}
	return row
}

// evidenceLine writes evidence on one line; its resource only if it is another
// than the finding's.
func evidenceLine(e audit.Evidence, resource string) string {
	line := clean(e.Field) + " = " + clean(e.Value)
	if e.Resource != resource {
		line += " (" + clean(e.Resource) + ")"
	}
	return line
}

// wide reports whether there is room for columns of rules and resources.
func (t *tableWriter) wide() bool { return t.o.Width >= 130 }

// widths returns the width of each column. Two spaces of padding are part of it.
func (t *tableWriter) widths() []int {
	if t.wide() {
		resource := min(t.o.Width/5, 44)
		return []int{9, 10, 23, resource, t.o.Width - 42 - resource}
	}
	return []int{9, 10, t.o.Width - 19}
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

func (t *tableWriter) gaps(gaps []audit.Gap) {
	if len(gaps) == 0 {
		return
	}
	t.line("%s", t.paint(bold, "Could not be read"))
	for _, g := range gaps {
		t.line("%s", t.indent(gapLine(g)))
	}
	t.line("")
}

func (t *tableWriter) listWaivers(r *Report) {
	if len(r.Waivers) == 0 {
		return
	}
	t.line("%s", t.paint(bold, "Waivers: "+r.waiverCounts()))
	for _, w := range r.listedWaivers() {
		t.line("%s", t.indent(clean(fmt.Sprintf("%s: %s on %s, %s, by %s (%s)", r.waiverState(w), w.Rule, w.Resource, count(w.Findings, "finding", "findings"), w.Owner, w.Ticket))))
	}
	t.line("")
}

// resolved lists what is resolved since the baseline, and what cannot be compared.
func (t *tableWriter) resolved(b *Baseline, shown []audit.Finding, more string) {
	if len(shown) > 0 {
		t.line("%s", t.paint(bold, "Resolved since the baseline"))
		for _, f := range shown {
			t.line("%s", t.indent(clean(f.Rule+": "+place(f)+" ("+resolvedText(f)+")")))
		}
		if more != "" {
			t.line("  %s", more)
		}
		t.line("")
	}
	if len(b.Notes) > 0 {
		t.line("%s", t.paint(bold, "Not compared with the baseline"))
		for _, note := range b.Notes {
			t.line("%s", t.indent(clean(note)))
		}
		t.line("")
	}
}

func (t *tableWriter) missing(parts []string) {
	if len(parts) == 0 {
		return
	}
	t.line("%s", t.paint(bold, "Missing from this report"))
	for _, part := range parts {
		t.line("%s", t.indent(clean(part)))
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
	case !r.Complete:
		color = statusColor[audit.Unknown]
	}
	for _, line := range t.wrap(r.Verdict(), t.o.Width) {
		t.line("%s", t.paint(color, line))
	}
	waived := ""
	if s.Waived > 0 {
		waived = fmt.Sprintf("%d waived, ", s.Waived)
	}
	t.line("%d fail%s, %d unknown, %s%d pass, %d not applicable; %s",
		s.Fail, failingCounts(s), s.Unknown, waived, s.Pass, s.NotApplicable, count(s.Gaps, "gap", "gaps"))
	if r.Baseline != nil {
		t.text(r.Baseline.Line())
	}
	if sh := r.Scope.Shard; sh != nil {
		t.line("Shard %s: %d of %s.", sh, s.Projects, count(sh.Projects, "project", "projects"))
	}
	if s.LeftOut > 0 {
		t.line("Left out: %s below severity %s.", count(s.LeftOut, "finding", "findings"), r.Scope.LeastSeverity)
	}
	t.discovery(r.Scope)
	if facts := r.Settings.Facts(); facts != nil {
		t.text("Rules: " + strings.Join(facts, "; ") + ".")
	}
	if s.Fail > 0 {
		t.line("How to mend a finding: gkeaudit explain RULE")
	}
}

func (t *tableWriter) discovery(s Scope) {
	found := s.Found()
	if found == "" {
		return
	}
	line := "Found " + found
	if excluded := s.Excluded(); excluded != "" {
		line += ", without " + excluded
	}
	line += "."
	if s.Discovery.Note != "" {
		line += " " + s.Discovery.Note
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
	t.line("  %s", r.benchmarkCounts(b, rows))
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
