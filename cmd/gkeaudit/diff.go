package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/report"

	"github.com/spf13/cobra"
)

const diffHelp = `Compares two JSON reports, and prints what has changed from the first, the baseline, to
the second. Nothing is read anew. Each is a file, - for standard input (the second alone),
or an object in Cloud Storage, gs://BUCKET/PATH. The comparison alone is printed; gkeaudit
report --baseline=A B writes the whole report with it.

A finding that fails or is unknown is

    new           the baseline has looked, and it did not fail
    unchanged     as it was; these are counted only
    changed       it failed or was unknown before, with other evidence, another message
                  or severity, or a waiver that came or ended
    incomparable  the two do not tell: one of them did not apply the rule, applied it by
                  other parameters, was not about the project or cluster, or could not
                  read something

and one that failed or was unknown is resolved if it passes, does not apply or is gone
with its resource, and the second report has looked. What cannot be compared is listed
with the reason. Findings are the same by rule, cluster and resource; a cluster that was
deleted and made anew under its name is another, where both reports know its ID.

Exit status, whatever the format:

    0  the reports were compared
    1  something is at or above --fail-on: new:high is for what fails and did not in the
       baseline, or may not have because it is incomparable; high for all that fails
    2  no answer: wrong usage, a file that cannot be read or is no report`

const diffExamples = `  # What is new since last week
  gkeaudit diff last-week.json today.json

  # In a pipeline: fail on what a change made worse
  gkeaudit diff gs://BUCKET/main.json branch.json --format=markdown --fail-on=new:medium`

func (p *program) diffCommand() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:     "diff A B",
		Short:   "Compare two saved reports",
		Long:    diffHelp,
		Example: diffExamples,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := noneApart(cmd, args); err != nil {
				return err
			}
			if len(args) != 2 {
				return refuse(reportHint, "diff takes two reports, the earlier one first")
			}
			return nil
		},
		PreRunE: noEmptyFlags,
		RunE:    func(cmd *cobra.Command, args []string) error { return p.diff(cmd.Context(), &f, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.format, "format", "table", "the `format`: "+strings.Join(report.DiffFormats, ", "))
	flags.StringVar(&f.severity, "severity", "", "leave findings below this `severity` out")
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 1 if something of this `severity` or above fails; new:high is for what did not fail in the baseline")
	group(cmd, "What to print")
	accountFlags(cmd, &f)
	group(cmd, "Access")
	quietFlag(cmd, &f)
	logFormatFlag(cmd, &f)
	group(cmd, "Log")
	complete(cmd, report.DiffFormats, "format")
	complete(cmd, audit.Severities, "severity")
	complete(cmd, thresholds, "fail-on")
	return cmd
}

// diff reads two reports and compares them.
func (p *program) diff(ctx context.Context, f *scanFlags, then, now string) error {
	if !slices.Contains(report.DiffFormats, f.format) {
		return noFormat(f.format, report.DiffFormats)
	}
	failOn, err := parseThreshold(f.failOn)
	if err != nil {
		return err
	}
	least, err := parseSeverity("--severity", f.severity)
	if err != nil {
		return err
	}
	if err := cmp.Or(f.checkLogFormat(), f.checkAccount()); err != nil {
		return err
	}
	if sameFile(then, now) {
		return refuse("", "both are %q", now)
	}
	pl := &plan{failOn: failOn, baseline: then, outputs: []output{{"", f.format}}}
	if err := checkBaseline(pl); err != nil {
		return err
	}
	log := p.logger(cmp.Or(f.logFormat, p.defaultLogFormat()), f.quiet)
	if err := p.openStorage(ctx, f, log, []string{then, now}); err != nil {
		return err
	}
	file, err := p.readReport(ctx, now, "", "Reports are written by gkeaudit scan --output=FILE.json.")
	if err != nil {
		return err
	}
	r, err := p.compare(ctx, file.Report, pl)
	if err != nil {
		return err
	}
	p.haveRead(nil)
	if err := p.print(report.TableOptions{}, func(w io.Writer, o report.TableOptions) error { return r.LeavingOut(least).WriteDiff(w, f.format, o) }); err != nil {
		return refuse("", "the comparison could not be written: %w", err)
	}
	return p.failing(r, f, pl)
}
