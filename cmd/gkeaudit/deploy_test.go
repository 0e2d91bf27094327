package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp/gcptest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write what is made from the program anew: the module's permissions, the flags in README.md")

// TestTerraformPermissions holds the module's permissions against those that the program
// prints a role with, for each profile. With -update it writes them.
func TestTerraformPermissions(t *testing.T) {
	file := hclwrite.NewEmptyFile()
	file.Body().AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(
		"# What gkeaudit access --role=terraform prints, by profile. A test compares them, and writes\n" +
			"# them: go test ./cmd/gkeaudit -run TestTerraformPermissions -update\n")}})
	locals := file.Body().AppendNewBlock("locals", nil).Body()
	for i, kind := range []struct {
		name string
		args []string
		only func(string) bool
	}{
		{"permissions", nil, func(string) bool { return true }},
		{"permissions_project", []string{"--project=shop-prod"}, func(string) bool { return true }},
		{"permissions_above", nil, func(p string) bool {
			return strings.HasSuffix(p, ".getIamPolicy") && p != "resourcemanager.projects.getIamPolicy" || p == "iam.roles.list"
		}},
		{"permissions_networks", []string{"--project=shop-prod"}, func(p string) bool { return strings.HasPrefix(p, "compute.") }},
	} {
		if i > 0 {
			locals.AppendNewline()
		}
		byProfile := map[string]cty.Value{}
		for _, profile := range profileNames() {
			values := []cty.Value{}
			for _, p := range printedRole(t, append(kind.args, "--profile="+profile)...) {
				if kind.only(p) {
					values = append(values, cty.StringVal(p))
				}
			}
			byProfile[profile] = cty.TupleVal(values)
		}
		locals.SetAttributeValue(kind.name, cty.ObjectVal(byProfile))
	}
	want := hclwrite.Format(bytes.ReplaceAll(file.Bytes(), []byte(`", "`), []byte("\",\n\"")))
	want = hclwrite.Format(regexp.MustCompile(`\[("[^\]]*")\]`).ReplaceAll(want, []byte("[\n$1,\n]")))
	name := modulePath + "/permissions.tf"
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", name, diff)
	}
}

// printedRole is what the program prints a role with.
func printedRole(t *testing.T, args ...string) []string {
	t.Helper()
	var out strings.Builder
	p := &program{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
	if status := p.run(t.Context(), append([]string{"access", "--role=terraform"}, args...)); status != 0 {
		t.Fatalf("access %v: status %d: %s", args, status, out.String())
	}
	var list []string
	for _, match := range regexp.MustCompile(`(?m)^    "(.*)",$`).FindAllStringSubmatch(out.String(), -1) {
		list = append(list, match[1])
	}
	return list
}

// TestTerraformExamples runs what the jobs of the examples run, on a server that has such
// an organization.
func TestTerraformExamples(t *testing.T) {
	m := readModule(t, modulePath)
	for kind, project := range map[string]string{"organization": "shop-audit", "folder": "shop-audit", "project": "shop-prod"} {
		bucket := project + "-gkeaudit-reports/"
		want := []string{bucket + "reports/gkeaudit-x7k2p.html", bucket + "reports/gkeaudit-x7k2p.json.gz", bucket + "runs/gkeaudit-x7k2p/0.json.gz"}
		refused, ctx := m.evaluate(t, exampleValues(t, kind))
		if refused != nil {
			t.Errorf("example %s is refused by %v", kind, refused)
			continue
		}
		arguments := texts(ctx.Variables["local"].GetAttr("arguments"))
		if !slices.ContainsFunc(arguments, func(a string) bool { return strings.HasPrefix(a, "--"+kind+"=") }) {
			t.Errorf("example %s runs %v", kind, arguments)
		}
		server := serveDemo(t)
		runJob(t, server, arguments)
		if diff := gocmp.Diff(want, server.Objects()); diff != "" {
			t.Errorf("example %s: objects differ (-want +got):\n%s", kind, diff)
		}
	}
}

// exampleValues are those that an example gives the module's variables.
func exampleValues(t *testing.T, kind string) map[string]cty.Value {
	t.Helper()
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}}
	example := readModule(t, modulePath+"/examples/"+kind)
	for name := range example.resources {
		resource, _, _ := strings.Cut(name, ".")
		ctx.Variables[resource] = cty.ObjectVal(map[string]cty.Value{"security": cty.ObjectVal(map[string]cty.Value{
			"name": cty.StringVal("projects/shop-audit/notificationChannels/1")})})
	}
	given := map[string]cty.Value{}
	for name, a := range example.modules["gkeaudit"].Attributes {
		v, diags := a.Expr.Value(ctx)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		given[name] = v
	}
	if source := given["source"].AsString(); source != "../.." {
		t.Errorf("example %s is of %q", kind, source)
	}
	delete(given, "source")
	return given
}

// serveDemo serves the demo as an organization.
func serveDemo(t *testing.T) *gcptest.Server {
	t.Helper()
	s, err := audit.ReadSnapshot(bytes.NewReader(demo))
	if err != nil {
		t.Fatal(err)
	}
	return serveOrganization(t, s)
}

// serveOrganization serves the projects of a snapshot as those of an organization that has
// them in one folder.
func serveOrganization(t *testing.T, s *audit.Snapshot) *gcptest.Server {
	folder := &gcptest.Node{Name: "folders/987654321098"}
	for i, p := range s.Projects {
		p.Number = cmp.Or(p.Number, strconv.Itoa(1000+i))
		folder.Children = append(folder.Children, &gcptest.Node{Name: "projects/" + p.Number, ID: p.ID})
	}
	server := &gcptest.Server{Snapshot: s, Hierarchy: []*gcptest.Node{{Name: "organizations/123456789012", Children: []*gcptest.Node{folder}}}}
	server.Serve()
	t.Cleanup(server.Close)
	return server
}

// runJob runs the program as the single task of an execution, and returns its log.
func runJob(t *testing.T, server *gcptest.Server, args []string) string {
	t.Helper()
	return runTask(t, server, args, 0, 1)
}

// runTask runs it as one of several.
func runTask(t *testing.T, server *gcptest.Server, args []string, index, count int) string {
	t.Helper()
	env := endpoints(server.URL)
	env["CLOUDSDK_AUTH_DISABLE_CREDENTIALS"] = "true"
	env[jobVariable], env[executionVariable], env[indexVariable], env[countVariable] = "gkeaudit", "gkeaudit-x7k2p", strconv.Itoa(index), strconv.Itoa(count)
	var out, log strings.Builder
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &log, getenv: func(name string) string { return env[name] }, now: time.Now}
	if status := p.run(t.Context(), args); status != exitOK && status != exitIncomplete || out.Len() > 0 {
		t.Errorf("gkeaudit %s: status %d, and it says:\n%s\n%s", strings.Join(args, " "), status, out.String(), log.String())
	}
	return log.String()
}

// endpoints are the variables that lead to a server in place of the APIs.
func endpoints(url string) map[string]string {
	const overrides = "CLOUDSDK_API_ENDPOINT_OVERRIDES_"
	return map[string]string{
		overrides + "CONTAINER":            url + "/",
		overrides + "COMPUTE":              url + "/compute/v1/",
		overrides + "CLOUDRESOURCEMANAGER": url,
		overrides + "CLOUDASSET":           url + "/v1/",
		overrides + "IAM":                  url,
		overrides + "STORAGE":              url + "/storage/v1/",
	}
}

// channels are where alerts go.
var channels = cty.TupleVal([]cty.Value{cty.StringVal("projects/shop-audit/notificationChannels/1")})

// TestTerraformAlert holds the filter of the alert against the line that a run ends with.
func TestTerraformAlert(t *testing.T) {
	log := runJob(t, serveDemo(t), []string{"scan", "--project=shop-prod"})
	lines := strings.Split(strings.TrimSpace(log), "\n")
	var outcome map[string]any
	for _, line := range lines {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if entry["summary"] != nil {
			outcome = entry
		}
	}
	m := readModule(t, modulePath)
	for severity, want := range map[string]int{"critical": 2, "high": 3, "medium": 4, "low": 5} {
		given := sample()
		given["alert_severity"], given["notification_channels"] = cty.StringVal(severity), channels
		_, ctx := m.evaluate(t, given)
		filter := ctx.Variables["local"].GetAttr("alert_filter").AsString()
		fields := regexp.MustCompile(`jsonPayload\.([A-Za-z.]+)(>0|=false)`).FindAllStringSubmatch(filter, -1)
		if len(fields) != want {
			t.Errorf("%s: the filter asks for %v, want %d fields: %s", severity, fields, want, filter)
		}
		for _, field := range fields {
			var at any = outcome
			for name := range strings.SplitSeq(field[1], ".") {
				inside, _ := at.(map[string]any)
				at = inside[name]
			}
			_, isNumber := at.(float64)
			_, isBool := at.(bool)
			if !isNumber && field[2] == ">0" || !isBool && field[2] == "=false" {
				t.Errorf("the outcome has %v as %s: %v", at, field[1], outcome)
			}
		}
	}
}

// TestDeployPage runs the commands of the page, with a stand-in for gcloud and Terraform
// that notes what it is called with, and holds that against the module.
func TestDeployPage(t *testing.T) {
	text, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```\n").FindAllStringSubmatch(string(text), -1) {
		page.WriteString(block[1])
	}

	m := readModule(t, modulePath)
	given := sample()
	given["scope"], given["tasks"], given["alert_severity"] = cty.StringVal("organizations/123456789012"), cty.NumberIntVal(8), cty.StringVal("critical")
	given["notification_channels"] = channels
	refused, ctx := m.evaluate(t, given)
	if refused != nil {
		t.Fatalf("the module refuses %v", refused)
	}
	local := ctx.Variables["local"].AsValueMap()

	// What the job has written before: an execution that was not merged yet, and the
	// report of one that was.
	server := serveOrganization(t, estate(t, 48))
	for i := range 8 {
		runTask(t, server, texts(local["arguments"]), i, 8)
	}
	bucket := "gs://" + local["bucket"].AsString()
	runJob(t, server, []string{"report", bucket + "/runs/gkeaudit-x7k2p/", "-o", bucket + "/reports/gkeaudit-4wq8d.json.gz"})

	calls := runPage(t, server, page.String(), `
gcloud() { printf '%s\0' gcloud "$@" '' >>calls
  case "$*" in
    "run jobs executions list "*) echo gkeaudit-x7k2p ;;
    "projects describe "*) echo 384756201938 ;;
  esac
}
terraform() { printf '%s\0' terraform "$@" '' >>calls; }
`)
	find := func(prefix string) map[string]string {
		for _, call := range calls {
			if strings.HasPrefix(strings.Join(call, " "), prefix) {
				flags := map[string]string{}
				for _, arg := range call {
					name, value, _ := strings.Cut(arg, "=")
					flags[name] = value
				}
				return flags
			}
		}
		t.Fatalf("the page does not call %s", prefix)
		return nil
	}

	job := find("gcloud run jobs create gkeaudit")
	if diff := gocmp.Diff(texts(local["arguments"]), strings.Split(job["--args"], ",")); diff != "" {
		t.Errorf("the page's job and the module's differ (-module +page):\n%s", diff)
	}
	roles := texts(m.argument(t, ctx, "google_project_iam_custom_role.reports", "permissions"))
	if diff := gocmp.Diff(roles, strings.Split(find("gcloud iam roles create gkeaudit_reports")["--permissions"], ",")); diff != "" {
		t.Errorf("the page's role and the module's differ (-module +page):\n%s", diff)
	}
	services := find("gcloud services enable")
	for _, service := range texts(m.argument(t, ctx, "google_project_service.api", "for_each")) {
		if _, on := services[service]; !on {
			t.Errorf("the page does not enable %s", service)
		}
	}
	if want := strings.ReplaceAll(strconv.Quote(local["alert_filter"].AsString()), `\u003e`, ">"); !strings.Contains(page.String(), want) {
		t.Errorf("the page's alert is not the module's: %s", want)
	}

	// The merge that the job does itself.
	for _, call := range calls {
		if flags := strings.Join(call, " "); strings.HasPrefix(flags, "gcloud run jobs execute ") && strings.Contains(flags, "--args=") {
			for _, arg := range call {
				if args, ok := strings.CutPrefix(arg, "--args="); ok {
					runJob(t, server, strings.Split(args, ","))
				}
			}
		}
	}
	for _, name := range []string{"html", "json.gz"} {
		if content, _ := server.Object(strings.TrimPrefix(bucket, "gs://") + "/reports/gkeaudit-x7k2p." + name); len(content) == 0 {
			t.Errorf("the merge wrote no %s", name)
		}
	}
}

// runPage runs commands in a folder of their own where the program can reach a server, and
// returns the calls that were noted there. The folder is to have what they are to make.
func runPage(t *testing.T, server *gcptest.Server, commands, standIns string) (calls [][]string) {
	t.Helper()
	cmd := exec.Command("bash", "-c", "set -euo pipefail\n"+standIns+commands)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true"}
	for name, value := range endpoints(server.URL) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, match := range regexp.MustCompile(`(?:-o |[^&]>+ ?)([a-z]+\.[a-z]+)`).FindAllStringSubmatch(commands, -1) {
		if info, err := os.Stat(filepath.Join(cmd.Dir, match[1])); err != nil || info.Size() == 0 {
			t.Errorf("%s was not written: %v", match[1], err)
		}
	}
	noted, err := os.ReadFile(filepath.Join(cmd.Dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for call := range strings.SplitSeq(strings.TrimSuffix(string(noted), "\x00\x00"), "\x00\x00") {
		calls = append(calls, strings.Split(call, "\x00"))
	}
	return calls
}

// TestWorkflow runs what the workflow runs, and sees that its actions are pinned.
func TestWorkflow(t *testing.T) {
	text, err := os.ReadFile("../../deploy/github-actions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Permissions map[string]string
			Steps       []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	if len(workflow.Permissions) > 0 || len(workflow.Jobs) != 1 {
		t.Errorf("the workflow has permissions %v beside those of its %d jobs", workflow.Permissions, len(workflow.Jobs))
	}
	pinned := regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}$`)
	for name, job := range workflow.Jobs {
		ran := 0
		for _, step := range job.Steps {
			if step.Run == "" && !pinned.MatchString(step.Uses) {
				t.Errorf("%s: %q is not pinned to a commit", name, step.Uses)
			}
			if step.Run == "" {
				continue
			}
			ran++
			calls := runPage(t, serveDemo(t), "status=0\n"+step.Run+" || status=$?\n[ $status != 2 ]", `
IMAGE=image PROJECT=shop-prod GOOGLE_APPLICATION_CREDENTIALS=credentials.json
docker() { printf '%s\0' docker "$@" '' >>calls
  while [ "$1" != "$IMAGE" ]; do shift; done
  shift
  gkeaudit "$@"
}
`)
			if len(calls) != 1 || !slices.Contains(calls[0], "--read-only") {
				t.Errorf("%s calls %v", name, calls)
			}
		}
		if ran != 1 {
			t.Errorf("%s runs %d commands", name, ran)
		}
	}
}
