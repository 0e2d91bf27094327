package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gkeaudit/audit"
	"gkeaudit/report"
)

// An output is a place that a report goes to, and its format.
type output struct {
	file   string // empty for standard output
	format string // empty for none
}

// extensions are the formats by the file's extension.
var extensions = map[string]string{
	".html": "html", ".htm": "html",
	".md": "markdown", ".markdown": "markdown",
	".json": "json",
	".txt":  "table",
}

// planOutputs finds the format of each output and refuses what cannot be written
// before anything is read.
func (p *program) planOutputs(f *scanFlags, sh *audit.Shard, started time.Time) ([]output, error) {
	format := f.format
	// What a job writes to standard output becomes log entries, one for each line.
	if format == "" && (p.getenv(jobVariable) == "" || slices.Contains(f.outputs, "-")) {
		format = "table"
	}
	outputs := []output{{"", format}}
	for _, name := range f.outputs {
		if name == "-" {
			continue // standard output is there already
		}
		name, err := p.expandOutput(name, f, sh, started)
		if err != nil {
			return nil, err
		}
		format := extensions[strings.ToLower(filepath.Ext(name))]
		if format == "" {
			return nil, refuse("Extensions are .html, .md, .json, .txt.", "the format of output %q is not known by its extension", name)
		}
		if slices.ContainsFunc(outputs, func(o output) bool { return o.file == name }) {
			return nil, refuse("", "output %q is named twice", name)
		}
		if err := checkOutput(name); err != nil {
			return nil, err
		}
		outputs = append(outputs, output{name, format})
	}
	return outputs, nil
}

// expandOutput is expand for what is written, which all tasks of a job do by the same
// flags.
func (p *program) expandOutput(name string, f *scanFlags, sh *audit.Shard, started time.Time) (string, error) {
	if sh != nil && f.shard == "" && !strings.Contains(name, "{task}") {
		return "", refuse("Put {task} into the path.", "%q would be written by each of %d tasks", name, sh.Count)
	}
	return p.expand(name, sh, started)
}

// checkWritable refuses a file whose folder is not there.
func checkWritable(name string) error {
	dir := filepath.Dir(name)
	info, err := os.Stat(dir)
	if err != nil {
		return refuse("Make the folder first.", "%q cannot be written: %w", name, withoutOp(err))
	}
	if !info.IsDir() {
		return refuse("", "%q cannot be written: %s is not a folder", name, dir)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return refuse("", "%q cannot be written: it is a folder", name)
	}
	return nil
}

// write writes the report to all outputs, files first, so that standard output
// can be closed early by whoever reads it.
func (p *program) write(ctx context.Context, r *report.Report, f *scanFlags, plan *plan) error {
	for _, o := range plan.outputs[1:] {
		if err := p.put(ctx, o.file, 0o644, func(w io.Writer) error {
			return r.Write(w, o.format, report.TableOptions{Verbose: f.verbose})
		}); err != nil {
			return err
		}
	}
	if plan.outputs[0].format == "" {
		return nil
	}
	columns, isTerminal := terminal(p.stdout)
	if !isTerminal {
		columns, _ = strconv.Atoi(p.getenv("COLUMNS"))
	}
	w := bufio.NewWriter(p.stdout)
	if err := r.Write(w, plan.outputs[0].format, report.TableOptions{
		Width:   columns,
		Color:   isTerminal && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb",
		Verbose: f.verbose,
	}); err != nil {
		return err
	}
	return w.Flush()
}

// writeFile writes a file so that at any time either the old one or the whole new
// one is there. A name that is no regular file, such as /dev/stderr or a pipe, is
// written to directly.
func writeFile(name string, mode os.FileMode, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	var f *os.File
	if info, statErr := os.Stat(name); statErr == nil && !info.Mode().IsRegular() {
		f, err = os.OpenFile(name, os.O_WRONLY, 0)
	} else {
		f, err = os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
		defer func() {
			if err == nil {
				err = os.Rename(f.Name(), name)
			}
			if err != nil && f != nil {
				os.Remove(f.Name())
			}
		}()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, withoutOp(err))
	}
	w := bufio.NewWriter(f)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if info, statErr := f.Stat(); err == nil && statErr == nil && info.Mode().IsRegular() {
		if err = f.Chmod(mode &^ umask); err == nil {
			err = f.Sync()
		}
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
