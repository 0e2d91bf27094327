package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"gkeaudit/audit"
)

// WriteJSON writes the report as JSON: each cluster, rule, finding and gap on a line
// of its own, so that a long report can be searched and compared line by line.
func (r *Report) WriteJSON(w io.Writer) error {
	j := &jsonWriter{w: w}
	j.text("{\n")
	j.field("schema", r.Schema)
	j.field("tool", r.Tool)
	j.field("startedAt", r.StartedAt)
	j.field("finishedAt", r.FinishedAt)
	j.field("scope", r.Scope)
	j.field("settings", r.Settings)
	j.field("complete", r.Complete)
	if r.Interrupted {
		j.field("interrupted", true)
	}
	j.field("summary", r.Summary)
	list(j, "clusters", r.Clusters)
	j.text(",\n")
	list(j, "rules", r.Rules)
	j.text(",\n")
	j.findings(&r.Findings)
	j.text(",\n")
	list(j, "gaps", r.Gaps)
	if len(r.Benchmarks) > 0 {
		j.text(",\n")
		list(j, "benchmarks", r.Benchmarks)
	}
	if len(r.Waivers) > 0 {
		j.text(",\n")
		list(j, "waivers", r.Waivers)
	}
	if r.Baseline != nil {
		j.text(",\n")
		j.baseline(r.Baseline)
	}
	if len(r.NetworkPaths) > 0 {
		j.text(",\n")
		list(j, "networkPaths", r.NetworkPaths)
	}
	if len(r.Replacements) > 0 {
		j.text(",\n")
		list(j, "replacements", r.Replacements)
	}
	j.text("\n}\n")
	return j.err
}

// jsonWriter remembers the first error.
type jsonWriter struct {
	w   io.Writer
	buf bytes.Buffer
	err error
}

func (j *jsonWriter) text(s string) {
	if j.err == nil {
		_, j.err = io.WriteString(j.w, s)
	}
}

// value writes a value on one line.
func (j *jsonWriter) value(v any) {
	if j.err != nil {
		return
	}
	j.buf.Reset()
	if j.err = json.NewEncoder(&j.buf).Encode(v); j.err == nil {
		_, j.err = j.w.Write(escapeControls(bytes.TrimSuffix(j.buf.Bytes(), []byte("\n"))))
	}
}

func (j *jsonWriter) field(key string, v any) {
	j.text("  \"" + key + "\": ")
	j.value(v)
	j.text(",\n")
}

func list[T any](j *jsonWriter, key string, items []T) {
	j.text("  \"" + key + "\": [")
	for i := range items {
		if i > 0 {
			j.text(",")
		}
		j.text("\n    ")
		j.value(&items[i])
	}
	if len(items) > 0 {
		j.text("\n  ")
	}
	j.text("]")
}

// findings writes what list would: there are so many that encoding/json would take much
// of the time of an audit.
func (j *jsonWriter) findings(fs *Findings) { j.lines("  ", "findings", fs.All()) }

// lines writes a list of findings that is so far in.
func (j *jsonWriter) lines(indent, key string, findings iter.Seq[audit.Finding]) {
	j.text(indent + "\"" + key + "\": [")
	before, after := "\n  "+indent, ""
	var line []byte
	for f := range findings {
		line = appendFinding(append(line[:0], before...), f)
		if j.err == nil {
			_, j.err = j.w.Write(line)
		}
		if j.err != nil {
			return
		}
		before, after = ",\n  "+indent, "\n"+indent
	}
	j.text(after + "]")
}

// baseline writes what is resolved as findings are written, with their IDs.
func (j *jsonWriter) baseline(b *Baseline) {
	j.text("  \"baseline\": {\n")
	for _, f := range []struct {
		key   string
		value any
	}{{"name", b.Name}, {"version", b.Version}, {"startedAt", b.StartedAt}, {"counts", b.Counts}, {"failing", b.Failing}} {
		j.text("  ")
		j.field(f.key, f.value)
	}
	if len(b.Notes) > 0 {
		j.text("  ")
		j.field("notes", b.Notes)
	}
	j.lines("    ", "resolved", slices.Values(b.Resolved))
	j.text("\n  }")
}

func appendFinding(b []byte, f audit.Finding) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, f.ID()...)
	b = append(b, `","rule":`...)
	b = appendText(b, f.Rule)
	b = append(b, `,"severity":"`...)
	b = append(b, f.Severity.String()...)
	b = append(b, `","status":"`...)
	b = append(b, f.Status.String()...)
	b = append(b, `","cluster":`...)
	b = appendText(b, f.Cluster)
	b = append(b, `,"resource":`...)
	b = appendText(b, f.Resource)
	b = append(b, `,"message":`...)
	b = appendText(b, f.Message)
	b = append(b, `,"evidence":[`...)
	for i, e := range f.Evidence {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"resource":`...)
		b = appendText(b, e.Resource)
		b = append(b, `,"field":`...)
		b = appendText(b, e.Field)
		b = append(b, `,"value":`...)
		b = appendText(b, e.Value)
		b = append(b, '}')
	}
	b = append(b, ']')
	if f.Undecided {
		b = append(b, `,"undecided":true`...)
	}
	if f.Waiver != "" {
		b = append(b, `,"waiver":`...)
		b = appendText(b, f.Waiver)
	}
	if f.Change != "" {
		b = append(b, `,"change":`...)
		b = appendText(b, string(f.Change))
	}
	if f.Was != "" {
		b = append(b, `,"was":`...)
		b = appendText(b, f.Was)
	}
	if !f.FirstSeen.IsZero() {
		b = append(b, `,"firstSeen":"`...)
		b = append(f.FirstSeen.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	}
	return append(b, '}')
}

// plain are the bytes that stand for themselves in a JSON text.
var plain = func() (is [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		is[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return is
}()

// appendText writes a text as encoding/json does, and controls as escapes. Nearly all
// texts need neither.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			raw, _ := json.Marshal(s) // a text can always be written
			return append(b, escapeControls(raw)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// escapeControls writes the characters of a JSON text that a terminal might obey as
// escapes: encoding/json leaves C1 controls and bidirectional controls as they are.
// They can only stand in strings, so an escape always fits.
func escapeControls(p []byte) []byte {
	// Nearly all text is ASCII, of which encoding/json escapes what is unsafe but DEL.
	first := slices.IndexFunc(p, func(c byte) bool { return c >= 0x7f })
	if first < 0 || !bytes.ContainsFunc(p[first:], func(r rune) bool { return r >= 0x7f && unsafe(r) }) {
		return p
	}
	out := make([]byte, 0, len(p)+64)
	for _, r := range string(p) {
		switch {
		case r < 0x7f || !unsafe(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
