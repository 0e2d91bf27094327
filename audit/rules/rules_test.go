package rules_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite expectations with what the rules give")

const cases = "../../testdata/rules"

// TestRules runs the cases of each rule: pairs of files NAME.json, a snapshot, and
// NAME.want, its findings.
func TestRules(t *testing.T) {
	for _, r := range rules.All {
		t.Run(r.ID, func(t *testing.T) {
			name := filepath.Join(cases, r.ID+".txtar")
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[audit.Status]bool{}
			for i := 0; i < len(archive.Files); i += 2 {
				input := archive.Files[i]
				label, ok := strings.CutSuffix(input.Name, ".json")
				if !ok || i+1 == len(archive.Files) || archive.Files[i+1].Name != label+".want" {
					t.Fatalf("%s: %s is not followed by %s.want", name, input.Name, label)
				}
				t.Run(label, func(t *testing.T) {
					s, err := audit.ReadSnapshotStrict(bytes.NewReader(input.Data))
					if err != nil {
						t.Fatal(err)
					}
					findings := audit.Run(s, []*audit.Rule{r})
					for _, f := range findings {
						seen[f.Status] = true
					}
					got := format(findings)
					if want := string(archive.Files[i+1].Data); got != want {
						t.Errorf("%s: findings differ (-want +got):\n%s", input.Name, cmp.Diff(want, got))
					}
					archive.Files[i+1].Data = []byte(got)
				})
			}
			for _, status := range []audit.Status{audit.Pass, audit.Fail, audit.NotApplicable, audit.Unknown} {
				if !seen[status] {
					t.Errorf("%s has no case of status %s", name, status)
				}
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// format writes a finding as its status, resource and message, and each evidence
// on a line of its own.
func format(findings []audit.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Status, f.Resource, f.Message)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "    %s %s = %s\n", e.Resource, e.Field, e.Value)
		}
	}
	return b.String()
}

// TestEveryCaseFileHasARule keeps cases from being left behind.
func TestEveryCaseFileHasARule(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".txtar")
		if !slices.ContainsFunc(rules.All, func(r *audit.Rule) bool { return r.ID == id }) {
			t.Errorf("%s: there is no rule %q", file, id)
		}
	}
}
