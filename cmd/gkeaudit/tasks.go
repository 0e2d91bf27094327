package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"gkeaudit/gcp"
	"gkeaudit/report"
)

// planMerged finds out what --merged asks of the tasks of a job: what the one that ends
// last is to write, and of which reports. In a run that has no other tasks it is an output
// like others.
func (p *program) planMerged(f *scanFlags, pl *plan) error {
	if len(f.merged) == 0 {
		return nil
	}
	if f.shard != "" {
		return refuse("Merge the shards with gkeaudit report.", "--merged is for the tasks of a Cloud Run job, and goes not with --shard")
	}
	own := ""
	for _, name := range f.outputs {
		if ext, _ := extension(name); own == "" && extensions[ext] == "json" && strings.Contains(name, "{task}") && strings.Contains(name, "{execution}") {
			own = name
		}
	}
	if own == "" {
		return refuse("Add --output=gs://BUCKET/{execution}/{task}.json.gz.", "--merged takes the JSON report of each task, with {execution} and {task} in its path")
	}
	merged := *pl
	if pl.shard != nil {
		merged.outputs = pl.outputs[:1:1]
	}
	for _, name := range f.merged {
		if strings.Contains(name, "{task}") {
			return refuse("Leave {task} out.", "--merged %q is one report of all tasks", name)
		}
		expanded, err := p.expand(name, pl.shard, pl.started)
		if err != nil {
			return err
		}
		if err := merged.addOutput(f, expanded); err != nil {
			return err
		}
		if folderOf(name) == folderOf(own) && merged.outputs[len(merged.outputs)-1].format == "json" {
			return refuse("Write it elsewhere.", "--merged %q is among the reports of the tasks, and gkeaudit report reads all that are there", name)
		}
	}
	if pl.shard == nil {
		pl.outputs = merged.outputs
		return nil
	}
	pl.merged = merged.outputs[1:]
	for i := range pl.shard.Count {
		sh := *pl.shard
		sh.Index = i
		part, err := p.expand(own, &sh, pl.started)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(pl.merged, func(o output) bool { return sameFile(o.file, part) }) {
			return refuse("", "--merged %q is the report of a task", part)
		}
		pl.parts = append(pl.parts, part)
	}
	prefix, _, _ := strings.Cut(own, "{task}")
	var err error
	pl.partsPrefix, err = p.expand(prefix, pl.shard, pl.started)
	return err
}

// folderOf is the beginning of a path up to the last name in it.
func folderOf(name string) string { return name[:strings.LastIndex(name, "/")+1] }

// mergeTasks merges the reports of all tasks if this one is the last to write its own.
// Cloud Storage lists what was written before, so no other is last; two that end at the
// same time both are, and write the same.
func (p *program) mergeTasks(ctx context.Context, f *scanFlags, pl *plan, log *slog.Logger) error {
	if pl.merged == nil {
		return nil
	}
	const unmerged = "the reports of the tasks are not merged"
	if ctx.Err() != nil {
		log.Warn(unmerged + ": the run was interrupted; gkeaudit report merges them")
		return nil
	}
	missing, err := p.missingParts(ctx, pl)
	if err != nil {
		return fmt.Errorf("%s: %w", unmerged, err)
	}
	if missing > 0 {
		log.Info("the task that ends last merges the reports", "missing", missing)
		return nil
	}
	var files []report.File
	for _, name := range pl.parts {
		file, err := p.readReport(ctx, name, "", "")
		if err != nil {
			return fmt.Errorf("%s: %w", unmerged, err)
		}
		files = append(files, file)
	}
	r, err := report.Merge(files)
	if err != nil {
		return fmt.Errorf("%s: %w", unmerged, err)
	}
	files = nil // the baseline is as large
	r, compareErr := p.compare(ctx, r, pl)
	whole, flags := *pl, *f
	whole.outputs = append([]output{{}}, pl.merged...)
	flags.githubSummary = false
	if err := errors.Join(compareErr, p.write(r.LeavingOut(pl.leastSeverity), &flags, &whole)); err != nil {
		return err
	}
	log.Info("the reports of all tasks are merged: "+r.Verdict(), "merged", whole.files())
	return nil
}

// missingParts counts the reports of tasks that are not there yet.
func (p *program) missingParts(ctx context.Context, pl *plan) (int, error) {
	there := map[string]bool{}
	if gcp.IsObject(pl.partsPrefix) {
		prefix, err := gcp.ParseObject(pl.partsPrefix)
		if err != nil {
			return 0, err
		}
		objects, err := p.store.Walk(ctx, prefix)
		if err != nil {
			return 0, err
		}
		for _, o := range objects {
			there[o.String()] = true
		}
	} else {
		for _, name := range pl.parts {
			_, err := os.Stat(name)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return 0, withoutOp(err)
			}
			there[name] = err == nil
		}
	}
	missing := 0
	for _, name := range pl.parts {
		if !there[name] {
			missing++
		}
	}
	return missing, nil
}
