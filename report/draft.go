package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"gkeaudit/audit"
)

// A draft is a text of Markdown that may have to be shortened. It is made of pieces (a
// paragraph, a row of a table, a block of code), which stand in frames (a section, a
// table, a fold) and are in the text whole or not at all. So what is left out never cuts
// through anything.
//
// Without a limit a piece is written as it comes. With one, the pieces that fit are kept
// until all are known, and pieces that cannot fit any more are counted only, so that the
// draft of a large estate takes no more memory than its limit allows for.
type draft struct {
	w     io.Writer
	limit int // in bytes; 0 for none
	err   error

	filled *frame   // the innermost that is being filled
	shown  *frame   // the innermost that is open in what has been written
	pieces []*piece // in the order of the text
	size   [leastRank + 1]int
	cut    rank // pieces of this rank or after it may be missing already
	left   leftovers
	there  map[string]bool // the anchors of the text; nil if it has all
}

// A frame is what pieces stand in. It is in the text if one of its pieces is.
type frame struct {
	outer         *frame
	anchor        string // of the frame's beginning; may be empty
	before, after string
	rows          string // what its pieces are called where it says that some are left out; empty if it does not
	pieces, kept  int
}

// restLength is longer than what a frame says of the pieces that are left out of it.
const restLength = 90

type piece struct {
	in   *frame
	rank rank
	text string
	of   counted
	note bool // the text is what is said of all that is left out
}

// A counted says what a piece stands for, and how many of them.
type counted struct {
	what leftKind
	n    int
}

// leftovers count what is left out.
type leftovers [leftKinds]int

// within has a frame around what a function adds.
func (d *draft) within(f frame, add func()) {
	f.outer = d.filled
	d.filled = &f
	add()
	d.filled = f.outer
}

// add adds a piece.
func (d *draft) add(r rank, text string) { d.count(r, counted{}, func() string { return text }) }

// count adds a piece that stands for something. Its text is not asked for if it cannot be
// in.
func (d *draft) count(r rank, of counted, text func() string) {
	if d.filled != nil {
		d.filled.pieces++
	}
	if d.limit > 0 && r >= d.cut {
		d.left[of.what] += of.n
		return
	}
	p := &piece{in: d.filled, rank: r, text: text(), of: of}
	if d.limit == 0 {
		d.write(p)
		return
	}
	d.pieces = append(d.pieces, p)
	if d.size[r] += plainLength(p.text); d.size[r] > d.limit {
		d.cut = max(r, always+1) // no more of it fits, and nothing after it
	}
}

// note adds the place where it is said what is left out.
func (d *draft) note() {
	if d.limit > 0 {
		d.pieces = append(d.pieces, &piece{in: d.filled, note: true})
	}
}

// finish writes what fits. A note says what is left out, and may be called with more than
// that to know how long it can get.
func (d *draft) finish(note func(leftovers) string) error {
	if d.limit > 0 {
		if err := d.choose(note); err != nil {
			return err
		}
		for _, p := range d.pieces {
			d.write(p)
		}
	}
	d.leave(nil)
	return d.err
}

// choose keeps the pieces that fit: those of the first ranks, and of one rank those that
// come first in the text. The first that does not fit ends it.
func (d *draft) choose(note func(leftovers) string) error {
	worst := d.left
	whole := budget{open: map[*frame]bool{}, there: map[string]bool{}, owed: map[string]int{}}
	all := 0
	for _, p := range d.pieces {
		all += whole.cost(p)
		worst[p.of.what] += p.of.n
	}
	if d.cut > leastRank && all <= d.limit {
		d.limit = 0
		return nil
	}
	room := d.limit - len(note(worst))
	b := budget{open: map[*frame]bool{}, there: map[string]bool{}, owed: map[string]int{}, rest: restLength}
	kept := map[*piece]bool{}
	byRank := [leastRank + 1][]*piece{}
	for _, p := range d.pieces {
		byRank[p.rank] = append(byRank[p.rank], p)
	}
	full := false
	for _, pieces := range byRank {
		for _, p := range pieces {
			if !full {
				room -= b.cost(p)
				full = room < 0
			}
			if full && p.rank == always {
				return fmt.Errorf("a report in Markdown cannot be shortened to %d bytes", d.limit)
			}
			if full {
				d.left[p.of.what] += p.of.n
				continue
			}
			kept[p] = true
		}
	}
	d.there = map[string]bool{}
	chosen := d.pieces[:0]
	for _, p := range d.pieces {
		if !kept[p] {
			continue
		}
		if p.note {
			p.text = note(d.left)
		}
		for f := p.in; f != nil; f = f.outer {
			d.there[f.anchor] = true
		}
		if p.in != nil {
			p.in.kept++
		}
		chosen = append(chosen, p)
	}
	d.pieces = chosen
	return nil
}

// A budget knows what pieces add to a text that has others already.
type budget struct {
	open  map[*frame]bool
	there map[string]bool // anchors
	owed  map[string]int  // what the links take that become links when their anchor is there
	rest  int             // for what a frame may have to say of what is left out of it
}

// cost adds a piece to the text, and returns how much longer that gets by it and by the
// frames that it opens.
func (b *budget) cost(p *piece) int {
	n := plainLength(p.text)
	for f := p.in; f != nil && !b.open[f]; f = f.outer {
		b.open[f] = true
		n += len(f.before) + len(f.after)
		if f.rows != "" {
			n += b.rest
		}
		if f.anchor != "" {
			b.there[f.anchor] = true
			n += b.owed[f.anchor]
		}
	}
	for _, m := range linkMark.FindAllStringSubmatch(p.text, -1) {
		if length := len("[](#)") + len(m[1]); b.there[m[1]] {
			n += length
		} else {
			b.owed[m[1]] += length
		}
	}
	return n
}

func (d *draft) write(p *piece) {
	d.leave(p.in)
	d.enter(p.in)
	d.print(p.text)
}

// leave closes the frames that are open and do not have a frame in them.
func (d *draft) leave(in *frame) {
	for ; d.shown != nil && !d.shown.holds(in); d.shown = d.shown.outer {
		f := d.shown
		d.print(f.after)
		if n := f.pieces - f.kept; d.limit > 0 && f.rows != "" && n > 0 {
			d.print(fmt.Sprintf("*Left out here: %d of %d %s.*\n\n", n, f.pieces, f.rows))
		}
	}
}

// holds reports whether a frame is another or has it in it.
func (f *frame) holds(in *frame) bool {
	for in != nil && in != f {
		in = in.outer
	}
	return in == f
}

// enter opens a frame and those that it stands in.
func (d *draft) enter(f *frame) {
	if f == d.shown || f == nil {
		return
	}
	d.enter(f.outer)
	d.print(f.before)
	d.shown = f
}

func (d *draft) print(text string) {
	if d.err == nil {
		_, d.err = io.WriteString(d.w, d.linked(text))
	}
}

// linkMark is a link within the text. No value has such controls in it; see [clean].
var linkMark = regexp.MustCompile("\x00([^\x01]*)\x01([^\x02]*)\x02")

// link leads to the frame of an anchor, if that is in the text. The label is Markdown.
func link(anchor, label string) string { return "\x00" + anchor + "\x01" + label + "\x02" }

// linked writes the links of a text.
func (d *draft) linked(text string) string {
	if !strings.Contains(text, "\x00") {
		return text
	}
	return linkMark.ReplaceAllStringFunc(text, func(mark string) string {
		m := linkMark.FindStringSubmatch(mark)
		if d.there != nil && !d.there[m[1]] {
			return m[2]
		}
		return "[" + m[2] + "](#" + m[1] + ")"
	})
}

// plainLength is that of a text without its links, which have their labels only.
func plainLength(text string) int {
	n := len(text)
	for _, m := range linkMark.FindAllStringSubmatch(text, -1) {
		n -= len(m[0]) - len(m[2])
	}
	return n
}

// A rank says how long something stays in a text that is shortened: the first longest.
type rank int

// The ranks. A report is shortened from the last on: what passes is of use to few, how
// what is critical is mended to many. What is unknown is kept beside what fails, and why
// it is unknown before all, so that a short report does not look like a good one.
const (
	always       rank = iota // verdict, completeness and counts
	causeRows                // why findings are unknown, and what to grant
	waiverRows               // the waivers that somebody has to look at
	ruleRows                 // the rules with open findings
	criticalRows             // the open findings of each severity, of other rules than critical ones some
	highRows
	clusterRows // the counts of the worst clusters
	scopeRows   // what was to be audited
	resolvedRows
	highFixes // why, and how to mend it: of rules of severity critical and high
	moreHighRows
	mediumRows
	moreMediumRows
	lowRows
	moreLowRows
	pathRows // who reaches what
	moreClusterRows
	moreResolvedRows
	gapRows
	highEvidence
	mediumFixes
	waivedRows // findings that are accepted
	mediumEvidence
	recommendationRows
	allWaiverRows
	clusterLists // the open findings of each cluster once more
	lowFixes
	lowEvidence
	aboutRules // what is checked, and what others call it
	passRows
	notApplicableRows
	leastRank = notApplicableRows
)

// openRows, moreRows, fixes and evidences are ranks by severity.
var (
	openRows  = map[audit.Severity]rank{audit.Critical: criticalRows, audit.High: highRows, audit.Medium: mediumRows, audit.Low: lowRows}
	moreRows  = map[audit.Severity]rank{audit.Critical: criticalRows, audit.High: moreHighRows, audit.Medium: moreMediumRows, audit.Low: moreLowRows}
	fixes     = map[audit.Severity]rank{audit.Critical: highFixes, audit.High: highFixes, audit.Medium: mediumFixes, audit.Low: lowFixes}
	evidences = map[audit.Severity]rank{audit.Critical: highEvidence, audit.High: highEvidence, audit.Medium: mediumEvidence, audit.Low: lowEvidence}
)

// A leftKind is something that is counted where it is left out.
type leftKind int

// The kinds. Of the findings that have a severity there are four kinds each, from low on.
const (
	failing    leftKind = 1
	unknowns   leftKind = 5
	waivedOnes leftKind = 9
)

// The other kinds.
const (
	passing leftKind = iota + 13
	notApplicable
	resolvedOnes
	ofCauses
	ofRules
	ofClusters
	ofScope
	ofWaivers
	ofGaps
	ofRecommendations
	ofFixes
	ofEvidence
	ofCommands
	ofLists
	ofAbouts
	ofPaths
	leftKinds
)

// leftOut says what is left out: "3 FAIL (1 high, 2 low), 2 PASS; the evidence of 4 findings".
func leftOut(t leftovers) string {
	var findings, others []string
	for _, of := range []struct {
		leftKind
		word string
	}{{failing, "FAIL"}, {unknowns, "UNKNOWN"}, {waivedOnes, "WAIVED"}} {
		n, parts := 0, []string(nil)
		for i := len(audit.Severities) - 1; i >= 0; i-- {
			if left := t[of.leftKind+leftKind(i)]; left > 0 {
				n += left
				parts = append(parts, fmt.Sprintf("%d %s", left, audit.Severities[i]))
			}
		}
		if n > 0 {
			findings = append(findings, fmt.Sprintf("%d %s (%s)", n, of.word, strings.Join(parts, ", ")))
		}
	}
	for _, of := range []struct {
		leftKind
		word string
	}{{passing, "PASS"}, {notApplicable, "NOT APPLICABLE"}, {resolvedOnes, "resolved"}} {
		if n := t[of.leftKind]; n > 0 {
			findings = append(findings, fmt.Sprintf("%d %s", n, of.word))
		}
	}
	for _, of := range []struct {
		leftKind
		before, one, many string
	}{
		{ofCauses, "", "reason why findings are unknown", "reasons why findings are unknown"},
		{ofRules, "the counts of ", "rule", "rules"},
		{ofClusters, "the counts of ", "cluster", "clusters"},
		{ofScope, "", "line about the scope", "lines about the scope"},
		{ofWaivers, "", "line about waivers", "lines about waivers"},
		{ofGaps, "", "gap", "gaps"},
		{ofRecommendations, "", "recommendation", "recommendations"},
		{ofFixes, "how to mend ", "rule", "rules"},
		{ofEvidence, "the evidence of ", "finding", "findings"},
		{ofCommands, "the commands for ", "finding", "findings"},
		{ofLists, "the lists of ", "cluster", "clusters"},
		{ofAbouts, "more about ", "rule", "rules"},
		{ofPaths, "the network paths of ", "shape", "shapes"},
	} {
		if n := t[of.leftKind]; n > 0 {
			others = append(others, of.before+count(n, of.one, of.many))
		}
	}
	var parts []string
	if findings != nil {
		parts = append(parts, strings.Join(findings, ", "))
	}
	return strings.Join(append(parts, others...), "; ")
}
