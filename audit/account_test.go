package audit

import (
	"maps"
	"strings"
	"testing"
)

// TestNodesAccount makes IDs of accounts for the clusters of a project, and none twice.
func TestNodesAccount(t *testing.T) {
	s, err := ReadSnapshotStrict(strings.NewReader(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": ["p", "q"]},
		"projects": [
		 {"id": "p",
		  "serviceAccounts": [{"email": "own-nodes@p.iam.gserviceaccount.com"}, {"email": "there-nodes@p.iam.gserviceaccount.com"}, {"email": "there-nodes-2@p.iam.gserviceaccount.com"}],
		  "clusters": [
		   {"name": "free", "location": "l"},
		   {"name": "there", "location": "l"},
		   {"name": "own", "location": "l", "nodePools": [{"name": "a", "config": {"serviceAccount": "own-nodes@p.iam.gserviceaccount.com"}}]},
		   {"name": "shared", "location": "l", "nodePools": [{"name": "a", "config": {"serviceAccount": "shared-nodes@p.iam.gserviceaccount.com"}}]},
		   {"name": "sharing", "location": "l", "nodePools": [{"name": "a", "config": {"serviceAccount": "shared-nodes@p.iam.gserviceaccount.com"}}]},
		   {"name": "twin", "location": "a"},
		   {"name": "twin", "location": "b"},
		   {"name": "twin-b", "location": "l"}
		  ]},
		 {"id": "q", "clusters": [{"name": "there", "location": "l"}]}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range s.Clusters() {
		got[c.ResourceName()] = s.NodesAccount(c)
	}
	want := map[string]string{
		"projects/p/locations/l/clusters/free":    "free-nodes",
		"projects/p/locations/l/clusters/there":   "there-nodes-3",
		"projects/p/locations/l/clusters/own":     "own-nodes",
		"projects/p/locations/l/clusters/shared":  "shared-nodes-2",
		"projects/p/locations/l/clusters/sharing": "sharing-nodes",
		"projects/p/locations/a/clusters/twin":    "twin-a-nodes",
		"projects/p/locations/b/clusters/twin":    "twin-b-nodes-2", // twin-b has the other
		"projects/p/locations/l/clusters/twin-b":  "twin-b-nodes",
		"projects/q/locations/l/clusters/there":   "there-nodes",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
