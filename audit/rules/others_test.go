package rules_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
)

// TestOthers holds the list of other tools' checks to rules that there are, and each to
// an answer.
func TestOthers(t *testing.T) {
	seen := map[string]bool{}
	answered := map[string]bool{}
	for _, o := range rules.Others {
		if seen[o.ID] {
			t.Errorf("%s is listed twice", o.ID)
		}
		seen[o.ID] = true
		if len(o.Rules) == 0 && o.Why == "" {
			t.Errorf("%s has neither a rule nor a reason why there is none", o.ID)
		}
		for _, id := range o.Rules {
			answered[id] = true
			if !slices.ContainsFunc(rules.All, func(r *audit.Rule) bool { return r.ID == id }) {
				t.Errorf("%s: there is no rule %s", o.ID, id)
			}
		}
	}
	if len(rules.Others) != 164 {
		t.Errorf("there are %d checks, and were 164: none may be lost", len(rules.Others))
	}
	used := map[string]bool{}
	for _, o := range rules.Others {
		for _, tool := range o.Tools {
			used[tool] = true
			if rules.Sources[tool] == "" {
				t.Errorf("%s: it is not said by what %q is known", o.ID, tool)
			}
		}
	}
	for tool := range rules.Sources {
		if !used[tool] {
			t.Errorf("%q is known, and makes no check", tool)
		}
	}
	var b bytes.Buffer
	if err := rules.WriteOthers(&b); err != nil {
		t.Fatal(err)
	}
	const name = "OTHER_TOOLS.md"
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile(name); err != nil || !bytes.Equal(file, b.Bytes()) {
		t.Errorf("%s is not what the list says (%v); go test ./audit/rules -update writes it", name, err)
	}
}

// TestBenchmarks holds each recommendation to rules or to a reason, and each control of
// a benchmark to a recommendation.
func TestBenchmarks(t *testing.T) {
	known := map[audit.Control]bool{}
	for _, b := range rules.Benchmarks {
		for _, r := range b.Recommendations {
			known[audit.Control{Framework: b.Framework, ID: r.ID}] = true
			if len(r.Rules) == 0 && r.Otherwise == "" {
				t.Errorf("%s %s has neither a rule nor a reason", b.Framework, r.ID)
			}
		}
	}
	if n := len(rules.Benchmarks[0].Recommendations); n != 57 {
		t.Errorf("%s has %d recommendations, want 57", rules.Benchmarks[0].Framework, n)
	}
	if n := len(rules.Benchmarks[1].Recommendations); n != 32 {
		t.Errorf("%s has %d recommendations, want 32", rules.Benchmarks[1].Framework, n)
	}
	for _, r := range rules.All {
		for _, c := range r.Controls {
			if (c.Framework == audit.CISGKE19 || c.Framework == audit.CISGKEAutopilot13) && !known[c] {
				t.Errorf("%s: %s has no %s", r.ID, c.Framework, c.ID)
			}
		}
	}
}
