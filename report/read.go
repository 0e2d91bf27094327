package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gkeaudit/audit"
)

// Read reads a report in the format that [Report.WriteJSON] writes. Fields that are not
// known here are passed over; whatever the formats rely on is checked.
func Read(r io.Reader) (*Report, error) {
	report, err := read(json.NewDecoder(r))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the file ends too early")
	}
	if err != nil {
		return nil, fmt.Errorf("reading report: %w", err)
	}
	if err := report.validate(); err != nil {
		return nil, fmt.Errorf("reading report: %w", err)
	}
	return report, nil
}

// read takes one finding after the other, so that a long report is not held twice.
func read(d *json.Decoder) (*Report, error) {
	r := &Report{}
	if t, err := d.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('{') {
		return nil, errors.New("not a gkeaudit report: it is not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if seen[key] {
			return nil, fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		switch key {
		case "schema":
			if err = d.Decode(&r.Schema); err == nil {
				err = checkSchema(r.Schema)
			}
		case "tool":
			err = d.Decode(&r.Tool)
		case "startedAt":
			err = d.Decode(&r.StartedAt)
		case "finishedAt":
			err = d.Decode(&r.FinishedAt)
		case "scope":
			err = d.Decode(&r.Scope)
		case "settings":
			err = d.Decode(&r.Settings)
		case "benchmarks":
			r.Benchmarks, err = items(d, item[audit.Benchmark])
		case "waivers":
			r.Waivers, err = items(d, item[Waiver])
		case "baseline":
			r.Baseline, err = baseline(d)
		case "networkPaths":
			r.NetworkPaths, err = items(d, item[audit.NetworkPath])
		case "replacements":
			flags := newSharedFlags()
			r.Replacements, err = items(d, func(d *json.Decoder) (audit.Replacement, error) {
				one, err := item[audit.Replacement](d)
				return flags.share([]audit.Replacement{one})[0], err
			})
		case "complete":
			err = d.Decode(&r.Complete)
		case "interrupted":
			err = d.Decode(&r.Interrupted)
		case "summary":
			err = d.Decode(&r.Summary)
		case "clusters":
			r.Clusters, err = items(d, item[Cluster])
		case "rules":
			r.Rules, err = items(d, item[*audit.Rule])
		case "findings":
			_, err = items(d, func(d *json.Decoder) (none struct{}, err error) {
				f, err := finding(d)
				if err == nil {
					r.Findings.Add(f)
				}
				return none, err
			})
		case "gaps":
			r.Gaps, err = items(d, item[audit.Gap])
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			if key == "schema" {
				return nil, err
			}
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if err := end(d); err != nil {
		return nil, err
	}
	if err := checkSchema(r.Schema); err != nil {
		return nil, err
	}
	for _, key := range []string{"tool", "startedAt", "finishedAt", "scope", "complete", "summary", "clusters", "rules", "findings", "gaps"} {
		if !seen[key] {
			return nil, fmt.Errorf("it has no %q", key)
		}
	}
	return r, nil
}

// A Head is what a report says before its findings.
type Head struct {
	Schema    string
	StartedAt time.Time
	Scope     Scope
}

// ReadHead reads the beginning of a report, as far as to know when its audit began and
// what it is of. The rest may be wrong.
func ReadHead(r io.Reader) (Head, error) {
	var h Head
	d := json.NewDecoder(r)
	t, err := d.Token()
	if err == nil && t != json.Delim('{') {
		return h, errors.New("reading report: not a gkeaudit report: it is not a JSON object")
	}
	for hasScope := false; err == nil && (h.Schema == "" || h.StartedAt.IsZero() || !hasScope) && d.More(); {
		if t, err = d.Token(); err != nil {
			break
		}
		switch t {
		case "schema":
			if err = d.Decode(&h.Schema); err == nil {
				err = checkSchema(h.Schema)
			}
		case "startedAt":
			err = d.Decode(&h.StartedAt)
		case "scope":
			hasScope = true
			err = d.Decode(&h.Scope)
		default:
			err = d.Decode(new(json.RawMessage))
		}
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("the file ends too early")
	case err == nil:
		if err = checkSchema(h.Schema); err == nil && h.StartedAt.IsZero() {
			err = errors.New("it does not say when the audit ran")
		}
	}
	if err != nil {
		return h, fmt.Errorf("reading report: %w", err)
	}
	return h, nil
}

func checkSchema(schema string) error {
	switch schema {
	case Schema:
		return nil
	case "":
		return fmt.Errorf(`not a gkeaudit report: it has no "schema": %q`, Schema)
	case audit.SnapshotSchema:
		return errors.New("it is a snapshot, which gkeaudit scan --snapshot audits, and not a report")
	}
	return fmt.Errorf("its schema is %q, and this version of gkeaudit reads %q", schema, Schema)
}

// end reports what follows the report.
func end(d *json.Decoder) error {
	_, err := d.Token()
	var syntaxErr *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil || errors.As(err, &syntaxErr):
		return errors.New("something follows the end of the report")
	}
	return err
}

// items decodes a list, one item after the other.
func items[T any](d *json.Decoder, decode func(*json.Decoder) (T, error)) ([]T, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, errors.New("it is not a list")
	}
	list := []T{}
	for d.More() {
		item, err := decode(d)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", len(list), err)
		}
		list = append(list, item)
	}
	_, err = d.Token()
	return list, err
}

func item[T any](d *json.Decoder) (T, error) {
	var v T
	err := d.Decode(&v)
	return v, err
}

// finding decodes a finding.
func finding(d *json.Decoder) (audit.Finding, error) {
	var f readFinding
	if err := d.Decode(&f); err != nil {
		return f.Finding, err
	}
	return f.checked()
}

// A readFinding is a finding as it was read.
type readFinding struct {
	ID string `json:"id"`
	audit.Finding
	Status *audit.Status `json:"status"`
}

// checked returns the finding. One without a status is not one whose status is unknown.
// Its ID has to be that of its names, by which alone it is kept.
func (f readFinding) checked() (audit.Finding, error) {
	if f.Status == nil {
		return f.Finding, errors.New("it has no status")
	}
	f.Finding.Status = *f.Status
	if f.Undecided && f.Finding.Status != audit.Unknown {
		return f.Finding, errors.New("it is undecided, and its status is not unknown")
	}
	if want := f.Finding.ID(); f.ID != want {
		return f.Finding, fmt.Errorf("its id is %q, and of its rule, cluster and resource it is %s", f.ID, want)
	}
	return f.Finding, nil
}

// baseline decodes what a report says of its baseline.
func baseline(d *json.Decoder) (*Baseline, error) {
	var b *struct {
		Baseline
		Resolved []readFinding `json:"resolved"`
	}
	if err := d.Decode(&b); err != nil || b == nil {
		return nil, err
	}
	if b.Resolved == nil {
		return nil, errors.New("it has no list of what is resolved")
	}
	b.Baseline.Resolved = []audit.Finding{}
	for i, f := range b.Resolved {
		old, err := f.checked()
		if err != nil {
			return nil, fmt.Errorf("resolved[%d]: %w", i, err)
		}
		b.Baseline.Resolved = append(b.Baseline.Resolved, old)
	}
	return &b.Baseline, nil
}

// names joins the names of files for an error.
func names(files ...File) string {
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = f.Name
	}
	return strings.Join(quoted, " and ")
}

// plainRule refuses a rule whose texts hold what no rule of ours has: control
// characters, markup or links. The formats take a rule's texts for Markdown already,
// and a report file may have been written by anybody.
func plainRule(r *audit.Rule) error {
	texts := []string{r.ID, r.Title, r.Weight, r.Optional, r.Obsolete, r.Since, string(r.Remediation.Recreates), r.Rationale, r.Checks, r.Remediation.Terraform, r.Remediation.Disruption}
	for _, step := range r.Remediation.Gcloud {
		texts = append(texts, step.Title, step.Before, step.Commands)
	}
	for _, c := range r.Controls {
		texts = append(texts, string(c.Framework), c.ID)
	}
	texts = append(texts, r.Permissions...)
	for _, p := range r.Reads {
		texts = append(texts, string(p))
	}
	for _, ref := range r.References {
		texts = append(texts, ref.Title)
		if !strings.HasPrefix(ref.URL, "https://") || strings.ContainsAny(ref.URL, " <>()\"'\\`") || strings.ContainsFunc(ref.URL, unsafe) {
			return fmt.Errorf("%q is not the address of a page", ref.URL)
		}
	}
	for _, text := range texts {
		if strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && unsafe(c) }) || strings.ContainsAny(text, "<`") ||
			strings.Contains(text, "](") || strings.HasPrefix(text, "#") || strings.Contains(text, "\n#") {
			return errors.New("its text is not that of a rule")
		}
	}
	return nil
}
