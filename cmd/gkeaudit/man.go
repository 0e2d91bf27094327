package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand is hidden: who packages the program wants it, and who uses it has help.
func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man",
		Short:  "Write the manual page",
		Long:   "Writes the manual page gkeaudit(1), made from the help of all commands.",
		Args:   noArguments,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(p.stdout, manual(cmd.Root()))
			return err
		},
	}
}

const manualEnd = `.SH EXIT STATUS
.TP
0
The audit is complete, and nothing fails at or above \-\-fail\-on.
.TP
1
Something fails at or above \-\-fail\-on.
.TP
2
There is no answer: wrong usage, no credentials, nothing could be read, a bad file.
.TP
3
The audit is incomplete: something could not be read or judged.
.SH FILES
.TP
gkeaudit.yaml
The configuration, in the working directory or where \-\-config says.
`

// manual returns the manual page in the macros of man(7). It has no date, so that two
// builds of one commit have the same.
func manual(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH GKEAUDIT 1 \"\" \"gkeaudit %s\" \"User Commands\"\n", roff(version()))
	fmt.Fprintf(&b, ".SH NAME\ngkeaudit \\- %s\n", roff(lowerFirst(root.Short)))
	b.WriteString(".SH SYNOPSIS\n.B gkeaudit\n.I COMMAND\n[flags]\n.SH DESCRIPTION\n")
	b.WriteString(roffText(root.Long))
	b.WriteString(".SH COMMANDS\n")
	for _, cmd := range commands(root) {
		cmd.InitDefaultHelpFlag()
		fmt.Fprintf(&b, ".SS %s\n", roff(cmd.UseLine()))
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		b.WriteString(roffText(text))
		heading := ""
		// As in the help, flags stand in the order in which they were defined.
		cmd.Flags().SortFlags = false
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			if g := f.Annotations[groupOf]; g != nil && g[0] != heading {
				heading = g[0]
				fmt.Fprintf(&b, ".PP\n%s:\n", roff(heading))
			}
			b.WriteString(roffFlag(f))
		})
		if cmd.HasExample() {
			fmt.Fprintf(&b, ".PP\nExamples:\n%s", roffText(cmd.Example))
		}
	}
	b.WriteString(manualEnd)
	return b.String()
}

// commands returns the commands below one that are shown in help, each before its own.
func commands(parent *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range parent.Commands() {
		if !c.Hidden {
			all = append(append(all, c), commands(c)...)
		}
	}
	return all
}

func roffFlag(f *pflag.Flag) string {
	name, text := pflag.UnquoteUsage(f)
	flag := "--" + f.Name
	if f.Shorthand != "" {
		flag = "-" + f.Shorthand + ", " + flag
	}
	line := `\fB` + roff(flag) + `\fR`
	if f.Value.Type() != "bool" && name != "" {
		line += ` \fI` + roff(name) + `\fR`
	}
	switch f.DefValue {
	case "", "[]", "false", "0", "0s":
	default:
		text += " (default " + f.DefValue + ")"
	}
	return ".TP\n" + line + "\n" + roff(text) + "\n"
}

// roffText makes paragraphs of text, and keeps the lines of what is indented.
func roffText(text string) string {
	var b strings.Builder
	for i, paragraph := range regexp.MustCompile(`\n{2,}`).Split(strings.Trim(text, "\n"), -1) {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(paragraph, "  ") {
			b.WriteString(".nf\n" + roff(paragraph) + "\n.fi\n")
		} else {
			b.WriteString(roff(paragraph) + "\n")
		}
	}
	return b.String()
}

// roff escapes what means something in a manual page: the backslash, a period that would
// begin a request, and what would be set as another character than the one to type.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `"`, `\(dq`, `'`, `\(aq`, "`", `\(ga`, `~`, `\(ti`, `^`, `\(ha`).Replace(text)
	return regexp.MustCompile(`(?m)^\.`).ReplaceAllString(text, `\&.`)
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
