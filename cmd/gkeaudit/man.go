package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
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
			info, _ := debug.ReadBuildInfo()
			_, err := io.WriteString(p.stdout, manual(cmd.Root(), info))
			return err
		},
	}
}

const manualStatus = `.SH EXIT STATUS
.TP
0
The audit is complete, and nothing fails at or above \-\-fail\-on.
.TP
1
Something fails at or above \-\-fail\-on, or is new at or above \-\-fail\-on=new:...
.TP
2
There is no answer: wrong usage, no credentials, nothing could be read, a bad file.
.TP
3
The audit is incomplete: something could not be read. With
\-\-allow\-incomplete the status is 0. With \-\-require\-decided, also: a finding is
undecided.
.PP
Where several fit, the first of 2, 1, 3 counts.
`

const manualFiles = `.SH FILES
.TP
gkeaudit.yaml
The configuration, in the working directory or where \-\-config says.
`

// environment are the variables that the program heeds, itself or by the libraries that
// reach the APIs.
var environment = []struct{ names, text string }{
	{"GOOGLE_APPLICATION_CREDENTIALS", "The file of the credentials: of a service account key, a workload identity federation configuration or a login. Without it, those of gcloud auth application-default login are taken, or those of the machine."},
	{"GOOGLE_CLOUD_PROJECT, CLOUDSDK_CORE_PROJECT", "The project to audit where nothing is named; the first wins."},
	{"GOOGLE_CLOUD_QUOTA_PROJECT", "The project that API quota is charged to, unless --billing-project names one."},
	{"CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "If true, calls are sent without credentials."},
	{"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER, ..._COMPUTE, ..._STORAGE, ..._CLOUDRESOURCEMANAGER, ..._CLOUDASSET, ..._IAM", "Addresses in place of the APIs' own, as for gcloud."},
	{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", "The domain of the universe that is audited, as for Google's libraries. The credentials decide which hosts are called; where they are of another universe, nothing is."},
	{"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "The proxy to reach the APIs by, and the hosts that are reached without; also in lower case."},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "Certificates to trust in place of the system's, such as that of a proxy; not on macOS and Windows."},
	{"GCE_METADATA_HOST", "The metadata server of the machine, where that has another address."},
	{"GITHUB_STEP_SUMMARY", "The file that --github-summary adds to; GitHub Actions sets it."},
	{"CLOUD_RUN_JOB, CLOUD_RUN_EXECUTION, CLOUD_RUN_TASK_INDEX, CLOUD_RUN_TASK_COUNT, K_SERVICE", "Cloud Run sets them. The log is JSON there, and the tasks of a job share the projects and write no report to standard output unless told to."},
	{"COLUMNS", "How wide a table is where standard output is no terminal; as wide as it takes if this is not set."},
	{"NO_COLOR, TERM", "There are no colours if the first is set, or the other is dumb."},
	{"CI", "If it is set, no progress is shown."},
	{"GOMEMLIMIT, GOGC", "The memory above which the program collects garbage more eagerly, and how eager it is at first; by default 400 MiB and 800."},
}

// manual returns the manual page in the macros of man(7). Its date is that of the commit,
// or none, so that two builds of one commit have the same.
func manual(root *cobra.Command, info *debug.BuildInfo) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH GKEAUDIT 1 \"%s\" \"gkeaudit %s\" \"User Commands\"\n", dayOf(info), roff(versionOf(info)))
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
	b.WriteString(manualStatus)
	b.WriteString(".SH ENVIRONMENT\n")
	for _, v := range environment {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(v.names), roff(v.text))
	}
	b.WriteString(manualFiles)
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
