package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gkeaudit/gcp"
	"gkeaudit/report"
)

// history draws what became of findings in all reports of a place. They are read one
// after the other, and no more than two are held.
func (p *program) history(ctx context.Context, f *scanFlags, place string, args []string) error {
	switch {
	case len(args) > 0:
		return refuse("", "--history takes reports from a folder, and report takes no files besides")
	case f.waivers != "" || f.githubSummary || f.maxBytes != defaultMaxBytes || f.baseline != "" || f.failOn != "" || f.severity != "" || f.verbose || f.allowIncomplete || f.logFindings != "":
		return refuse("", "--history goes with --format, --output and flags about access and the log only")
	}
	formats := "A history is a page: --output=FILE.html, or --format=html."
	if f.format != "" && f.format != "html" {
		return refuse(formats, "a history cannot be written as %s", f.format)
	}
	toStdout := f.format == "html" || slices.Contains(f.outputs, "-")
	f.format = "html"
	plan, err := p.checkReport(f, nil, p.now())
	if err != nil {
		return err
	}
	if place, err = p.expand(place, nil, plan.started); err != nil {
		return err
	}
	for _, o := range plan.outputs[1:] {
		if o.format != "html" {
			return refuse(formats, "a history cannot be written to %q", o.file)
		}
	}
	if len(plan.outputs) == 1 && !toStdout {
		return refuse(formats, "--history takes a file to write to")
	}
	log := p.logger(cmp.Or(f.logFormat, p.defaultLogFormat()), f.quiet)
	if err := p.openStorage(ctx, f, log, append(plan.files(), place)); err != nil {
		return err
	}
	h, err := p.readHistory(ctx, place, log)
	if err != nil {
		return err
	}
	p.haveRead(plan.files())
	var errs []error
	for _, o := range plan.outputs[1:] {
		errs = append(errs, p.put(o.file, 0o644, h.WriteHTML))
	}
	if toStdout {
		errs = append(errs, p.print(report.TableOptions{}, func(w io.Writer, _ report.TableOptions) error { return h.WriteHTML(w) }))
	}
	if err := errors.Join(errs...); err != nil {
		return refuse(objectHint(err), "not everything could be written: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// readHistory reads the reports of a place in the order in which their audits began.
// Files that are no reports are passed over, and said to be.
func (p *program) readHistory(ctx context.Context, place string, log *slog.Logger) (*report.History, error) {
	names, err := p.below(ctx, place)
	if err != nil {
		return nil, err
	}
	h := &report.History{From: place}
	skip := func(reason string) {
		log.Warn("passing over a file", "reason", printable(reason))
		h.Skipped = append(h.Skipped, reason)
	}
	var heads []report.NamedHead
	for _, name := range names {
		head := report.NamedHead{Name: name}
		err := p.read(ctx, name, func(r io.Reader) (err error) {
			head.Head, err = report.ReadHead(r)
			return err
		})
		switch {
		case err == nil:
			heads = append(heads, head)
		case isUnreadable(ctx, err):
			return nil, refuse(readHint(ctx, err, ""), "%w", err)
		default:
			skip(err.Error())
		}
	}
	runs, passed := report.Runs(heads)
	for _, reason := range passed {
		skip(reason)
	}
	for _, run := range runs {
		var files []report.File
		for _, name := range run.Files() {
			file, err := p.readReport(ctx, name, "", "")
			if err != nil && isUnreadable(ctx, err) {
				return nil, err
			}
			if err != nil {
				skip(err.Error())
				continue
			}
			files = append(files, file)
		}
		if len(files) == 0 {
			continue
		}
		r, err := report.Merge(files)
		switch {
		case err == nil:
			var read []string
			for _, f := range files {
				read = append(read, f.Name)
			}
			h.Add(read, r)
		case files[0].Scope.Shard == nil: // by other rules, say
			for _, f := range files {
				h.Add([]string{f.Name}, f.Report)
			}
		default:
			skip(err.Error())
		}
	}
	if h.Len() == 0 {
		return nil, refuse(reportHint, "%s has no report", place)
	}
	return h, nil
}

// isUnreadable reports whether an error is that of reading, and not of what was read.
func isUnreadable(ctx context.Context, err error) bool {
	var object *gcp.ObjectError
	var path *fs.PathError
	return ctx.Err() != nil || errors.As(err, &object) || errors.As(err, &path)
}

// below returns the JSON files in a folder and its folders, of a prefix in Cloud Storage,
// or those that a glob fits, in the order of their names.
func (p *program) below(ctx context.Context, place string) ([]string, error) {
	var all []string
	if gcp.IsObject(place) {
		prefix, err := gcp.ParseObject(place)
		if err != nil {
			return nil, refuse("", "%w", err)
		}
		objects, err := p.store.Walk(ctx, prefix)
		if err != nil {
			return nil, refuse(readHint(ctx, err, ""), "%w", err)
		}
		for _, o := range objects {
			all = append(all, o.String())
		}
	} else if info, err := os.Stat(place); err == nil && info.IsDir() {
		err := filepath.WalkDir(place, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, name)
			}
			return err
		})
		if err != nil {
			return nil, refuse("", "%w", withoutOp(err))
		}
	} else {
		fitting, globErr := filepath.Glob(place)
		if globErr != nil {
			return nil, refuse("", "%q is no glob", place)
		}
		if len(fitting) == 0 && err != nil {
			return nil, refuse("A history is of the reports in a folder, below gs://BUCKET/PREFIX/, or that a glob fits.", "%w", withoutOp(err))
		}
		all = fitting
	}
	all = slices.DeleteFunc(all, func(name string) bool {
		ext, _ := extension(name)
		return ext != ".json"
	})
	if len(all) == 0 {
		return nil, refuse(reportHint, "%s has no .json and no .json.gz", place)
	}
	slices.Sort(all)
	return all, nil
}
