package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
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

	".sarif": "sarif", ".sarif.json": "sarif",
	".xml":        "junit",
	".csv":        "csv",
	".ocsf.jsonl": "ocsf", ".ocsf.ndjson": "ocsf", ".ocsf.json": "ocsf",
	".ndjson": "ndjson", ".jsonl": "ndjson",
}

// extensionNames are those to choose from, for help and errors.
const extensionNames = ".html, .md, .txt, .sarif, .xml (JUnit), .json, .csv, .ndjson, .ocsf.jsonl, the last four also with .gz"

// noFormat says that there is no format of a name, which may be an extension.
func noFormat(name string, formats []string) error {
	about := didYouMean(name, formats)
	if meant := extensions["."+strings.ToLower(name)]; about == "" && slices.Contains(formats, meant) {
		about = fmt.Sprintf("; did you mean %q?", meant)
	}
	return refuse("Formats are "+strings.Join(formats, ", ")+".", "there is no format %q%s", name, about)
}

// compressible are the formats that may be compressed: those that are read by programs
// which know that, and get long.
var compressible = []string{"json", "csv", "ocsf", "ndjson"}

// extension returns the extension of a file in lower case, without the .gz of one that
// is compressed. What is JSON of another kind has two: .ocsf.json.
func extension(name string) (ext string, compressed bool) {
	name = strings.ToLower(name)
	plain, compressed := strings.CutSuffix(name, ".gz")
	ext = path.Ext(plain)
	if both := path.Ext(strings.TrimSuffix(plain, ext)) + ext; extensions[both] != "" {
		ext = both
	}
	return ext, compressed
}

// planOutputs finds the format of each output and refuses what cannot be written
// before anything is read.
func (p *program) planOutputs(f *scanFlags, pl *plan) error {
	format := f.format
	// What a job writes to standard output becomes log entries, one for each line.
	if format == "" && (p.getenv(jobVariable) == "" || slices.Contains(f.outputs, "-")) {
		format = "table"
	}
	pl.outputs = []output{{"", format}}
	for _, name := range f.outputs {
		if name == "-" {
			continue // standard output is there already
		}
		name, err := p.expandOutput(name, f, pl.shard, pl.started)
		if err != nil {
			return err
		}
		if err := pl.addOutput(f, name); err != nil {
			return err
		}
	}
	return nil
}

// addOutput adds a file or an object to the outputs.
func (pl *plan) addOutput(f *scanFlags, name string) error {
	if err := checkPlace(name); err != nil {
		return err
	}
	ext, compressed := extension(name)
	format := extensions[ext]
	if format == "" || compressed && !slices.Contains(compressible, format) {
		return refuse("Extensions are "+extensionNames+".", "the format of output %q is not known by its extension", name)
	}
	if slices.ContainsFunc(pl.outputs[1:], func(o output) bool { return sameFile(o.file, name) }) {
		return refuse("", "output %q is named twice", name)
	}
	if f.saveSnapshot != "" && sameFile(f.saveSnapshot, name) {
		return refuse("", "output %q is the snapshot's file", name)
	}
	if what := pl.reads(f, name); what != "" {
		return refuse("Write to another file.", "output %q is %s", name, what)
	}
	if err := checkOutput(name); err != nil {
		return err
	}
	pl.outputs = append(pl.outputs, output{name, format})
	return nil
}

// reads says as what the run reads a file or an object that it is to write; empty if it
// does not. The reports that gkeaudit report reads are not among it; see [withoutOwn].
func (pl *plan) reads(f *scanFlags, name string) string {
	inputs := []struct{ name, what string }{
		{f.snapshot, "the snapshot's file"}, {f.waivers, "the file of waivers"}, {pl.baseline, "the baseline"}, {f.configFile, "the configuration"},
	}
	for _, id := range f.projects {
		if file, isFile := strings.CutPrefix(id, "@"); isFile {
			inputs = append(inputs, struct{ name, what string }{file, "the list of projects"})
		}
	}
	for _, in := range inputs {
		if in.name != "" && sameFile(inputFile(in.name), name) {
			return in.what
		}
	}
	return ""
}

// expandOutput is expand for what is written, which all tasks of a job do by the same
// flags.
func (p *program) expandOutput(name string, f *scanFlags, sh *audit.Shard, started time.Time) (string, error) {
	if name != "" && sh != nil && f.shard == "" && !strings.Contains(name, "{task}") {
		return "", refuse("Put {task} into the path.", "%q would be written by each of %d tasks", name, sh.Count)
	}
	return p.expand(name, sh, started)
}

// inputFile returns the name of a file that is read: - is standard input, which may be one.
func inputFile(name string) string {
	if name == "-" {
		return "/dev/stdin"
	}
	return name
}

// sameFile reports whether two names mean one file or object.
func sameFile(a, b string) bool {
	if gcp.IsObject(a) || gcp.IsObject(b) {
		return a == b
	}
	if infoA, err := os.Stat(a); err == nil {
		if infoB, err := os.Stat(b); err == nil {
			return os.SameFile(infoA, infoB) && infoA.Mode().IsRegular()
		}
	}
	whereA, errA := whereIs(a)
	whereB, errB := whereIs(b)
	return errA == nil && errB == nil && whereA == whereB
}

// whereIs returns the one path of a file that need not be there, without links.
func whereIs(name string) (string, error) {
	name = followLink(name)
	folder, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join(folder, filepath.Base(name)))
}

// checkWritable refuses a file that cannot be written, before anything is read.
func checkWritable(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return refuse("", "%q cannot be written: it is a folder", name)
	} else if err == nil && !info.Mode().IsRegular() {
		return nil // a device or a pipe
	}
	target := followLink(name)
	f, err := openTemporary(target, 0o600)
	if err != nil {
		return refuse(folderHint(target, err), "%q cannot be written: %w", name, withoutOp(err))
	}
	f.Close()
	return os.Remove(f.Name())
}

// folderHint says what to do about an error of making a file.
func folderHint(name string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return "The folder has to be there: mkdir -p " + filepath.Dir(name)
}

// write writes the report to all outputs: files first, so that standard output can
// be closed early by whoever reads it. One that cannot be written does not keep
// the report from the others.
func (p *program) write(r *report.Report, f *scanFlags, plan *plan) error {
	var errs []error
	for _, o := range plan.outputs[1:] {
		if o.format == "html" {
			errs = append(errs, p.putPages(r, o.file))
			continue
		}
		errs = append(errs, p.put(o.file, 0o644, func(w io.Writer) error {
			return r.Write(w, o.format, report.WriteOptions{Table: report.TableOptions{Verbose: f.verbose}, Markdown: plan.markdownOptions(f.maxBytes)})
		}))
	}
	if f.githubSummary {
		errs = append(errs, p.appendSummary(r, plan))
	}
	if plan.outputs[0].format == "" {
		return errors.Join(errs...)
	}
	if plan.outputs[0].format == "html" && len(r.Clusters) > report.MostOnPage {
		return errors.Join(append(errs, fmt.Errorf("a report of %d clusters is several HTML files, and standard output is one: use --output=report.html", len(r.Clusters)))...)
	}
	err := p.print(report.TableOptions{Verbose: f.verbose}, func(w io.Writer, o report.TableOptions) error {
		return r.Write(w, plan.outputs[0].format, report.WriteOptions{Table: o, Markdown: plan.markdownOptions(f.maxBytes)})
	})
	return errors.Join(append(errs, err)...)
}

// print writes to standard output. It says how wide and coloured a table is there.
func (p *program) print(o report.TableOptions, write func(io.Writer, report.TableOptions) error) error {
	const widest = 500 // a terminal that says it is wider is not believed
	columns, isTerminal := terminal(p.stdout)
	if !isTerminal {
		columns, _ = strconv.Atoi(p.getenv("COLUMNS"))
	}
	o.Width, o.Color = min(columns, widest), p.colors(isTerminal)
	w := bufio.NewWriter(p.stdout)
	if err := write(w, o); err != nil {
		return err
	}
	return w.Flush()
}

// proseWidth is what text is wrapped to on standard output: no wider than is good to read,
// and 0, for not at all, where that is no terminal.
func (p *program) proseWidth() int {
	columns, _ := terminal(p.stdout)
	if columns == 0 {
		return 0
	}
	return min(max(columns, 40), 100)
}

// writeFile writes a file so that at any time either the old one or the whole new
// one is there. It gets the mode, less what the umask takes, or keeps that of the old
// one. A link is followed. A name that is no regular file, such as /dev/stderr or a
// pipe, is written to directly.
func writeFile(name string, mode os.FileMode, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return withoutOp(err)
		}
		return errors.Join(writeBuffered(f, write), f.Close())
	}
	target := followLink(name)
	f, err := openTemporary(target, mode)
	if err != nil {
		return withoutOp(err)
	}
	if info, statErr := os.Stat(target); statErr == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = writeBuffered(f, write)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), target)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("%s: %w", name, withoutPath(err))
	}
	return nil
}

func writeBuffered(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// openTemporary makes a file beside the one that it is to become.
func openTemporary(target string, mode os.FileMode) (*os.File, error) {
	name := filepath.Join(filepath.Dir(target), fmt.Sprintf(".%s.%d.tmp", filepath.Base(target), os.Getpid()))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		pathErr.Path = filepath.Dir(target)
	}
	return f, err
}

// followLink returns what a symbolic link leads to, be it there or not.
func followLink(name string) string {
	for range 10 {
		to, err := os.Readlink(name)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return name
}

// withoutPath drops the temporary file's name from an error.
func withoutPath(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// colors reports whether standard output gets colours; see https://no-color.org.
func (p *program) colors(isTerminal bool) bool {
	return isTerminal && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}
