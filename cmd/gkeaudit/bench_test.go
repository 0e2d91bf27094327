package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// BenchmarkAudit does within a process what a scan of a snapshot does, to be profiled.
func BenchmarkAudit(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("clusters=%d", n), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "snapshot.json")
			if err := writeFile(file, 0o600, estate(b, n).Write); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				s, err := new(program).readSnapshot(b.Context(), file)
				if err != nil {
					b.Fatal(err)
				}
				in := audit.NewInput(s)
				r := report.New(s, rules.All, audit.Drain(in, rules.All), report.Options{Now: time.Now, Path: rules.Paths(in, rules.All)})
				if r.Findings.Len() < 5*n {
					b.Fatalf("%d findings on %d clusters", r.Findings.Len(), n)
				}
				if err := r.WriteJSON(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/cluster")
		})
	}
}

// TestEstate writes the benchmark's snapshots where GKEAUDIT_ESTATE says, to time
// the program as a whole, or one of as many clusters as GKEAUDIT_CLUSTERS says; otherwise it writes a small one and reads it back.
func TestEstate(t *testing.T) {
	dir, sizes := os.Getenv("GKEAUDIT_ESTATE"), []int{1000, 10000}
	if n, err := strconv.Atoi(os.Getenv("GKEAUDIT_CLUSTERS")); err == nil {
		sizes = []int{n}
	}
	if dir == "" {
		dir, sizes = t.TempDir(), []int{40}
	}
	for _, n := range sizes {
		file := filepath.Join(dir, fmt.Sprintf("%d.json", n))
		if err := writeFile(file, 0o600, estate(t, n).Write); err != nil {
			t.Fatal(err)
		}
		s, err := new(program).readSnapshot(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(s.Clusters()); got != n {
			t.Errorf("%s has %d clusters, want %d", file, got, n)
		}
	}
	others := estate(t, sizes[len(sizes)-1])
	for _, c := range others.Clusters() {
		c.Name = "app" + c.Name
	}
	if err := writeFile(filepath.Join(dir, "others.json"), 0o600, others.Write); err != nil {
		t.Fatal(err)
	}
}

// estate makes a snapshot of n clusters.
func estate(tb testing.TB, n int) *audit.Snapshot {
	tb.Helper()
	template, err := os.ReadFile("../../testdata/bench/cluster.json")
	if err != nil {
		tb.Fatal(err)
	}
	s := &audit.Snapshot{Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Ancestors: []*audit.Ancestor{
		{Name: "folders/2", IAMPolicy: many(100, "team-%03d")}, {Name: "organizations/1", IAMPolicy: many(300, "unit-%03d")},
	}}
	s.Roles = []audit.Role{{Name: "roles/container.defaultNodeServiceAccount", Stage: "GA", Permissions: []string{
		"autoscaling.sites.writeMetrics", "logging.logEntries.create", "monitoring.metricDescriptors.create",
		"monitoring.metricDescriptors.list", "monitoring.timeSeries.create", "monitoring.timeSeries.list"}}}
	for i := range 40 {
		r := audit.Role{Name: fmt.Sprintf("roles/service%02d.user", i), Stage: "GA"}
		for j := range 100 + 10000*(i/39) { // the last has about as many as Editor
			r.Permissions = append(r.Permissions, fmt.Sprintf("service%02d.things%04d.get", i, j))
		}
		s.Roles = append(s.Roles, r)
	}
	for i := range n {
		id := fmt.Sprintf("shop-%05d", i/4)
		if i%4 == 0 {
			s.Scope.Projects = append(s.Scope.Projects, id)
			s.Projects = append(s.Projects, rights(network(tb, id)))
		}
		text := bytes.ReplaceAll(template, []byte("CLUSTER"), fmt.Appendf(nil, "web-%d", i%4))
		text = bytes.ReplaceAll(text, []byte("shop-prod"), []byte(id))
		if i%10 == 0 {
			text = bytes.ReplaceAll(text, []byte(`"enablePrivateNodes": true`), []byte(`"enablePrivateNodes": false`))
		}
		c := &containerpb.Cluster{}
		if err := protojson.Unmarshal(text, c); err != nil {
			tb.Fatal(err)
		}
		p := s.Projects[len(s.Projects)-1]
		p.Clusters = append(p.Clusters, c)
	}
	return s
}

// rights adds what is known of a project's policy and service accounts.
func rights(p *audit.Project) *audit.Project {
	nodes := "gke-nodes@" + p.ID + ".iam.gserviceaccount.com"
	p.Ancestors = []string{"folders/2", "organizations/1"}
	p.IAMPolicy = many(30, "app-%03d")
	p.IAMPolicy.Bindings = append(p.IAMPolicy.Bindings, audit.Binding{Role: "roles/container.defaultNodeServiceAccount", Members: []string{"serviceAccount:" + nodes}})
	p.ServiceAccounts = []audit.ServiceAccount{{Email: nodes, UniqueID: "100000000000000000001"}}
	p.ServiceAccountPolicies = []audit.ServiceAccountPolicy{}
	p.ServiceAccountKeys = []audit.ServiceAccountKey{}
	return p
}

// many makes a policy that grants roles to users, so many in all.
func many(n int, name string) *audit.Policy {
	p := &audit.Policy{}
	for i := range n {
		p.Bindings = append(p.Bindings, audit.Binding{Role: fmt.Sprintf("roles/service%02d.user", i%40), Members: []string{"user:" + fmt.Sprintf(name, i) + "@example.com"}})
	}
	return p
}

// network makes what a project with a network of its own has.
func network(tb testing.TB, id string) *audit.Project {
	tb.Helper()
	p := &audit.Project{ID: id, Subnetworks: []*computepb.Subnetwork{{}}, Routers: []*computepb.Router{{}}, Routes: []*computepb.Route{{}}, Networks: []*computepb.Network{{}}}
	p.EffectiveFirewalls = map[string]*audit.EffectiveFirewalls{"europe-west4/shop": {}}
	p.ServerConfigs = map[string]*containerpb.ServerConfig{"europe-west4": {}}
	for _, x := range []struct {
		text string
		to   proto.Message
	}{
		{`{"name": "apps-ew4", "region": "projects/PROJECT/regions/europe-west4",
			"network": "projects/PROJECT/global/networks/shop", "privateIpGoogleAccess": true}`, p.Subnetworks[0]},
		{`{"name": "router", "region": "projects/PROJECT/regions/europe-west4", "network": "projects/PROJECT/global/networks/shop",
			"nats": [{"name": "nat", "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}]}`, p.Routers[0]},
		{`{"name": "default", "network": "projects/PROJECT/global/networks/shop", "destRange": "0.0.0.0/0",
			"nextHopGateway": "projects/PROJECT/global/gateways/default-internet-gateway"}`, p.Routes[0]},
		{`{"name": "shop", "autoCreateSubnetworks": false}`, p.Networks[0]},
		{`{"firewalls": [{"name": "ssh", "sourceRanges": ["35.235.240.0/20"], "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}]},
			{"name": "internal", "sourceRanges": ["10.0.0.0/8"], "allowed": [{"IPProtocol": "all"}]}]}`, p.EffectiveFirewalls["europe-west4/shop"]},
		{`{"validMasterVersions": ["1.35.3-gke.1389000"]}`, p.ServerConfigs["europe-west4"]},
	} {
		if err := protojson.Unmarshal([]byte(strings.ReplaceAll(x.text, "PROJECT", id)), x.to); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}
