package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// special are the characters that may begin something other than text in GFM, on
// GitHub ($ for mathematics) or in a table (|).
var special = regexp.MustCompile("[\\\\`*_\\[\\]<>|~&!$]")

// linking is where renderers make links or pictures of text, some of them once the Markdown
// is read, so that a backslash does not help: names of users, numbers of issues, emoji,
// addresses.
var linking = regexp.MustCompile(`@|#|GH-|:[a-z0-9_+-]+:|:/|www\.`)

// broken is put where GitHub is to see two texts. No value has such a control in it.
const broken = "\x04"

// markdownText escapes a value for running text and table cells. It is not to stand at the
// beginning of a line.
func markdownText(s string) string {
	s = linking.ReplaceAllStringFunc(clean(s), func(mark string) string {
		switch {
		case mark == "www.":
			return "www" + broken + "."
		case mark[0] == ':':
			return ":" + broken + mark[1:]
		}
		return mark + broken
	})
	s = special.ReplaceAllString(s, `\$0`)
	return strings.ReplaceAll(s, broken, "<!-- -->")
}

// unlinked keeps GitHub from taking what follows an @ for a user's name, or what is
// around it for an e-mail address to link to.
func unlinked(s string) string { return strings.ReplaceAll(s, "@", "@<!-- -->") }

// leading is what begins a list, a line or a heading where it begins a paragraph.
var leading = regexp.MustCompile(`^(\d*)([-+=.)])`)

// flowing writes a rule's text, which is plain, with each paragraph on one line: in a
// comment GitHub ends a line where the text does.
func flowing(text string) string {
	var paragraphs []string
	for _, p := range strings.Split(general(text), "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			paragraphs = append(paragraphs, leading.ReplaceAllString(markdownText(p), `$1\$2`))
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// markdownCell writes a value as a code span in a table, where a | needs a backslash even
// in a code span. After another backslash renderers do not agree what that means,
// so then the value is plain text.
func markdownCell(s string) string {
	if strings.Contains(clean(s), `\|`) {
		return markdownText(s)
	}
	return strings.ReplaceAll(markdownCode(s), "|", `\|`)
}

// markdownCode writes a value as a code span in running text.
func markdownCode(s string) string {
	s = clean(s)
	if s == "" {
		return ""
	}
	longest, run := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 {
		s = " " + s + " " // one space at either end is not part of the code
	}
	return fence + s + fence
}

// markdownCells writes values as code spans in a table.
func markdownCells(names []string) string {
	spans := make([]string, len(names))
	for i, n := range names {
		spans[i] = markdownCell(n)
	}
	return strings.Join(spans, ", ")
}

// plainAnchor is what an anchor may be made of.
var plainAnchor = regexp.MustCompile(`^[a-z0-9-]{1,100}$`)

// ruleAnchor names a rule's place in the text. GitHub puts user-content- before it, as
// before all names that a text brings along, and finds it without.
func ruleAnchor(id string) string {
	if plainAnchor.MatchString(id) {
		return "rule-" + id
	}
	sum := sha256.Sum256([]byte(id))
	return "rule-" + hex.EncodeToString(sum[:6])
}

// markdownWriter writes Markdown line by line, and remembers the first error.
type markdownWriter struct {
	w   io.Writer
	err error
}

func (m *markdownWriter) line(format string, args ...any) {
	if m.err == nil {
		_, m.err = fmt.Fprintf(m.w, format+"\n", args...)
	}
}

func (m *markdownWriter) text(s string) string { return markdownText(s) }

func (m *markdownWriter) cell(s string) string { return markdownCell(s) }

func (m *markdownWriter) code(s string) string { return markdownCode(s) }

func (m *markdownWriter) codes(names []string) string { return markdownCells(names) }

// fold writes details. GitHub wants blank lines around Markdown inside.
func (m *markdownWriter) fold(summary string, body func()) {
	m.line("<details><summary>%s</summary>\n", summary)
	body()
	m.line("</details>\n")
}
