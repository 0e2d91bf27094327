package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"maps"
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
	s, err := readDemo("incomplete")
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

// TestDeployPage runs the commands of the page, with stand-ins for gcloud and Terraform that
// note what they are called with, and holds that against what gcloud takes and what the
// module makes.
func TestDeployPage(t *testing.T) {
	text, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```\n").FindAllStringSubmatch(string(text), -1) {
		page.WriteString(block[1])
	}

	given := sample()
	given["scope"], given["alert_severity"] = cty.StringVal("organizations/123456789012"), cty.StringVal("high")
	given["readers"] = cty.SetVal([]cty.Value{cty.StringVal("group:security@example.com")})
	given["notification_channels"] = channels
	m := makeModule(t, given)
	local := m.ctx.Variables["local"].AsValueMap()
	_, digest, _ := strings.Cut(given["image"].AsString(), "@")

	// What the job has written before: by the last execution, and by an earlier one.
	server := serveOrganization(t, estate(t, 48))
	runJob(t, server, texts(local["arguments"]))
	bucket := "gs://" + local["bucket"].AsString()
	runJob(t, server, []string{"report", bucket + "/runs/gkeaudit-x7k2p/", "-o", bucket + "/reports/gkeaudit-4wq8d.json.gz"})

	// A file that a flag names is noted, too, as the page writes it and writes it again.
	noted := runPage(t, server, page.String(), `
gcloud() {
  local arg
  {
    printf '%s\0' gcloud "$@"
    for arg; do case $arg in --file=* | --*-file=*) printf '<%s\n%s\0' "${arg%%=*}" "$(cat "${arg#*=}")" ;; esac; done
    printf '\0'
  } >>calls
  case "$*" in
    "artifacts docker images describe $IMAGE:v0.1.0 --project=shop-audit --format=value(image_summary.digest)") echo `+digest+` ;;
    "beta monitoring channels create "*" --format=value(name)") echo projects/shop-audit/notificationChannels/1 ;;
    "run jobs executions list --job=gkeaudit "*" --filter=status.completionTime>2000-01-01 --limit=1 --format=value(metadata.name)") echo gkeaudit-x7k2p ;;
    "projects describe shop-audit --format=value(projectNumber)") echo 384756201938 ;;
  esac
}
gh() { [ "$*" = "api repos/example/infrastructure --jq .id" ] && echo 555123; }
terraform() { printf '%s\0' terraform "$@" '' >>calls; }
`)
	commands := readGcloud(t, "../../testdata/deploy/gcloud.txt")
	var calls []gcloudCall
	used := map[string]bool{}
	for _, call := range noted {
		if call[0] == "gcloud" {
			c := parseGcloud(t, commands, call)
			used[c.name] = true
			calls = append(calls, c)
		}
	}
	// What only the text names.
	for _, match := range regexp.MustCompile("`gcloud ([a-z -]+)").FindAllStringSubmatch(string(text), -1) {
		name := strings.TrimSpace(match[1])
		if !slices.ContainsFunc(commands, func(c gcloudCommand) bool { return c.name == name }) {
			t.Errorf("gcloud has no command %s", name)
		}
		used[name] = true
	}
	for _, c := range commands {
		if !used[c.name] {
			t.Errorf("the page does not call gcloud %s", c.name)
		}
	}
	checkPageValues(t, m, calls)
	checkPageRights(t, given, calls)
	checkPageOrder(t, calls)
}

// find returns the call of a name on something, of which there is one.
func find(t *testing.T, calls []gcloudCall, name, on string) gcloudCall {
	t.Helper()
	var found []gcloudCall
	for _, c := range calls {
		if c.name == name && (on == "" || c.on() == on) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("the page has %d calls of gcloud %s %s, want one", len(found), name, on)
	}
	return found[0]
}

// checkPageValues holds what the page's commands say against what the module says. A flag
// that the module has nothing for is not there.
func checkPageValues(t *testing.T, m made, calls []gcloudCall) {
	t.Helper()
	const job, schedule, bucket = "google_cloud_run_v2_job.audit", "google_cloud_scheduler_job.audit", "google_storage_bucket.reports"
	local := m.ctx.Variables["local"].AsValueMap()
	url := "gs://" + local["bucket"].AsString()
	for _, c := range []struct {
		name, on, resource string
		flags              map[string]string // an argument of the resource, or after = a value
	}{
		{"run jobs create", "gkeaudit", job, map[string]string{
			"--project": "project", "--region": "location",
			"--image":           "template.template.containers.image",
			"--args":            "template.template.containers.args",
			"--cpu":             "template.template.containers.resources.limits.cpu",
			"--memory":          "template.template.containers.resources.limits.memory",
			"--service-account": "template.template.service_account",
			"--max-retries":     "template.template.max_retries",
			"--task-timeout":    "template.template.timeout",
			"--tasks":           "template.task_count",
		}},
		{"run jobs execute", "gkeaudit", job, map[string]string{"--project": "project", "--region": "location", "--wait": "="}},
		{"scheduler jobs create http", "gkeaudit", schedule, map[string]string{
			"--project": "project", "--location": "region",
			"--schedule": "schedule", "--time-zone": "time_zone", "--attempt-deadline": "attempt_deadline",
			"--max-retry-attempts":          "retry_config.retry_count",
			"--http-method":                 "http_target.http_method",
			"--uri":                         "http_target.uri",
			"--oauth-service-account-email": "http_target.oauth_token.service_account_email",
			"--oauth-token-scope":           "http_target.oauth_token.scope",
		}},
		{"scheduler jobs run", "gkeaudit", schedule, map[string]string{"--project": "project", "--location": "region"}},
		{"iam service-accounts create", "gkeaudit", "google_service_account.job", map[string]string{"--project": "project", "--display-name": "display_name"}},
		{"iam service-accounts create", "gkeaudit-schedule", "google_service_account.schedule", map[string]string{"--project": "project", "--display-name": "display_name"}},
		{"storage buckets create", url, bucket, map[string]string{
			"--project": "project", "--location": "location", "--uniform-bucket-level-access": "=", "--public-access-prevention": "="}},
		{"storage buckets update", url, bucket, map[string]string{"--versioning": "=", "--lifecycle-file": "=lifecycle.json"}},
		{"monitoring policies create", "", "google_monitoring_alert_policy.audit", map[string]string{
			"--project": "project", "--policy-from-file": "=alert.json", "--notification-channels": "=projects/shop-audit/notificationChannels/1"}},
		{"beta monitoring channels create", "", "google_monitoring_alert_policy.audit", map[string]string{
			"--project": "project", "--type": "=email", "--display-name": "=Security", "--channel-labels": "=email_address=security@example.com", "--format": "=value(name)"}},
		{"run jobs executions list", "", job, map[string]string{
			"--project": "project", "--region": "location", "--job": "name", "--filter": "=status.completionTime>2000-01-01", "--limit": "=1", "--format": "=value(metadata.name)"}},
		{"logging read", `resource.type="cloud_run_job" AND resource.labels.job_name="gkeaudit" AND jsonPayload.summary.fail>=0`, job, map[string]string{
			"--project": "project", "--limit": "=20", "--freshness": "=30d"}},
		{"builds submit", ".", job, map[string]string{
			"--project": "project", "--region": "location", "--tag": "=europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit:v0.1.0",
			"--service-account":          "=projects/shop-audit/serviceAccounts/gkeaudit-build@shop-audit.iam.gserviceaccount.com",
			"--default-buckets-behavior": "=regional-user-owned-bucket"}},
		{"artifacts repositories create", "tools", job, map[string]string{
			"--project": "project", "--location": "location", "--repository-format": "=docker", "--description": "=Images of tools"}},
		{"iam workload-identity-pools create", "github", job, map[string]string{"--project": "project", "--location": "=global"}},
		// One branch of one repository, by the number that nobody else can get.
		{"iam workload-identity-pools providers create-oidc", "github", job, map[string]string{
			"--project": "project", "--location": "=global", "--workload-identity-pool": "=github",
			"--issuer-uri":          "=https://token.actions.githubusercontent.com",
			"--attribute-mapping":   "=google.subject=assertion.sub,attribute.repository_id=assertion.repository_id",
			"--attribute-condition": "=assertion.repository_id == '555123' && assertion.ref == 'refs/heads/main'"}},
		{"storage rm", url, job, map[string]string{"--recursive": "=", "--all-versions": "="}},
	} {
		want := map[string]string{}
		for flag, path := range c.flags {
			value, ok := strings.CutPrefix(path, "=")
			if !ok {
				value = m.at(t, c.resource, path)
			}
			switch flag {
			case "--http-method":
				value = strings.ToLower(value)
			case "--task-timeout":
				d, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				value = strings.TrimSuffix(d.String(), "0s")
			}
			want[flag] = value
		}
		if diff := gocmp.Diff(want, find(t, calls, c.name, c.on).flags); diff != "" {
			t.Errorf("gcloud %s %s differs (-want +page):\n%s", c.name, c.on, diff)
		}
	}
	if got := m.at(t, bucket, "uniform_bucket_level_access") + m.at(t, bucket, "public_access_prevention") + m.at(t, bucket, "versioning.enabled"); got != "trueenforcedtrue" {
		t.Errorf("the module's bucket is %s, and the page's is uniform, never public and versioned", got)
	}

	var services [][]string
	for _, c := range calls {
		if c.name == "services enable" {
			services = append(services, slices.Sorted(slices.Values(c.args)))
			if c.flags["--project"] != "shop-audit" {
				t.Errorf("APIs are turned on in %s", c.flags["--project"])
			}
		}
	}
	if diff := gocmp.Diff([][]string{
		{"artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "iam.googleapis.com"},
		slices.Sorted(slices.Values(texts(m.argument(t, m.ctx, "google_project_service.api", "for_each")))),
		{"cloudresourcemanager.googleapis.com", "compute.googleapis.com", "container.googleapis.com", "iam.googleapis.com", "sts.googleapis.com"},
	}, services); diff != "" {
		t.Errorf("APIs for the image, the job and the pipeline differ (-want +page):\n%s", diff)
	}

	type rule struct {
		Action    map[string]string `json:"action"`
		Condition map[string]any    `json:"condition"`
	}
	var lifecycle struct{ Rule []rule }
	if err := json.Unmarshal([]byte(find(t, calls, "storage buckets update", url).files["--lifecycle-file"]), &lifecycle); err != nil {
		t.Fatal(err)
	}
	var want []rule
	for _, b := range m.blocks {
		for _, b := range b.Body.Blocks {
			if b.Type != "lifecycle_rule" {
				continue
			}
			r := rule{map[string]string{}, map[string]any{}}
			for _, b := range b.Body.Blocks {
				for name, a := range b.Body.Attributes {
					switch v := m.eval(t, a.Expr); name {
					case "type":
						r.Action["type"] = v.AsString()
					case "with_state":
						r.Condition["isLive"] = v.AsString() == "LIVE"
					case "age", "days_since_noncurrent_time":
						n, _ := v.AsBigFloat().Float64()
						r.Condition[map[string]string{"age": "age", "days_since_noncurrent_time": "daysSinceNoncurrentTime"}[name]] = n
					case "matches_prefix":
						var prefixes []any
						for _, prefix := range texts(v) {
							prefixes = append(prefixes, prefix)
						}
						r.Condition["matchesPrefix"] = prefixes
					default:
						t.Errorf("in the words of gcloud there is no %s", name)
					}
				}
			}
			want = append(want, r)
		}
	}
	if diff := gocmp.Diff(want, lifecycle.Rule); diff != "" {
		t.Errorf("life cycles differ (-module +page):\n%s", diff)
	}

	var alert any
	if err := json.Unmarshal([]byte(find(t, calls, "monitoring policies create", "").files["--policy-from-file"]), &alert); err != nil {
		t.Fatal(err)
	}
	const policy = "google_monitoring_alert_policy.audit"
	if diff := gocmp.Diff(any(map[string]any{
		"displayName": m.at(t, policy, "display_name"),
		"combiner":    m.at(t, policy, "combiner"),
		"conditions": []any{map[string]any{
			"displayName":         m.at(t, policy, "conditions.display_name"),
			"conditionMatchedLog": map[string]any{"filter": local["alert_filter"].AsString()},
		}},
		"alertStrategy": map[string]any{
			"autoClose":             m.at(t, policy, "alert_strategy.auto_close"),
			"notificationRateLimit": map[string]any{"period": m.at(t, policy, "alert_strategy.notification_rate_limit.period")},
		},
	}), alert); diff != "" {
		t.Errorf("alerts differ (-module +page):\n%s", diff)
	}
}

// checkPageRights holds the roles that the page makes and grants, for an organization, a
// folder and a project, against those of the module for all three. Only what the module
// has no part in is listed here.
func checkPageRights(t *testing.T, given map[string]cty.Value, calls []gcloudCall) {
	t.Helper()
	const (
		build    = "projects shop-audit serviceAccount:gkeaudit-build@shop-audit.iam.gserviceaccount.com roles/cloudbuild.builds.builder"
		workflow = "principalSet://iam.googleapis.com/projects/384756201938/locations/global/workloadIdentityPools/github/attribute.repository_id/555123"
		core     = "projects/shop-prod/roles/gkeaudit_core"
		bucket   = "storage buckets gs://shop-audit-gkeaudit-reports "
		audit    = "organizations 123456789012 serviceAccount:gkeaudit@shop-audit.iam.gserviceaccount.com organizations/123456789012/roles/gkeaudit"
	)
	granted := map[string]bool{
		build: true,
		"artifacts repositories tools " + workflow + " roles/artifactregistry.reader": true,
		"projects shop-prod " + workflow + " " + core:                                 true,
	}
	custom := map[string]string{}
	for scope, organization := range map[string]cty.Value{
		"organizations/123456789012": cty.NullVal(cty.String),
		"folders/987654321098":       cty.StringVal("123456789012"),
		"projects/shop-prod":         cty.StringVal("123456789012"),
	} {
		given := maps.Clone(given)
		given["scope"], given["organization"] = cty.StringVal(scope), organization
		m := makeModule(t, given)
		for _, grant := range m.grants(t) {
			granted[grant] = true
		}
		maps.Copy(custom, m.roles(t))
		custom[core] = "gkeaudit: Read what gkeaudit audits: " +
			strings.Join(texts(m.ctx.Variables["local"].GetAttr("permissions_project").GetAttr("core")), ",")
	}
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(granted)), grants(calls, " add-iam-policy-binding")); diff != "" {
		t.Errorf("grants differ (-want +page):\n%s", diff)
	}
	if diff := gocmp.Diff(custom, roles(t, calls)); diff != "" {
		t.Errorf("roles differ (-want +page):\n%s", diff)
	}
	if diff := gocmp.Diff(slices.Sorted(slices.Values([]string{
		build, audit, "projects shop-prod " + workflow + " " + core,
		bucket + "projectEditor:shop-audit roles/storage.legacyBucketOwner",
		bucket + "projectEditor:shop-audit roles/storage.legacyObjectOwner",
		bucket + "projectViewer:shop-audit roles/storage.legacyBucketReader",
		bucket + "projectViewer:shop-audit roles/storage.legacyObjectReader",
	})), grants(calls, " remove-iam-policy-binding")); diff != "" {
		t.Errorf("what is taken back differs (-want +page):\n%s", diff)
	}
	for _, c := range calls {
		// gcloud asks which condition is meant where a policy has others.
		on, binding := strings.CutSuffix(c.name, "-iam-policy-binding")
		root := strings.Fields(on)[0]
		if binding && c.flags["--condition"] != map[bool]string{true: "None"}[root == "organizations" || root == "projects" || root == "resource-manager"] {
			t.Errorf("gcloud %s %s has the condition %q", c.name, c.on(), c.flags["--condition"])
		}
	}
}

// checkPageOrder sees that things are made before they are used, and that all are deleted
// in the end.
func checkPageOrder(t *testing.T, calls []gcloudCall) {
	t.Helper()
	var names []string
	done := map[string]int{}
	for i, c := range calls {
		name, _ := strings.CutSuffix(c.name, " http")
		if len(c.args) > 0 {
			on, _, _ := strings.Cut(c.on(), "@")
			name += " " + on
		}
		names = append(names, name)
		if kind, on, ok := strings.Cut(name, " create "); ok {
			done[kind+" "+on+c.flags["--organization"]] = i
		}
		if kind, on, ok := strings.Cut(name, " delete "); ok {
			if _, ok := done[kind+" "+on+c.flags["--organization"]]; !ok {
				t.Errorf("gcloud %s: that was not made", name)
			}
			delete(done, kind+" "+on+c.flags["--organization"])
		}
	}
	// The repository may have other images; the bucket goes by storage rm; and the second
	// role is of a folder or a project, which has its own deleted likewise.
	if diff := gocmp.Diff([]string{"artifacts repositories tools", "iam roles gkeaudit_above123456789012", "storage buckets gs://shop-audit-gkeaudit-reports"},
		slices.DeleteFunc(slices.Sorted(maps.Keys(done)), func(name string) bool { return name == "iam roles gkeaudit" })); diff != "" {
		t.Errorf("what stays differs (-want +page):\n%s", diff)
	}
	last := -1
	for _, name := range []string{
		"services enable artifactregistry.googleapis.com", "artifacts repositories create tools", "iam service-accounts create gkeaudit-build",
		"projects add-iam-policy-binding shop-audit", "builds submit .", "projects remove-iam-policy-binding shop-audit",
		"artifacts docker images describe europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit:v0.1.0",
		"services enable cloudasset.googleapis.com", "iam service-accounts create gkeaudit", "iam roles create gkeaudit",
		"organizations add-iam-policy-binding 123456789012", "storage buckets create gs://shop-audit-gkeaudit-reports",
		"storage buckets update gs://shop-audit-gkeaudit-reports", "storage buckets add-iam-policy-binding gs://shop-audit-gkeaudit-reports",
		"storage buckets remove-iam-policy-binding gs://shop-audit-gkeaudit-reports", "iam roles create gkeaudit_reports",
		"run jobs create gkeaudit", "run jobs execute gkeaudit", "storage cp gs://shop-audit-gkeaudit-reports/reports/*.html",
		"iam service-accounts create gkeaudit-schedule", "run jobs add-iam-policy-binding gkeaudit", "scheduler jobs create gkeaudit",
		"scheduler jobs run gkeaudit", "beta monitoring channels create", "monitoring policies create",
		"iam workload-identity-pools create github", "iam workload-identity-pools providers create-oidc github",
	} {
		at := slices.Index(names, name)
		if at <= last {
			t.Errorf("gcloud %s is not there, or too early", name)
		}
		last = max(last, at)
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

// TestWorkflow runs the workflow's commands as GitHub would, with a stand-in for docker that
// has the image for whom it belongs to only, and sees what is uploaded.
func TestWorkflow(t *testing.T) {
	text, err := os.ReadFile("../../deploy/github-actions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Permissions map[string]string
		Jobs        map[string]struct {
			Permissions map[string]string
			Steps       []struct {
				ID, Uses, Run, If string
				Env, With         map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	if workflow.Permissions == nil || len(workflow.Permissions) > 0 || len(workflow.Jobs) != 1 {
		t.Errorf("the workflow has permissions %v beside those of its %d jobs", workflow.Permissions, len(workflow.Jobs))
	}
	job := workflow.Jobs["audit"]
	if diff := gocmp.Diff(map[string]string{"actions": "read", "contents": "read", "id-token": "write", "security-events": "write"}, job.Permissions); diff != "" {
		t.Errorf("permissions differ (-want +got):\n%s", diff)
	}
	pinned := regexp.MustCompile(`^([\w.-]+(?:/[\w.-]+)+)@[0-9a-f]{40}$`)
	var actions []string
	for _, step := range job.Steps {
		if step.Run != "" {
			continue
		}
		if match := pinned.FindStringSubmatch(step.Uses); match == nil {
			t.Errorf("%q is not pinned to a commit", step.Uses)
		} else {
			actions = append(actions, match[1])
		}
		var with map[string]string
		var condition string
		switch {
		case strings.HasPrefix(step.Uses, "actions/checkout@"):
			with = map[string]string{"persist-credentials": "false"}
		case strings.HasPrefix(step.Uses, "google-github-actions/auth@"):
			with = map[string]string{"workload_identity_provider": "${{ vars.WORKLOAD_IDENTITY_PROVIDER }}"}
		case strings.HasPrefix(step.Uses, "github/codeql-action/upload-sarif@"):
			with = map[string]string{"sarif_file": "gkeaudit.sarif", "category": "gkeaudit"}
			condition = "${{ !cancelled() && hashFiles('gkeaudit.sarif') != '' }}"
		}
		if diff := gocmp.Diff(with, step.With); diff != "" || step.If != condition {
			t.Errorf("%s runs if %q, with (-want +got):\n%s", step.Uses, step.If, diff)
		}
	}
	if diff := gocmp.Diff([]string{"actions/checkout", "google-github-actions/auth", "github/codeql-action/upload-sarif"}, actions); diff != "" {
		t.Errorf("actions differ (-want +got):\n%s", diff)
	}

	values := map[string]string{
		"vars.GKEAUDIT_IMAGE":           "europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit@sha256:" + strings.Repeat("0a", 32),
		"vars.GKEAUDIT_PROJECT":         "shop-prod",
		"steps.auth.outputs.auth_token": "federated",
	}
	for name, c := range map[string]struct {
		docker string // what has gone wrong
		status string
		rules  int // in the file that is uploaded; 0 if there is none
	}{
		"findings":            {"", "1", 5},
		"the image is denied": {"denied=1", "1", 0},
		"no answer":           {"PROJECT_IS=nowhere@", "2", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var commands strings.Builder
			authenticated := false
			for _, step := range job.Steps {
				authenticated = authenticated || step.ID == "auth"
				if step.Run == "" {
					continue
				}
				// Each step is a shell of its own; what follows a failed one is not run.
				commands.WriteString("[ -e status ] || (set -e\n")
				for variable, value := range step.Env {
					known, ok := values[strings.TrimSuffix(strings.TrimPrefix(value, "${{ "), " }}")]
					if !ok || strings.Contains(value, "steps.auth.") && !authenticated {
						t.Errorf("nothing gives %s", value)
					}
					commands.WriteString(variable + "=" + strconv.Quote(known) + "\n")
				}
				if strings.Contains(step.Run, "${{") || step.If != "" {
					t.Errorf("what GitHub says is run as a command, or not at all: %s", step.Run)
				}
				commands.WriteString(step.Run + "\n)\nstatus=$?; [ $status = 0 ] || [ -e status ] || echo $status >status\n")
			}
			dir := t.TempDir()
			cmd := exec.Command("bash", "-c", `
export GOOGLE_APPLICATION_CREDENTIALS=credentials.json
`+c.docker+`
docker() {
  case "$1" in
    login)
      [ "$(cat)" = federated ] && [ "$*" = "login --username=oauth2accesstoken --password-stdin https://europe-west4-docker.pkg.dev" ] && touch login ;;
    pull) [ -e login ] && [ -z "${denied-}" ] && touch image ;;
    run)
      [ -e image ] || return 125
      local flags=() image=$IMAGE
      while shift; [ "$1" != "$image" ]; do flags+=("$1"); done
      shift
      printf '%s\n' "${flags[@]}" >flags
      gkeaudit "${@/#--project=/--project=${PROJECT_IS-}}" ;;
    *) return 1 ;;
  esac
}
`+commands.String())
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true"}
			for name, value := range endpoints(serveDemo(t).URL) {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			out, _ := cmd.CombinedOutput()
			status, err := os.ReadFile(filepath.Join(dir, "status"))
			if got := strings.TrimSpace(string(status)); got != c.status {
				t.Errorf("status %q, want %s: %v\n%s", got, c.status, err, out)
			}
			file, err := os.ReadFile(filepath.Join(dir, "gkeaudit.sarif"))
			if c.rules == 0 {
				if err == nil {
					t.Errorf("a file is uploaded: %q", file)
				}
				return
			}
			var sarif struct {
				Version string
				Runs    []struct {
					Tool struct{ Driver struct{ Rules []any } }
				}
			}
			if err := json.Unmarshal(file, &sarif); err != nil || sarif.Version != "2.1.0" || len(sarif.Runs) != 1 || len(sarif.Runs[0].Tool.Driver.Rules) != c.rules {
				t.Errorf("that is no SARIF of %d rules: %v: %.300s\n%s", c.rules, err, file, out)
			}
			flags, _ := os.ReadFile(filepath.Join(dir, "flags"))
			for _, want := range []string{"--rm", "--pull=never", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
				"--volume=credentials.json:/credentials.json:ro", "--env=GOOGLE_APPLICATION_CREDENTIALS=/credentials.json"} {
				if !slices.Contains(strings.Split(string(flags), "\n"), want) {
					t.Errorf("docker run has no %s: %s", want, flags)
				}
			}
		})
	}
}
