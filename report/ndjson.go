package report

import "io"

// WriteNDJSON writes the report as newline-delimited JSON for loading into BigQuery: a
// flat object for each row of ndjson.schema.json, without the columns that are empty.
func (r *Report) WriteNDJSON(w io.Writer) error {
	var line []byte
	for row := range r.rows() {
		before := byte('{')
		line = line[:0]
		for _, c := range columns {
			value := c.value(row)
			if value == "" {
				continue
			}
			line = append(line, before, '"')
			line = append(append(line, c.name...), `":`...)
			if c.name == "audit_complete" || c.name == "undecided" { // true or false
				line = append(line, value...)
			} else {
				line = appendText(line, clean(value))
			}
			before = ','
		}
		if _, err := w.Write(append(line, "}\n"...)); err != nil {
			return err
		}
	}
	return nil
}
