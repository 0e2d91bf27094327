package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gkeaudit/report"
)

// summaryVariable names the file of a step's summary in GitHub Actions.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
const summaryVariable = "GITHUB_STEP_SUMMARY"

// mostSummary is how many bytes the summary of a step may have. GitHub takes none of a
// longer one.
const mostSummary = 1 << 20

// defaultMaxBytes fits a comment on GitHub, which takes 65,536 characters.
const defaultMaxBytes = 65_000

// checkMarkdown checks the flags about Markdown.
func (p *program) checkMarkdown(f *scanFlags, outputs []output) error {
	if f.maxBytes != 0 && f.maxBytes < report.LeastMarkdown {
		return refuse("0 is no limit.", "--max-bytes %d is neither 0 nor %d or more", f.maxBytes, report.LeastMarkdown)
	}
	if !f.githubSummary {
		return nil
	}
	name := p.getenv(summaryVariable)
	if name == "" {
		return refuse("GitHub Actions sets it in every step of a job.", "--github-summary: $%s is not set", summaryVariable)
	}
	for _, o := range outputs[1:] {
		if sameFile(o.file, name) {
			return refuse("", "output %q is the summary of --github-summary, too", o.file)
		}
	}
	file, err := openSummary(name)
	if err != nil {
		return refuse("", "--github-summary: $%s cannot be written: %w", summaryVariable, withoutOp(err))
	}
	return file.Close()
}

func openSummary(name string) (*os.File, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Path: name, Err: errors.New("it is no regular file")}
	}
	return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
}

// markdownOptions says how long Markdown may get, and which outputs hold all.
func (pl *plan) markdownOptions(maxBytes int) report.MarkdownOptions {
	o := report.MarkdownOptions{MaxBytes: maxBytes}
	for _, out := range pl.outputs[1:] {
		if out.format == "html" || out.format == "json" {
			o.Whole = append(o.Whole, out.file)
		}
	}
	return o
}

// appendSummary adds the report to the summary of the step, as far as that takes more.
func (p *program) appendSummary(r *report.Report, pl *plan) error {
	file, err := openSummary(p.getenv(summaryVariable))
	if err != nil {
		return withoutOp(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return withoutOp(err)
	}
	var text bytes.Buffer
	if info.Size() > 0 {
		text.WriteString("\n\n") // Markdown of others ends
	}
	room := int64(mostSummary) - info.Size() - int64(text.Len())
	if room < report.LeastMarkdown {
		return fmt.Errorf("$%s has %d bytes already, and GitHub takes no more than %d in all", summaryVariable, info.Size(), mostSummary)
	}
	if err := r.WriteMarkdown(&text, pl.markdownOptions(int(room))); err != nil {
		return err
	}
	if _, err := file.Write(text.Bytes()); err != nil {
		return withoutOp(err)
	}
	return nil
}
