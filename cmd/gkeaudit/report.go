package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/report"

	"github.com/spf13/cobra"
)

const reportHelp = `Reads JSON reports that scan wrote, makes one report of them, and writes it in any
format. Nothing is read anew.

A FILE is a file, - for standard input, or an object in Cloud Storage,
gs://BUCKET/PATH. One that ends in a slash stands for every .json and .json.gz in the
folder, or below the prefix. What an earlier run of the same command has written there is
passed over. A report that is read can be replaced only by one in JSON from which
--severity leaves out nothing that it has.

Several reports are the shards of one audit, as the tasks of a Cloud Run job write
them, or audits of different projects by the same rules. The report of all shards is
that of an audit without shards. Where some are missing, the report names them and is
incomplete.

Waivers that a report was made with stay as they were on its day. Those of --waivers take
their place, and hold if they had not expired on the day, in UTC, on which the report's
audit began.

With --baseline the report says what became of its findings since an earlier one; see
gkeaudit diff --help. Where reports that were compared each by themselves are merged, what
they say of that is left out, and the whole is compared here.

With --history the open findings of many reports are drawn over time, on one page: by
severity, by project, and what appeared and what was closed at each audit. Shards, and
reports of different projects, in one folder and within a day, are parts of one audit.
Files that are no reports, and copies, are named and passed over. The exit status is 0
or 2.

Otherwise the exit status is that of scan.`

const reportExamples = `  # Show a report again
  gkeaudit report report.json

  # Merge what the tasks of a job wrote
  gkeaudit report gs://BUCKET/runs/EXECUTION/ -o gs://BUCKET/merged/EXECUTION.html

  # Draw what became of findings over time
  gkeaudit report --history gs://BUCKET/runs/ -o history.html`

func (p *program) reportCommand() *cobra.Command {
	var f scanFlags
	var history string
	cmd := &cobra.Command{
		Use:     "report FILE... | --history FOLDER",
		Short:   "Merge saved reports, and write them in any format",
		Long:    reportHelp,
		Example: reportExamples,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && history == "" {
				return refuse(reportHint, "report takes the files of one or more reports")
			}
			return noneApart(cmd, args)
		},
		PreRunE: noEmptyFlags,
		RunE: func(cmd *cobra.Command, args []string) error {
			if history != "" {
				return p.history(cmd.Context(), &f, history, args)
			}
			return p.report(cmd.Context(), &f, args)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&history, "history", "", "in place of files, draw open findings over time from all reports in this `folder`, below gs://BUCKET/PREFIX/ or that a glob fits")
	must(cmd.MarkFlagDirname("history"))
	reportFlags(cmd, &f)
	accountFlags(cmd, &f)
	group(cmd, "Access")
	logFlags(cmd, &f)
	return cmd
}

// report merges and writes.
func (p *program) report(ctx context.Context, f *scanFlags, args []string) error {
	plan, err := p.checkReport(f, nil, p.now())
	if err != nil {
		return err
	}
	for i := range args {
		if args[i], err = p.expand(args[i], nil, plan.started); err != nil {
			return err
		}
	}
	log := p.logger(cmp.Or(f.logFormat, p.defaultLogFormat()), f.quiet)
	if err := p.openStorage(ctx, f, log, append(plan.files(), append(args, f.waivers, plan.baseline)...)); err != nil {
		return err
	}
	waivers, err := p.waivers(ctx, f, plan.started)
	if err != nil {
		return err
	}
	names, err := p.reports(ctx, args)
	if err != nil {
		return err
	}
	var files []report.File
	for _, name := range names {
		file := report.File{Name: name}
		if err := p.read(ctx, name, func(r io.Reader) (err error) {
			file.Report, err = report.Read(r)
			return err
		}); err != nil {
			return refuse(readHint(ctx, err, reportHint), "%w", err)
		}
		if waivers != nil { // by the day of each, before they have one together
			if file.Report, err = waive(file.Report, waivers); err != nil {
				return err
			}
		}
		files = append(files, file)
	}
	for _, name := range names {
		if plan.baseline != "" && sameFile(name, plan.baseline) {
			return refuse("Name an earlier one.", "--baseline %q is one of the reports that are compared with it", plan.baseline)
		}
	}
	if files, err = withoutOwn(files, plan, log); err != nil {
		return err
	}
	r, err := report.Merge(files)
	if err != nil {
		return refuse("", "%w", err)
	}
	if len(r.Scope.Missing) == 0 {
		var names []string
		for _, c := range r.Clusters {
			names = append(names, c.Name)
		}
		if err := unmatched(r.Scope.Scope, r.Gaps, names); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(files, func(f report.File) bool { return f.Baseline != nil }) && r.Baseline == nil && plan.baseline == "" {
		log.Warn("the reports are merged without what they say of a baseline; --baseline compares the whole with it")
	}
	files = nil // the baseline is as large
	if waivers != nil && r.Baseline != nil && plan.baseline == "" {
		return refuse("Give the --baseline again, too.", "the report says what has changed since %q, which depends on its waivers: with others it has to be compared again", r.Baseline.Name)
	}
	if r, err = p.compare(ctx, r, plan); err != nil {
		return err
	}
	if plan.failOn.new > 0 && r.Baseline == nil {
		return noBaseline
	}
	p.haveRead(plan.files())
	return p.finish(ctx, r, f, plan, log, nil)
}

// reports returns the names of the files that arguments stand for.
func (p *program) reports(ctx context.Context, args []string) ([]string, error) {
	var names []string
	for _, arg := range args {
		if !strings.HasSuffix(arg, "/") {
			if info, err := os.Stat(arg); err == nil && info.IsDir() {
				return nil, refuse("", "%s is a folder; did you mean %q?", arg, arg+"/")
			}
			if arg == "-" && slices.Contains(names, arg) {
				return nil, refuse("", "standard input is named twice")
			}
			names = append(names, arg)
			continue
		}
		var all []string
		if gcp.IsObject(arg) {
			prefix, err := gcp.ParseObject(arg)
			if err != nil {
				return nil, refuse("", "%w", err)
			}
			objects, err := p.store.List(ctx, prefix)
			if err != nil {
				return nil, refuse(readHint(ctx, err, ""), "%w", err)
			}
			for _, o := range objects {
				all = append(all, o.String())
			}
		} else {
			entries, err := os.ReadDir(arg)
			if err != nil {
				return nil, refuse(reportHint, "%w", withoutOp(err))
			}
			for _, e := range entries {
				if e.IsDir() {
					continue
				}
				all = append(all, filepath.Join(arg, e.Name()))
			}
		}
		found := false
		for _, name := range all {
			if ext, _ := extension(name); ext == ".json" {
				names, found = append(names, name), true
			}
		}
		if !found {
			return nil, refuse(reportHint, "%s has no .json and no .json.gz", arg)
		}
	}
	return names, nil
}

// withoutOwn leaves out of several reports the one that this run is to write: an earlier
// run of the same command, which is tried again, has written it. What is not made of
// the other reports is no such one, and would be lost; so would what the one that is
// written leaves out, or has in another format.
func withoutOwn(files []report.File, pl *plan, log *slog.Logger) ([]report.File, error) {
	const hint = "Write to another file."
	var own, others []report.File
	merged := map[string]bool{}
	for _, f := range files {
		i := slices.IndexFunc(pl.outputs[1:], func(o output) bool { return sameFile(o.file, inputFile(f.Name)) })
		if i < 0 {
			others = append(others, f)
			for _, id := range f.Scope.Projects {
				merged[id] = true
			}
			continue
		}
		own = append(own, f)
		o := pl.outputs[1+i]
		least, _ := parseSeverity("", f.Scope.LeastSeverity) // checked when it was read
		switch {
		case o.format != "json":
			return nil, refuse(hint, "output %q is a report that is read, and would be one of another format: %s", o.file, o.format)
		case pl.leastSeverity > max(least, audit.Low):
			return nil, refuse(hint, "output %q is a report that is read, and would lose findings below severity %s", o.file, pl.leastSeverity)
		}
	}
	for _, f := range own {
		switch {
		case f.Scope.Shard == nil && len(files) == 1:
			return files, nil // it is shown again, in its own place
		case f.Scope.Shard != nil || len(others) == 0 || slices.ContainsFunc(f.Scope.Projects, func(id string) bool { return !merged[id] }):
			return nil, refuse(hint, "output %q is one of the reports that are read", f.Name)
		}
		log.Info("passing over what an earlier run has written", "file", f.Name)
	}
	return others, nil
}
