package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/report"
)

// outcome turns a report into the exit status. What a part did not find or could not
// read, others may.
func (p *program) outcome(r *report.Report, f *scanFlags, plan *plan) error {
	if r.Scope.Shard == nil && len(r.Scope.Missing) == 0 && !r.Scope.Answerable(r.Gaps) && !stopped(r) {
		return p.unanswerable(r)
	}
	if err := p.failing(r, f, plan); err != nil {
		return err
	}
	if !r.Complete && (!f.allowIncomplete || signalled(r)) {
		return &exitError{status: exitIncomplete, err: p.aside(f, plan, "the audit is incomplete: %s", r.Incompleteness())}
	}
	if n := r.Summary.Undecided; n > 0 && f.requireDecided {
		return &exitError{status: exitIncomplete, err: p.aside(f, plan, "%s undecided: what the API reports does not decide them", count(n, "finding is", "findings are"))}
	}
	return nil
}

// failing turns what --fail-on asks for into the exit status.
func (p *program) failing(r *report.Report, f *scanFlags, plan *plan) error {
	if plan.failOn.all > 0 && r.FailsAt(plan.failOn.all) {
		return &exitError{status: exitFindings, err: p.aside(f, plan, "findings of severity %s or above fail", plan.failOn.all)}
	}
	if plan.failOn.new > 0 {
		if r.Baseline == nil {
			return noBaseline
		}
		if r.NewAt(plan.failOn.new) {
			return &exitError{status: exitFindings, err: p.aside(f, plan, "findings of severity %s or above fail that did not in the baseline, or may not have", plan.failOn.new)}
		}
	}
	return nil
}

// aside says why the exit status is not 0 where standard output does not say it to
// a person. Where it says nothing, as on Cloud Run, the log does.
func (p *program) aside(f *scanFlags, plan *plan, format string, args ...any) error {
	if out := plan.outputs[0].format; out == "table" || out == "" || f.quiet {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// notFoundHint says what to do about a project that is not there.
const notFoundHint = "Check the project's ID: gcloud projects list"

// unanswerable says why no project could be read.
func (p *program) unanswerable(r *report.Report) error {
	if len(r.Scope.Projects) == 0 {
		return unsearchable(r.Gaps[0])
	}
	g := r.Gaps[slices.IndexFunc(r.Gaps, func(g audit.Gap) bool { return strings.HasSuffix(g.Resource, "/locations/-/clusters") })]
	hint := troubleHint(g.Code, g.Message, otherPayer)
	switch {
	case g.Permission != "":
		hint = fmt.Sprintf("Grant a role with %s on project %s, such as roles/container.clusterViewer.", g.Permission, g.Project)
	case g.Code == "NOT_FOUND":
		hint = notFoundHint
	}
	about := ""
	if g.Code == "NOT_FOUND" || g.Code == "PERMISSION_DENIED" {
		var known []string
		for _, id := range []string{p.getenv("GOOGLE_CLOUD_PROJECT"), p.getenv("CLOUDSDK_CORE_PROJECT")} {
			if id != "" && !slices.Contains(r.Scope.Projects, id) {
				known = append(known, id)
			}
		}
		about = didYouMean(g.Project, known)
	}
	return refuse(hint, "no clusters could be read: project %s: %s%s", g.Project, g.Message, about)
}

// unsearchable says why no project could be found.
func unsearchable(g audit.Gap) error {
	hint := troubleHint(g.Code, g.Message, otherPayer)
	if g.Permission != "" {
		hint = fmt.Sprintf("Grant a role with %s on %s, such as roles/browser or, for Cloud Asset Inventory, roles/cloudasset.viewer.", g.Permission, path.Dir(g.Resource))
	}
	return refuse(hint, "no projects could be found: %s: %s", g.Resource, g.Message)
}

// among names the audited projects, or counts them where they are many.
func among(ids []string) string {
	switch {
	case len(ids) == 0:
		return "no project"
	case len(ids) > 10:
		return fmt.Sprintf("%d projects", len(ids))
	default:
		return strings.Join(ids, ", ")
	}
}

// unmatched says that a --cluster or --location of a scope fits none of the clusters that
// were read, which is most likely a typing mistake. Then nothing is written. Where a gap
// hides clusters, or the scope is one of a shard, it may not be one.
func unmatched(scope audit.Scope, gaps []audit.Gap, clusters []string) error {
	if scope.Shard != nil || scope.HidesClusters(gaps) {
		return nil
	}
	for _, name := range scope.Clusters {
		if !slices.ContainsFunc(clusters, func(c string) bool { return name == audit.LastSegment(c) || audit.RelativeName(name) == c }) {
			return refuse("", "no cluster named %s in %s; nothing is written", name, among(scope.Projects))
		}
	}
	for _, location := range scope.Locations {
		only := audit.Scope{Locations: []string{location}}
		if !slices.ContainsFunc(clusters, func(c string) bool { return only.IncludesLocation(audit.Segment(c, "locations")) }) {
			return refuse("", "no cluster in location %s in %s; nothing is written", location, among(scope.Projects))
		}
	}
	return nil
}

// signalled reports whether a signal ended the run before everything was read. That is
// not excused by --allow-incomplete: on Cloud Run the task is to be tried again.
func signalled(r *report.Report) bool {
	return r.Interrupted && slices.ContainsFunc(r.Gaps, func(g audit.Gap) bool { return g.Code == "CANCELLED" })
}

// stopped reports whether the run was ended by a signal or by --timeout, after which
// an incomplete answer is the right one.
func stopped(r *report.Report) bool {
	return slices.ContainsFunc(r.Gaps, gcp.Stopped)
}
