package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// TestDiff compares what is printed of reports that have a baseline with files: hostile
// values do no harm in any format, and the JSON is as its schema says.
func TestDiff(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"report.schema.json", "diff.schema.json"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		forbidOthers(document)
		if err := compiler.AddResource(document.(map[string]any)["$id"].(string), document); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("urn:gkeaudit:diff:v1")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	each(t, func(t *testing.T, name string, r *report.Report) {
		if r.Baseline == nil {
			return
		}
		compared++
		for format, extension := range map[string]string{"table": ".diff.txt", "markdown": ".diff.md", "json": ".diff.json"} {
			var b bytes.Buffer
			if err := r.WriteDiff(&b, format, report.TableOptions{Width: 90}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("../testdata/baseline", name+extension)
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", file, diff)
			}
			for i, c := range b.String() {
				if c != '\n' && (unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co)) {
					t.Errorf("%s has %U: %q", format, c, around(b.Bytes(), i))
				}
			}
			switch format {
			case "table":
				for line := range strings.Lines(b.String()) {
					if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 90 {
						t.Errorf("a line of %d columns: %s", n, line)
					}
				}
			case "markdown":
				doc := gfm.Parser().Parse(text.NewReader(b.Bytes()))
				if got, want := rows(doc), tableLines(b.Bytes()); got != want || got == 0 {
					t.Errorf("%d lines look like rows of tables, and %d are", want, got)
				}
			case "json":
				instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(instance); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if compared == 0 {
		t.Error("no report has a baseline")
	}
}

// rows counts the rows of the tables of a document.
func rows(doc ast.Node) int {
	n := 0
	ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		switch node.(type) {
		case *east.TableRow, *east.TableHeader:
			if entering {
				n++
			}
		}
		return ast.WalkContinue, nil
	})
	return n
}
