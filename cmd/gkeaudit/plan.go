package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"
)

// A plan is what the flags ask for, checked before anything is read.
type plan struct {
	rules         []*audit.Rule
	settings      report.Settings
	leastSeverity audit.Severity
	failOn        threshold
	baseline      string // empty without
	outputs       []output
	logFindings   audit.Severity
	shard         *audit.Shard
	started       time.Time

	// Of one of several tasks: what the last of them writes, the reports of each, in
	// their order, and what the names of these begin with.
	merged      []output
	parts       []string
	partsPrefix string
}

// files are the outputs but standard output.
func (pl *plan) files() []string {
	names := []string{}
	for _, o := range pl.outputs[1:] {
		names = append(names, o.file)
	}
	return names
}

// allFiles are those, and what is merged.
func (pl *plan) allFiles() []string {
	names := pl.files()
	for _, o := range pl.merged {
		names = append(names, o.file)
	}
	return names
}

// checkReport checks what reportFlags, accountFlags and logFlags have defined.
func (p *program) checkReport(f *scanFlags, sh *audit.Shard, started time.Time) (*plan, error) {
	pl := &plan{shard: sh, started: started}
	var err error
	if f.format != "" && !slices.Contains(report.Formats, f.format) {
		return nil, noFormat(f.format, report.Formats)
	}
	if pl.leastSeverity, err = parseSeverity("--severity", f.severity); err != nil {
		return nil, err
	}
	if pl.failOn, err = parseThreshold(f.failOn); err != nil {
		return nil, err
	}
	if pl.baseline, err = p.expand(f.baseline, sh, pl.started); err != nil {
		return nil, err
	}
	if pl.logFindings, err = parseSeverity("--log-findings", f.logFindings); err != nil {
		return nil, err
	}
	if pl.logFindings == 0 && p.getenv(jobVariable) != "" {
		pl.logFindings = audit.High
	}
	if err := f.checkLogFormat(); err != nil {
		return nil, err
	}
	if err := f.checkAccount(); err != nil {
		return nil, err
	}
	if f.waivers, err = p.expand(f.waivers, sh, started); err != nil {
		return nil, err
	}
	if err := checkBaseline(pl); err != nil {
		return nil, err
	}
	if err := p.planOutputs(f, pl); err != nil {
		return nil, err
	}
	if err := p.planMerged(f, pl); err != nil {
		return nil, err
	}
	if err := p.checkMarkdown(f, append(pl.outputs, pl.merged...)); err != nil {
		return nil, err
	}
	return pl, nil
}

// check checks the flags of scan.
func (p *program) check(ctx context.Context, f *scanFlags) (*plan, error) {
	sh, err := p.shard(f.shard)
	if err != nil {
		return nil, err
	}
	started := p.now()
	if f.saveSnapshot, err = p.expandOutput(f.saveSnapshot, f, sh, started); err != nil {
		return nil, err
	}
	if f.snapshot, err = p.expand(f.snapshot, sh, started); err != nil {
		return nil, err
	}
	pl, err := p.checkReport(f, sh, started)
	if err != nil {
		return nil, err
	}
	if f.saveSnapshot != "" {
		if what := pl.reads(f, f.saveSnapshot); what != "" {
			return nil, refuse("Write to another file.", "--save-snapshot %q is %s", f.saveSnapshot, what)
		}
	}
	if pl.rules, pl.settings, err = chooseRules(f.config, f.profile, f.rules, f.skip); err != nil {
		return nil, err
	}
	if f.demo != "" && !slices.Contains(demos, f.demo) {
		return nil, refuse("", "--demo: the sample estates are %s; there is no %q%s", strings.Join(demos, " and "), f.demo, didYouMean(f.demo, demos))
	}
	if err := p.checkScope(ctx, f, f.demo != "" || f.snapshot != ""); err != nil {
		return nil, err
	}
	if pl.failOn.new > 0 && pl.baseline == "" {
		return nil, noBaseline
	}
	for _, l := range f.locations {
		if !isLocation(l) {
			return nil, refuse("A location is a region or a zone, such as europe-west4 or europe-west4-a: gcloud compute regions list",
				"--location: %q is not a region or zone%s", l, meantLocation(l))
		}
	}
	switch {
	case f.demo != "" && f.snapshot != "":
		return nil, refuse("", "--demo and --snapshot are two sources; use one")
	case (f.demo != "" || f.snapshot != "") && f.saveSnapshot != "":
		return nil, refuse("", "--save-snapshot goes with neither --demo nor --snapshot: only what is read of live projects can be saved")
	case (f.demo != "" || f.snapshot != "") && (f.impersonate != "" || f.billingProject != ""):
		return nil, refuse("", "--impersonate-service-account and --billing-project go with neither --demo nor --snapshot: they are for calls, and there are none")
	}
	if err := f.checkCalls(); err != nil {
		return nil, err
	}
	if f.saveSnapshot != "" {
		if f.saveSnapshot == "-" {
			return nil, refuse("", "--save-snapshot takes a file: standard output gets the report alone")
		}
		if err := checkOutput(f.saveSnapshot); err != nil {
			return nil, err
		}
	}
	return pl, nil
}

// checkCalls checks what callFlags has defined.
func (f *scanFlags) checkCalls() error {
	switch {
	case f.concurrency < 1 || f.concurrency > 1000:
		return refuse("", "--concurrency %d is not between 1 and 1000", f.concurrency)
	case f.timeout < 0:
		return refuse("", "--timeout %s is negative", f.timeout)
	}
	return f.checkAccount()
}

// checkLogFormat checks what logFormatFlag has defined.
func (f *scanFlags) checkLogFormat() error {
	if slices.Contains([]string{"", "text", "json"}, f.logFormat) {
		return nil
	}
	return refuse("Log formats are text, json.", "there is no log format %q%s", f.logFormat, didYouMean(f.logFormat, []string{"text", "json"}))
}

// checkAccount checks what accountFlags has defined.
func (f *scanFlags) checkAccount() error {
	if f.billingProject == "" {
		return nil
	}
	return checkProject(f.billingProject)
}

func parseSeverity(flag, name string) (audit.Severity, error) {
	var s audit.Severity
	if name == "" {
		return 0, nil
	}
	if s.UnmarshalText([]byte(name)) != nil {
		return 0, refuse("Severities are "+strings.Join(audit.Severities, ", ")+".", "%s: there is no severity %q%s", flag, name, didYouMean(name, audit.Severities))
	}
	return s, nil
}

func ruleIDs() []string {
	var ids []string
	for _, r := range rules.All {
		ids = append(ids, r.ID)
	}
	return ids
}

func findRule(id string) (*audit.Rule, error) {
	for _, r := range rules.All {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, refuse("Run gkeaudit rules for the list.", "there is no rule %q%s", id, didYouMean(id, ruleIDs()))
}

// chooseRules returns the rules to apply: those that are named or else those of a profile,
// with what the configuration adds, leaves out and changes.
func chooseRules(c *config, profile string, only, skip []string) ([]*audit.Rule, report.Settings, error) {
	settings := report.Settings{Profile: profile, Severities: map[string]audit.Severity{}, Parameters: c.Parameters}
	if !slices.Contains(profileNames(), profile) {
		return nil, settings, refuse("Profiles are "+strings.Join(profileNames(), ", ")+".", "there is no profile %q%s", profile, didYouMean(profile, profileNames()))
	}
	for _, id := range slices.Concat(only, skip) {
		if _, err := findRule(id); err != nil {
			return nil, settings, err
		}
	}
	base := rules.In(profile)
	if len(only) > 0 {
		settings.Profile = ""
	}
	var chosen []*audit.Rule
	for _, r := range rules.All {
		inBase := slices.Contains(base, r)
		in := inBase && !slices.Contains(c.Rules.Disable, r.ID) || slices.Contains(c.Rules.Enable, r.ID)
		if len(only) > 0 {
			in = slices.Contains(only, r.ID)
		}
		in = in && !slices.Contains(skip, r.ID)
		switch {
		case len(only) > 0:
		case in && !inBase:
			settings.Enabled = append(settings.Enabled, r.ID)
		case !in && inBase:
			settings.Disabled = append(settings.Disabled, r.ID)
		}
		if !in {
			continue
		}
		if name, changed := c.Severities[r.ID]; changed {
			severity, _ := parseSeverity("severities", name) // checked when it was read
			if severity != r.Severity {
				settings.Severities[r.ID] = r.Severity
				changed := *r
				changed.Severity = severity
				r = &changed
			}
		}
		chosen = append(chosen, r)
	}
	if len(chosen) == 0 {
		return nil, settings, refuse("", "what is left out leaves no rule")
	}
	return chosen, settings, nil
}

// projectID is what a project is named by: an ID, that of a domain's project, or
// a number. Source: Creating and managing projects, in the Resource Manager
// documentation.
var projectID = regexp.MustCompile(`^(([a-z0-9][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]+)$`)

const projectHint = "A project ID has 6 to 30 lower-case letters, digits and dashes: gcloud projects list"

func checkProject(id string) error {
	if projectID.MatchString(id) {
		return nil
	}
	return refuse(projectHint, "%q is not a project ID%s", id, meant(id))
}
