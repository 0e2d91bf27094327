package rules_test

import (
	"bytes"
	"encoding/json"
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

// A pathCase is a snapshot of a file of cases, and the parameters that go with it.
type pathCase struct {
	name string
	in   *audit.Input
}

// allCases are those of all rules.
func allCases(t *testing.T) []pathCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []pathCase
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range archive.Files {
			label, ok := strings.CutSuffix(f.Name, ".json")
			if !ok {
				continue
			}
			s, err := audit.ReadSnapshotStrict(bytes.NewReader(f.Data))
			if err != nil {
				t.Fatalf("%s: %s: %v", file, f.Name, err)
			}
			in := audit.NewInput(s)
			if i+1 < len(archive.Files) && archive.Files[i+1].Name == label+".parameters" {
				if err := json.Unmarshal(archive.Files[i+1].Data, &in.Parameters); err != nil {
					t.Fatal(err)
				}
			}
			all = append(all, pathCase{strings.TrimSuffix(filepath.Base(file), ".txtar") + "/" + label, in})
		}
	}
	return all
}

// exposingRules are those of which a verdict that fails means that a way is open wider than it
// may be. Where the others of a picture fail, a way is blocked that is to be open, but in a
// network that is declared air-gapped.
var exposingRules = []string{
	"authorized-networks", "authorized-networks-breadth", "authorized-networks-google-cloud", "authorized-networks-private-endpoint",
	"control-plane-dns-endpoint-credentials", "control-plane-global-access", "private-nodes",
}

var egressRules = []string{"cloud-nat", "private-google-access", "private-google-access-route"}

// TestPathsAgreeWithVerdicts holds the picture of every cluster in every case against the
// verdicts of the rules. Each verdict that fails or is unknown is in the picture: as a way that
// is exposing, blocked or unknown. Each way that is exposing or unknown has such a verdict, and
// none that is open has one.
func TestPathsAgreeWithVerdicts(t *testing.T) {
	byID := map[string]*audit.Rule{}
	for _, r := range rules.All {
		byID[r.ID] = r
	}
	seen := map[audit.WayState]int{}
	for _, test := range allCases(t) {
		draw := rules.Paths(test.in, rules.All)
		for _, c := range test.in.Clusters() {
			path, ok := draw(c)
			if !ok {
				continue
			}
			verdicts := map[string][]audit.Status{} // by rule
			for _, id := range slices.Concat(exposingRules, egressRules) {
				for _, v := range byID[id].Check(test.in, c) {
					verdicts[id] = append(verdicts[id], v.Status)
				}
			}
			ways := map[string][]audit.Way{} // by rule
			for _, w := range path.Ways {
				seen[w.State]++
				for _, id := range w.Rules {
					ways[id] = append(ways[id], w)
				}
				complain := func(what string) {
					t.Errorf("%s: %s: the way from %s to %s is %s (%s), %s: %v", test.name, c.ResourceName(), w.From, w.To, w.State, w.Word, what, w.Rules)
				}
				has := func(s audit.Status) bool {
					return slices.ContainsFunc(w.Rules, func(id string) bool { return slices.Contains(verdicts[id], s) })
				}
				switch w.State {
				case audit.WayExposing:
					if !has(audit.Fail) {
						complain("and no rule fails")
					}
				case audit.WayUnknown:
					if !has(audit.Unknown) {
						complain("and no verdict is")
					}
				case audit.WayNotRead:
					complain("though all was asked for")
				}
				if w.Reason == "" || len(w.Evidence) == 0 || w.Word == "" {
					complain("and does not say why")
				}
			}
			for id, statuses := range verdicts {
				complain := func(s audit.Status) {
					t.Errorf("%s: %s: %s is %s, and the picture does not show it: %+v", test.name, c.ResourceName(), id, s, ways[id])
				}
				drawn := func(states ...audit.WayState) bool {
					return slices.ContainsFunc(ways[id], func(w audit.Way) bool { return slices.Contains(states, w.State) })
				}
				fails, unknown := slices.Contains(statuses, audit.Fail), slices.Contains(statuses, audit.Unknown)
				if fails && slices.Contains(exposingRules, id) && !drawn(audit.WayExposing) {
					complain(audit.Fail)
				}
				if fails && slices.Contains(egressRules, id) && !drawn(audit.WayBlocked, audit.WayExposing) {
					complain(audit.Fail)
				}
				// A way that two rules judge may be exposing or blocked by the other.
				failsToo := slices.ContainsFunc(ways[id], func(w audit.Way) bool {
					return slices.ContainsFunc(w.Rules, func(other string) bool { return slices.Contains(verdicts[other], audit.Fail) })
				})
				if unknown && !drawn(audit.WayUnknown) && !failsToo {
					complain(audit.Unknown)
				}
				if len(statuses) == 1 && (fails || unknown) && drawn(audit.WayAllowed) {
					complain(statuses[0])
				}
			}
		}
	}
	for _, state := range audit.WayStates {
		if state != audit.WayNotRead && seen[state] < 20 {
			t.Errorf("only %d ways are %s", seen[state], state)
		}
	}
}

// TestPathsReadNothingElse draws every case for a rule that asks for the clusters alone:
// what else would be needed is not read, whatever is in the snapshot.
func TestPathsReadNothingElse(t *testing.T) {
	for _, test := range allCases(t) {
		draw := rules.Paths(test.in, named(t, "authorized-networks"))
		for _, c := range test.in.Clusters() {
			path, _ := draw(c)
			for _, w := range path.Ways {
				for _, id := range w.Rules {
					if slices.Contains(egressRules, id) && w.To != "unknown-nodes" {
						t.Errorf("%s: the way from %s to %s is %s by %s", test.name, w.From, w.To, w.State, id)
					}
				}
			}
		}
	}
}

// TestPaths draws the cases in testdata/paths: NAME.json, a snapshot, NAME.rules, which may be
// left out, those that are applied, and NAME.want, the pictures.
func TestPaths(t *testing.T) {
	files, err := filepath.Glob("../../testdata/paths/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		eachCase(t, file, func(t *testing.T, input, applied []byte) string {
			s, err := audit.ReadSnapshotStrict(bytes.NewReader(input))
			if err != nil {
				t.Fatal(err)
			}
			use := rules.All
			if applied != nil {
				use = named(t, strings.Fields(string(applied))...)
			}
			in := audit.NewInput(s)
			draw := rules.Paths(in, use)
			var ps, reversed audit.NetworkPaths
			for _, c := range in.Clusters() {
				if p, ok := draw(c); ok {
					ps.Add(p)
				}
			}
			for _, c := range slices.Backward(in.Clusters()) {
				if p, ok := draw(c); ok {
					reversed.Add(p)
				}
			}
			if diff := cmp.Diff(ps.All(), reversed.All()); diff != "" {
				t.Errorf("the pictures depend on the order of clusters (-this +reversed):\n%s", diff)
			}
			return formatPaths(ps.All())
		})
	}
}

// named returns the rules with some IDs.
func named(t *testing.T, ids ...string) []*audit.Rule {
	t.Helper()
	var some []*audit.Rule
	for _, r := range rules.All {
		if slices.Contains(ids, r.ID) {
			some = append(some, r)
		}
	}
	if len(some) != len(ids) {
		t.Fatalf("of the rules %q there are %d", ids, len(some))
	}
	return some
}

// eachCase runs the cases of a file, which are names with extensions .json, .rules and .want.
func eachCase(t *testing.T, file string, run func(t *testing.T, input, applied []byte) string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(archive.Files); i++ {
		label, ok := strings.CutSuffix(archive.Files[i].Name, ".json")
		input := archive.Files[i].Data
		var applied []byte
		if i+1 < len(archive.Files) && archive.Files[i+1].Name == label+".rules" {
			i++
			applied = archive.Files[i].Data
		}
		if i++; !ok || i == len(archive.Files) || archive.Files[i].Name != label+".want" {
			t.Fatalf("%s: %s is not followed by %s.want", file, label, label)
		}
		want := &archive.Files[i]
		t.Run(label, func(t *testing.T) {
			got := run(t, input, applied)
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("%s: %s differs (-want +got):\n%s", file, label, diff)
			}
			want.Data = []byte(got)
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// formatPaths writes a way on a line, and what is behind it below.
func formatPaths(paths []audit.NetworkPath) string {
	var b strings.Builder
	for _, p := range paths {
		fmt.Fprintf(&b, "%s\n", strings.Join(p.Clusters, " "))
		for _, n := range p.Nodes {
			fmt.Fprintf(&b, "  %s", n.ID)
			for _, s := range append([]string{n.Name, n.Place}, n.Notes...) {
				if s != "" {
					fmt.Fprintf(&b, " [%s]", s)
				}
			}
			if n.Count != nil {
				fmt.Fprintf(&b, " %d-%d", n.Count.Least, n.Count.Most)
			}
			if n.Absent {
				b.WriteString(" absent")
			}
			b.WriteString("\n")
		}
		for _, w := range p.Ways {
			fmt.Fprintf(&b, "  %s %s: %s\n", w.State, strings.Join(slices.Concat([]string{w.From}, w.Via, []string{w.To}), " > "), w.Word)
			if w.Permissions != nil {
				fmt.Fprintf(&b, "    missing %s\n", strings.Join(w.Permissions, " "))
			}
			if w.Addresses != nil {
				fmt.Fprintf(&b, "    addresses %d-%d\n", w.Addresses.Least, w.Addresses.Most)
			}
			fmt.Fprintf(&b, "    by %s\n", strings.Join(w.Rules, " "))
			if w.Reason != "" {
				fmt.Fprintf(&b, "    %s\n", w.Reason)
			}
			for _, e := range w.Evidence {
				fmt.Fprintf(&b, "      %s %s = %s\n", e.Resource, e.Field, e.Value)
			}
		}
	}
	return b.String()
}
