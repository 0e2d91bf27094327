package rules_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// TestRules runs the cases of each rule: files NAME.json, a snapshot, NAME.parameters,
// which may be left out, and NAME.want, the findings. What predefined roles grant is in
// roles.json, but for a snapshot with roles of its own. There has to be one of each status,
// unless a line of the comment on top says why it never comes: "never unknown: ...".
func TestRules(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(cases, "roles.json"))
	if err != nil {
		t.Fatal(err)
	}
	var predefined struct{ Roles []audit.Role }
	if err := json.Unmarshal(raw, &predefined); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.All {
		t.Run(r.ID, func(t *testing.T) {
			name := filepath.Join(cases, r.ID+".txtar")
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[audit.Status]bool{}
			for i := 0; i < len(archive.Files); i++ {
				input := archive.Files[i]
				label, ok := strings.CutSuffix(input.Name, ".json")
				parameters := audit.DefaultParameters()
				if i+1 < len(archive.Files) && archive.Files[i+1].Name == label+".parameters" {
					i++
					d := json.NewDecoder(bytes.NewReader(archive.Files[i].Data))
					d.DisallowUnknownFields()
					if err := d.Decode(&parameters); err != nil {
						t.Fatalf("%s: %s: %v", name, archive.Files[i].Name, err)
					}
				}
				if i++; !ok || i == len(archive.Files) || archive.Files[i].Name != label+".want" {
					t.Fatalf("%s: %s is not followed by %s.want", name, input.Name, label)
				}
				want := &archive.Files[i]
				t.Run(label, func(t *testing.T) {
					s, err := audit.ReadSnapshotStrict(bytes.NewReader(input.Data))
					if err != nil {
						t.Fatal(err)
					}
					if s.Roles == nil {
						s.Roles = predefined.Roles
					}
					findings := audit.Run(&audit.Input{Snapshot: s, Parameters: parameters}, []*audit.Rule{r})
					for _, f := range findings {
						seen[f.Status] = true
					}
					got := format(findings)
					if diff := cmp.Diff(string(want.Data), got); diff != "" {
						t.Errorf("%s: findings differ (-want +got):\n%s", input.Name, diff)
					}
					want.Data = []byte(got)
				})
			}
			for _, status := range []audit.Status{audit.Pass, audit.Fail, audit.NotApplicable, audit.Unknown} {
				never := bytes.Contains(slices.Concat([]byte("\n"), archive.Comment), fmt.Appendf(nil, "\nnever %s: ", status))
				switch {
				case !seen[status] && !never:
					t.Errorf("%s has no case of status %s: add one, or a line \"never %s: WHY\" on top", name, status, status)
				case seen[status] && never:
					t.Errorf("%s says that status %s never comes, and has a case of it", name, status)
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

// TestObsolete runs the cases of each rule on a version that GKE runs today. A rule that has
// been obsolete since an older version must not fail any, and one that is not obsolete must.
func TestObsolete(t *testing.T) {
	const running = "1.33.4-gke.1134000"
	for _, r := range rules.All {
		archive, err := txtar.ParseFile(filepath.Join(cases, r.ID+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		fails := ""
		parameters := audit.DefaultParameters()
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".parameters") {
				if err := json.Unmarshal(f.Data, &parameters); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			s, err := audit.ReadSnapshotStrict(bytes.NewReader(f.Data))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range s.Clusters() {
				c.CurrentMasterVersion = running
			}
			for _, finding := range audit.Run(&audit.Input{Snapshot: s, Parameters: parameters}, []*audit.Rule{r}) {
				if finding.Status == audit.Fail {
					fails = f.Name
				}
			}
		}
		switch {
		case strings.Contains(r.Obsolete, " since version ") && fails != "":
			t.Errorf("%s is obsolete, and case %s fails on version %s", r.ID, fails, running)
		case r.Obsolete == "" && fails == "":
			t.Errorf("%s is not obsolete, and no case fails on version %s", r.ID, running)
		}
	}
}

// TestRulesTogether runs the cases of each rule with all rules at once: what one of them keeps
// of a snapshot must not change what another finds.
func TestRulesTogether(t *testing.T) {
	for _, r := range rules.All {
		archive, err := txtar.ParseFile(filepath.Join(cases, r.ID+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			find := func(rules ...*audit.Rule) string {
				s, err := audit.ReadSnapshotStrict(bytes.NewReader(f.Data))
				if err != nil {
					t.Fatal(err)
				}
				var own []audit.Finding
				for _, finding := range audit.Run(audit.NewInput(s), rules) {
					if finding.Rule == r.ID {
						own = append(own, finding)
					}
				}
				return format(own)
			}
			if diff := cmp.Diff(find(r), find(rules.All...)); diff != "" {
				t.Errorf("%s: %s: findings differ (-alone +with all rules):\n%s", r.ID, f.Name, diff)
			}
		}
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

// TestCritical keeps the severity of what must be fixed first in use, among the rules that
// apply by default, too.
func TestCritical(t *testing.T) {
	for _, profile := range []string{"recommended", "all"} {
		if !slices.ContainsFunc(rules.In(profile), func(r *audit.Rule) bool { return r.Severity == audit.Critical }) {
			t.Errorf("no rule of the profile %s is critical", profile)
		}
	}
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

// TestEveryRuleIsListed holds the files that define rules against the list of all.
func TestEveryRuleIsListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || files == nil {
		t.Fatalf("no files: %v", err)
	}
	defined := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nvar ")) && bytes.Contains(text, []byte(" = &audit.Rule{\n")) && !strings.HasSuffix(file, "_test.go") {
			defined[strings.ReplaceAll(strings.TrimSuffix(file, ".go"), "_", "-")] = true
		}
	}
	for id := range defined {
		if !slices.ContainsFunc(rules.All, func(r *audit.Rule) bool { return r.ID == id }) {
			t.Errorf("the rule %s is not in All, in rules.go", id)
		}
	}
	for _, r := range rules.All {
		if !defined[r.ID] {
			t.Errorf("the rule %s is not in the file of its ID, %s.go", r.ID, strings.ReplaceAll(r.ID, "-", "_"))
		}
	}
}

// TestRulesAreComplete keeps rules from being less than rules promise to be.
func TestRulesAreComplete(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	sentence := regexp.MustCompile(`^[A-Z0-9][^\n]*\.$`)
	begins := map[audit.Severity]string{audit.High: "One ", audit.Critical: "Anyone on the internet "} // by what the severity means
	for i, r := range rules.All {
		if i > 0 && rules.All[i-1].ID >= r.ID {
			t.Errorf("%s is not in the order of IDs", r.ID)
		}
		for what, ok := range map[string]bool{
			"ID":          plain.MatchString(r.ID),
			"title":       r.Title != "" && !strings.HasSuffix(r.Title, "."),
			"severity":    r.Severity != 0,
			"weight":      sentence.MatchString(r.Weight) && strings.HasPrefix(r.Weight, begins[r.Severity]),
			"since":       r.Since != "",
			"rationale":   strings.HasSuffix(r.Rationale, "."),
			"checks":      strings.HasSuffix(r.Checks, "."),
			"gcloud":      len(r.Remediation.Gcloud) > 0,
			"terraform":   r.Remediation.Terraform != "",
			"disruption":  strings.HasSuffix(r.Remediation.Disruption, "."),
			"recreates":   r.Remediation.Recreates != "",
			"references":  len(r.References) > 0,
			"permissions": len(r.Permissions) > 0,
			"optional":    r.Optional == "" || sentence.MatchString(r.Optional),
			"obsolete":    r.Obsolete == "" || sentence.MatchString(r.Obsolete),
		} {
			if !ok {
				t.Errorf("%s: its %s is missing or has another form", r.ID, what)
			}
		}
		commands := r.Remediation.Terraform
		for _, step := range r.Remediation.Gcloud {
			commands += "\n" + step.Commands
		}
		for _, domain := range []string{"gserviceaccount.com", "svc.id.goog"} {
			if strings.Contains(commands, domain) {
				t.Errorf("%s: its remediation writes an address in %s, which is another in other universes: see audit.AccountDomain", r.ID, domain)
			}
		}
		for _, d := range slices.Concat(r.Needs, r.Uses) {
			if !slices.Contains(audit.AllData(), d) {
				t.Errorf("%s: there is no data %q", r.ID, d)
			}
		}
		for _, c := range r.Controls {
			if c.Framework == "" || c.ID == "" {
				t.Errorf("%s: a control has no framework or no ID", r.ID)
			}
		}
	}
}
