package main

import (
	"cmp"
	"context"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"
	"gkeaudit/report"
)

// Cloud Run sets these variables in a job's tasks. Source: Container runtime contract,
// in the Cloud Run documentation.
const (
	jobVariable       = "CLOUD_RUN_JOB"
	executionVariable = "CLOUD_RUN_EXECUTION"
	indexVariable     = "CLOUD_RUN_TASK_INDEX"
	countVariable     = "CLOUD_RUN_TASK_COUNT"
)

// shard returns the part of the projects that a flag or, without it, Cloud Run asks
// for; nil for all.
func (p *program) shard(flag string) (*audit.Shard, error) {
	index, count, _ := strings.Cut(flag, "/")
	wrong := refuse("Shards are 0/COUNT to COUNT-1/COUNT.", "--shard: there is no shard %q", flag)
	if flag == "" {
		index, count = p.getenv(indexVariable), p.getenv(countVariable)
		switch {
		case index == "" && count == "", index == "" && count == "1", index == "0" && count == "":
			return nil, nil
		}
		wrong = refuse("Cloud Run sets both for each task of a job; elsewhere unset them, or use --shard.",
			"%s is %q and %s is %q, which is no task of a job", indexVariable, index, countVariable, count)
	}
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if sh := (audit.Shard{Index: i, Count: n}); err1 == nil && err2 == nil && sh.Validate() == nil {
		if n == 1 {
			return nil, nil
		}
		return &sh, nil
	}
	return nil, wrong
}

var mark = regexp.MustCompile(`\{[A-Za-z]+\}`)

// expand puts the run's own values into a path: {date}, {execution} and {task}.
func (p *program) expand(path string, sh *audit.Shard, started time.Time) (string, error) {
	task := cmp.Or(p.getenv(indexVariable), "0")
	if sh != nil {
		task = strconv.Itoa(sh.Index)
	}
	values := map[string]string{
		"{date}":      started.UTC().Format(time.DateOnly),
		"{execution}": cmp.Or(p.getenv(executionVariable), "local"),
		"{task}":      task,
	}
	var err error
	return mark.ReplaceAllStringFunc(path, func(m string) string {
		if values[m] == "" {
			err = refuse("A path may hold {date}, {execution}, {task}.", "%q: there is no value for %s%s", path, m,
				didYouMean(m, []string{"{date}", "{execution}", "{task}"}))
		}
		return values[m]
	}), err
}

// logReport logs the findings that fail at or above a severity (0 for none) and are not
// waived, and the outcome.
func logReport(ctx context.Context, log *slog.Logger, r *report.Report, least audit.Severity, outputs []string) {
	for f := range r.Findings.All() {
		if f.Status != audit.Fail || f.Waiver != "" || least == 0 || f.Severity < least {
			continue
		}
		log.LogAttrs(ctx, slog.LevelWarn, f.Rule+" fails: "+printable(f.Resource+": "+f.Message), slog.Group("finding",
			"id", f.ID(), "rule", f.Rule, "severity", f.Severity.String(), "cluster", printable(f.Cluster), "resource", printable(f.Resource)))
	}
	s := r.Summary
	since := slog.Attr{} // which is not logged
	if b := r.Baseline; b != nil {
		since = slog.Group("since", "startedAt", b.StartedAt, "new", b.Counts.New, "resolved", b.Counts.Resolved,
			"unchanged", b.Counts.Unchanged, "changed", b.Counts.Changed, "incomparable", b.Counts.Incomparable)
	}
	log.LogAttrs(ctx, slog.LevelInfo, r.Verdict(), slog.Bool("complete", r.Complete), slog.Any("outputs", outputs), since,
		slog.Group("summary", "projects", s.Projects, "projectsPartlyRead", s.ProjectsPartlyRead, "projectsNotRead", s.ProjectsNotRead, "clusters", s.Clusters,
			"fail", s.Fail, "waived", s.Waived, "unknown", s.Unknown, "undecided", s.Undecided, "pass", s.Pass, "notApplicable", s.NotApplicable,
			"critical", s.Failing["critical"], "high", s.Failing["high"], "medium", s.Failing["medium"], "low", s.Failing["low"],
			"gaps", s.Gaps, "missing", len(r.Scope.Missing)))
}

// oncePerProject passes on the first record that has a project, and all that have none:
// in an organization, what is of interest on a terminal fills a log.
type oncePerProject struct {
	slog.Handler
	seen *sync.Map
}

func (h oncePerProject) Handle(ctx context.Context, r slog.Record) error {
	passed := true
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "project" {
			_, again := h.seen.LoadOrStore(a.Value.String(), true)
			passed = !again
		}
		return passed
	})
	if !passed {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
