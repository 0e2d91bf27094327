package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
			r.Benchmarks, err = items[audit.Benchmark](d)
		case "complete":
			err = d.Decode(&r.Complete)
		case "summary":
			err = d.Decode(&r.Summary)
		case "clusters":
			r.Clusters, err = items[Cluster](d)
		case "rules":
			r.Rules, err = items[*audit.Rule](d)
		case "findings":
			r.Findings, err = items[audit.Finding](d)
		case "gaps":
			r.Gaps, err = items[audit.Gap](d)
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
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of the report")
	}
	if err := checkSchema(r.Schema); err != nil {
		return nil, err
	}
	for _, key := range []string{"scope", "complete", "summary", "clusters", "rules", "findings", "gaps"} {
		if !seen[key] {
			return nil, fmt.Errorf("it has no %q", key)
		}
	}
	return r, nil
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

// items decodes a list, one item after the other.
func items[T any](d *json.Decoder) ([]T, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('[') {
		return nil, errors.New("it is not a list")
	}
	list := []T{}
	for d.More() {
		var item T
		if err := d.Decode(&item); err != nil {
			return nil, fmt.Errorf("[%d]: %w", len(list), err)
		}
		list = append(list, item)
	}
	_, err = d.Token()
	return list, err
}

// validate checks what the formats and merging rely on.
func (r *Report) validate() error {
	if sh := r.Scope.Shard; sh != nil {
		if err := sh.Validate(); err != nil {
			return err
		}
	}
	if r.Scope.LeastSeverity != "" && !slices.Contains(audit.Severities, r.Scope.LeastSeverity) {
		return fmt.Errorf("there is no severity %q", r.Scope.LeastSeverity)
	}
	rules, clusters := map[string]bool{}, map[string]bool{}
	for i, rule := range r.Rules {
		if rule == nil || rule.ID == "" || rule.Severity == 0 || rules[rule.ID] {
			return fmt.Errorf("rules[%d] has no ID or no severity, or is listed twice", i)
		}
		rules[rule.ID] = true
		if err := plainRule(rule); err != nil {
			return fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	for i, c := range r.Clusters {
		inScope := slices.ContainsFunc(r.Scope.Projects, func(id string) bool { return strings.HasPrefix(c.Name, "projects/"+id+"/") })
		if !inScope || clusters[c.Name] {
			return fmt.Errorf("clusters[%d], %q, is of no project in scope, or is listed twice", i, c.Name)
		}
		clusters[c.Name] = true
	}
	for i, f := range r.Findings {
		if f.Severity == 0 || !rules[f.Rule] || !clusters[f.Cluster] {
			return fmt.Errorf("findings[%d] has no severity, or its rule or its cluster is not in the report", i)
		}
	}
	for i, g := range r.Gaps {
		if g.Resource == "" {
			return fmt.Errorf("gaps[%d] names no resource", i)
		}
	}
	s := r.Summary
	if s.Pass+s.Fail+s.NotApplicable+s.Unknown != len(r.Findings)+s.LeftOut || s.Clusters != len(r.Clusters) ||
		s.Gaps != len(r.Gaps) || s.Projects != len(r.Scope.Projects) {
		return errors.New("its summary does not count what is in it")
	}
	if r.Complete && (s.Gaps > 0 || s.Unknown > 0 || len(r.Scope.Missing) > 0) {
		return errors.New("it is called complete and is not")
	}
	return nil
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
	texts := []string{r.ID, r.Title, r.Weight, r.Optional, r.Since, string(r.Remediation.Recreates), r.Rationale, r.Checks, r.Remediation.Terraform, r.Remediation.Disruption}
	for _, step := range r.Remediation.Gcloud {
		texts = append(texts, step.Title, step.Commands)
	}
	for _, c := range r.Controls {
		texts = append(texts, string(c.Framework), c.ID)
	}
	texts = append(texts, r.Permissions...)
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
