package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/report"
)

// A threshold says what findings end the program with a status of its own: those of a
// severity and above, and those of another that are new. 0 is none.
type threshold struct{ all, new audit.Severity }

// thresholds are what --fail-on takes, but for two of them together.
var thresholds = func() []string {
	names := []string{"none"}
	for _, s := range audit.Severities {
		names = append(names, s, "new:"+s)
	}
	return names
}()

// parseThreshold reads what --fail-on says: "high", "new:high", "critical,new:medium".
// None wins over what a configuration file says.
func parseThreshold(text string) (t threshold, err error) {
	if text == "" || text == "none" {
		return t, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		severity, isNew := strings.CutPrefix(name, "new:")
		at := &t.all
		if isNew {
			at = &t.new
		}
		if !slices.Contains(audit.Severities, severity) {
			about := didYouMean(severity, audit.Severities)
			if about == "" {
				about = didYouMean(name, thresholds)
			}
			return t, refuse("Severities are "+strings.Join(audit.Severities, ", ")+", each alone or after new:, as in critical,new:high.",
				"--fail-on: there is no severity %q%s", severity, about)
		}
		if *at > 0 {
			return t, refuse("The lower one takes in the higher.", "--fail-on: %q names two severities of a kind", text)
		}
		if *at, err = parseSeverity("--fail-on", severity); err != nil {
			return t, err
		}
	}
	return t, nil
}

var noBaseline = refuse("Give the earlier JSON report: --baseline=FILE.", "--fail-on: what is new can only be told by a baseline")

const baselineHint = "A baseline is an earlier report, written by gkeaudit scan --output=FILE.json."

// checkBaseline refuses a baseline that cannot be one, before anything is read.
func checkBaseline(pl *plan) error {
	name := pl.baseline
	if name == "" {
		return nil
	}
	if err := checkPlace(name); err != nil {
		return err
	}
	if gcp.IsObject(name) {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case name == "-" || err == nil && !info.Mode().IsRegular():
		return refuse(baselineHint, "a baseline is a file or an object, and %q is neither", name)
	case err != nil:
		return refuse(baselineHint, "baseline %w", withoutOp(err))
	}
	return nil
}

// readReport reads a report. What it is called in an error is what it is read for.
func (p *program) readReport(ctx context.Context, name, role, hint string) (report.File, error) {
	file := report.File{Name: name}
	if err := p.read(ctx, name, func(r io.Reader) (err error) {
		file.Report, err = report.Read(r)
		return err
	}); err != nil {
		return file, refuse(readHint(ctx, err, hint), role+"%w", err)
	}
	return file, nil
}

// tryBaseline reads the baseline and forgets it: what is wrong with it is to be known
// before an audit of hours, in which there is no room to keep it.
func (p *program) tryBaseline(ctx context.Context, pl *plan) error {
	if pl.baseline == "" {
		return nil
	}
	_, err := p.readReport(ctx, pl.baseline, "baseline ", baselineHint)
	return err
}

// compare returns the report with what became of its findings since the baseline; without
// one, or with an error, as it is.
func (p *program) compare(ctx context.Context, r *report.Report, pl *plan) (*report.Report, error) {
	if pl.baseline == "" {
		return r, nil
	}
	base, err := p.readReport(ctx, pl.baseline, "baseline ", baselineHint)
	if err != nil {
		return r, err
	}
	return r.Since(base), nil
}
