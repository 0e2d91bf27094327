package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// clean makes a value from the cloud safe to show: control characters (of which
// terminals take some for commands), line breaks and the characters that change
// the direction of text or have no width become visible escapes.
func clean(s string) string {
	i := 0 // nearly all text is plain ASCII
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x7f {
		i++
	}
	if !strings.ContainsFunc(s[i:], unsafe) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafe(r) {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafe reports whether a character is not text: control (C0, C1, DEL), format
// (bidirectional controls, zero-width characters, tags), line and paragraph
// separators, private use, surrogates, what stands for invalid UTF-8, and what is no
// character.
func unsafe(r rune) bool {
	if r < 0x7f {
		return r < 0x20
	}
	switch r {
	case '\u115f', '\u1160', '\u2800', '\u3164', '\uffa0': // letters and patterns without ink
		return true
	}
	return r == unicode.ReplacementChar || unicode.Is(unicode.Variation_Selector, r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Noncharacter_Code_Point)
}

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
