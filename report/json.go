package report

import (
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(asciiControls{w})
	e.SetIndent("", "  ")
	e.SetEscapeHTML(true)
	return e.Encode(r)
}

// asciiControls writes JSON with the characters that a terminal might obey as
// escapes: encoding/json leaves C1 controls and bidirectional controls as they are.
// They can only stand in strings, so an escape always fits.
type asciiControls struct{ w io.Writer }

func (a asciiControls) Write(p []byte) (int, error) {
	var out []byte
	for i := 0; i < len(p); {
		r, size := rune(p[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(p[i:])
		}
		if r >= 0x7f && unsafe(r) {
			if out == nil {
				out = append(make([]byte, 0, len(p)+64), p[:i]...)
			}
			if r > 0xffff {
				hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
				out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
		} else if out != nil {
			out = append(out, p[i:i+size]...)
		}
		i += size
	}
	if out == nil {
		out = p
	}
	if _, err := a.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
