package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestManual finds every command and flag in the manual page, and nothing there that
// a formatter would take for a request of its own.
func TestManual(t *testing.T) {
	root := new(program).rootCommand()
	page := manual(root)
	if again := manual(new(program).rootCommand()); again != page {
		t.Error("two manual pages differ")
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
