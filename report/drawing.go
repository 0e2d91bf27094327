package report

import (
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"

	"github.com/clipperhouse/displaywidth"
)

// Sizes of a drawing, in its own units.
const (
	drawingWidth = 960
	boxPad       = 9
	lineHeight   = 17
	labelHeight  = 24
	labelGap     = 6
	rowGap       = 16
	laneGap      = 26
	headHeight   = 26
)

// lanes are where nodes stand: outside, at the edge, routes, subnetworks, and nodes and
// control plane.
var lanes = []struct {
	x, width int
	head     string
}{
	{8, 140, "Outside"},
	{192, 172, "Edge"},
	{408, 140, "VPC: routes"},
	{592, 176, "Subnetwork"},
	{812, 140, "Nodes"},
}

func columnOf(kind audit.PathKind) int {
	switch kind {
	case audit.Internet, audit.GoogleCloud, audit.GoogleAPIs, audit.VPCNetwork:
		return 0
	case audit.ExternalIPs, audit.CloudNAT, audit.OtherNextHop, audit.PublicEndpoint, audit.DNSEndpoint, audit.PrivateEndpoint:
		return 1
	case audit.DefaultRoute, audit.GoogleRoute:
		return 2
	case audit.PathSubnet:
		return 3
	}
	return 4
}

// A drawing is a picture as shapes.
type drawing struct {
	Width, Height int
	Zones         []box
	Boxes         []box
	Lines         []stroke
	Labels        []label
	Heads         []textLine
	Summary       string // the picture in a few sentences without names
}

// A box has lines of text, its title first.
type box struct {
	X, Y, Width, Height int
	Class               string
	Lines               []textLine
}

type textLine struct {
	X, Y        int
	Class, Text string
}

// A stroke is a part of a way from one box to the next.
type stroke struct {
	Class       string // the state of the way
	Path, Arrow string
	Cross       string // where a blocked way ends
}

// A label says the state of a way above it.
type label struct {
	box
	State, Word string
}

// A wayRow is a way with its nodes by column, or a node that no way leads to.
type wayRow struct {
	way   *audit.Way
	cells [5]*audit.PathNode
	seq   []int // columns, in the order of the way

	plane          bool // it leads to the control plane
	y, label, body int  // where it begins, and how high are its label and its boxes
}

// middle is where the way runs.
func (r wayRow) middle() int { return r.y + r.label + r.body/2 }

func drawPath(p audit.NetworkPath) *drawing {
	d := &drawing{Width: drawingWidth}
	rows := rowsOf(p)
	boxes := d.place(rows)
	for _, r := range rows {
		if r.way != nil {
			d.Labels = append(d.Labels, labelOf(r))
			d.connect(r)
		}
	}
	d.Boxes = boxes
	d.summarize(p)
	return d
}

// rowsOf returns a row for each way, those to the control plane last, and one for each
// node that stands alone.
func rowsOf(p audit.NetworkPath) []wayRow {
	nodes, used := map[string]*audit.PathNode{}, map[string]bool{}
	for i := range p.Nodes {
		nodes[p.Nodes[i].ID] = &p.Nodes[i]
	}
	var rows, plane []wayRow
	for i := range p.Ways {
		r := wayRow{way: &p.Ways[i]}
		for _, id := range slices.Concat([]string{r.way.From}, r.way.Via, []string{r.way.To}) {
			n := nodes[id]
			used[id] = true
			r.plane = r.plane || n.Kind == audit.ControlPlane
			if c := columnOf(n.Kind); r.cells[c] == nil {
				r.cells[c] = n
				r.seq = append(r.seq, c)
			}
		}
		if r.plane {
			plane = append(plane, r)
		} else {
			rows = append(rows, r)
		}
	}
	for i := range p.Nodes {
		if n := &p.Nodes[i]; !used[n.ID] {
			r := wayRow{}
			r.cells[columnOf(n.Kind)] = n
			rows = append(rows, r)
		}
	}
	return append(rows, plane...)
}

// spans reports whether a column of a row is one box with that of the row before. Labels
// take the place between others.
func spans(rows []wayRow, i, column int) bool {
	labelled := column == 1 && !rows[i].plane || column == 2
	return i > 0 && !labelled && rows[i].plane == rows[i-1].plane && rows[i].cells[column] != nil && rows[i].cells[column] == rows[i-1].cells[column]
}

// place gives rows their heights, and returns the boxes.
func (d *drawing) place(rows []wayRow) []box {
	lines := map[*audit.PathNode][]textLine{}
	for _, r := range rows {
		for c, n := range r.cells {
			if n != nil && lines[n] == nil {
				lines[n] = boxLines(*n, lanes[c].width)
			}
		}
	}
	needs := func(n *audit.PathNode) int { return len(lines[n])*lineHeight + 2*boxPad - 2 }
	var boxes []box
	y := 0
	for i := range rows {
		r := &rows[i]
		if i == 0 || r.plane != rows[i-1].plane {
			if i > 0 {
				y += laneGap
			}
			d.heads(r.plane, y)
			y += headHeight
		} else if r.cells[3] != rows[i-1].cells[3] {
			y += laneGap - rowGap
		}
		r.y = y
		if r.way != nil && r.plane {
			r.body = labelOf(*r).Height
		} else if r.way != nil {
			r.label = labelOf(*r).Height + labelGap
		}
		for c, n := range r.cells {
			if n == nil || i+1 < len(rows) && spans(rows, i+1, c) {
				continue
			}
			first := i
			for spans(rows, first, c) {
				first--
			}
			r.body = max(r.body, needs(n)-(r.y+r.label)+rows[first].y+rows[first].label, 44)
		}
		for c, n := range r.cells {
			if n == nil || i+1 < len(rows) && spans(rows, i+1, c) {
				continue
			}
			first := i
			for spans(rows, first, c) {
				first--
			}
			top := rows[first].y + rows[first].label
			b := box{X: lanes[c].x, Y: top, Width: lanes[c].width, Height: r.y + r.label + r.body - top, Class: string(n.Kind)}
			for _, l := range lines[n] {
				l.Y += (b.Height - len(lines[n])*lineHeight) / 2
				b.Lines = append(b.Lines, l)
			}
			if n.Absent {
				b.Class += " absent"
			}
			boxes = append(boxes, b)
		}
		y = r.y + r.label + r.body + rowGap
	}
	d.Height = y
	d.zone(rows)
	return boxes
}

// heads writes what stands in the columns.
func (d *drawing) heads(plane bool, y int) {
	for i, c := range lanes {
		head := c.head
		if plane {
			head = []string{"Who", "Endpoint", "", "", "Control plane"}[i]
		}
		if head != "" {
			d.Heads = append(d.Heads, textLine{c.x, y + 16, "head", head})
		}
	}
}

// zone draws the network behind what is in it.
func (d *drawing) zone(rows []wayRow) {
	top, bottom := -1, 0
	for _, r := range rows {
		if !r.plane {
			if top < 0 {
				top = r.y - headHeight
			}
			bottom = r.y + r.label + r.body + rowGap/2
		}
	}
	if top >= 0 {
		x := lanes[2].x - 10
		d.Zones = append(d.Zones, box{X: x, Y: top, Width: d.Width - x, Height: bottom - top})
	}
}

// cells is how many columns of a terminal a text may have in so much room: letters are as
// wide as that on average, and what is wider is cut off by its box.
func cells(width int) int { return width * 10 / 74 }

// wrapped breaks a name into lines, after what divides its parts if it can, and cuts it
// short after so many.
func wrapped(s string, wide, most int) []string {
	var lines []string
	for len(lines) < most-1 && displaywidth.String(s) > wide {
		head := displaywidth.TruncateString(s, wide, "")
		if at := strings.LastIndexAny(head, " -/,"); at >= len(head)/2 {
			head = head[:at+1]
		}
		if head == "" {
			break
		}
		lines = append(lines, head)
		s = s[len(head):]
	}
	return append(lines, displaywidth.TruncateString(s, wide, "…"))
}

// boxLines are the lines of a box, from the top of the first.
func boxLines(n audit.PathNode, width int) []textLine {
	var all []textLine
	add := func(class, text string, most int) {
		if text == "" {
			return
		}
		wide := cells(width - 2*boxPad)
		switch class {
		case "title":
			wide -= wide / 10 // it is bold
		case "note":
			wide += wide / 10 // it is small
		}
		parts := wrapped(clean(text), wide, most)
		if class == "note" {
			parts = inWords(clean(text), wide)
		}
		for _, part := range parts {
			all = append(all, textLine{boxPad, 12 + len(all)*lineHeight, class, part})
		}
	}
	add("title", pathTitle(n), 2)
	add("note", numbers(n), 1)
	add("name", n.Name, 2)
	project, region, _ := strings.Cut(n.Place, ", ")
	add("place", project, 1)
	add("place", region, 1)
	switch n.Kind {
	case audit.VPCNetwork:
		add("note", "and connected ones", 1)
	case audit.GoogleCloud:
		add("note", "of all customers", 1)
	}
	for _, note := range n.Notes {
		add("note", note, 2)
	}
	return all
}

// inWords breaks a text between words, of which the longest are cut short.
func inWords(s string, wide int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(s) {
		last := &lines[len(lines)-1]
		if *last != "" && displaywidth.String(*last)+1+displaywidth.String(word) > wide {
			lines = append(lines, "")
			last = &lines[len(lines)-1]
		}
		*last = displaywidth.TruncateString(strings.TrimSpace(*last+" "+word), wide, "…")
	}
	return lines[:min(len(lines), 3)]
}

// labelLines are the word of a way, in lines; the first has the state before it.
func labelLines(w audit.Way, width int) []string {
	wide := cells(width - labelText - 4)
	lines := []string{""}
	used := len(w.State)*4/3 + 3
	for _, word := range strings.Fields(clean(w.Word)) {
		if n := displaywidth.String(word) + 1; lines[len(lines)-1] == "" || used+n <= wide {
			used += n
		} else {
			lines = append(lines, "")
			used = n
		}
		lines[len(lines)-1] = strings.TrimSpace(lines[len(lines)-1] + " " + word)
	}
	lines = append(lines, wayNotes(w)...)
	if len(lines) > 5 {
		lines = append(lines[:4], "…")
	}
	for i := range lines {
		lines[i] = displaywidth.TruncateString(clean(lines[i]), wide, "…")
	}
	return lines
}

// labelText is where the text of a label begins, after its mark.
const labelText = 28

// labelOf returns the label of a way. It stands above the way, where boxes leave room for
// it; on the way to the control plane it stands on it.
func labelOf(r wayRow) label {
	l := label{State: string(r.way.State), Word: strings.ToUpper(stateWord(r.way.State))}
	l.box = box{X: lanes[1].x, Y: r.y, Width: lanes[3].x - 6 - lanes[1].x, Class: l.State}
	if r.plane {
		l.X, l.Width = lanes[2].x, lanes[4].x-lanes[2].x-30
	}
	for i, text := range labelLines(*r.way, l.Width) {
		l.Lines = append(l.Lines, textLine{labelText, 16 + i*lineHeight, "word", text})
	}
	l.Height = labelHeight + lineHeight*(len(l.Lines)-1)
	if r.plane {
		l.Y = r.middle() - l.Height/2
	}
	return l
}

// connect draws a way from box to box. A blocked one ends at what is absent; where nothing
// is, at the first box of a way in and the last of a way out.
func (d *drawing) connect(r wayRow) {
	blocked := r.way.State == audit.WayBlocked
	end := len(r.seq) - 1
	if blocked {
		absent := slices.IndexFunc(r.seq, func(c int) bool { return r.cells[c].Absent })
		switch {
		case absent > 0:
			end = absent
		case r.plane:
			end = min(1, end)
		}
	}
	y := r.middle()
	for i := 1; i <= end; i++ {
		from, to := lanes[r.seq[i-1]], lanes[r.seq[i]]
		x1, x2, dir := from.x+from.width, to.x, 1
		if r.seq[i] < r.seq[i-1] {
			x1, x2, dir = from.x, to.x+to.width, -1
		}
		s := stroke{Class: string(r.way.State)}
		tip, head := x2-dir*2, 9
		if r.way.State == audit.WayExposing {
			head = 13
		}
		s.Path = fmt.Sprintf("M%d %dH%d", x1+dir*2, y, tip-dir*head)
		s.Arrow = fmt.Sprintf("M%d %dl%d %dv%dz", tip, y, -dir*head, -head/2-1, 2*(head/2+1))
		if blocked && i == end {
			x := x2 - dir*12
			s.Path = fmt.Sprintf("M%d %dH%d", x1+dir*2, y, x-dir*6)
			s.Arrow = ""
			s.Cross = fmt.Sprintf("M%d %dl14 14m0 -14l-14 14", x-7, y-7)
		}
		d.Lines = append(d.Lines, s)
	}
}

func (d *drawing) summarize(p audit.NetworkPath) {
	kinds := map[string]audit.PathKind{}
	for _, n := range p.Nodes {
		kinds[n.ID] = n.Kind
	}
	var parts []string
	for _, w := range p.Ways {
		parts = append(parts, fmt.Sprintf("%s: from %s to %s, %s.", stateWord(w.State), pathLabels[kinds[w.From]], pathLabels[kinds[w.To]], clean(w.Word)))
	}
	d.Summary = strings.Join(parts, " ")
}
