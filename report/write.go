package report

import (
	"fmt"
	"io"
)

// Formats are the names of the formats.
var Formats = []string{"table", "markdown", "html", "json", "sarif", "junit", "csv", "ocsf", "ndjson"}

// Write writes the report in a format. The options are for the table alone.
func (r *Report) Write(w io.Writer, format string, o TableOptions) error {
	switch format {
	case "table":
		return r.WriteTable(w, o)
	case "markdown":
		return r.WriteMarkdown(w)
	case "html":
		return r.WriteHTML(w)
	case "json":
		return r.WriteJSON(w)
	case "sarif":
		return r.WriteSARIF(w)
	case "junit":
		return r.WriteJUnit(w)
	case "csv":
		return r.WriteCSV(w)
	case "ocsf":
		return r.WriteOCSF(w)
	case "ndjson":
		return r.WriteNDJSON(w)
	}
	return fmt.Errorf("there is no format %q", format)
}
