package report

import (
	"fmt"
	"io"
)

// Formats are the names of the formats.
var Formats = []string{"table", "markdown", "html", "json", "sarif", "junit", "csv", "ocsf", "ndjson"}

// WriteOptions are those of the formats that have some.
type WriteOptions struct {
	Table    TableOptions
	Markdown MarkdownOptions
}

// Write writes the report in a format.
func (r *Report) Write(w io.Writer, format string, o WriteOptions) error {
	switch format {
	case "table":
		return r.WriteTable(w, o.Table)
	case "markdown":
		return r.WriteMarkdown(w, o.Markdown)
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
