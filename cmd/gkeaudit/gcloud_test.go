package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"go.yaml.in/yaml/v3"
)

// A gcloudCommand is what one command of gcloud takes.
type gcloudCommand struct {
	name  string
	takes string            // what stands without a name; dots follow what may be repeated
	flags map[string]string // by name: "" for none, else = and the values, and ! if required, ? if it may be left out

	rivals []string // flags of which it takes one alone
}

// A gcloudCall is a command of the page as it is called.
type gcloudCall struct {
	name  string
	args  []string          // what stands without a name
	flags map[string]string // by name, with the dashes
	files map[string]string // what the files hold that flags name, by the flag
}

// on is what a call makes, grants or deletes.
func (c gcloudCall) on() string { return c.args[0] }

func readGcloud(t *testing.T, name string) []gcloudCommand {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var all []gcloudCommand
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if flags, ok := strings.CutPrefix(line, "  at most one: "); ok {
			all[len(all)-1].rivals = strings.Fields(flags)
			continue
		}
		if flag, ok := strings.CutPrefix(line, "  "); ok {
			end := strings.IndexAny(flag+"=", "=!")
			all[len(all)-1].flags[flag[:end]] = flag[end:]
			continue
		}
		c := gcloudCommand{flags: map[string]string{"--project": "=", "--format": "=", "--quiet": ""}}
		var words, takes []string
		for word := range strings.FieldsSeq(line) {
			if word == strings.ToLower(word) {
				words = append(words, word)
			} else {
				takes = append(takes, word)
			}
		}
		c.name, c.takes = strings.Join(words, " "), strings.Join(takes, " ")
		all = append(all, c)
	}
	return all
}

// parseGcloud holds a call that was noted against what gcloud takes.
func parseGcloud(t *testing.T, commands []gcloudCommand, noted []string) gcloudCall {
	t.Helper()
	line := strings.Join(noted, " ")
	var command gcloudCommand
	for _, c := range commands {
		if strings.HasPrefix(line+" ", "gcloud "+c.name+" ") && len(c.name) > len(command.name) {
			command = c
		}
	}
	call := gcloudCall{name: command.name, flags: map[string]string{}, files: map[string]string{}}
	if command.name == "" {
		t.Errorf("gcloud has no such command, or the table of its commands does not have it: %s", line)
		return call
	}
	for _, arg := range noted[1+len(strings.Fields(command.name)):] {
		if content, ok := strings.CutPrefix(arg, "<"); ok {
			name, content, _ := strings.Cut(content, "\n")
			call.files[name] = content
			continue
		}
		if !strings.HasPrefix(arg, "--") {
			call.args = append(call.args, arg)
			continue
		}
		name, value, valued := strings.Cut(arg, "=")
		kind, ok := command.flags[name]
		if yes, no := strings.CutPrefix(name, "--no-"); !ok && no && command.flags["--"+yes] == "" {
			kind, ok = command.flags["--"+yes]
		}
		values := strings.TrimRight(strings.TrimPrefix(kind, "="), "!?")
		switch _, twice := call.flags[name]; {
		case !ok:
			t.Errorf("gcloud %s has no flag %s", command.name, name)
		case twice:
			t.Errorf("gcloud %s has %s twice", command.name, name)
		case valued != strings.HasPrefix(kind, "=") && kind != "=?", valued && value == "":
			t.Errorf("gcloud %s takes %s%s, not %s", command.name, name, kind, arg)
		case values != "" && !slices.Contains(strings.Split(values, "|"), value):
			t.Errorf("gcloud %s: %s is none of %s", command.name, arg, values)
		}
		call.flags[name] = value
	}
	for name, kind := range command.flags {
		if _, ok := call.flags[name]; !ok && strings.HasSuffix(kind, "!") {
			t.Errorf("gcloud %s wants %s: %s", command.name, name, line)
		}
	}
	given := slices.DeleteFunc(slices.Clone(command.rivals), func(name string) bool {
		_, ok := call.flags[name]
		return !ok
	})
	if len(given) > 1 {
		t.Errorf("gcloud %s takes one of %q: %s", command.name, given, line)
	}
	takes := strings.Fields(command.takes)
	if len(call.args) < len(takes) || len(call.args) > len(takes) && !strings.Contains(command.takes, "...") {
		t.Errorf("gcloud %s takes %q, not %q", command.name, command.takes, call.args)
		call.args = append(call.args, "nothing")
	}
	// Without one of these gcloud takes the project that it happens to be set to.
	_, organization := call.flags["--organization"]
	_, project := call.flags["--project"]
	root := strings.Fields(command.name)[0]
	named := len(call.args) > 0 && strings.HasPrefix(call.args[0], "gs://") && call.name != "storage buckets create"
	if !organization && !project && !named && !slices.Contains([]string{"organizations", "projects", "resource-manager"}, root) {
		t.Errorf("gcloud %s does not say in which project: %s", command.name, line)
	}
	return call
}

// grant is who gets which role on what.
func (c gcloudCall) grant() string {
	kind := c.name[:strings.LastIndex(c.name, " ")]
	return strings.Join([]string{kind, c.on(), c.flags["--member"], c.flags["--role"]}, " ")
}

// grants are those of the calls of one name, such as add-iam-policy-binding, in order of
// their text.
func grants(calls []gcloudCall, name string) []string {
	set := map[string]bool{}
	for _, c := range calls {
		if strings.HasSuffix(c.name, name) {
			set[c.grant()] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// A made is the module with values for its variables, and with the names that its accounts,
// roles, bucket and job then have.
type made struct {
	*module
	ctx *hcl.EvalContext
}

func makeModule(t *testing.T, given map[string]cty.Value) made {
	t.Helper()
	m := made{module: readModule(t, modulePath)}
	refused, ctx := m.evaluate(t, given)
	if refused != nil {
		t.Fatalf("the module refuses %v", refused)
	}
	m.ctx = ctx
	kinds := map[string]map[string]cty.Value{}
	for _, b := range m.blocks {
		if b.Type != "resource" || b.Body.Attributes["for_each"] != nil {
			continue
		}
		text := func(name string) string { return m.eval(t, b.Body.Attributes[name].Expr).AsString() }
		names := map[string]cty.Value{}
		switch b.Labels[0] {
		case "google_service_account":
			names["email"] = cty.StringVal(text("account_id") + "@" + text("project") + ".iam.gserviceaccount.com")
		case "google_project_iam_custom_role":
			names["name"] = cty.StringVal("projects/" + text("project") + "/roles/" + text("role_id"))
		case "google_organization_iam_custom_role":
			if m.times(t, b) == 0 {
				break
			}
			names["name"] = cty.StringVal("organizations/" + text("org_id") + "/roles/" + text("role_id"))
		case "google_storage_bucket":
			names["name"] = cty.StringVal(text("name"))
		case "google_cloud_run_v2_job":
			names["name"], names["location"] = cty.StringVal(text("name")), cty.StringVal(text("location"))
			names["id"] = cty.StringVal("projects/" + text("project") + "/locations/" + text("location") + "/jobs/" + text("name"))
		}
		value := cty.ObjectVal(names)
		if b.Body.Attributes["count"] != nil {
			value = cty.TupleVal([]cty.Value{value})
		}
		if kinds[b.Labels[0]] == nil {
			kinds[b.Labels[0]] = map[string]cty.Value{}
		}
		kinds[b.Labels[0]][b.Labels[1]] = value
	}
	for kind, values := range kinds {
		ctx.Variables[kind] = cty.ObjectVal(values)
	}
	// The locals that name an account or a bucket were not known before.
	locals := ctx.Variables["local"].AsValueMap()
	for name, e := range m.locals {
		locals[name] = m.eval(t, e)
	}
	ctx.Variables["local"] = cty.ObjectVal(locals)
	return m
}

func (m made) eval(t *testing.T, e hclsyntax.Expression) cty.Value {
	t.Helper()
	v, diags := e.Value(m.ctx)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return v
}

// times is how often a resource is made.
func (m made) times(t *testing.T, b *hclsyntax.Block) int {
	t.Helper()
	if a := b.Body.Attributes["count"]; a != nil {
		n, _ := m.eval(t, a.Expr).AsBigFloat().Int64()
		return int(n)
	}
	if a := b.Body.Attributes["for_each"]; a != nil {
		return m.eval(t, a.Expr).LengthInt()
	}
	return 1
}

// at is what an argument of a resource says, as text: retry_config.retry_count is that of
// the argument in the block, and resources.limits.memory that of the key in the argument.
func (m made) at(t *testing.T, resource, path string) string {
	t.Helper()
	for _, b := range m.blocks {
		if strings.Join(b.Labels, ".") != resource {
			continue
		}
		body, names := b.Body, strings.Split(path, ".")
		for len(names) > 1 && body.Attributes[names[0]] == nil {
			i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == names[0] })
			if i < 0 {
				t.Fatalf("%s has no %s", resource, path)
			}
			body, names = body.Blocks[i].Body, names[1:]
		}
		if body.Attributes[names[0]] == nil {
			t.Fatalf("%s has no %s", resource, path)
		}
		v := m.eval(t, body.Attributes[names[0]].Expr)
		for _, name := range names[1:] {
			v = v.GetAttr(name)
		}
		if v.Type().IsTupleType() || v.Type().IsListType() || v.Type().IsSetType() {
			return strings.Join(texts(v), ",")
		}
		v, err := convert.Convert(v, cty.String)
		if err != nil || !v.IsKnown() {
			t.Fatalf("%s.%s is not known: %v", resource, path, err)
		}
		return v.AsString()
	}
	t.Fatalf("there is no %s", resource)
	return ""
}

// grants are the roles that the module grants, in the words of gcloud.
func (m made) grants(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, b := range m.blocks {
		on, ok := map[string]string{
			"google_organization_iam_member":     "organizations org_id",
			"google_folder_iam_member":           "resource-manager folders folder",
			"google_project_iam_member":          "projects project",
			"google_storage_bucket_iam_member":   "storage buckets bucket",
			"google_cloud_run_v2_job_iam_member": "run jobs name",
		}[strings.Join(b.Labels[:min(1, len(b.Labels))], "")]
		if !ok {
			// By that, roles are taken from others.
			if b.Type == "resource" && b.Labels[0] == "google_storage_bucket_iam_binding" {
				continue
			}
			if b.Type == "resource" && strings.Contains(b.Labels[0], "_iam_") && !strings.HasSuffix(b.Labels[0], "_custom_role") {
				t.Errorf("%s: in the words of gcloud there is no %s", b.TypeRange, b.Labels[0])
			}
			continue
		}
		if m.times(t, b) == 0 {
			continue
		}
		keys := []cty.Value{cty.NilVal}
		if a := b.Body.Attributes["for_each"]; a != nil {
			keys = m.eval(t, a.Expr).AsValueSlice()
		}
		for _, key := range keys {
			if key != cty.NilVal {
				m.ctx.Variables["each"] = cty.ObjectVal(map[string]cty.Value{"key": key})
			}
			space := strings.LastIndex(on, " ")
			text := func(name string) string { return m.eval(t, b.Body.Attributes[name].Expr).AsString() }
			target := strings.TrimPrefix(text(on[space+1:]), "folders/")
			if on[:space] == "storage buckets" {
				target = "gs://" + target
			}
			all = append(all, strings.Join([]string{on[:space], target, text("member"), text("role")}, " "))
		}
	}
	return all
}

// roles are the permissions of the custom roles that the module makes, with what they are
// called, by their full names.
func (m made) roles(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, b := range m.blocks {
		if b.Type != "resource" || !strings.HasSuffix(b.Labels[0], "_iam_custom_role") || m.times(t, b) == 0 {
			continue
		}
		resource := strings.Join(b.Labels, ".")
		name := m.ctx.Variables[b.Labels[0]].GetAttr(b.Labels[1])
		if name.Type().IsTupleType() {
			name = name.AsValueSlice()[0]
		}
		all[name.GetAttr("name").AsString()] = m.at(t, resource, "title") + ": " + m.at(t, resource, "description") + ": " + m.at(t, resource, "permissions")
	}
	return all
}

// roles are those that the page makes, likewise.
func roles(t *testing.T, calls []gcloudCall) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, c := range calls {
		if c.name != "iam roles create" {
			continue
		}
		name := "projects/" + c.flags["--project"] + "/roles/" + c.on()
		if organization := c.flags["--organization"]; organization != "" {
			name = "organizations/" + organization + "/roles/" + c.on()
		}
		var role struct {
			Title, Description, Stage string
			IncludedPermissions       []string `yaml:"includedPermissions"`
		}
		if file, ok := c.files["--file"]; ok {
			if err := yaml.Unmarshal([]byte(file), &role); err != nil {
				t.Fatal(err)
			}
		} else {
			role.Title, role.Description, role.Stage = c.flags["--title"], c.flags["--description"], c.flags["--stage"]
			role.IncludedPermissions = strings.Split(c.flags["--permissions"], ",")
		}
		if role.Stage != "GA" {
			t.Errorf("%s is in the stage %q, want GA", name, role.Stage)
		}
		all[name] = role.Title + ": " + role.Description + ": " + strings.Join(role.IncludedPermissions, ",")
	}
	return all
}
