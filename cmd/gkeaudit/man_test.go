package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestManual finds every command and flag in the manual page, and nothing there that
// a formatter would take for a request of its own.
func TestManual(t *testing.T) {
	root := new(program).rootCommand()
	info := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.time", Value: "2026-11-20T08:00:00Z"}},
	}
	page := manual(root, info)
	if again := manual(new(program).rootCommand(), info); again != page {
		t.Error("two manual pages differ")
	}
	if want := ".TH GKEAUDIT 1 \"2026-11-20\" \"gkeaudit 1.2.3\" "; !strings.HasPrefix(page, want) {
		t.Errorf("the page does not begin with %s", want)
	}
	if undated := manual(root, nil); !strings.HasPrefix(undated, `.TH GKEAUDIT 1 "" `) {
		t.Error("without a commit the page has a date")
	}
	sections := map[string]string{}
	for section := range strings.SplitSeq(page, "\n.SS ") {
		name, text, _ := strings.Cut(section, "\n")
		text, _, _ = strings.Cut(text, "\n.SH ")
		sections[name] = text
	}
	flags := 0
	var visit func(*cobra.Command)
	visit = func(parent *cobra.Command) {
		for _, cmd := range parent.Commands() {
			if cmd.Hidden {
				continue
			}
			section, ok := sections[roff(cmd.UseLine())]
			if !ok {
				t.Errorf("the page has no section %q", cmd.UseLine())
			}
			cmd.Flags().VisitAll(func(f *pflag.Flag) {
				flags++
				if !strings.Contains(section, roff("--"+f.Name)+`\fR`) {
					t.Errorf("the section of %s has no --%s", cmd.CommandPath(), f.Name)
				}
			})
			visit(cmd)
		}
	}
	visit(root)
	if flags < 40 {
		t.Errorf("%d flags were looked for, and there are more", flags)
	}
	_, variables, _ := strings.Cut(page, "\n.SH ENVIRONMENT\n")
	variables, _, _ = strings.Cut(variables, "\n.SH ")
	for _, name := range heeded(t) {
		if !strings.Contains(variables, name) {
			t.Errorf("the page does not say what %s does", name)
		}
	}
	known := regexp.MustCompile(`^\.(TH|SH|SS|TP|PP|B|I|nf|fi)( |$)`)
	for line := range strings.Lines(page) {
		if (line[0] == '.' || line[0] == '\'') && !known.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("%q would be taken for a request", line)
		}
		if strings.Count(line, `\`) != len(regexp.MustCompile(`\\(e|-|&|\((dq|aq|ga|ti|ha)|f[BIR])`).FindAllString(line, -1)) {
			t.Errorf("%q has an escape that is not known", line)
		}
	}
	for in, want := range map[string]string{
		".SH x":     `\&.SH x`,
		"a\n'b\n.c": "a\n\\(aqb\n\\&.c",
		`C:\x-y`:    `C:\ex\-y`,
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) = %q, want %q", in, got, want)
		}
	}
}

// heeded returns the variables of the environment that this package names.
func heeded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`(?:[gG]etenv\(|Variable +=) ?"([A-Z_]+)"`)
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
	}
	if len(names) < 15 {
		t.Fatalf("found only the variables %v", names)
	}
	return names
}
