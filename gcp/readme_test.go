package gcp

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"github.com/google/go-cmp/cmp"
)

// TestPermissionsInREADME compares the README's table with the calls that the program makes
// and the rules of each profile. With -update it writes it.
func TestPermissionsInREADME(t *testing.T) {
	const file, begin, end = "../README.md", "-update. -->\n", "\n<!-- end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	was, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", file)
	}
	want := permissionTable(t)
	diff := cmp.Diff(want, was)
	if diff == "" {
		return
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("%s (-want +got; -update writes it):\n%s", file, diff)
}

// permissionTable is the table, in the order of what is read.
func permissionTable(t *testing.T) string {
	kinds := []struct {
		data audit.Data
		what string
	}{
		{audit.Clusters, "clusters and node pools"},
		{audit.ServerConfigs, "the versions that GKE offers"},
		{audit.OtherClusters, "clusters that others count with"},
		{audit.Subnetworks, "subnetworks"},
		{audit.Routers, "Cloud NAT gateways, BGP peers"},
		{audit.Routes, "routes"},
		{audit.IAMPolicies, "who holds which roles"},
		{audit.Roles, "what custom roles allow"},
		{audit.Networks, "networks and their modes"},
		{audit.Firewalls, "what the firewall lets in"},
		{audit.ServiceAccounts, "service accounts of nodes, default ones"},
		{audit.ServiceAccountPolicies, "who may act as these"},
		{audit.ServiceAccountKeys, "their keys"},
	}
	if len(kinds) != len(audit.AllData()) {
		t.Fatalf("the table has %d kinds of data; there are %v", len(kinds), audit.AllData())
	}
	places := []struct {
		name  string
		reads map[audit.Data][]operation
	}{
		{"audited projects", onProjects},
		{"projects of their networks", onNetworks},
		{"projects of nodes' service accounts", onHomes},
		{"folders above", aboveProjects["folders"]},
		{"organization above", aboveProjects["organizations"]},
	}
	const named = "what `--organization`, `--folder` name"

	// A row is for a permission and those who need it.
	type key struct{ permission, by string }
	on, what := map[key][]string{}, map[key][]string{}
	var rows []key
	add := func(k key, place, data string) {
		if !slices.Contains(rows, k) {
			rows = append(rows, k)
		}
		if !slices.Contains(on[k], place) {
			on[k] = append(on[k], place)
		}
		if !slices.Contains(what[k], data) {
			what[k] = append(what[k], data)
		}
	}
	for _, kind := range kinds {
		var by []string
		for _, profile := range rules.Profiles {
			if slices.Contains(audit.DataOf(rules.In(profile.Name)), kind.data) {
				by = append(by, "`"+profile.Name+"`")
			}
		}
		if len(by) == len(rules.Profiles) {
			by = []string{"every one"}
		}
		for _, place := range places {
			for _, op := range place.reads[kind.data] {
				add(key{op.permission, strings.Join(by, ", ")}, place.name, kind.what)
			}
		}
	}
	for _, method := range []string{audit.ByAsset, audit.ByResourceManager} {
		for _, op := range methodOperations[method] {
			add(key{op.permission, "`--discovery=" + method + "`"}, named, "which projects there are")
		}
	}
	add(key{getProject.permission, "every one"}, named, "IDs and numbers of projects")

	var b strings.Builder
	b.WriteString("| Permission | On | To read | Profile |\n|---|---|---|---|\n")
	for _, k := range rows {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.permission, strings.Join(on[k], ", "), strings.Join(what[k], ", "), k.by)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TestCallsInREADME holds the README's table of calls against the operations.
func TestCallsInREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := []map[audit.Data][]operation{onProjects, onNetworks, onHomes, aboveProjects["folders"], aboveProjects["organizations"]}
	all := []operation{getProject, insertObject, getObject}
	for _, table := range tables {
		all = append(all, opsFor(table, audit.AllData())...)
	}
	for _, ops := range methodOperations {
		all = append(all, ops...)
	}
	for _, op := range all {
		named := false
		for line := range strings.Lines(string(text)) {
			regional := op == regionalSubnets || op == regionalRouters
			stored := op.service == "storage.googleapis.com"
			named = named || strings.Contains(line, "`"+op.name+"`") && (regional || stored || strings.Contains(line, "| `"+op.permission+"` |"))
		}
		if !named {
			t.Errorf("README.md has no call %s by %s", op.name, op.permission)
		}
	}
}
