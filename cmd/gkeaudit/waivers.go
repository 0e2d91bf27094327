package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/report"

	"github.com/spf13/cobra"
)

const waiversHelp = `A waiver accepts for some time that a finding fails. Waivers are in a YAML file, which
scan takes by --waivers or from the configuration, and report by --waivers:

    waivers:
      - rule: private-nodes
        resource: projects/shop-dev/locations/*/clusters/*
        owner: team-platform@example.com
        reason: the clusters are rebuilt with private nodes
        ticket: PLAT-7
        expires: 2027-03-31

rule is a glob on IDs of rules, resource one on the name of what was judged or of its
cluster; the glob has to fit the whole name. * stands for any characters but a slash,
** for any. With id, the ID of a finding, the waiver is for that finding alone.

expires is the last day on which the waiver holds, in UTC, and at most a year (366 days)
ahead unless maxDays beside waivers says otherwise. The day that counts is the one on
which the audit began; for waivers check and waivers add it is today. A finding that is waived is shown as
such and does not count as failing. One that is unknown is never waived. Waivers that
have expired, that are for nothing which fails, or that are for very much are in every
report: those for every rule, every project or more than 50 findings.`

func (p *program) waiversCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "waivers",
		Short: "Check a file of waivers, or add one",
		Long:  waiversHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.waiversCheckCommand(), p.waiversAddCommand(), &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of files of waivers",
		Long: `Prints the JSON Schema of files of waivers. Editors that know YAML complete and check a
file that begins with the line

    # yaml-language-server: $schema=waivers.schema.json`,
		Example: "  gkeaudit waivers schema > waivers.schema.json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := p.stdout.Write(waiversSchema)
			return err
		},
	})
	return cmd
}

func (p *program) waiversCheckCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check files of waivers",
		Long: `Reads files of waivers and says all that is wrong with them and where. Of those that
have no mistakes it lists the waivers that have expired, that end within 30 days and that
are for too much; with --report also those that are for nothing which fails in that
report, and how many findings each is for.

The exit status is 0 if there are no mistakes, and 2 if there are.`,
		Example: `  gkeaudit waivers check waivers.yaml
  gkeaudit waivers check waivers.yaml --report=report.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return refuse("Such as: gkeaudit waivers check waivers.yaml", "waivers check takes the names of one or more files")
			}
			return nil
		},
		PreRunE:           noEmptyFlags,
		ValidArgsFunction: cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.checkWaivers(cmd.Context(), args, name)
		},
	}
	cmd.Flags().StringVar(&name, "report", "", "say what the waivers are for in this JSON report's `file`")
	must(cmd.MarkFlagFilename("report", "json", "gz"))
	return cmd
}

// checkWaivers says what is wrong with files of waivers, or else what is to be known of
// them.
func (p *program) checkWaivers(ctx context.Context, names []string, reportName string) error {
	if err := p.openStorage(ctx, &scanFlags{}, p.logger("text", true), append(names, reportName)); err != nil {
		return err
	}
	var r *report.Report
	if reportName != "" {
		file, err := p.readReport(ctx, reportName, "", reportHint)
		if err != nil {
			return err
		}
		r = file.Report
	}
	good, today := true, p.now()
	for _, name := range names {
		f, err := p.readWaivers(ctx, name, today)
		if p.listMistakes(err) {
			good = false
			continue
		}
		if err != nil {
			return err
		}
		if err := p.listWaivers(f, r, today); err != nil {
			return err
		}
	}
	if !good {
		return &exitError{status: exitNoAnswer}
	}
	return nil
}

// listWaivers lists the waivers of a file that need to be looked at on a day, or with a
// report all.
func (p *program) listWaivers(f *waiverFile, r *report.Report, today time.Time) error {
	findings := map[string]int{}
	if r != nil {
		applied, err := waive(r, f)
		if err != nil {
			return err
		}
		for _, w := range applied.Waivers {
			findings[w.ID] = w.Findings
		}
	}
	if _, err := fmt.Fprintf(p.stdout, "%s has no mistakes, and %s.\n", printable(f.name), count(len(f.waivers), "waiver", "waivers")); err != nil {
		return err
	}
	for i, w := range f.waivers {
		n := findings[w.WaiverID()]
		remarks := []string{w.Standing(today)}
		look := r != nil || w.DaysLeft(today) <= report.EndsSoon
		if broad := w.Breadth(n); broad != "" {
			remarks, look = append(remarks, "broad: "+broad), true
		}
		if r != nil && n == 0 {
			remarks = append(remarks, "unused: nothing that fails in the report fits")
		} else if r != nil {
			remarks = append(remarks, fmt.Sprintf("findings: %d", n))
		}
		if !look {
			continue
		}
		if _, err := fmt.Fprintf(p.stdout, "%s:%d: %s on %s, by %s (%s): %s\n", printable(f.name), f.lines[i],
			printable(w.Rule), printable(w.Resource), printable(w.Owner), printable(w.Ticket), strings.Join(remarks, "; ")); err != nil {
			return err
		}
	}
	return nil
}

// newWaiver is what the flags of waivers add say.
type newWaiver struct {
	report, file                   string
	owner, reason, ticket, expires string
}

func (p *program) waiversAddCommand() *cobra.Command {
	var n newWaiver
	cmd := &cobra.Command{
		Use:   "add [FINDING-ID]",
		Short: "Add a waiver for a finding of a report",
		Long: `Adds a waiver for one finding of a JSON report to a file of waivers, which is made if
it is not there. Comments in it stay. The finding is named by its ID or by how that
begins, 8 digits at least. Without an ID, the findings that fail in the report and are
not waived are listed with theirs.`,
		Example: `  gkeaudit waivers add --report=report.json
  gkeaudit waivers add 548490aa --report=report.json --waivers=waivers.yaml \
    --owner=team-till@example.com --reason='offices get fixed addresses' \
    --ticket=NET-41 --expires=2027-03-31`,
		Args:              atMostOne,
		PreRunE:           noEmptyFlags,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n.report == "" {
				return refuse(reportHint, "--report is missing: the report that has the finding")
			}
			if len(args) == 0 {
				return p.listWaivable(cmd.Context(), n.report)
			}
			return p.addWaiver(cmd.Context(), strings.ToLower(args[0]), n)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&n.report, "report", "", "the JSON report's `file` that has the finding")
	flags.StringVar(&n.file, "waivers", "", "the `file` to add to (default what the configuration says)")
	flags.StringVar(&n.owner, "owner", "", "`who` answers for it")
	flags.StringVar(&n.reason, "reason", "", "`why` it is accepted that the finding fails")
	flags.StringVar(&n.ticket, "ticket", "", "`where` that was decided")
	flags.StringVar(&n.expires, "expires", "", "the last `day` on which it holds, such as 2027-03-31")
	complete(cmd, nil, "owner", "reason", "ticket", "expires")
	must(cmd.MarkFlagFilename("report", "json", "gz"))
	must(cmd.MarkFlagFilename("waivers", "yaml", "yml"))
	return cmd
}

// listWaivable lists the findings of a report that a waiver could be for.
func (p *program) listWaivable(ctx context.Context, name string) error {
	r, err := p.reportFile(ctx, name)
	if err != nil {
		return err
	}
	for f := range r.Findings.All() {
		if f.Status == audit.Fail && f.Waiver == "" {
			if _, err := fmt.Fprintf(p.stdout, "%s  %-8s  %s  %s\n", f.ID(), f.Severity, f.Rule, printable(f.Resource)); err != nil {
				return err
			}
		}
	}
	return nil
}

var idBeginning = regexp.MustCompile(`^[0-9a-f]{8,32}$`)

// addWaiver adds a waiver for the finding whose ID begins with a text.
func (p *program) addWaiver(ctx context.Context, id string, n newWaiver) error {
	if !idBeginning.MatchString(id) {
		return refuse("gkeaudit waivers add --report=FILE, without an ID, lists them.", "%q is not the beginning of a finding's ID: 8 to 32 digits and letters from a to f", id)
	}
	for _, f := range []struct{ key, value string }{{"owner", n.owner}, {"reason", n.reason}, {"ticket", n.ticket}, {"expires", n.expires}} {
		if strings.TrimSpace(f.value) == "" {
			return refuse("", "--%s is missing: %s", f.key, waiverWants[f.key])
		}
	}
	if n.file == "" {
		c, _, err := p.loadConfig(ctx, &scanFlags{})
		if err != nil {
			return err
		}
		if n.file = c.Waivers; n.file == "" {
			return refuse("", "--waivers is missing: the file to add to")
		}
	}
	if err := checkPlace(n.file); err != nil {
		return err
	}
	if gcp.IsObject(n.file) || n.file == "-" {
		return refuse("Copy it to a file first.", "--waivers %q: waivers are added to files only", n.file)
	}
	r, err := p.reportFile(ctx, n.report)
	if err != nil {
		return err
	}
	finding, err := theFinding(r, id)
	if err != nil {
		return err
	}
	var text []byte
	if err := p.read(ctx, n.file, func(r io.Reader) (err error) {
		text, err = io.ReadAll(io.LimitReader(r, longestWaiverFile+1))
		return err
	}); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refuse(readHint(ctx, err, ""), "reading waivers: %w", err)
	}
	today := p.now()
	f, err := parseWaivers(n.file, text, today)
	if err != nil {
		return refuse(waiversHint, "%w", err)
	}
	w, err := f.newWaiver(finding, n, today)
	if err != nil {
		return err
	}
	if text, err = f.with(w, today); err != nil {
		return err
	}
	err = writeFile(n.file, 0o644, func(out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
	if err != nil {
		return refuse("", "%w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s: %s on %s is waived until %s.\n", printable(n.file), w.Rule, printable(w.Resource), w.Expires)
	return err
}

// theFinding returns the one finding of a report whose ID begins with a text, if it fails.
func theFinding(r *report.Report, id string) (audit.Finding, error) {
	var found []audit.Finding
	for f := range r.Findings.All() {
		if strings.HasPrefix(f.ID(), id) {
			found = append(found, f)
		}
	}
	switch {
	case len(found) == 0 && r.Summary.LeftOut > 0:
		return audit.Finding{}, refuse("It may be among those that were left out for their severity.", "the report has no finding %s", id)
	case len(found) == 0:
		return audit.Finding{}, refuse("gkeaudit waivers add --report=FILE, without an ID, lists those that fail.", "the report has no finding %s", id)
	case len(found) > 1:
		return audit.Finding{}, refuse("Give more of the ID.", "the IDs of %d findings begin with %s", len(found), id)
	case found[0].Status == audit.Unknown:
		return audit.Finding{}, refuse("What is unknown cannot be waived: mend what keeps it from being judged.", "finding %s does not fail: %s on %s is unknown", id, found[0].Rule, found[0].Resource)
	case found[0].Status != audit.Fail:
		return audit.Finding{}, refuse("", "finding %s does not fail: %s on %s is %s", id, found[0].Rule, found[0].Resource, found[0].Status)
	}
	found[0].Evidence = nil
	return found[0], nil
}

// newWaiver returns the waiver for a finding that is to be added to the file.
func (f *waiverFile) newWaiver(finding audit.Finding, n newWaiver, today time.Time) (report.Waiver, error) {
	text := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	w := report.Waiver{
		Rule: finding.Rule, Resource: finding.Resource, Finding: finding.ID(),
		Owner: text(n.owner), Reason: text(n.reason), Ticket: text(n.ticket), Expires: text(n.expires),
	}
	for i, old := range f.waivers {
		switch {
		case old.Fits(finding) && !old.Ended(today):
			return w, refuse("", "%s:%d: the finding is waived already, until %s", f.name, f.lines[i], old.Expires)
		case old.Finding == w.Finding:
			return w, refuse("Change its last day there.", "%s:%d: there is a waiver for the finding, which expired on %s", f.name, f.lines[i], old.Expires)
		}
	}
	for _, t := range []struct{ key, value string }{{"rule", w.Rule}, {"resource", w.Resource}, {"expires", w.Expires}} {
		if err := checkWaiverText(t.key, t.value, today, f.maxDays); err != nil {
			return w, refuse("", "%s: %w", t.key, err)
		}
	}
	if w.Ended(today) {
		return w, refuse("", "--expires %s has passed", w.Expires)
	}
	if !w.Fits(finding) {
		return w, refuse("", "the name of the resource, %q, cannot be written as a glob", finding.Resource)
	}
	return w, nil
}

const waiversHint = "gkeaudit waivers --help says what a file of waivers holds; gkeaudit waivers check lists all that is wrong with one."

// waivers reads the file of waivers that the flags name; nil without one.
func (p *program) waivers(ctx context.Context, f *scanFlags, today time.Time) (*waiverFile, error) {
	if f.waivers == "" {
		return nil, nil
	}
	return p.readWaivers(ctx, f.waivers, today)
}

// readWaivers reads a file of waivers on a day. Mistakes in it are of type mistakes.
func (p *program) readWaivers(ctx context.Context, name string, today time.Time) (*waiverFile, error) {
	if name == "-" {
		return nil, refuse("", "waivers are read from a file, and not from standard input")
	}
	var text []byte
	if err := p.read(ctx, name, func(r io.Reader) (err error) {
		text, err = io.ReadAll(io.LimitReader(r, longestWaiverFile+1))
		return err
	}); err != nil {
		return nil, refuse(readHint(ctx, err, "gkeaudit waivers add makes such a file, and gkeaudit waivers --help says what it holds."), "reading waivers: %w", err)
	}
	f, err := parseWaivers(name, text, today)
	if err != nil {
		return nil, refuse(waiversHint, "%w", err)
	}
	return f, nil
}

// waive applies waivers to a report.
func waive(r *report.Report, f *waiverFile) (*report.Report, error) {
	waived, err := r.Waiving(f.waivers)
	if err != nil {
		return nil, refuse("Audit again without --severity, or write the report so.", "waivers %s: %w", f.name, err)
	}
	return waived, nil
}

// reportFile reads a report for a command that reads nothing else.
func (p *program) reportFile(ctx context.Context, name string) (*report.Report, error) {
	if err := p.openStorage(ctx, &scanFlags{}, p.logger("text", true), []string{name}); err != nil {
		return nil, err
	}
	file, err := p.readReport(ctx, name, "", reportHint)
	return file.Report, err
}

const reportHint = "Reports are written by gkeaudit scan --output=FILE.json."
