package audit_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
	"weak"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"cloud.google.com/go/container/apiv1/containerpb"
	"github.com/google/go-cmp/cmp"
)

// TestDrain drains every snapshot: that clusters are let go of on the way changes no
// verdict, and nothing holds on to their messages.
func TestDrain(t *testing.T) {
	var drained []*audit.Snapshot
	messages := map[string]weak.Pointer[containerpb.Cluster]{}
	for name, data := range snapshots(t) {
		read := func() *audit.Snapshot {
			s, err := audit.ReadSnapshotStrict(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		whole, s := read(), read()
		var clusters, judged []string
		for _, c := range s.Clusters() {
			clusters = append(clusters, c.ResourceName())
			messages[name+" "+c.ResourceName()] = weak.Make(c.Cluster)
		}
		var findings []audit.Finding
		for c, of := range audit.Drain(audit.NewInput(s), rules.All) {
			if c.GetName() == "" {
				t.Errorf("%s: %s is gone while it is looked at", name, c.ResourceName())
			}
			judged = append(judged, c.ResourceName())
			findings = append(findings, of...)
		}
		if diff := cmp.Diff(audit.Run(audit.NewInput(whole), rules.All), findings); diff != "" {
			t.Errorf("%s: findings differ from those on the whole (-whole +drained):\n%s", name, diff)
		}
		if !slices.Equal(clusters, judged) {
			t.Errorf("%s: judged %q, want %q", name, judged, clusters)
		}
		drained = append(drained, s)
	}
	runtime.GC()
	for name, m := range messages {
		if m.Value() != nil {
			t.Errorf("%s is still held", name)
		}
	}
	runtime.KeepAlive(drained)
}
