package report

import (
	"encoding/csv"
	"io"
	"strings"
)

// WriteCSV writes the report as comma-separated values (RFC 4180, UTF-8 without a mark):
// a head and a line for each row. An apostrophe keeps a spreadsheet from taking a value
// for a formula.
func (r *Report) WriteCSV(w io.Writer) error {
	table := csv.NewWriter(w)
	table.UseCRLF = true
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.name
	}
	if err := table.Write(cells); err != nil {
		return err
	}
	for row := range r.rows() {
		for i, c := range columns {
			cells[i] = csvCell(c.value(row))
		}
		if err := table.Write(cells); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// csvCell writes an apostrophe before what a spreadsheet may take for the beginning of a
// formula: at the beginning of a cell, and after what it may take for the end of one, as
// do those that split lines at semicolons.
func csvCell(s string) string {
	s = clean(s)
	var b strings.Builder
	begins, done := true, 0
	for i, c := range s {
		switch c {
		case '=', '+', '-', '@', '＝', '＋', '－', '＠': // some take the wide forms, too
			if begins {
				b.WriteString(s[done:i] + "'")
				done = i
			}
			begins = false
		case ',', ';', '"':
			begins = true
		case ' ', '\u00a0', '\u3000':
		default:
			begins = false
		}
	}
	if done == 0 && b.Len() == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}
