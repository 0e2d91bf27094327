package audit_test

import (
	"bytes"
	"slices"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"github.com/google/go-cmp/cmp"
)

// TestPartsAreJudgedAsInTheWhole takes from every snapshot each cluster alone, and two
// shards: no verdict that other clusters have a part in may change, as they count there,
// too. What is written of a part and read again is judged alike.
func TestPartsAreJudgedAsInTheWhole(t *testing.T) {
	var use []*audit.Rule
	for _, r := range rules.All {
		if slices.Contains(r.Uses, audit.OtherClusters) {
			use = append(use, r)
		}
	}
	if len(use) == 0 {
		t.Fatal("no rule uses other clusters")
	}
	for name, data := range snapshots(t) {
		s, err := audit.ReadSnapshotStrict(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if s.EstateGap() != "" {
			continue // it is a part itself, without the other clusters
		}
		want := map[string][]audit.Finding{}
		for _, f := range audit.Run(audit.NewInput(s), use) {
			want[f.Cluster] = append(want[f.Cluster], f)
		}
		parts := []audit.Scope{}
		for _, c := range s.Clusters() {
			parts = append(parts, audit.Scope{Clusters: []string{c.ResourceName()}})
		}
		for i := range 2 {
			if s.Scope.Shard == nil {
				parts = append(parts, (&audit.Shard{Index: i, Count: 2}).Of(s.Scope))
			}
		}
		for _, sc := range parts {
			var b bytes.Buffer
			if err := s.Narrow(sc).Write(&b); err != nil {
				t.Fatal(err)
			}
			part, err := audit.ReadSnapshotStrict(&b)
			if err != nil {
				t.Fatalf("%s: %v: %v", name, sc, err)
			}
			got := map[string][]audit.Finding{}
			for _, f := range audit.Run(audit.NewInput(part), use) {
				got[f.Cluster] = append(got[f.Cluster], f)
			}
			for cluster, findings := range got {
				if diff := cmp.Diff(want[cluster], findings); diff != "" {
					t.Errorf("%s: of %v, findings differ (-whole +part):\n%s", name, sc, diff)
				}
			}
		}
	}
}
