package report

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
)

// TestAddresses writes a remediation with addresses for projects of all kinds. There is no
// address where a project is known by its number alone: a word stands in its place.
func TestAddresses(t *testing.T) {
	step := []audit.Step{{Title: "Use it", Commands: "nodes@{account-domain} agent@x.{agent-domain} {workload-pool} {account}"}}
	for _, test := range []struct{ project, want, words string }{
		{"shop-prod",
			"nodes@shop-prod.iam.gserviceaccount.com agent@x.iam.gserviceaccount.com shop-prod.svc.id.goog",
			"PROJECT.iam.gserviceaccount.com iam.gserviceaccount.com PROJECT.svc.id.goog"},
		{"example.com:shop-prod",
			"nodes@shop-prod.example.com.iam.gserviceaccount.com agent@x.iam.gserviceaccount.com PROJECT.svc.id.goog",
			"PROJECT.example.com.iam.gserviceaccount.com iam.gserviceaccount.com PROJECT.svc.id.goog"},
		{"eu0:shop-prod",
			"nodes@shop-prod.eu0.iam.gserviceaccount.com agent@x.eu0-system.iam.gserviceaccount.com shop-prod.eu0.svc.id.goog",
			"PROJECT.eu0.iam.gserviceaccount.com eu0-system.iam.gserviceaccount.com PROJECT.eu0.svc.id.goog"},
		{"493827160512",
			"nodes@PROJECT.iam.gserviceaccount.com agent@x.iam.gserviceaccount.com PROJECT.svc.id.goog",
			"PROJECT.iam.gserviceaccount.com iam.gserviceaccount.com PROJECT.svc.id.goog"},
		{"eu0:$(id)",
			"nodes@PROJECT.iam.gserviceaccount.com agent@x.eu0-system.iam.gserviceaccount.com PROJECT.svc.id.goog",
			"PROJECT.iam.gserviceaccount.com iam.gserviceaccount.com PROJECT.svc.id.goog"},
	} {
		f := audit.Finding{
			Cluster: "projects/" + test.project + "/locations/l/clusters/c", Resource: "projects/" + test.project,
			Evidence: []audit.Evidence{{Resource: "projects/" + test.project + "/serviceAccounts/1-compute@developer.gserviceaccount.com"}},
		}
		want := "Use it:\n\n" + test.want + " 1-compute@developer.gserviceaccount.com"
		if got := stepsText((&Report{}).advice().gcloud(step, f, Cluster{})); got != want {
			t.Errorf("%s: got %q, want %q", test.project, got, want)
		}
		words := placeholdersIn(test.project)
		if got := strings.Join([]string{words["{account-domain}"], words["{agent-domain}"], words["{workload-pool}"]}, " "); got != test.words {
			t.Errorf("%s: words are %q, want %q", test.project, got, test.words)
		}
	}
}

// TestNodesAccount makes IDs of accounts for clusters with long names: IAM takes 6 to 30
// characters, and two clusters never get the same.
func TestNodesAccount(t *testing.T) {
	ids := map[string]bool{}
	for _, cluster := range []string{"a", "web", strings.Repeat("a", 24), strings.Repeat("a", 25), strings.Repeat("a", 40), strings.Repeat("a", 38) + "-b", strings.Repeat("a", 18) + strings.Repeat("-b", 11)} {
		id := audit.NodesAccountID(cluster)
		if !regexp.MustCompile(`^[a-z][-a-z0-9]{4,28}[a-z0-9]$`).MatchString(id) || strings.Contains(id, "--") || ids[id] {
			t.Errorf("%s: got %s", cluster, id)
		}
		ids[id] = true
		f := audit.Finding{Cluster: "projects/shop-prod/locations/l/clusters/" + cluster}
		step := []audit.Step{{Title: "Create it", Commands: "create {nodes-account}"}}
		if got, want := stepsText((&Report{}).advice().gcloud(step, f, Cluster{})), "Create it:\n\ncreate "+id; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestNamesThatAreFree judges a cluster whose usual names for an account and for a node pool are
// taken, and looks for the free ones in the commands.
func TestNamesThatAreFree(t *testing.T) {
	s, err := audit.ReadSnapshotStrict(strings.NewReader(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": ["p"]},
		"projects": [{"id": "p", "serviceAccounts": [{"email": "web-nodes@p.iam.gserviceaccount.com"}],
			"clusters": [{"name": "web", "location": "l", "nodePools": [{"name": "sandbox", "config": {}}, {"name": "sandbox-2", "config": {}}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	replaces := &audit.Rule{ID: "x", Severity: audit.Low, Remediation: audit.Remediation{
		Gcloud: []audit.Step{{Title: "Create them", Commands: "create {new-pool} {sandbox-pool} {nodes-account} {pool-flags}"}},
	}, Check: func(_ *audit.Input, c *audit.Cluster) []audit.Verdict {
		return []audit.Verdict{audit.Failf("it is old").On(c.ResourceName() + "/nodePools/sandbox")}
	}}
	applied := []*audit.Rule{replaces}
	r := New(s, applied, audit.Judge(audit.NewInput(s), applied), Options{Now: func() time.Time { return s.Time }})
	for f := range r.Findings.All() {
		got := r.advice().gcloud(replaces.Remediation.Gcloud, f, r.Clusters[0])[0].Commands
		if want := "create sandbox-3 sandbox-4 web-nodes-2 --num-nodes=0"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestFixForComputeClasses looks for the warning that a command turns node
// auto-provisioning on, which a cluster that creates node pools for compute classes alone
// has off.
func TestFixForComputeClasses(t *testing.T) {
	const cluster = "projects/p/locations/europe-west4/clusters/web"
	for _, c := range []struct {
		command, field string
		warns          bool
	}{
		{"gcloud container clusters update {cluster} --enable-autoprovisioning", "autoscaling.autoprovisioned", true},
		{"gcloud container clusters update {cluster} --enable-autoprovisioning", "autoscaling.defaultComputeClassConfig.enabled", true},
		{"gcloud container clusters update {cluster} --enable-autoprovisioning", "autoscaling.enableNodeAutoprovisioning", false},
		{"gcloud container clusters update {cluster} --enable-private-nodes", "autoscaling.autoprovisioned", false},
	} {
		steps := []audit.Step{{For: audit.AutoProvisioning, Title: "Use it", Commands: c.command}}
		f := audit.Finding{Cluster: cluster, Resource: cluster, Evidence: []audit.Evidence{{Resource: cluster, Field: c.field, Value: "true"}}}
		got := stepsText((&Report{}).advice().gcloud(steps, f, Cluster{Name: cluster}))
		if warns := strings.Contains(got, "turns it on"); warns != c.warns {
			t.Errorf("%s, %s: the warning is there: %t, want %t:\n%s", c.command, c.field, warns, c.warns, got)
		}
	}
}

// TestAutoscalingOff looks for the step that turns autoscaling of a node pool off: it is there
// unless autoscaling is known to be off.
func TestAutoscalingOff(t *testing.T) {
	const pool = "projects/p/locations/l/clusters/c/nodePools/web"
	off := audit.Step{Title: "Turn it off", Commands: "gcloud container node-pools update {pool} --no-enable-autoscaling"}
	for what, c := range map[string]struct {
		replacements []audit.Replacement
		shows        bool
	}{
		"on":        {[]audit.Replacement{{NodePool: pool, NewName: "web-2", Flags: []string{"--enable-autoscaling", "--max-nodes=3"}}}, true},
		"off":       {[]audit.Replacement{{NodePool: pool, NewName: "web-2", Flags: []string{"--num-nodes=3"}}}, false},
		"not known": {nil, true},
	} {
		r := &Report{Replacements: c.replacements}
		f := audit.Finding{Cluster: "projects/p/locations/l/clusters/c", Resource: pool}
		if steps := r.advice().gcloud([]audit.Step{off}, f, Cluster{}); len(steps) == 1 != c.shows {
			t.Errorf("%s: got %q", what, steps)
		}
	}
}

// TestTerraformReplaces looks in all that shows a fix for the warning that Terraform deletes
// what it replaces first: it is there where a fix recreates a node pool or a cluster, and
// nowhere else.
func TestTerraformReplaces(t *testing.T) {
	for recreates, warns := range map[audit.Recreation]bool{
		audit.RecreatesNothing: false, audit.RecreatesNodes: false, audit.RecreatesNodePool: true, audit.RecreatesCluster: true,
	} {
		r := audit.Remediation{Terraform: `resource "x" "{pool}" {}`, Recreates: recreates}
		f := audit.Finding{Cluster: "projects/p/locations/l/clusters/c", Resource: "projects/p/locations/l/clusters/c/nodePools/web"}
		for what, got := range map[string]string{"in general": general(terraformText(r)), "of a finding": terraformFor(r, f, Cluster{})} {
			if strings.HasPrefix(got, "# If you edit the old") != warns || !strings.Contains(got, `resource "x"`) {
				t.Errorf("%s, %s: %s", recreates, what, got)
			}
		}
	}
}
