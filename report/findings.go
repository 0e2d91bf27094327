package report

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
)

// Findings are the findings of a report. An audit of ten thousand clusters has more
// than a million, and their messages, fields and values are the same few again and again:
// here each text is kept once, and a finding is the numbers of its texts. The zero value
// has none.
type Findings struct {
	parts []part
	texts *texts // of what is added
}

// A part is findings of one cluster that were added one after the other.
type part struct {
	cluster            string
	texts              *texts
	findings, evidence int // how many
	code               []byte
}

// texts gives each text a number.
type texts struct {
	all     []string
	numbers map[string]uint64
}

// Add adds a finding after all others.
func (fs *Findings) Add(f audit.Finding) {
	if fs.texts == nil {
		fs.texts = &texts{numbers: map[string]uint64{}}
	}
	last := len(fs.parts) - 1
	if last < 0 || fs.parts[last].cluster != f.Cluster || fs.parts[last].texts != fs.texts {
		next := part{cluster: f.Cluster, texts: fs.texts}
		if last >= 0 && fs.parts[last].texts == fs.texts {
			next.code = fs.parts[last].code[:0]
			fs.parts[last].code = bytes.Clone(fs.parts[last].code)
		}
		fs.parts = append(fs.parts, next)
		last++
	}
	fs.parts[last].add(f)
}

func (p *part) add(f audit.Finding) {
	p.findings++
	p.evidence += len(f.Evidence)
	status := uint64(f.Status)
	if f.Was != "" {
		status |= hasWas
	}
	if f.Undecided {
		status |= isUndecided
	}
	p.number(status)
	p.number(uint64(f.Severity))
	p.text(f.Rule)
	p.text(f.Resource)
	p.text(f.Message)
	p.number(uint64(len(f.Evidence)))
	for _, e := range f.Evidence {
		p.text(e.Resource)
		p.text(e.Field)
		p.text(e.Value)
	}
	p.text(f.Waiver)
	p.text(string(f.Change))
	if f.Was != "" {
		p.text(f.Was)
	}
	seen := int64(0)
	if !f.FirstSeen.IsZero() {
		seen = f.FirstSeen.UnixMilli()
	}
	p.code = binary.AppendVarint(p.code, seen)
}

// Marks on the status of a finding. Few findings say what they were, and it takes no room
// where they do not.
const (
	hasWas      = 1 << 4
	isUndecided = 1 << 5
)

func (p *part) number(n uint64) { p.code = binary.AppendUvarint(p.code, n) }

func (p *part) text(s string) {
	n, ok := p.texts.numbers[s]
	if !ok {
		n = uint64(len(p.texts.all))
		p.texts.all = append(p.texts.all, s)
		p.texts.numbers[s] = n
	}
	p.number(n)
}

// list returns the findings of the part, in the place of others that are of no more use.
// None has nil for evidence.
func (p part) list(others []audit.Finding) []audit.Finding {
	findings := slices.Grow(others[:0], p.findings)[:p.findings]
	evidence := make([]audit.Evidence, p.evidence)
	code := p.code
	number := func() uint64 {
		n, size := binary.Uvarint(code)
		code = code[size:]
		return n
	}
	text := func() string { return p.texts.all[number()] }
	for i := range findings {
		f := &findings[i]
		f.Cluster = p.cluster
		status := number()
		f.Status, f.Severity = audit.Status(status&^(hasWas|isUndecided)), audit.Severity(number())
		f.Undecided = status&isUndecided != 0
		f.Rule, f.Resource, f.Message = text(), text(), text()
		n := number()
		f.Evidence, evidence = evidence[:n:n], evidence[n:]
		for k := range f.Evidence {
			e := &f.Evidence[k]
			e.Resource, e.Field, e.Value = text(), text(), text()
		}
		f.Waiver, f.Change, f.Was, f.FirstSeen = text(), audit.Change(text()), "", time.Time{}
		if status&hasWas != 0 {
			f.Was = text()
		}
		seen, size := binary.Varint(code)
		if code = code[size:]; seen != 0 {
			f.FirstSeen = time.UnixMilli(seen).UTC()
		}
	}
	return findings
}

// All returns the findings in their order. None has nil for evidence.
func (fs *Findings) All() iter.Seq[audit.Finding] {
	return func(yield func(audit.Finding) bool) {
		var findings []audit.Finding
		for _, p := range fs.parts {
			findings = p.list(findings)
			for _, f := range findings {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// Len returns how many there are.
func (fs *Findings) Len() int {
	n := 0
	for _, p := range fs.parts {
		n += p.findings
	}
	return n
}

// of returns the findings of a cluster, where all are in the order of clusters.
func (fs *Findings) of(cluster string) []audit.Finding {
	i, ok := slices.BinarySearchFunc(fs.parts, cluster, func(p part, name string) int { return strings.Compare(p.cluster, name) })
	if !ok {
		return nil
	}
	return fs.parts[i].list(nil)
}

// atLeast returns the findings of a severity and those above it.
func (fs *Findings) atLeast(least audit.Severity) Findings {
	some := Findings{texts: fs.texts}
	for f := range fs.All() {
		if f.Severity >= least {
			some.Add(f)
		}
	}
	return some
}

// edited returns the findings as an edit leaves them, which changes neither rule, cluster
// nor resource.
func (fs *Findings) edited(edit func(*audit.Finding)) Findings {
	var all Findings
	for f := range fs.All() {
		edit(&f)
		all.Add(f)
	}
	return all
}

// joined returns the findings of all together in the order of clusters, of which each is
// in one of them only.
func joined(all []*Findings) Findings {
	var fs Findings
	for _, one := range all {
		fs.parts = append(fs.parts, one.parts...)
	}
	slices.SortStableFunc(fs.parts, func(a, b part) int { return strings.Compare(a.cluster, b.cluster) })
	return fs
}
