package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"cloud.google.com/go/container/apiv1/containerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
)

// sharedEstate is an estate of which every third project uses the network of a host
// project, whose routes could not be read. Another project could not be read at all.
func sharedEstate(t *testing.T) *audit.Snapshot {
	s := estate(t, 120)
	for i, p := range s.Projects {
		if i%3 != 0 {
			continue
		}
		for _, c := range p.Clusters {
			c.NetworkConfig.Network = "projects/net-host/global/networks/shop"
			c.NetworkConfig.Subnetwork = "projects/net-host/regions/europe-west4/subnetworks/apps-ew4"
			for _, np := range c.NodePools {
				np.NetworkConfig.Subnetwork = c.NetworkConfig.Subnetwork
			}
		}
	}
	host := network(t, "net-host")
	host.Routes = nil
	s.Projects[5].Clusters = nil
	s.Scope.Organizations = []string{"1"}
	s.Scope.Discovery = &audit.Discovery{Methods: []string{audit.ByAsset}, Projects: 30, Note: audit.AssetNote}
	s.Projects = append([]*audit.Project{host}, s.Projects...)
	s.Gaps = []audit.Gap{
		{Project: "net-host", Resource: "projects/net-host/global/routes", Operation: "compute.routes.list",
			Code: "PERMISSION_DENIED", Permission: "compute.routes.list", Message: "no"},
		{Project: s.Scope.Projects[5], Resource: "projects/" + s.Scope.Projects[5] + "/locations/-/clusters",
			Operation: "container.projects.locations.clusters.list", Code: "NOT_FOUND", Message: "no"},
	}
	return s
}

// reportOf makes the report of a shard, as if it began minute by minute later.
func reportOf(t *testing.T, s *audit.Snapshot, sh *audit.Shard, use []*audit.Rule) report.File {
	t.Helper()
	name, start := "whole", time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if sh != nil {
		name = sh.String()
		start = start.Add(time.Duration(sh.Index) * time.Minute)
	}
	s = s.Narrow(sh.Of(s.Scope))
	in := audit.NewInput(s)
	r := report.New(s, use, audit.Judge(in, use), report.Options{Version: "1", Path: rules.Paths(in, use), StartedAt: start, Now: func() time.Time { return start.Add(time.Hour) }})
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	read, err := report.Read(&b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return report.File{Name: name, Report: read}
}

func shards(t *testing.T, s *audit.Snapshot, count int) []report.File {
	var files []report.File
	for i := range count {
		files = append(files, reportOf(t, s, &audit.Shard{Index: i, Count: count}, rules.All))
	}
	rand.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	return files
}

func TestShardsMakeTheWhole(t *testing.T) {
	t.Run("with a project unread", func(t *testing.T) { testShards(t, sharedEstate(t), 2, 100) })
	t.Run("with all clusters read", func(t *testing.T) {
		s := sharedEstate(t)
		s.Gaps = s.Gaps[:1]
		for i, p := range s.Projects {
			if slices.Contains(s.Scope.Projects, p.ID) && p.Clusters == nil {
				p.Clusters = []*containerpb.Cluster{}
			}
			for _, r := range p.Routers {
				r.Nats[0].NatIpAllocateOption = proto.String("MANUAL_ONLY")
				addresses := 1
				if p.ID == "net-host" {
					addresses = 100 // they are enough for the clusters of ten projects together
				}
				for n := range addresses {
					r.Nats[0].NatIps = append(r.Nats[0].NatIps, fmt.Sprintf("projects/%s/regions/europe-west4/addresses/nat-%d", p.ID, n))
				}
			}
			for j, c := range p.Clusters {
				if (i+j)%2 == 0 {
					continue
				}
				for _, np := range c.NodePools {
					np.Config.ServiceAccount = fmt.Sprintf("nodes-%d@shop-accounts.iam.gserviceaccount.com", i/2*10+j)
				}
			}
		}
		// What other clusters have a part in is decided, both ways.
		seen := map[string]bool{}
		for f := range reportOf(t, s, nil, rules.All).Findings.All() {
			seen[f.Rule+" "+f.Status.String()] = true
		}
		for _, want := range []string{"cloud-nat-ports pass", "cloud-nat-ports fail", "node-service-account-shared pass", "node-service-account-shared fail"} {
			if !seen[want] {
				t.Errorf("the estate has no finding: %s", want)
			}
		}
		testShards(t, s, 10)
	})
}

func testShards(t *testing.T, s *audit.Snapshot, counts ...int) {
	whole := reportOf(t, s, nil, rules.All)
	if whole.Summary.Unknown == 0 || whole.Summary.Fail == 0 || whole.Summary.Projects != 30 {
		t.Fatalf("the estate has nothing to merge: %+v", whole.Summary)
	}
	for _, count := range counts { // of a hundred, some have no project
		files := shards(t, s, count)
		merged, err := report.Merge(files)
		if err != nil {
			t.Fatal(err)
		}
		if want := whole.FinishedAt.Add(time.Duration(count-1) * time.Minute); !merged.StartedAt.Equal(whole.StartedAt) || !merged.FinishedAt.Equal(want) {
			t.Errorf("%d shards: from %v to %v, want to %v", count, merged.StartedAt, merged.FinishedAt, want)
		}
		merged.FinishedAt = whole.FinishedAt
		for _, format := range report.Formats {
			var got, want bytes.Buffer
			if err := merged.Write(&got, format, report.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := whole.Write(&want, format, report.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			if got.String() != want.String() {
				t.Errorf("%d shards: %s differs (-whole +merged):\n%s", count, format, cmp.Diff(want.String(), got.String()))
			}
		}
	}
}

// TestMergeInAnyOrder merges shards that found the projects in different ways, and were
// written by different versions.
func TestMergeInAnyOrder(t *testing.T) {
	files := shards(t, sharedEstate(t), 3)
	slices.SortFunc(files, func(a, b report.File) int { return strings.Compare(a.Name, b.Name) })
	files[0].Tool.Version = "2"
	files[1].Scope.Discovery = &audit.Discovery{Methods: []string{audit.ByResourceManager}, Projects: 31}
	files[2].Scope.Discovery = &audit.Discovery{Methods: []string{audit.ByAsset, audit.ByResourceManager}, Projects: 30, Note: audit.AssetNote}
	want := &audit.Discovery{Methods: []string{audit.ByAsset, audit.ByResourceManager}, Projects: 31, Note: audit.AssetNote}
	var first string
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		merged, err := report.Merge([]report.File{files[order[0]], files[order[1]], files[order[2]]})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, merged.Scope.Discovery); diff != "" {
			t.Errorf("in the order %v discovery differs (-want +got):\n%s", order, diff)
		}
		var b strings.Builder
		if err := merged.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = b.String()
		}
		if diff := cmp.Diff(first, b.String()); diff != "" {
			t.Errorf("in the order %v the report differs (-first +this):\n%s", order, diff)
		}
		if _, err := report.Read(strings.NewReader(b.String())); err != nil {
			t.Errorf("what was merged cannot be read: %v", err)
		}
	}
}

// TestMissingShard leaves one out, which every format has to say.
func TestMissingShard(t *testing.T) {
	files := shards(t, estate(t, 40), 3)
	gone := "shard " + files[0].Scope.Shard.String()
	merged, err := report.Merge(files[1:])
	if err != nil {
		t.Fatal(err)
	}
	if merged.Complete || !slices.Equal(merged.Scope.Missing, []string{gone}) {
		t.Errorf("complete is %v, and missing are %q, want %q", merged.Complete, merged.Scope.Missing, gone)
	}
	for _, format := range report.Formats {
		var b strings.Builder
		if err := merged.Write(&b, format, report.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), gone) {
			t.Errorf("%s does not say that %s is missing:\n%s", format, gone, b.String())
		}
	}
}

// TestShardsOfDifferentLists lets a project appear between two tasks.
func TestShardsOfDifferentLists(t *testing.T) {
	s := estate(t, 40)
	early := reportOf(t, s.Narrow(audit.Scope{Projects: s.Scope.Projects[1:]}), &audit.Shard{Index: 0, Count: 2}, rules.All)
	late := reportOf(t, s, &audit.Shard{Index: 1, Count: 2}, rules.All)
	merged, err := report.Merge([]report.File{early, late})
	if err != nil {
		t.Fatal(err)
	}
	if want := "perhaps projects: some shards are of 9 projects, others of 10"; merged.Complete || !slices.Equal(merged.Scope.Missing, []string{want}) {
		t.Errorf("complete is %v, and missing are %q, want %q", merged.Complete, merged.Scope.Missing, want)
	}
}

func TestMergeRefuses(t *testing.T) {
	s := estate(t, 40)
	part := func(i, n int) report.File { return reportOf(t, s, &audit.Shard{Index: i, Count: n}, rules.All) }
	only := func(id string, use []*audit.Rule) report.File {
		return reportOf(t, s.Narrow(audit.Scope{Projects: []string{id}}), nil, use)
	}
	located := only("shop-00002", rules.All)
	located.Scope.Locations = []string{"europe-west4"}
	for _, test := range []struct {
		files []report.File
		want  string
	}{
		{[]report.File{part(0, 2), part(1, 2), part(0, 2)}, "shard 0/2 is there twice: 0/2 and 0/2"},
		{[]report.File{part(0, 2), part(1, 3)}, "shards of different counts cannot be merged: 0/2 is shard 0/2, 1/3 is shard 1/3"},
		{[]report.File{only("shop-00001", rules.All), part(1, 3)}, "1/3 is shard 1/3, whole is not one"},
		{[]report.File{only("shop-00001", rules.All), only("shop-00001", rules.All)}, "project shop-00001 is in two reports: whole and whole"},
		{[]report.File{only("shop-00001", rules.All), only("shop-00002", rules.All[:2])}, "reports of different rules cannot be merged"},
		{[]report.File{only("shop-00001", rules.All), located}, `asked for different things cannot be merged: whole ({}) and whole ({"locations":["europe-west4"]})`},
	} {
		if _, err := report.Merge(test.files); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got error %v, want %q", err, test.want)
		}
	}
	if m, err := report.Merge([]report.File{only("shop-00001", rules.All), only("shop-00000", rules.All)}); err != nil || len(m.Clusters) != 8 || m.Clusters[0].Name > m.Clusters[7].Name || !m.Complete {
		t.Errorf("reports of different projects: got error %v", err)
	}
}

// TestShardsAreStable holds the assignment fast: tasks of two versions may run side by
// side. It is even enough, and every project is in one shard, whichever the order.
func TestShardsAreStable(t *testing.T) {
	var projects []string
	for i := range 1000 {
		projects = append(projects, fmt.Sprintf("shop-%05d", i))
	}
	seen := map[string]int{}
	for i := range 10 {
		rand.Shuffle(len(projects), func(i, j int) { projects[i], projects[j] = projects[j], projects[i] })
		sc := (&audit.Shard{Index: i, Count: 10}).Of(audit.Scope{Projects: projects})
		if n := len(sc.Projects); n < 70 || n > 130 {
			t.Errorf("shard %d has %d of 1000 projects", i, n)
		}
		if sc.Shard.Projects != 1000 {
			t.Errorf("shard %d is of %d projects", i, sc.Shard.Projects)
		}
		for _, id := range sc.Projects {
			seen[id]++
		}
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s is in %d shards", id, n)
		}
	}
	for id, want := range map[string]int{"shop-prod": 9, "shop-dev": 3, "data-platform": 5} {
		if !(audit.Shard{Index: want, Count: 10}).Has(id) {
			t.Errorf("%s is not in shard %d/10 any more", id, want)
		}
	}
}
