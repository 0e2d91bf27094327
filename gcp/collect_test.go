package gcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite expectations with what was collected")

// now stands for the time of every collection.
var now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// options are the options of a case: what is asked for, and how.
type options struct {
	Scope          *audit.Scope `json:"scope"`          // that of served.json if nil
	Data           []audit.Data `json:"data"`           // what is read; listed if nil
	Discovery      string       `json:"discovery"`      // how projects are found; auto if empty
	PageSize       int          `json:"pageSize"`       // of the server
	AttemptTimeout string       `json:"attemptTimeout"` // of the client; long if empty
	TimeLimit      string       `json:"timeLimit"`      // of the whole run; none if empty
	CancelAt       *int         `json:"cancelAt"`       // stop the run when so many calls have arrived
	Closed         bool         `json:"closed"`         // the server refuses connections
}

// listed is the data of most cases: what is read by lists of all regions.
var listed = []audit.Data{audit.Clusters, audit.Subnetworks, audit.Routers, audit.Routes}

// TestCollect runs the cases in testdata/collect. A case has
//
//	served.json     the snapshot that the server has
//	hierarchy.json  what is above the projects, a list of gcptest.Node (optional)
//	faults.json     what goes wrong, a list of gcptest.Fault (optional)
//	options.json    what is asked for, and how (optional)
//	want.txt        what was found, the gaps, the lists and the calls
func TestCollect(t *testing.T) {
	files, err := filepath.Glob("../testdata/collect/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no cases (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runCase(t, file)
		})
	}
}

func runCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Errorf("%s does not say what it shows", file)
	}
	var (
		served *audit.Snapshot
		nodes  []*gcptest.Node
		faults []*gcptest.Fault
		o      options
		want   *txtar.File
	)
	for i := range archive.Files {
		switch f := &archive.Files[i]; f.Name {
		case "served.json":
			if served, err = audit.ReadSnapshotStrict(bytes.NewReader(f.Data)); err != nil {
				t.Fatal(err)
			}
		case "hierarchy.json":
			decode(t, f, &nodes)
		case "faults.json":
			decode(t, f, &faults)
		case "options.json":
			decode(t, f, &o)
		case "want.txt":
			want = f
		default:
			t.Fatalf("%s has a file %q", file, f.Name)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if o.TimeLimit != "" {
		ctx, cancel = context.WithTimeout(ctx, duration(t, o.TimeLimit))
		defer cancel()
	}
	srv := serve(t, served)
	srv.Faults, srv.PageSize, srv.Hierarchy = faults, o.PageSize, nodes
	if o.Closed {
		srv.Close()
	}
	config := configFor(srv)
	if o.AttemptTimeout != "" {
		config.AttemptTimeout = duration(t, o.AttemptTimeout)
	}
	if o.CancelAt != nil {
		cancelAt := func() {
			if len(srv.Calls()) == *o.CancelAt {
				cancel()
			}
		}
		cancelAt()
		srv.Called = cancelAt
	}
	scope := served.Scope
	if o.Scope != nil {
		scope = *o.Scope
	}
	way := o.Discovery
	if way == "" {
		way = gcp.DiscoverAuto
	}
	data := o.Data
	if data == nil {
		data = listed
	}
	s := collectBy(ctx, t, config, scope, way, data)

	host := strings.TrimPrefix(srv.URL, "http://")
	got := strings.ReplaceAll(describe(s, srv.Calls()), host, "HOST")
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want.Data), got); diff != "" {
		t.Errorf("%s: differs (-want +got):\n%s", file, diff)
	}
	saved := written(t, s)
	if again, err := audit.ReadSnapshot(bytes.NewReader(saved)); err != nil {
		t.Errorf("%s: the snapshot cannot be read back: %v", file, err)
	} else if diff := cmp.Diff(string(saved), string(written(t, again))); diff != "" {
		t.Errorf("%s: the snapshot differs when it is read back:\n%s", file, diff)
	}
}

// describe writes the gaps, what each list holds, and the calls.
func describe(s *audit.Snapshot, calls []string) string {
	var b strings.Builder
	if d := s.Scope.Discovery; d != nil {
		fmt.Fprintf(&b, "scope: %s\n", strings.Join(s.Scope.Projects, " "))
		fmt.Fprintf(&b, "found: %d by %s", d.Projects, strings.Join(d.Methods, ", "))
		if strings.HasPrefix(d.Note, audit.AssetNote) {
			b.WriteString(" (with a note)")
		}
		if more := strings.TrimSpace(strings.TrimPrefix(d.Note, audit.AssetNote)); more != "" {
			b.WriteString("\nnote: " + more)
		}
		b.WriteString("\n")
	}
	b.WriteString("gaps:\n")
	for _, g := range s.Gaps {
		fmt.Fprintf(&b, "  %s %s %s %s %s: %s\n", g.Resource, g.Operation, g.Code, orDash(g.Reason), orDash(g.Permission), g.Message)
	}
	for _, p := range s.Projects {
		fmt.Fprintf(&b, "project %s:\n", p.ID)
		list(&b, "clusters", p.Clusters, nil)
		list(&b, "subnetworks", p.Subnetworks, p.SubnetworkRegions)
		list(&b, "routers", p.Routers, p.RouterRegions)
		list(&b, "routes", p.Routes, nil)
		if p.Networks != nil {
			list(&b, "networks", p.Networks, nil)
		}
		keys(&b, "effective firewalls", p.EffectiveFirewalls)
		keys(&b, "server configs", p.ServerConfigs)
		describeIAM(&b, p)
	}
	for _, a := range s.Ancestors {
		fmt.Fprintf(&b, "%s:\n  iamPolicy: %s\n", a.Name, inJSON(a.IAMPolicy))
		if a.CustomRoles != nil {
			fmt.Fprintf(&b, "  customRoles: %s\n", inJSON(a.CustomRoles))
		}
	}
	if s.Roles != nil {
		fmt.Fprintf(&b, "roles: %s\n", inJSON(s.Roles))
	}
	b.WriteString("calls:\n")
	for len(calls) > 0 {
		n := slices.IndexFunc(calls, func(call string) bool { return call != calls[0] })
		if n < 0 {
			n = len(calls)
		}
		times := strconv.Itoa(n)
		if n > 5 {
			times = "many" // as often as patience lasts
		}
		fmt.Fprintf(&b, "  %s %s\n", times, calls[0])
		calls = calls[n:]
	}
	return b.String()
}

// describeIAM writes what was read about service accounts and their rights. What was
// not read is left out.
func describeIAM(b *strings.Builder, p *audit.Project) {
	for _, read := range []struct {
		what string
		is   bool
		data any
	}{
		{"number", p.Number != "", p.Number},
		{"ancestors", p.Ancestors != nil, p.Ancestors},
		{"iamPolicy", p.IAMPolicy != nil, p.IAMPolicy},
		{"customRoles", p.CustomRoles != nil, p.CustomRoles},
		{"serviceAccounts", p.ServiceAccounts != nil, p.ServiceAccounts},
		{"serviceAccountPolicies", p.ServiceAccountPolicies != nil, p.ServiceAccountPolicies},
		{"serviceAccountKeys", p.ServiceAccountKeys != nil, p.ServiceAccountKeys},
	} {
		if read.is {
			fmt.Fprintf(b, "  %s: %s\n", read.what, inJSON(read.data))
		}
	}
}

func inJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// list writes the items of a list, and the regions that it is limited to.
func list[M interface{ GetName() string }](b *strings.Builder, kind string, items []M, regions []string) {
	fmt.Fprintf(b, "  %s:", kind)
	switch {
	case items == nil:
		b.WriteString(" (not read)")
	case len(items) == 0:
		b.WriteString(" (none)")
	}
	for _, item := range items {
		b.WriteString(" ")
		switch item := any(item).(type) {
		case interface{ GetLocation() string }:
			b.WriteString(item.GetLocation() + "/")
		case interface{ GetRegion() string }:
			b.WriteString(audit.LastSegment(item.GetRegion()) + "/")
		}
		b.WriteString(item.GetName())
	}
	if regions != nil {
		fmt.Fprintf(b, " (of %s)", strings.Join(append(regions, "no other region"), ", "))
	}
	b.WriteString("\n")
}

// keys writes what a map has, if anything.
func keys[M any](b *strings.Builder, kind string, m map[string]M) {
	if m != nil {
		fmt.Fprintf(b, "  %s: %s\n", kind, strings.Join(slices.Sorted(maps.Keys(m)), " "))
	}
}

// TestRoundTrip collects what the server has, which must be what it has, on one
// page or on many.
func TestRoundTrip(t *testing.T) {
	want, err := os.ReadFile("../testdata/collect/roundtrip.json")
	if err != nil {
		t.Fatal(err)
	}
	served, err := audit.ReadSnapshotStrict(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 1, 2, 1000} {
		srv := serve(t, served)
		srv.PageSize = size
		got := written(t, collectBy(t.Context(), t, configFor(srv), served.Scope, gcp.DiscoverAuto, audit.AllData()))
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("with %d items on a page: differs (-served +collected):\n%s", size, diff)
		}
	}
}

// TestLaterValues collects enum values that only a later version of the API knows, by name
// and by number.
func TestLaterValues(t *testing.T) {
	const text = `{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": ["shop-prod"]},
		"projects": [{"id": "shop-prod",
			"clusters": [{"name": "web", "location": "europe-west4", "status": "NEW_STATUS", "databaseEncryption": {"state": 77},
				"loggingConfig": {"componentConfig": {"enableComponents": ["NEW", "SYSTEM_COMPONENTS", "NEWER"]}},
				"nodePools": [{"name": "main", "config": {"sandboxConfig": {"type": "NEW_SANDBOX"}}}]}],
			"serverConfigs": {"europe-west4": {"channels": [{"channel": "NEW_CHANNEL", "validVersions": ["1.36.0-gke.1"]}]}}}]}`
	served, err := audit.ReadSnapshot(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	srv := serve(t, served)
	got := collectBy(t.Context(), t, configFor(srv), served.Scope, gcp.DiscoverAuto, []audit.Data{audit.Clusters, audit.ServerConfigs})
	if diff := cmp.Diff(string(written(t, served)), string(written(t, got))); diff != "" {
		t.Errorf("differs (-served +collected):\n%s", diff)
	}
	for _, name := range []string{"NEW_STATUS", "77", `"NEW"`, "NEWER", "NEW_SANDBOX", "NEW_CHANNEL"} {
		if !bytes.Contains(written(t, got), []byte(name)) {
			t.Errorf("the snapshot lacks %s", name)
		}
	}
}

// reading are the forms of the only calls there may be.
var reading = []*regexp.Regexp{
	regexp.MustCompile(`^GET /v1/projects/[^/]+/locations/-/clusters$`),
	regexp.MustCompile(`^GET /compute/v1/projects/[^/]+/aggregated/(subnetworks|routers)$`),
	regexp.MustCompile(`^GET /compute/v1/projects/[^/]+/regions/[^/]+/(subnetworks|routers)$`),
	regexp.MustCompile(`^GET /compute/v1/projects/[^/]+/global/(routes|networks)$`),
	regexp.MustCompile(`^GET /compute/v1/projects/[^/]+/regions/[^/]+/firewallPolicies/getEffectiveFirewalls\?network=[^?&]+$`),
	regexp.MustCompile(`^GET /v1/projects/[^/]+/locations/[^/]+/serverConfig$`),
	regexp.MustCompile(`^GET /v3/(folders|projects)\?parent=(organizations|folders)/[0-9]+$`),
	regexp.MustCompile(`^GET /v3/projects/[^/]+$`),
	regexp.MustCompile(`^GET /v1/(organizations|folders)/[0-9]+:searchAllResources$`),
	regexp.MustCompile(`^POST /v1/projects/[^/]+:getAncestry$`),
	regexp.MustCompile(`^POST /v3/(projects/[^/]+|(organizations|folders)/[0-9]+):getIamPolicy$`),
	regexp.MustCompile(`^GET /v1/(projects/[^/]+|organizations/[0-9]+)/roles$`),
	regexp.MustCompile(`^GET /v1/roles/[A-Za-z0-9_.]+$`),
	regexp.MustCompile(`^GET /v1/projects/[^/]+/serviceAccounts$`),
	regexp.MustCompile(`^GET /v1/projects/[^/]+:(searchAllIamPolicies|searchAllResources)$`),
}

// serve starts a server for a test. Whatever the test is about, it fails if any
// call but a reading one arrives.
func serve(t *testing.T, s *audit.Snapshot) *gcptest.Server {
	srv := gcptest.NewServer(s)
	t.Cleanup(func() {
		srv.Close()
		for _, call := range srv.Calls() {
			if !slices.ContainsFunc(reading, func(form *regexp.Regexp) bool { return form.MatchString(call) }) {
				t.Errorf("the call %q is not one of those that read lists", call)
			}
		}
	})
	return srv
}

func configFor(srv *gcptest.Server) gcp.Config {
	return gcp.Config{
		ContainerEndpoint:       srv.URL,
		ComputeEndpoint:         srv.URL + "/compute/v1/",
		ResourceManagerEndpoint: srv.URL + "/v3/",
		AssetEndpoint:           srv.URL,
		IAMEndpoint:             srv.URL,
		NoCredentials:           true,
		AttemptTimeout:          20 * time.Second,
		Backoff:                 time.Millisecond,
		QuotaPatience:           400 * time.Millisecond,
	}
}

func collect(ctx context.Context, t *testing.T, config gcp.Config, scope audit.Scope) *audit.Snapshot {
	t.Helper()
	return collectBy(ctx, t, config, scope, gcp.DiscoverAuto, listed)
}

// collectBy finds projects and reads them, as the command does.
func collectBy(ctx context.Context, t *testing.T, config gcp.Config, scope audit.Scope, way string, data []audit.Data) *audit.Snapshot {
	t.Helper()
	c, err := gcp.NewClient(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	scope, gaps := c.Discover(ctx, scope, way)
	s := c.Collect(ctx, scope, data, now)
	s.Gaps = append(gaps, s.Gaps...)
	return s
}

func written(t *testing.T, s *audit.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t *testing.T, f *txtar.File, to any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(f.Data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
}

func duration(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
