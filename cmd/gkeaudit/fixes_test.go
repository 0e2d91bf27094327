package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"
)

// fixNames are the names that fixes leave open, and one of each.
var fixNames = strings.NewReplacer(
	"{project}", "shop-prod", "{location}", "europe-west4", "{cluster}", "web", "{pool}", "main", "{subnetwork}", "nodes",
	"{region}", "europe-west4", "{network}", "prod", "{host}", "shop-net", "{router}", "nat-router", "{gateway}", "nat",
	"{account}", "gke-nodes@shop-prod.iam.gserviceaccount.com", "{account-project}", "shop-prod",
	"{account-domain}", audit.AccountDomain("shop-prod"), "{agent-domain}", audit.AgentDomain("shop-prod"), "{workload-pool}", audit.WorkloadPool("shop-prod"),
	"{new-cluster}", "web-2", "{nodes-account}", audit.NodesAccountID("web"), "{new-pool}", "main-2", "{sandbox-pool}", "sandbox", "{pool-flags}", "--num-nodes=1",
)

// What commands do that destroy, and what others do beside them.
var (
	destroys = regexp.MustCompile(`^gcloud .*( delete | disable | remove-iam-policy-binding | set-iam-policy |--no-enable-ip-access|--enable-private-endpoint|--complete-credential-rotation|--remove-maintenance-exclusion=)|^kubectl .* (drain|delete) `)
	looks    = regexp.MustCompile(`^gcloud .* (get-credentials|describe|list|export|get-iam-policy|get-server-config|search-all-resources) |^kubectl .* (get|cordon) |^jq `)
)

// fixedName is a name of a node pool or an account that may be taken.
var fixedName = regexp.MustCompile(`(node-pools create|service-accounts create) [a-z]|account_id *= "gke|[a-z]@\{account-domain\}`)

// TestFixes runs each step of each rule with stand-ins for the programs that it calls: as it
// is, and with each call failing in turn, after which no other may be made.
func TestFixes(t *testing.T) {
	commands := readGcloud(t, "../../testdata/fixes/gcloud.txt")
	used := map[string]bool{}
	bin := standInPrograms(t)
	for _, r := range rules.All {
		for i, step := range r.Remediation.Gcloud {
			t.Run(fmt.Sprintf("%s/%d", r.ID, i), func(t *testing.T) {
				script := fixNames.Replace(step.Commands)
				if open := regexp.MustCompile(`\{[a-z-]+\}`).FindString(script); open != "" {
					t.Errorf("no name is known for %s", open)
				}
				if regexp.MustCompile(`(^|\s)#`).MatchString(script) {
					t.Error("it has a comment, which zsh runs as a command")
				}
				calls, err := runFix(t, bin, script, 0)
				if err != nil {
					t.Fatal(err)
				}
				checkFix(t, step, calls, commands, used)
				for failing := 1; failing < len(calls); failing++ {
					made, _ := runFix(t, bin, script, failing)
					if len(made) != failing {
						t.Errorf("%q fails, and %q runs after it", calls[failing-1], made[len(made)-1])
					}
				}
			})
		}
	}
	for _, r := range rules.All {
		if fixed := fixedName.FindString(r.Remediation.Terraform); fixed != "" {
			t.Errorf("%s gives the same name in every cluster: %s", r.ID, fixed)
		}
		off := false
		for _, step := range r.Remediation.Gcloud {
			if fixed := fixedName.FindString(step.Commands); fixed != "" {
				t.Errorf("%s gives the same name in every cluster: %s", r.ID, fixed)
			}
			off = off || strings.Contains(step.Commands, "node-pools update {pool}") && strings.Contains(step.Commands, "--no-enable-autoscaling")
			if strings.Contains(step.Commands, "drain --selector") && !off {
				t.Errorf("%s drains a node pool that may still get new nodes", r.ID)
			}
		}
	}
	for _, c := range commands {
		if !used[c.name] {
			t.Errorf("testdata/fixes/gcloud.txt has %s, which no fix calls", c.name)
		}
	}
}

// TestPoolFlags holds the flags that fixes take from node pools against gcloud.
func TestPoolFlags(t *testing.T) {
	archive, err := txtar.ParseFile("../../testdata/fixes/pools.txtar")
	if err != nil {
		t.Fatal(err)
	}
	commands := readGcloud(t, "../../testdata/fixes/gcloud.txt")
	calls := strings.Split(strings.TrimSpace(string(archive.Files[1].Data)), "\n\n")
	if len(calls) < 2 {
		t.Fatal("there are no calls")
	}
	for _, call := range calls {
		args := []string{"gcloud"}
		for line := range strings.Lines(call) {
			arg, err := strconv.Unquote(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, arg)
		}
		parseGcloud(t, commands, args)
	}
}

func checkFix(t *testing.T, step audit.Step, calls [][]string, commands []gcloudCommand, used map[string]bool) {
	t.Helper()
	destroying := false
	for _, call := range calls {
		destroying = destroying || destroys.MatchString(strings.Join(call, " ")+" ")
	}
	if destroying && step.Before == "" {
		t.Error("it destroys, and does not say what to check before")
	}
	for _, call := range calls {
		line := strings.Join(call, " ") + " "
		if destroying && !destroys.MatchString(line) && !looks.MatchString(line) {
			t.Errorf("a step that destroys does something else, too: %s", line)
		}
		switch call[0] {
		case "gcloud":
			used[parseGcloud(t, commands, call).name] = true
		case "kubectl":
			if len(call) < 2 || call[1] != "--context=gke_shop-prod_europe-west4_web" {
				t.Errorf("kubectl does not say in which cluster: %s", line)
			}
		}
	}
}

// TestFixesTerraform holds the arguments of each rule's Terraform, which are some of a
// resource's, against the provider.
func TestFixesTerraform(t *testing.T) {
	provider := readProvider(t, "../../testdata/fixes/google-provider.txt")
	used := map[string]bool{}
	for _, r := range rules.All {
		t.Run(r.ID, func(t *testing.T) {
			file, diags := hclsyntax.ParseConfig([]byte(fixNames.Replace(r.Remediation.Terraform)), r.ID, hcl.InitialPos)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			for _, block := range file.Body.(*hclsyntax.Body).Blocks {
				known, ok := provider[block.Labels[0]]
				if block.Type != "resource" || !ok {
					t.Errorf("nothing is known of %s %q", block.Type, block.Labels)
					continue
				}
				used[block.Labels[0]] = true
				checkSnippet(t, block.Body, known.nested, block.Labels[0])
			}
		})
	}
	for name := range provider {
		if !used[name] {
			t.Errorf("testdata/fixes/google-provider.txt has %s, which no rule's Terraform has", name)
		}
	}
}

func checkSnippet(t *testing.T, body *hclsyntax.Body, known map[string]argument, path string) {
	t.Helper()
	for name, a := range body.Attributes {
		arg, ok := known[name]
		meta := name == "count" || name == "for_each"
		if !meta && (!ok || arg.readOnly || arg.nested != nil) {
			t.Errorf("%s has no argument %s", path, name)
		}
		v, diags := a.Expr.Value(nil)
		if diags.HasErrors() || v.Type() != cty.String || len(arg.values) == 0 {
			continue // it refers to something, or may be anything
		}
		if !slices.Contains(arg.values, v.AsString()) {
			t.Errorf("%s.%s = %q is none of %q", path, name, v.AsString(), arg.values)
		}
	}
	for _, b := range body.Blocks {
		arg := known[b.Type]
		if arg.nested == nil {
			t.Errorf("%s has no block %s", path, b.Type)
			continue
		}
		checkSnippet(t, b.Body, arg.nested, path+"."+b.Type)
	}
}

// standInPrograms returns a folder with programs that note how they are called, and fail if it
// is their turn.
func standInPrograms(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	const program = `#!/bin/bash
printf '%s\0' "${0##*/}" "$@" '' >>"$CALLS/calls"
[ "$(($(tr -cd '\n' <"$CALLS/count" 2>/dev/null | wc -c) + 1))" != "$FAILING" ] || exit 1
echo >>"$CALLS/count"
case "$*" in
  "projects describe "*) echo 384756201938 ;;
  *" get clusterrolebindings,"*) echo "RoleBinding shop edit edit system:authenticated" ;;
esac
`
	for _, name := range []string{"gcloud", "kubectl", "jq"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// runFix runs commands as an interactive shell would, which goes on after a failure, and
// returns the calls that they made. One of those fails, counted from 1.
func runFix(t *testing.T, bin, script string, failing int) ([][]string, error) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "CALLS=" + dir, fmt.Sprintf("FAILING=%d", failing)}
	out, failure := cmd.CombinedOutput()
	if failure != nil && failing == 0 {
		return nil, fmt.Errorf("%w:\n%s", failure, out)
	}
	noted, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		return nil, err
	}
	var calls [][]string
	for call := range strings.SplitSeq(strings.TrimSuffix(string(noted), "\x00\x00"), "\x00\x00") {
		calls = append(calls, strings.Split(call, "\x00"))
	}
	return calls, nil
}
