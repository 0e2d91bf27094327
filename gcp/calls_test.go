package gcp_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
)

// TestCallsDoNotGrowWithClusters reads estates that differ in the number of projects, and
// of clusters in each location. The calls depend on the projects and the locations alone:
// each is made once in a run, or once for each project, whatever the profile. They are in
// testdata/collect/calls.txt, which -update writes.
func TestCallsDoNotGrowWithClusters(t *testing.T) {
	const file = "../testdata/collect/calls.txt"
	locations := []string{"asia-east1", "europe-west4", "europe-west4-a", "us-east4"}
	var b strings.Builder
	for _, profile := range rules.Profiles {
		data := audit.DataOf(rules.In(profile.Name))
		few := callsOf(t, regional(3, 1, locations), data)
		if diff := cmp.Diff(few, callsOf(t, regional(3, 50, locations), data)); diff != "" {
			t.Errorf("%s: the calls of 50 clusters in each location differ from those of one (-one +50):\n%s", profile.Name, diff)
		}
		three, six := byForm(few), byForm(callsOf(t, regional(6, 1, locations), data))
		var inAll, forEach []string
		for _, form := range slices.Sorted(maps.Keys(six)) {
			switch {
			case six[form] == three[form]:
				inAll = append(inAll, fmt.Sprintf("    %d %s\n", three[form], form))
			case six[form] == 2*three[form]:
				forEach = append(forEach, fmt.Sprintf("    %d %s\n", three[form]/3, form))
			default:
				t.Errorf("%s: %s: %d calls for 3 projects and %d for 6", profile.Name, form, three[form], six[form])
			}
		}
		var ten []string
		for i := range 10 {
			ten = append(ten, fmt.Sprintf("region-north%d", i))
		}
		fmt.Fprintf(&b, "%s: %d calls for 30 projects in 10 locations\n  in all\n%s  for each project\n%s", profile.Name,
			len(callsOf(t, regional(30, 1, ten), data)), strings.Join(inAll, ""), strings.Join(forEach, ""))
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s: differs (-want +got):\n%s", file, diff)
	}
}

// TestAccessCallsDoNotGrowWithClusters does so for what the caller may do.
func TestAccessCallsDoNotGrowWithClusters(t *testing.T) {
	calls := func(clusters int, data []audit.Data) []string {
		s := regional(3, clusters, []string{"europe-west4", "us-east4"})
		srv := gcptest.NewServer(s)
		defer srv.Close()
		srv.Hierarchy = hierarchyOf(s)
		c, err := gcp.NewClient(t.Context(), configFor(srv))
		if err != nil {
			t.Fatal(err)
		}
		if access := c.Access(t.Context(), organization, data, gcp.DiscoverAuto); len(access) < 4 {
			t.Fatalf("got %d resources, want three projects and an organization at least: %+v", len(access), access)
		}
		return distinctCalls(t, srv)
	}
	for _, profile := range rules.Profiles {
		data := audit.DataOf(rules.In(profile.Name))
		if diff := cmp.Diff(calls(1, data), calls(50, data)); diff != "" {
			t.Errorf("%s: the calls of 50 clusters in each location differ from those of one (-one +50):\n%s", profile.Name, diff)
		}
	}
}

// organization is the scope of what regional makes.
var organization = audit.Scope{Organizations: []string{"1"}}

// callsOf collects an estate, and returns the calls.
func callsOf(t *testing.T, s *audit.Snapshot, data []audit.Data) []string {
	t.Helper()
	srv := serve(t, s)
	srv.Hierarchy = hierarchyOf(s)
	got := collectBy(t.Context(), t, configFor(srv), organization, gcp.DiscoverAuto, data)
	if want := len(s.Clusters()); len(got.Clusters()) != want || len(got.Gaps) > 0 {
		t.Fatalf("got %d clusters, want %d, and gaps %v", len(got.Clusters()), want, got.Gaps)
	}
	return distinctCalls(t, srv)
}

// distinctCalls returns the calls that a server got, none of which may be there twice.
func distinctCalls(t *testing.T, srv *gcptest.Server) []string {
	t.Helper()
	calls := srv.Calls()
	for i := range calls {
		if i > 0 && calls[i] == calls[i-1] {
			t.Errorf("%s was called twice", calls[i])
		}
	}
	return calls
}

// byForm counts calls that differ in the project alone, which is PROJECT then.
func byForm(calls []string) map[string]int {
	forms := map[string]int{}
	for _, call := range calls {
		forms[anyProject.ReplaceAllString(call, "PROJECT")]++
	}
	return forms
}

var anyProject = regexp.MustCompile(`shop-[0-9]{4}|9000[0-9]{3}`)

// hierarchyOf puts the projects of an estate in a folder of an organization.
func hierarchyOf(s *audit.Snapshot) []*gcptest.Node {
	folder := &gcptest.Node{Name: "folders/2"}
	for _, p := range s.Projects {
		folder.Children = append(folder.Children, &gcptest.Node{Name: "projects/" + p.Number, ID: p.ID})
	}
	return []*gcptest.Node{{Name: "organizations/1", Children: []*gcptest.Node{folder}}}
}

// regional makes projects with some clusters in each of some locations. Each has a node
// pool in another network, and nodes that run as the default account and as another.
func regional(projects, clusters int, locations []string) *audit.Snapshot {
	s := &audit.Snapshot{
		Ancestors: []*audit.Ancestor{
			{Name: "folders/2", IAMPolicy: &audit.Policy{}},
			{Name: "organizations/1", IAMPolicy: &audit.Policy{Bindings: []audit.Binding{{Role: "organizations/1/roles/log", Members: []string{"allUsers"}}}},
				CustomRoles: []audit.Role{{Name: "organizations/1/roles/log", Permissions: []string{"logging.logEntries.create"}}}},
		},
		Roles: []audit.Role{{Name: "roles/viewer", Permissions: []string{"container.clusters.list"}, Stage: "GA"}},
	}
	for i := range projects {
		id := fmt.Sprintf("shop-%04d", i)
		account := "nodes@" + id + ".iam.gserviceaccount.com"
		p := &audit.Project{
			ID: id, Number: fmt.Sprint(9000100 + i), Ancestors: []string{"folders/2", "organizations/1"},
			Routers: []*computepb.Router{}, Routes: []*computepb.Route{},
			EffectiveFirewalls: map[string]*audit.EffectiveFirewalls{}, ServerConfigs: map[string]*containerpb.ServerConfig{},
			IAMPolicy: &audit.Policy{Bindings: []audit.Binding{
				{Role: "roles/viewer", Members: []string{"serviceAccount:" + account}},
				{Role: "projects/" + id + "/roles/pull", Members: []string{"serviceAccount:" + account}},
			}},
			CustomRoles:     []audit.Role{{Name: "projects/" + id + "/roles/pull", Permissions: []string{"artifactregistry.repositories.downloadArtifacts"}}},
			ServiceAccounts: []audit.ServiceAccount{{Email: account}},
		}
		for _, name := range []string{"main", "other"} {
			p.Networks = append(p.Networks, &computepb.Network{Name: proto.String(name)})
		}
		for _, location := range locations {
			region := audit.RegionOf(location)
			subnetwork := func(network string) string {
				name := "projects/" + id + "/regions/" + region + "/subnetworks/" + network
				if p.EffectiveFirewalls[region+"/"+network] == nil {
					p.EffectiveFirewalls[region+"/"+network] = &audit.EffectiveFirewalls{}
					p.Subnetworks = append(p.Subnetworks, &computepb.Subnetwork{Name: proto.String(network),
						Region: proto.String("projects/" + id + "/regions/" + region), Network: proto.String("projects/" + id + "/global/networks/" + network)})
				}
				return name
			}
			p.ServerConfigs[location] = &containerpb.ServerConfig{}
			own, other := subnetwork("main"), subnetwork("other")
			for j := range clusters {
				p.Clusters = append(p.Clusters, &containerpb.Cluster{
					Name: fmt.Sprintf("web-%d", j), Location: location, Status: containerpb.Cluster_RUNNING,
					NetworkConfig: &containerpb.NetworkConfig{Network: "projects/" + id + "/global/networks/main", Subnetwork: own},
					NodePools: []*containerpb.NodePool{
						{Name: "main", Config: &containerpb.NodeConfig{ServiceAccount: account}},
						{Name: "other", Config: &containerpb.NodeConfig{ServiceAccount: "default"}, NetworkConfig: &containerpb.NodeNetworkConfig{Subnetwork: other}},
					},
				})
			}
		}
		s.Projects = append(s.Projects, p)
		s.Scope.Projects = append(s.Scope.Projects, id)
	}
	return s
}
