package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"gkeaudit/gcp"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// Exit statuses, the same for every format.
const (
	exitOK         = 0 // complete, and nothing at or above --fail-on
	exitFindings   = 1 // findings at or above --fail-on
	exitNoAnswer   = 2 // the question could not be answered
	exitIncomplete = 3 // something that was asked for could not be read or judged
)

// A program is one run of the command: all that it has of the world outside.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time

	// doneReading is called when all has been read; nil for nothing.
	doneReading func()

	store     *gcp.Storage    // nil if no name is that of an object
	uploading context.Context // of what is written there

	// tune changes how calls are made; nil outside of tests.
	tune func(*gcp.Config)
}

// An exitError ends the program with a status and an explanation.
type exitError struct {
	status int
	err    error  // nil if all has been said
	hint   string // what to do about it; may be empty
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "exit status " + strconv.Itoa(e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// refuse is an error that nothing can be answered, with what to do about it.
func refuse(hint, format string, args ...any) error {
	return &exitError{exitNoAnswer, fmt.Errorf(format, args...), hint}
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.rootCommand()
	root.SetArgs(args)
	help := &witness{w: p.stdout}
	root.SetOut(help)
	root.SetErr(p.stderr)
	cmd, err := mistyped(root, args)
	if err == nil {
		cmd, err = root.ExecuteContextC(ctx)
	}
	if err == nil {
		err = help.err
	}
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{exitNoAnswer, err, ""}
	}
	if exit.err != nil {
		p.explain(cmd, exit)
	}
	return exit.status
}

// A witness remembers the first error of writing, which cobra passes over in help.
type witness struct {
	w   io.Writer
	err error
}

func (w *witness) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.err = cmp.Or(w.err, err)
	return n, err
}

// explain says why the program ends, in the format of the log: where that is JSON, all
// in one entry.
func (p *program) explain(cmd *cobra.Command, exit *exitError) {
	format := p.defaultLogFormat()
	if f := cmd.Flags().Lookup("log-format"); f != nil && f.Value.String() != "" {
		format = f.Value.String()
	}
	message := printable(exit.err.Error())
	if format == "json" {
		var attrs []slog.Attr
		if exit.hint != "" {
			attrs = append(attrs, slog.String("hint", printable(strings.ReplaceAll(exit.hint, "\n", " "))))
		}
		p.logger(format, false).LogAttrs(context.Background(), slog.LevelError, message, attrs...)
		return
	}
	fmt.Fprintf(p.stderr, "gkeaudit: %s\n", message)
	for line := range strings.Lines(exit.hint) {
		fmt.Fprintf(p.stderr, "%s\n", printable(strings.TrimSuffix(line, "\n")))
	}
}

// printable keeps what an error quotes from driving the terminal.
func printable(s string) string {
	q := strconv.QuoteToGraphic(s)
	q = strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	return strings.ReplaceAll(q, `\\`, `\`)
}

const rootHelp = `gkeaudit tells, for every GKE cluster of projects, folders or an organization,
whether it is as secure as it can be, and how it knows: are its nodes private, do
they have Cloud NAT and Private Google Access, do they run as a service account
of their own, and is the control plane open to authorized networks only?

It reads, through the APIs of GKE, Compute Engine, Resource Manager, IAM and Cloud
Asset Inventory, and changes nothing. What it could not read it calls unknown, and
names the permission that is missing.

Begin with a sample estate that needs no credentials:

    gkeaudit scan --demo

Then your own project:

    gcloud auth application-default login
    gkeaudit scan --project=PROJECT_ID`

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "gkeaudit",
		Short:         "Audit the security of GKE clusters",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return noCommand(cmd, args[0])
		},
	}
	root.Version = version() // for --version
	root.SetVersionTemplate("gkeaudit {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageFunc(usage)
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say more of a command",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return commandNames(root), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || cmd == root && len(rest) > 0 {
				return noCommand(root, args[0])
			}
			if len(rest) > 0 && cmd.HasAvailableSubCommands() {
				return noCommand(cmd, rest[0])
			}
			if len(rest) > 0 {
				return refuse("Run "+cmd.CommandPath()+" --help for what it takes.", "%s has no command %q to say more of", cmd.CommandPath(), rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	})
	root.AddCommand(p.scanCommand(), p.reportCommand(), p.diffCommand(), p.waiversCommand(), p.accessCommand(), p.rulesCommand(), p.explainCommand(), p.configCommand(), p.completionCommand(), p.manCommand(), p.versionCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	return root
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// noCommand says that a command has no sub-command of a name, and names the nearest.
func noCommand(cmd *cobra.Command, name string) error {
	path := strings.TrimPrefix(cmd.CommandPath()+" "+name, cmd.Root().Name()+" ")
	return refuse("Run "+cmd.CommandPath()+" --help for the list.", "there is no command %q%s", path, didYouMean(name, commandNames(cmd)))
}

// flagError names the mistyped flag, and the nearest that there is.
func flagError(cmd *cobra.Command, err error) error {
	hint := "Run " + cmd.CommandPath() + " --help for the flags."
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		name, dashes, about := unknown.GetSpecifiedName(), "--", ""
		if letters := unknown.GetSpecifiedShortnames(); letters != "" {
			name, dashes = letters, "-"
			name, _, _ = strings.Cut(name, "=")
		}
		if flag := nearest(name, names); flag != "" && len(name) > 1 {
			about = fmt.Sprintf("; did you mean \"--%s\"?", flag)
		}
		return refuse(hint, "there is no flag %s%s%s", dashes, name, about)
	}
	return &exitError{exitNoAnswer, err, hint}
}

// noArguments refuses arguments: all is said by flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	about := ""
	if name, _, isSet := strings.Cut(args[0], "="); isSet && cmd.Flags().Lookup(name) != nil {
		about = fmt.Sprintf("; did you mean %q?", "--"+args[0])
	} else if flag := apart(cmd, args[0]); flag != "" {
		about = fmt.Sprintf("; did you mean %q?", flag)
	}
	return refuse("Run "+cmd.CommandPath()+" --help for the flags.", "%s takes no arguments, and got %q%s", cmd.CommandPath(), args[0], about)
}

// apart returns the flag that an argument was meant as the value of, written as it must be:
// a flag that can do without a value takes one after = alone. It returns "" where there is
// none, or more than one.
func apart(cmd *cobra.Command, value string) string {
	var flags []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := map[string][]string{"bool": {"true", "false"}, "string": demos}[f.Value.Type()]
		if meant := nearest(value, values); meant != "" && f.NoOptDefVal != "" && f.Value.String() == f.NoOptDefVal {
			flags = append(flags, "--"+f.Name+"="+meant)
		}
	})
	if len(flags) != 1 {
		return ""
	}
	return flags[0]
}

// noneApart refuses the value of a flag among the names of files.
func noneApart(cmd *cobra.Command, files []string) error {
	for _, name := range files {
		if flag := apart(cmd, name); flag != "" {
			if _, err := os.Stat(name); err != nil {
				return refuse("Run "+cmd.CommandPath()+" --help for the flags.", "there is no file %q; did you mean %q?", name, flag)
			}
		}
	}
	return nil
}

// atMostOne refuses more than one argument.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return refuse("Run "+cmd.CommandPath()+" --help for what it takes.", "%s takes one argument at most, and got %d", cmd.CommandPath(), len(args))
	}
	return nil
}

// noEmptyFlags refuses flags that are set to nothing, as by a variable that is not.
func noEmptyFlags(cmd *cobra.Command, _ []string) error {
	var empty string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if v == "" {
				empty = f.Name
			}
		}
	})
	if empty != "" {
		return refuse("Leave it out, or check the variable that it was to come from.", "--%s is set to nothing", empty)
	}
	return nil
}

// didYouMean returns a question for the end of an error, or nothing.
func didYouMean(word string, candidates []string) string {
	if s := nearest(word, candidates); s != "" {
		return fmt.Sprintf("; did you mean %q?", s)
	}
	return ""
}

// nearest returns the candidate that a mistyped word most likely stands for, or "": one
// that begins with it, or else one in which at most a third of its letters differ.
func nearest(word string, candidates []string) string {
	if word == "" || len(word) > 100 {
		return ""
	}
	word = strings.ToLower(word)
	least, best := min(len(word)/3, 3)+1, ""
	for _, candidate := range candidates {
		lower := strings.ToLower(candidate)
		if strings.HasPrefix(lower, word) {
			return candidate
		}
		if len(lower)-len(word) >= least {
			continue // however long it is
		}
		if d := typos(word, lower); d < least {
			least, best = d, candidate
		}
	}
	return best
}

// typos returns how many slips make one word of another: a letter too many, too few or
// another, or two neighbours in the wrong order.
func typos(a, b string) int {
	rows := make([][]int, len(a)+1) // rows[i][j] is that of a[:i] and b[:j]
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			if i == 0 || j == 0 {
				rows[i][j] = i + j
				continue
			}
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// logger makes the logger of a run. On Cloud Run it writes what Cloud Logging
// reads: one JSON object per line with severity and message. Source: Structured
// logging, in the Cloud Logging documentation.
func (p *program) logger(format string, quiet bool) *slog.Logger {
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelError
	}
	if format == "json" {
		h := slog.NewJSONHandler(p.stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: cloudLogging})
		return slog.New(oncePerProject{h, new(sync.Map)})
	}
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level, ReplaceAttr: plainLogging}))
}

func cloudLogging(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		severity := a.Value.String()
		if severity == "WARN" {
			severity = "WARNING"
		}
		return slog.String("severity", severity)
	case slog.MessageKey:
		return slog.Attr{Key: "message", Value: a.Value}
	}
	return a
}

func plainLogging(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// terminal reports whether a stream is a terminal, and how many columns it has.
func terminal(w io.Writer) (columns int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return columns, true
}
