package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/gcp"
	"gkeaudit/report"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const scanHelp = `Reads the clusters of projects and the networks they use, judges them by the rules,
and writes a report. Nothing is changed; secrets are neither kept nor shown.

Projects are named one by one, or found in organizations and folders: by Cloud Asset
Inventory, which knows those that have clusters, or by a walk through Resource
Manager. A folder that cannot be listed is in the report. A project where the GKE
API is off has no clusters.

It uses Application Default Credentials: those of gcloud auth application-default
login, of a service account, or of the machine it runs on. If nothing is named, the
project is $GOOGLE_CLOUD_PROJECT, $CLOUDSDK_CORE_PROJECT or else the project of the
credentials. It takes these permissions, in the audited projects and in the host
projects of their Shared VPCs:

    container.clusters.list
    compute.subnetworks.list   compute.routers.list   compute.routes.list

for rules about service accounts and their rights, which --profile=core has none of,
there and on the folders and the organization above:

    resourcemanager.projects.get   resourcemanager.projects.getIamPolicy
    resourcemanager.folders.getIamPolicy   resourcemanager.organizations.getIamPolicy
    iam.roles.list

and to find projects, on the organizations and folders, the first or the others:

    cloudasset.assets.searchAllResources
    resourcemanager.folders.list   resourcemanager.projects.list

Optional rules may take more: gkeaudit access --role=yaml prints a role with all that a
profile takes, and without --role says what of it you lack.

Standard output gets the report alone; everything else goes to standard error.

Files to read and to write may be in Cloud Storage: gs://BUCKET/PATH. Any path may hold
{date}, the day in UTC, {execution}, that of the Cloud Run job, and {task}, the task's
or shard's index. The tasks of a job share the projects among them. The one that ends
last merges their JSON reports with --merged; gkeaudit report does it later.

Exit status, whatever the format:

    0  the audit is complete, and nothing fails at or above --fail-on
    1  something fails at or above --fail-on, or is new at or above --fail-on=new:...
    2  no answer: wrong usage, no credentials, nothing could be read, a bad file, or a
       --cluster or --location that fits no cluster; then no file is written
    3  incomplete: something could not be read (0 with --allow-incomplete)

A finding is undecided where everything was read and what the API reports does not decide
it: an old cluster without a field, say. It is listed with the reason, and does not make
an audit incomplete; with --require-decided the status is 3.

A run that Ctrl-C, SIGTERM or --timeout ends early reports what was read, and says on the
first line that it was interrupted. If no cluster was read, nothing is written, and the
status is 2. After a signal --allow-incomplete does not turn 3 into 0.

The endpoints of the APIs can be overridden as for gcloud, by
CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER, ..._COMPUTE, ..._STORAGE,
..._CLOUDRESOURCEMANAGER, ..._CLOUDASSET and ..._IAM.
CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true sends no credentials.`

const scanExamples = `  # Look at a sample estate: no credentials, no network
  gkeaudit scan --demo

  # The same, as it is read where permissions are missing on one project
  gkeaudit scan --demo=incomplete

  # Audit two projects, and write reports for a review
  gkeaudit scan --project=shop-prod --project=shop-dev -o review.html -o review.md

  # Audit an organization, but for its sandboxes
  gkeaudit scan --organization=123456789012 --exclude-project='sandbox-*' -o review.html

  # Audit the projects that a file lists, one on a line
  gkeaudit scan --project=@projects.txt

  # Only the clusters of one region, only one rule
  gkeaudit scan --project=shop-prod --location=europe-west4 --rule=cloud-nat

  # In a pipeline: fail on high findings; an incomplete audit fails, too
  gkeaudit scan --project=shop-prod --format=json --fail-on=high > report.json

  # In GitHub Actions: a report in the summary of the job, and one for a comment
  gkeaudit scan --project=shop-prod --github-summary -o review.md

  # For code scanning, the test report of a pipeline and a table in BigQuery
  gkeaudit scan --project=shop-prod -o findings.sarif -o findings.xml -o findings.ndjson

  # What is new since the last review, and fail on that alone
  gkeaudit scan --project=shop-prod --baseline=last.json -o today.json --fail-on=new:high

  # Read now, audit later, elsewhere and without credentials
  gkeaudit scan --project=shop-prod --save-snapshot=shop-prod.json
  gkeaudit scan --snapshot=shop-prod.json

  # Accept what is in a file of waivers; see gkeaudit waivers --help
  gkeaudit scan --project=shop-prod --waivers=waivers.yaml --fail-on=high

  # As a Cloud Run job of any number of tasks, with one report of all
  gkeaudit scan --organization=123456789012 -o gs://BUCKET/runs/{execution}/{task}.json.gz \
    --merged=gs://BUCKET/reports/{execution}.html`

// scanFlags are the flags of scan.
type scanFlags struct {
	scopeFlags
	locations, clusters    []string
	snapshot, saveSnapshot string
	demo                   string // one of demos; empty without
	shard                  string

	format          string
	outputs, merged []string
	profile         string
	rules, skip     []string
	configFile      string
	config          *config
	severity        string
	waivers         string
	baseline        string
	failOn          string
	allowIncomplete bool
	requireDecided  bool
	verbose         bool
	maxBytes        int
	githubSummary   bool

	impersonate, billingProject string
	timeout                     time.Duration
	concurrency                 int
	quiet                       bool
	logFormat, logFindings      string
}

func (p *program) scanCommand() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:     "scan",
		Short:   "Audit clusters and write a report",
		Long:    scanHelp,
		Example: scanExamples,
		Args:    noArguments,
		PreRunE: noEmptyFlags,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.configure(cmd.Context(), &f, cmd.Flags()); err != nil {
				return err
			}
			return p.scan(cmd.Context(), &f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.define(flags)
	flags.StringArrayVar(&f.locations, "location", nil, "only clusters in this `region` (with its zones) or zone; repeatable")
	flags.StringArrayVar(&f.clusters, "cluster", nil, "only clusters of this `name`; repeatable")
	flags.StringVar(&f.snapshot, "snapshot", "", "audit a snapshot `file` in place of live projects; - is standard input")
	flags.StringVar(&f.saveSnapshot, "save-snapshot", "", "keep what was read in a snapshot `file`: .json, or .json.gz to compress it")
	flags.StringVar(&f.demo, "demo", "", "audit a built-in sample `estate`: complete (the default), or incomplete, of which one project can't be read")
	flags.Lookup("demo").NoOptDefVal = demos[0]
	flags.StringVar(&f.shard, "shard", "", "audit one part of the projects of several, `INDEX/COUNT`, such as 0/10 (default on Cloud Run that of the task)")
	group(cmd, "What to audit")
	ruleFlags(cmd, &f)
	reportFlags(cmd, &f)
	callFlags(cmd, &f)
	logFlags(cmd, &f)

	complete(cmd, gcp.Discoveries, "discovery")
	complete(cmd, demos, "demo")
	complete(cmd, nil, append(scopeFlagNames, "location", "cluster", "shard")...)
	must(cmd.MarkFlagFilename("snapshot", "json", "gz"))
	must(cmd.MarkFlagFilename("save-snapshot", "json", "gz"))
	return cmd
}

// ruleFlags defines the flags that say which rules are applied.
func ruleFlags(cmd *cobra.Command, f *scanFlags) {
	flags := cmd.Flags()
	flags.StringVar(&f.profile, "profile", defaultProfile, "apply the rules of this `profile`: "+strings.Join(profileNames(), ", "))
	flags.StringArrayVar(&f.rules, "rule", nil, "apply only the rule with this `ID`, whatever the profile; repeatable")
	flags.StringArrayVar(&f.skip, "skip-rule", nil, "do not apply the rule with this `ID`; repeatable")
	flags.StringVar(&f.configFile, "config", "", "take what flags do not say from this configuration `file` (default gkeaudit.yaml, if there is one)")
	group(cmd, "Which rules")
	complete(cmd, ruleIDs(), "rule", "skip-rule")
	complete(cmd, profileNames(), "profile")
	must(cmd.MarkFlagFilename("config", "yaml", "yml"))
}

// reportFlags defines the flags of a command that writes a report.
func reportFlags(cmd *cobra.Command, f *scanFlags) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "", "the `format` of standard output: "+strings.Join(report.Formats, ", ")+" (default table, on Cloud Run none)")
	flags.StringArrayVarP(&f.outputs, "output", "o", nil, "write a report to this `file`, too; its extension is the format: "+extensionNames+"; - is standard output; repeatable")
	if cmd.Name() == "scan" {
		flags.StringArrayVar(&f.merged, "merged", nil, "of a Cloud Run job's tasks, have the one that ends last write a report of all to this `file`; repeatable")
		must(cmd.MarkFlagFilename("merged", "html", "md", "json", "gz", "txt", "sarif", "xml", "csv", "jsonl", "ndjson"))
	}
	flags.StringVar(&f.severity, "severity", "", "leave findings below this `severity` out of the report: "+strings.Join(audit.Severities, ", "))
	flags.StringVar(&f.waivers, "waivers", "", "accept what fails and fits one of the waivers in this YAML `file`")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "list in the table what passes, too, and all evidence")
	flags.StringVar(&f.baseline, "baseline", "", "say what is new, resolved, unchanged, changed or incomparable since this earlier JSON report, a `file`")
	flags.IntVar(&f.maxBytes, "max-bytes", defaultMaxBytes, "shorten Markdown to this `number` of bytes, which fits a comment on GitHub, and say in it what is left out; 0 for no limit")
	flags.BoolVar(&f.githubSummary, "github-summary", false, "add the report to the summary of the step in GitHub Actions, too ($"+summaryVariable+"), as much of it as GitHub takes")
	group(cmd, "What to report")
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 1 if something of this `severity` or above fails; new:high is for what did not fail in the baseline; both go together: critical,new:medium; none is the default")
	flags.BoolVar(&f.allowIncomplete, "allow-incomplete", false, "exit with 0 where an incomplete audit would give 3")
	flags.BoolVar(&f.requireDecided, "require-decided", false, "exit with 3, too, where findings are undecided: everything was read, and what the API reports does not decide them")
	group(cmd, "Exit status")
	complete(cmd, report.Formats, "format")
	complete(cmd, nil, "max-bytes")
	complete(cmd, audit.Severities, "severity")
	complete(cmd, thresholds, "fail-on")
	must(cmd.MarkFlagFilename("output", "html", "md", "json", "gz", "txt", "sarif", "xml", "csv", "jsonl", "ndjson"))
	must(cmd.MarkFlagFilename("waivers", "yaml", "yml"))
	must(cmd.MarkFlagFilename("baseline", "json", "gz"))
}

// accountFlags defines the flags that say who makes the calls, and leaves their heading
// to the command.
func accountFlags(cmd *cobra.Command, f *scanFlags) {
	flags := cmd.Flags()
	flags.StringVar(&f.impersonate, "impersonate-service-account", "", "act as the service account with this `email`")
	flags.StringVar(&f.billingProject, "billing-project", "", "charge API quota to this `project`")
	complete(cmd, nil, "impersonate-service-account", "billing-project")
}

// callFlags defines the flags about calls of APIs that read projects.
func callFlags(cmd *cobra.Command, f *scanFlags) {
	accountFlags(cmd, f)
	flags := cmd.Flags()
	flags.IntVar(&f.concurrency, "concurrency", gcp.DefaultConcurrency, "have at most this `number` of calls in flight")
	flags.DurationVar(&f.timeout, "timeout", 0, "stop reading after this `time`, such as 90s or 10m, and report what was read, if anything was")
	group(cmd, "Access")
	complete(cmd, nil, "concurrency", "timeout")
}

func quietFlag(cmd *cobra.Command, f *scanFlags) {
	cmd.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "log errors only")
}

func logFormatFlag(cmd *cobra.Command, f *scanFlags) {
	cmd.Flags().StringVar(&f.logFormat, "log-format", "", "the `format` of the log on standard error: text, json (default text; json on Cloud Run)")
	complete(cmd, []string{"text", "json"}, "log-format")
}

// logFlags defines the flags about the log.
func logFlags(cmd *cobra.Command, f *scanFlags) {
	quietFlag(cmd, f)
	logFormatFlag(cmd, f)
	cmd.Flags().StringVar(&f.logFindings, "log-findings", "", "log each finding of this `severity` or above that fails, and the outcome (default none, on Cloud Run high)")
	group(cmd, "Log")
	complete(cmd, audit.Severities, "log-findings")
}

// complete says what the shell may complete flags with.
func complete(cmd *cobra.Command, values []string, names ...string) {
	for _, name := range names {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
	}
}

// must is for mistakes that only a programmer can make.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// defaultProfile holds where no other is named.
const defaultProfile = "recommended"

// configure reads the configuration file, and gives flags that are not given its values.
func (p *program) configure(ctx context.Context, f *scanFlags, flags *pflag.FlagSet) error {
	var err error
	if f.config, f.configFile, err = p.loadConfig(ctx, f); err != nil {
		return err
	}
	if flags.Changed("rule") && flags.Changed("profile") {
		return refuse("", "--profile and --rule both say which rules to apply; use one")
	}
	return f.config.apply(flags)
}

// scan collects, audits and reports.
func (p *program) scan(ctx context.Context, f *scanFlags) error {
	plan, err := p.check(ctx, f)
	if err != nil {
		return err
	}
	log := p.logger(cmp.Or(f.logFormat, p.defaultLogFormat()), f.quiet)
	if f.configFile != "" {
		log.Info("configuration read", "file", f.configFile)
	}
	if err := p.openStorage(ctx, f, log, append(plan.allFiles(), f.snapshot, f.saveSnapshot, f.waivers, plan.baseline)); err != nil {
		return err
	}
	waivers, err := p.waivers(ctx, f, plan.started)
	if err != nil {
		return err
	}
	if err := p.tryBaseline(ctx, plan); err != nil {
		return err
	}

	var s *audit.Snapshot
	switch {
	case f.demo != "":
		if s, err = readDemo(f.demo); err == nil {
			s, err = narrow(s, f, plan.shard)
		}
	case f.snapshot != "":
		if s, err = p.readSnapshot(ctx, f.snapshot); err == nil {
			s, err = narrow(s, f, plan.shard)
		}
	default:
		s, err = p.collect(ctx, f, plan.shard, audit.DataOf(plan.rules), log)
	}
	if err != nil {
		return err
	}
	var names []string
	for _, c := range s.Clusters() {
		names = append(names, c.ResourceName())
	}
	if err := unmatched(s.Scope, s.Gaps, names); err != nil {
		return err
	}
	if s.Scope.Shard == nil && !s.Answerable() && !slices.ContainsFunc(s.Gaps, gcp.Stopped) {
		plan.spareFiles(f, log)
	}
	if plan.merged == nil { // or the reports of other tasks are still to be read
		p.haveRead(append(plan.files(), f.saveSnapshot, plan.baseline))
	}
	var saveErr error
	if f.saveSnapshot != "" {
		if err := p.put(f.saveSnapshot, 0o600, s.Write); err != nil {
			saveErr = fmt.Errorf("saving the snapshot: %w", err)
		}
	}

	s = s.For(audit.DataOf(plan.rules)) // a saved snapshot may lack what no rule asks for
	in := &audit.Input{Snapshot: s, Parameters: plan.settings.Parameters}
	r := report.New(s, plan.rules, audit.Drain(in, plan.rules), report.Options{
		Version:   version(),
		StartedAt: plan.started,
		Now:       p.now,
		Settings:  plan.settings,

		Interrupted: slices.ContainsFunc(s.Gaps, gcp.Stopped),

		Benchmarks: rules.BenchmarksOf(plan.settings.Profile),
		Path:       rules.Paths(in, plan.rules),
	})
	if waivers != nil {
		if r, err = waive(r, waivers); err != nil {
			return errors.Join(err, saveErr)
		}
	}
	r, err = p.compare(ctx, r, plan) // if it cannot be compared any more, it is written all the same
	return p.finish(ctx, r, f, plan, log, errors.Join(saveErr, err))
}

// spareFiles keeps what was written before where there is no answer to take its place.
func (pl *plan) spareFiles(f *scanFlags, log *slog.Logger) {
	files := pl.files()
	if f.saveSnapshot != "" {
		files = append(files, f.saveSnapshot)
	}
	if len(files) > 0 {
		log.Warn("no cluster was read, so no file is written", "files", files)
	}
	pl.outputs, f.saveSnapshot = pl.outputs[:1], ""
}

// finish writes a report to wherever it goes, and turns it into the exit status. An
// error in what was written before does not keep it from that. What --severity leaves
// out of what is written is logged and judged all the same.
func (p *program) finish(ctx context.Context, r *report.Report, f *scanFlags, plan *plan, log *slog.Logger, before error) error {
	err := errors.Join(before, p.write(r.LeavingOut(plan.leastSeverity), f, plan))
	if err == nil {
		err = p.mergeTasks(ctx, f, plan, log)
	}
	// What could not be written is in the log at least.
	if plan.logFindings > 0 || p.getenv(jobVariable) != "" {
		logReport(ctx, log, r, plan.logFindings, plan.files())
	}
	if err != nil {
		return refuse(objectHint(err), "not everything could be written: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return p.outcome(r, f, plan)
}

// narrow takes from a snapshot what the flags and the shard ask for.
func narrow(s *audit.Snapshot, f *scanFlags, sh *audit.Shard) (*audit.Snapshot, error) {
	if own := s.Scope.Shard; own != nil && sh != nil {
		if own.String() != sh.String() {
			return nil, refuse("", "the snapshot is shard %s already, and has no shard %s", own, sh)
		}
		sh = nil
	}
	for _, id := range f.projects {
		if !slices.Contains(s.Scope.Projects, id) {
			return nil, refuse("It has "+strings.Join(s.Scope.Projects, ", ")+".",
				"the snapshot has no project %q%s", id, didYouMean(id, s.Scope.Projects))
		}
	}
	for _, want := range f.clusters {
		var names []string
		for _, c := range s.Clusters() {
			names = append(names, c.GetName())
			if (audit.Scope{Clusters: []string{want}}).Includes(c) {
				names = nil
				break
			}
		}
		if names != nil {
			return nil, refuse("", "the snapshot has no cluster %q%s", want, didYouMean(want, names))
		}
	}
	scope := s.Scope
	if f.projects != nil {
		scope = audit.Scope{Projects: f.projects}
	}
	scope.Locations, scope.Clusters = f.locations, f.clusters
	n := s.Narrow(scope)
	if s.Scope.Shard != nil || n.Scope.HidesClusters(n.Gaps) {
		return s.Narrow(sh.Of(scope)), nil
	}
	scope = n.Scope
	scope.Locations = stillFitting(scope.Locations, s, n, func(l string) audit.Scope { return audit.Scope{Locations: []string{l}} })
	scope.Clusters = stillFitting(scope.Clusters, s, n, func(c string) audit.Scope { return audit.Scope{Clusters: []string{c}} })
	return n.Narrow(sh.Of(scope)), nil
}

// stillFitting leaves out of what the clusters of a snapshot were narrowed to what is
// spent: it fitted some cluster of that snapshot, and fits none now that the snapshot is
// narrowed further. Where nothing is left, nothing is left out.
func stillFitting(filters []string, s, n *audit.Snapshot, scope func(string) audit.Scope) []string {
	fits := func(s *audit.Snapshot, filter string) bool {
		return slices.ContainsFunc(s.Clusters(), scope(filter).Includes)
	}
	kept := slices.DeleteFunc(slices.Clone(filters), func(filter string) bool { return fits(s, filter) && !fits(n, filter) })
	if len(kept) == 0 {
		return filters
	}
	return kept
}

func (p *program) readSnapshot(ctx context.Context, name string) (s *audit.Snapshot, err error) {
	err = p.read(ctx, name, func(r io.Reader) (err error) {
		s, err = audit.ReadSnapshot(r)
		return err
	})
	if err != nil {
		return nil, refuse(readHint(ctx, err, "Snapshots are written by gkeaudit scan --save-snapshot=FILE."), "%w", err)
	}
	return s, nil
}

// withoutOp drops the system call from an error about a file.
func withoutOp(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return fmt.Errorf("%s: %w", pathErr.Path, pathErr.Err)
	}
	return err
}
