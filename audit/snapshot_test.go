package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// snapshots are the bytes of every snapshot among the fixtures.
func snapshots(tb testing.TB) map[string][]byte {
	tb.Helper()
	all := map[string][]byte{}
	archives, err := filepath.Glob("../testdata/rules/*.txtar")
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".json") {
				all[filepath.Base(file)+"/"+f.Name] = f.Data
			}
		}
	}
	for _, file := range []string{"../cmd/gkeaudit/demo.json", "../testdata/report/hostile.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		all[file] = data
	}
	return all
}

// TestSnapshotRoundTrip writes what was read and reads it again: nothing is lost,
// the difference between an empty list and none least of all.
func TestSnapshotRoundTrip(t *testing.T) {
	for name, data := range snapshots(t) {
		t.Run(name, func(t *testing.T) {
			s, err := audit.ReadSnapshotStrict(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			first := write(t, s)
			again, err := audit.ReadSnapshotStrict(bytes.NewReader(first))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(first), string(write(t, again))); diff != "" {
				t.Errorf("differs when read and written again:\n%s", diff)
			}
			if diff := cmp.Diff(audit.Run(audit.NewInput(s), rules.All), audit.Run(audit.NewInput(again), rules.All)); diff != "" {
				t.Errorf("findings differ after a round trip:\n%s", diff)
			}
		})
	}
}

// TestDemoIsAsWritten keeps the sample estate in the form that the program writes.
func TestDemoIsAsWritten(t *testing.T) {
	data := snapshots(t)["../cmd/gkeaudit/demo.json"]
	s, err := audit.ReadSnapshotStrict(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(write(t, s))); diff != "" {
		t.Error(diff)
	}
}

func write(t *testing.T, s *audit.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadSnapshotErrors(t *testing.T) {
	for name, test := range map[string]struct{ input, want string }{
		"nothing":           {"", "the file ends too early"},
		"no object":         {"[]", "not a gkeaudit snapshot: it is not a JSON object"},
		"no schema":         {"{}", `it has no "schema"`},
		"another schema":    {`{"schema": "x"}`, `its schema is "x"`},
		"schema of a type":  {`{"schema": 1}`, "schema: "},
		"no scope":          {`{"schema": "gkeaudit.snapshot/v1"}`, "the scope names no project"},
		"scope not there":   {`{"schema": "gkeaudit.snapshot/v1", "scope": {"projects": ["p"]}}`, `project "p" is in scope but not among the projects`},
		"no id":             {`{"schema": "gkeaudit.snapshot/v1", "projects": [{}]}`, "projects[0] has no id"},
		"project twice":     {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p"}, {"id": "p"}]}`, `project "p" is listed twice`},
		"cluster unnamed":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "clusters": [{}]}]}`, "clusters[0] has no name or no location"},
		"pool twice":        {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "clusters": [{"name": "c", "location": "l", "nodePools": [{"name": "a"}, {"name": "a"}]}]}]}`, `node pool "a" has no name, a slash in it, or is listed twice`},
		"gap unnamed":       {`{"schema": "gkeaudit.snapshot/v1", "gaps": [{}]}`, "gaps[0] names no project"},
		"list is no list":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "routes": {}}]}`, "projects[0]: routes: found '{' where '[' should be"},
		"map is no map":     {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serverConfigs": []}]}`, "projects[0]: serverConfigs: found '[' where '{' should be"},
		"type in a map":     {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serverConfigs": {"l": {"channels": 7}}}]}`, `projects[0]: serverConfigs["l"]: `},
		"location twice":    {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serverConfigs": {"l": {}, "l": {}}}]}`, `"l" is there twice`},
		"network twice":     {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "networks": [{"name": "n"}, {"name": "n"}]}]}`, `network "n" of "global" is listed twice`},
		"projects no list":  {`{"schema": "gkeaudit.snapshot/v1", "projects": 7}`, "projects: found '7' where '[' should be"},
		"type in a message": {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "routes": [{"priority": "high"}]}]}`, "projects[0]: routes[0]: "},
		"message cut":       {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "routes": [{"name": `, "the file ends too early"},
		"missing comma":     {`{"schema": "gkeaudit.snapshot/v1" "projects": []}`, `found '"' where ',' should be`},
		"trailing comma":    {`{"schema": "gkeaudit.snapshot/v1",}`, "a value is missing"},
		"something follows": {`{"schema": "gkeaudit.snapshot/v1", "scope": {"projects": ["p"]}, "projects": [{"id": "p"}]} {}`, "something follows the end"},
		"subnet twice":      {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "subnetworks": [{"name": "s", "region": "r"}, {"name": "s", "region": "r"}]}]}`, `subnetwork "s" of "r" is listed twice`},
		"null in a list":    {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "subnetworkRegions": [null]}]}`, `projects[0]: subnetworkRegions: null is in a list`},
		"null project":      {`{"schema": "gkeaudit.snapshot/v1", "projects": [null]}`, `projects[0]: found 'n' where '{' should be`},
		"null node pool":    {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "clusters": [{"name": "c", "location": "l", "nodePools": [null]}]}]}`, `projects[0]: clusters[0]: syntax error (line 1:46): unexpected token null`},
		"null firewall":     {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "effectiveFirewalls": {"l/n": {"firewalls": [null]}}}]}`, `projects[0]: effectiveFirewalls["l/n"]: syntax error (line 1:16): unexpected token null`},
		"null binding":      {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "iamPolicy": {"bindings": [null]}}]}`, `projects[0]: iamPolicy: null is in a list`},
		"null member":       {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "iamPolicy": {"bindings": [{"role": "roles/owner", "members": ["user:null", null]}]}}]}`, `projects[0]: iamPolicy: null is in a list`},
		"null audit config": {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "iamPolicy": {"auditConfigs": [null]}}]}`, `projects[0]: iamPolicy: null is in a list`},
		"null above":        {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "ancestors": [{"name": "folders/1", "iamPolicy": {"bindings": [null]}}]}`, `ancestors[0]: null is in a list`},
		"null of account":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serviceAccountPolicies": [{"account": "a", "policy": {"bindings": [null]}}]}]}`, `projects[0]: serviceAccountPolicies: null is in a list`},
		"null account":      {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serviceAccounts": [null]}]}`, `projects[0]: serviceAccounts: null is in a list`},
		"null key":          {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serviceAccountKeys": [null]}]}`, `projects[0]: serviceAccountKeys: null is in a list`},
		"null custom role":  {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "customRoles": [null]}]}`, `projects[0]: customRoles: null is in a list`},
		"null permission":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "roles": [{"name": "roles/a", "includedPermissions": [null]}]}`, `roles[0]: null is in a list`},
		"null gap":          {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "gaps": [null]}`, `gaps: null is in a list`},
		"no role":           {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "iamPolicy": {"bindings": [{"members": ["user:a@example.com"]}]}}]}`, `project "p": iamPolicy.bindings[0] has no role, or a member without a name`},
		"no member":         {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "ancestors": [{"name": "folders/1", "iamPolicy": {"bindings": [{"role": "roles/owner", "members": [""]}]}}]}`, `folders/1: iamPolicy.bindings[0] has no role, or a member without a name`},
		"account no role":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serviceAccountPolicies": [{"account": "a", "policy": {"bindings": [{}]}}]}]}`, `project "p": serviceAccountPolicies[0]: iamPolicy.bindings[0] has no role, or a member without a name`},
		"no email":          {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serviceAccounts": [{}]}]}`, `project "p": serviceAccounts[0] has no email`},
		"custom role name":  {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "customRoles": [{"includedPermissions": ["a.b.c"]}]}]}`, `project "p": customRoles[0]: "" is not the name of a custom role, or is listed twice`},
		"custom role twice": {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "ancestors": [{"name": "organizations/1", "customRoles": [{"name": "organizations/1/roles/a"}, {"name": "organizations/1/roles/a"}]}]}`, `organizations/1: customRoles[1]: "organizations/1/roles/a" is not the name of a custom role, or is listed twice`},
		"no permission":     {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "roles": [{"name": "roles/a", "includedPermissions": [""]}]}`, `roles[0]: "" is not the name of a permission`},
		"all permissions":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "customRoles": [{"name": "projects/p/roles/a", "includedPermissions": ["iam.serviceAccounts.*"]}]}]}`, `project "p": customRoles[0]: "iam.serviceAccounts.*" is not the name of a permission`},
		"space in one":      {`{"schema": "gkeaudit.snapshot/v1", "projects": [], "roles": [{"name": "roles/a", "includedPermissions": [" iam.serviceAccounts.actAs"]}]}`, `roles[0]: " iam.serviceAccounts.actAs" is not the name of a permission`},
		"no policy":         {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "serviceAccountPolicies": [{"account": "a@p.iam.gserviceaccount.com", "policy": null}]}]}`, `project "p": serviceAccountPolicies[0] has no policy`},
		"slash in a name":   {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "clusters": [{"name": "a/b", "location": "l"}]}]}`, "a slash is in its name"},
		"two of a field":    {`{"schema": "gkeaudit.snapshot/v1", "projects": [{"id": "p", "clusters": [{"name": "a", "location": "l"}], "clusters": []}]}`, `"clusters" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := audit.ReadSnapshot(strings.NewReader(test.input))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error %v, want one with %q", test.input, err, test.want)
			}
		})
	}
}

// TestNarrowKeepsGapsOfWhatIsLeft narrows a snapshot to one of two clusters: of what GKE
// offers in locations, the gap of the other's is gone. Null stands for nothing read.
func TestNarrowKeepsGapsOfWhatIsLeft(t *testing.T) {
	s, err := audit.ReadSnapshot(strings.NewReader(`{"schema": "gkeaudit.snapshot/v1", "scope": {"projects": ["p"]},
		"projects": [{"id": "p", "serverConfigs": null, "clusters": [{"name": "a", "location": "l1"}, {"name": "b", "location": "l2"}]}],
		"gaps": [{"project": "p", "resource": "projects/p/locations/l1/serverConfig"}, {"project": "p", "resource": "projects/p/locations/l2/serverConfig"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	n := s.Narrow(audit.Scope{Clusters: []string{"b"}})
	if len(n.Gaps) != 1 || n.Gaps[0].Resource != "projects/p/locations/l2/serverConfig" {
		t.Errorf("got gaps %v, want that of l2", n.Gaps)
	}
	if _, _, gap := n.ServerConfig("p", "l2"); gap == nil || gap.Reason == audit.ReasonNotRead {
		t.Errorf("got gap %v, want the one of the snapshot", gap)
	}
}

// TestNarrowKeepsWhatIsTold narrows a snapshot of three projects to one. What GKE offers in
// its location, or why that is not known, was told to another project and stays; what is of
// another location goes, and so does a gap where the project has an answer of its own.
func TestNarrowKeepsWhatIsTold(t *testing.T) {
	s, err := audit.ReadSnapshot(strings.NewReader(`{"schema": "gkeaudit.snapshot/v1", "scope": {"projects": ["a", "b", "c"]},
		"projects": [
			{"id": "a", "clusters": [{"name": "x", "location": "l1"}, {"name": "y", "location": "l2"}, {"name": "z", "location": "l3"}],
				"serverConfigs": {"l1": {"defaultClusterVersion": "1.34.1"}, "l2": {}}},
			{"id": "b", "clusters": [{"name": "x", "location": "l1"}, {"name": "z", "location": "l3"}]},
			{"id": "c", "clusters": [{"name": "z", "location": "l3"}], "serverConfigs": {"l3": {}}}],
		"gaps": [{"project": "a", "resource": "projects/a/locations/l3/serverConfig"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	b := s.Narrow(audit.Scope{Projects: []string{"b"}})
	b = b.Narrow(audit.Scope{Projects: []string{"b"}}) // what is kept for it is kept again
	config, name, gap := b.ServerConfig("b", "l1")
	if config.GetDefaultClusterVersion() != "1.34.1" || name != "projects/a/locations/l1/serverConfig" || gap != nil {
		t.Errorf("got %v of %q (%v), want what project a was told", config, name, gap)
	}
	if _, name, _ := b.ServerConfig("b", "l3"); name != "projects/c/locations/l3/serverConfig" || len(b.Gaps) > 0 {
		t.Errorf("got %q and gaps %v, want what project c was told", name, b.Gaps)
	}
	if again, err := audit.ReadSnapshot(bytes.NewReader(write(t, b))); err != nil {
		t.Error(err)
	} else if a := again.Projects[0]; a.ID != "a" || len(a.ServerConfigs) != 1 || a.Clusters != nil || len(again.Clusters()) != 2 {
		t.Errorf("got project %v of %d clusters, want a, which has no more than what is offered in l1", a, len(again.Clusters()))
	}

	if _, _, gap := s.ServerConfig("a", "l3"); gap == nil {
		t.Error("project a got an answer in l3, want its own gap")
	}
	one := s.Narrow(audit.Scope{Projects: []string{"a"}})
	if len(one.Gaps) != 1 || len(one.Projects) != 1 {
		t.Errorf("got gaps %v and %d projects, want what project a has", one.Gaps, len(one.Projects))
	}
	s.Projects[2].ServerConfigs = nil
	refused := (&audit.Snapshot{Scope: s.Scope, Projects: s.Projects, Gaps: s.Gaps}).Narrow(audit.Scope{Projects: []string{"b"}})
	if _, _, gap := refused.ServerConfig("b", "l3"); gap == nil || gap.Project != "a" || len(refused.Gaps) != 1 {
		t.Errorf("got gap %v, want that of project a", gap)
	}
}

// TestReadSnapshotPassesOverTheNew reads a snapshot with fields, and names in
// enums, that are not known here; a strict reader refuses them.
func TestReadSnapshotPassesOverTheNew(t *testing.T) {
	const input = `{"schema": "gkeaudit.snapshot/v1", "new": {"a": [1, "}"]}, "scope": {"projects": ["p"]}, "projects": [
		{"id": "p", "newer": null, "clusters": [{"name": "c", "location": "l", "newest": 1, "status": "NEVER_HEARD_OF"}]}]}`
	s, err := audit.ReadSnapshot(strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Clusters()); n != 1 {
		t.Errorf("%d clusters, want 1", n)
	}
	if _, err := audit.ReadSnapshotStrict(strings.NewReader(input)); err == nil {
		t.Error("a strict reader took an unknown field")
	}
}

// FuzzReadSnapshot reads anything. What can be read can be audited, every finding
// is whole, and the snapshot survives a round trip.
func FuzzReadSnapshot(f *testing.F) {
	for _, data := range snapshots(f) {
		f.Add(data)
	}
	f.Add([]byte(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": ["p"]}, "projects": [{"id": "p", "clusters": [
		{"name": "c", "location": "l", "status": "NEW", "loggingConfig": {"componentConfig": {"enableComponents": ["NEW", "NEWER"]}}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := audit.ReadSnapshot(bytes.NewReader(data))
		if err != nil {
			return
		}
		ids := map[string]bool{}
		for _, finding := range audit.Run(audit.NewInput(s), rules.All) {
			if finding.Message == "" || finding.Cluster == "" || finding.Resource == "" || len(finding.Evidence) == 0 {
				t.Errorf("a finding lacks something: %+v", finding)
			}
			if ids[finding.ID()] {
				t.Errorf("finding ID %s is there twice: %+v", finding.ID(), finding)
			}
			ids[finding.ID()] = true
		}
		first := write(t, s)
		again, err := audit.ReadSnapshot(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second := write(t, again); !bytes.Equal(first, second) {
			t.Errorf("differs after a round trip:\n%s", cmp.Diff(string(first), string(second)))
		}
	})
}

// TestNarrowKeepsRights narrows an estate: what holds for the clusters that are left
// stays, and what it takes to judge the others goes.
func TestNarrowKeepsRights(t *testing.T) {
	gap := func(project, resource string) string {
		return `{"project": "` + project + `", "resource": "` + resource + `", "operation": "o", "code": "PERMISSION_DENIED", "reason": "", "permission": "", "message": ""}`
	}
	cluster := func(account string) string {
		return `[{"name": "web", "location": "europe-west4", "nodePools": [{"name": "main", "config": {"serviceAccount": "` + account + `"}}]}]`
	}
	s, err := audit.ReadSnapshotStrict(strings.NewReader(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z",
		"scope": {"projects": ["shop-dev", "shop-prod"], "organizations": ["1"]},
		"projects": [
			{"id": "dev-accounts", "ancestors": ["folders/23"]},
			{"id": "prod-accounts", "ancestors": ["folders/24"]},
			{"id": "shop-dev", "ancestors": ["folders/21", "organizations/1"], "clusters": ` + cluster("nodes@dev-accounts.iam.gserviceaccount.com") + `,
				"iamPolicy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}, {"role": "roles/editor", "members": ["group:devs@example.com"]},
					{"role": "roles/owner", "members": ["serviceAccount:build@shop-dev.iam.gserviceaccount.com"]}]}},
			{"id": "shop-prod", "ancestors": ["folders/22", "organizations/1"], "clusters": ` + cluster("nodes@prod-accounts.iam.gserviceaccount.com") + `,
				"iamPolicy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}, {"role": "roles/browser", "members": ["serviceAccount:Nodes@prod-accounts.iam.gserviceaccount.com"]}]}}],
		"ancestors": [{"name": "folders/21"}, {"name": "folders/22"}, {"name": "folders/23"}, {"name": "folders/24"}, {"name": "organizations/1"}],
		"roles": [{"name": "roles/owner"}, {"name": "roles/viewer"}],
		"gaps": [` + strings.Join([]string{
		gap("", "folders/21/iamPolicy"), gap("", "folders/22/iamPolicy"), gap("", "folders/23/iamPolicy"), gap("", "folders/24/iamPolicy"),
		gap("", "organizations/1/iamPolicy"), gap("", "organizations/1/folders"),
		gap("dev-accounts", "projects/dev-accounts/serviceAccounts"), gap("prod-accounts", "projects/prod-accounts/serviceAccounts"),
		gap("shop-dev", "projects/shop-dev/iamPolicy"), gap("shop-prod", "projects/shop-prod/iamPolicy"),
		gap("", "roles/browser"), gap("", "roles/editor"),
	}, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		scope               audit.Scope
		projects, ancestors string
		gaps                string
	}{
		{audit.Scope{Projects: []string{"shop-prod"}}, "prod-accounts shop-prod", "folders/22 folders/24 organizations/1",
			"folders/22/iamPolicy folders/24/iamPolicy organizations/1/iamPolicy projects/prod-accounts/serviceAccounts projects/shop-prod/iamPolicy roles/browser"},
		{audit.Scope{Clusters: []string{"projects/shop-dev/locations/europe-west4/clusters/web"}}, "dev-accounts shop-dev shop-prod", "folders/21 folders/23 organizations/1",
			"folders/21/iamPolicy folders/23/iamPolicy organizations/1/iamPolicy organizations/1/folders projects/dev-accounts/serviceAccounts projects/shop-dev/iamPolicy roles/editor"},
	} {
		n := s.Narrow(test.scope)
		var projects, ancestors, gaps []string
		for _, p := range n.Projects {
			projects = append(projects, p.ID)
		}
		for _, a := range n.Ancestors {
			ancestors = append(ancestors, a.Name)
		}
		for _, g := range n.Gaps {
			gaps = append(gaps, g.Resource)
		}
		if len(n.Roles) != 1 || n.Roles[0].Name != "roles/viewer" {
			t.Errorf("%v: got roles %v, want roles/viewer, which both projects grant", test.scope, n.Roles)
		}
		got := []string{strings.Join(projects, " "), strings.Join(ancestors, " "), strings.Join(gaps, " ")}
		if diff := cmp.Diff([]string{test.projects, test.ancestors, test.gaps}, got); diff != "" {
			t.Errorf("%v: differs (-want +got):\n%s", test.scope, diff)
		}
	}
}
