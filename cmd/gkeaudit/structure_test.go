package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImports keeps the direction that data and imports go: cmd may import all;
// gcp, report and the rules import audit; audit imports none of them. Only gcp has
// clients, and only the command has the world outside.
func TestImports(t *testing.T) {
	clients := []string{
		"cloud.google.com/go/compute/apiv1", "cloud.google.com/go/container/apiv1", "cloud.google.com/go/auth",
		"github.com/googleapis/gax-go", "golang.org/x/oauth2", "google.golang.org/api", "net/http",
	}
	messages := []string{"cloud.google.com/go/compute/apiv1/computepb", "cloud.google.com/go/container/apiv1/containerpb"}
	outside := []string{"os", "log", "net/http", "flag"}
	for _, test := range []struct {
		folder    string
		forbidden []string
		allowed   []string // in spite of forbidden
	}{
		{"audit", slices.Concat(clients, outside, []string{"gkeaudit/gcp", "gkeaudit/report", "gkeaudit/audit/rules"}), messages},
		{"audit/rules", slices.Concat(clients, outside, []string{"gkeaudit/gcp", "gkeaudit/report", "time"}), messages},
		{"report", slices.Concat(clients, outside, []string{"gkeaudit/gcp", "gkeaudit/audit/rules", "google.golang.org/protobuf"}, messages), nil},
		{"gcp", []string{"os", "log", "flag", "gkeaudit/report", "gkeaudit/audit/rules"}, nil},
	} {
		for file, imports := range importsOf(t, test.folder) {
			for _, imported := range imports {
				within := func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") }
				if imported == "log/slog" || slices.ContainsFunc(test.allowed, within) {
					continue
				}
				if slices.ContainsFunc(test.forbidden, within) {
					t.Errorf("%s imports %s", file, imported)
				}
			}
		}
	}
}

// importsOf returns the imports of the files in a folder that are not tests.
func importsOf(t *testing.T, folder string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
	if err != nil || files == nil {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	all := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			all[file] = append(all[file], name)
		}
	}
	return all
}

// TestNoClocks keeps clocks out of what must answer the same every time.
func TestNoClocks(t *testing.T) {
	for _, folder := range []string{"audit", "audit/rules", "report"} {
		for file := range importsOf(t, folder) {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "Sleep"}, s.Sel.Name) {
						t.Errorf("%s reads a clock: time.%s", file, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// TestLinks holds the links in the documents against the files.
func TestLinks(t *testing.T) {
	root := os.DirFS("../..")
	for _, doc := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "audit/rules/README.md", "audit/rules/OTHER_TOOLS.md", "cmd/gkeaudit/README.md", "deploy/README.md", "gcp/README.md", "report/README.md"} {
		text, err := fs.ReadFile(root, doc)
		if err != nil {
			t.Fatal(err)
		}
		for rest := string(text); ; {
			_, after, ok := strings.Cut(rest, "](")
			if !ok {
				break
			}
			link, tail, _ := strings.Cut(after, ")")
			rest = tail
			if strings.HasPrefix(link, "https://") {
				continue
			}
			file, anchor, _ := strings.Cut(link, "#")
			target := text
			if file != "" {
				if target, err = fs.ReadFile(root, path.Join(path.Dir(doc), file)); err != nil {
					t.Errorf("%s links to %s: %v", doc, link, err)
				}
			}
			if anchor != "" && !slices.Contains(anchorsOf(string(target)), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", doc, link)
			}
		}
	}
}

// anchorsOf returns the anchors that GitHub gives headings of plain words.
func anchorsOf(page string) []string {
	var anchors []string
	for line := range strings.Lines(page) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			anchors = append(anchors, strings.ReplaceAll(strings.ToLower(strings.TrimSpace(heading)), " ", "-"))
		}
	}
	return anchors
}

// TestUsageInREADME compares the usage in the command's README with the help text. With
// -update it writes it.
func TestUsageInREADME(t *testing.T) {
	const begin, end = "```text\nWhat to audit:\n", "```\n"
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help strings.Builder
	p := &program{stdout: &help, stderr: &help, getenv: os.Getenv}
	if status := p.run(t.Context(), []string{"scan", "--help"}); status != 0 {
		t.Fatalf("scan --help: status %d", status)
	}
	_, want, helped := strings.Cut(help.String(), "\nWhat to audit:\n")
	before, rest, begun := strings.Cut(string(readme), begin)
	was, after, ended := strings.Cut(rest, end)
	if !helped || !begun || !ended {
		t.Fatalf("the flags are not found: in the help %t, in README.md %t", helped, begun && ended)
	}
	diff := cmp.Diff(want, was)
	if diff == "" {
		return
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("README.md (-want +got; -update writes it):\n%s", diff)
}
