package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"

	"github.com/google/go-cmp/cmp"
)

// many makes findings of so many rules on each cluster, in their order: with no, one and
// two pieces of evidence.
func many(rules int, clusters ...string) []audit.Finding {
	var all []audit.Finding
	for _, c := range clusters {
		for i := range rules {
			f := audit.Finding{
				Rule: fmt.Sprintf("rule-%03d", i), Severity: audit.Severity(1 + i%4), Status: audit.Status(i / 4 % 4),
				Cluster: c, Resource: c, Message: fmt.Sprintf("message %d", i), Evidence: []audit.Evidence{},
			}
			for k := range i % 3 {
				f.Evidence = append(f.Evidence, audit.Evidence{Resource: c, Field: fmt.Sprintf("field[%d]", k), Value: fmt.Sprint(i)})
			}
			all = append(all, f)
		}
	}
	return all
}

func held(findings []audit.Finding) *Findings {
	fs := &Findings{}
	for _, f := range findings {
		fs.Add(f)
	}
	return fs
}

func TestFindings(t *testing.T) {
	changed := many(200, "a", "b")
	for i := range changed {
		if changed[i].Change = audit.Changes[i%4]; i%4 == 2 {
			changed[i].Was = fmt.Sprintf("message %d", i/8) // some have it in common with a message
		}
	}
	for _, want := range [][]audit.Finding{nil, many(1, "a"), many(200, "a", "b", "c"), many(2, "b", "a", "b"), changed} {
		fs := held(want)
		if diff := cmp.Diff(want, slices.Collect(fs.All())); diff != "" {
			t.Errorf("what is held differs (-added +held):\n%s", diff)
		}
		if fs.Len() != len(want) {
			t.Errorf("%d findings, want %d", fs.Len(), len(want))
		}
	}
	all := many(10, "a", "b", "c")
	fs := held(all)
	for i, c := range []string{"a", "b", "c"} {
		if diff := cmp.Diff(all[10*i:10*i+10], fs.of(c)); diff != "" {
			t.Errorf("%s has others (-want +got):\n%s", c, diff)
		}
	}
	if got := fs.of("d"); got != nil {
		t.Errorf("a cluster without findings has %v", got)
	}
	high := fs.atLeast(audit.High)
	want := slices.DeleteFunc(slices.Clone(all), func(f audit.Finding) bool { return f.Severity < audit.High })
	if diff := cmp.Diff(want, slices.Collect(high.All())); diff != "" {
		t.Errorf("of high severity are others (-want +got):\n%s", diff)
	}
	both := joined([]*Findings{held(many(10, "b")), held(many(10, "a", "c"))})
	if diff := cmp.Diff(all, slices.Collect(both.All())); diff != "" {
		t.Errorf("together they are others (-want +got):\n%s", diff)
	}
	both.Add(all[29]) // of the last cluster, but with other texts
	if diff := cmp.Diff(append(slices.Clone(all), all[29]), slices.Collect(both.All())); diff != "" {
		t.Errorf("with one more they are others (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all, slices.Collect(fs.All())); diff != "" {
		t.Errorf("what was made of them changed them (-before +after):\n%s", diff)
	}
}

// TestFindingsAreSmall holds a thousand clusters: what they have in common is held once.
func TestFindingsAreSmall(t *testing.T) {
	fs := &Findings{}
	for i := range 1000 {
		for _, f := range many(100, fmt.Sprintf("projects/shop-prod/locations/europe-west4/clusters/web-%04d", i)) {
			fs.Add(f)
		}
	}
	code, text := 0, 0
	for _, p := range fs.parts {
		code += cap(p.code)
	}
	for _, s := range fs.texts.all {
		text += len(s)
	}
	if code > 30*fs.Len() || text > 100*1000 {
		t.Errorf("%d findings take %d bytes and %d of texts", fs.Len(), code, text)
	}
}

// FuzzAppendFinding writes a finding as encoding/json does.
func FuzzAppendFinding(f *testing.F) {
	for _, s := range []string{"", "plain", `"\/<>&'`, "\x00\t\n\x1b\x7f", "\u0085\u2028\u202e\u200b\ufffd\U000e0001", "\xff\xed\xa0\x80", "naïve 日本 😀"} {
		f.Add(s, s, s, uint8(1))
		f.Add("rule", "projects/p", s+" and "+s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, rule, resource, text string, n uint8) {
		finding := audit.Finding{
			Rule: rule, Severity: audit.Severity(1 + n%4), Status: audit.Status(n / 4 % 4), Cluster: text, Resource: resource,
			Message: text, Waiver: rule, Change: audit.Change(resource), Was: text, Evidence: slices.Repeat([]audit.Evidence{{Resource: resource, Field: rule, Value: text}}, int(n%3)),
		}
		want, err := json.Marshal(struct {
			ID string `json:"id"`
			audit.Finding
		}{finding.ID(), finding})
		if err != nil {
			t.Fatal(err)
		}
		want = escapeControls(want)
		if n%3 == 0 {
			want = []byte(strings.Replace(string(want), `"evidence":null`, `"evidence":[]`, 1))
		}
		if diff := cmp.Diff(string(want), string(appendFinding(nil, finding))); diff != "" {
			t.Errorf("differs from encoding/json (-want +got):\n%s", diff)
		}
	})
}
