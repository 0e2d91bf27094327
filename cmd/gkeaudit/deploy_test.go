package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
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
	"gkeaudit/report"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"go.yaml.in/yaml/v3"
)

// The tests in this file take the place of terraform validate, which needs the provider,
// and so the network: they parse the module, resolve its references, hold its resources
// against the provider's arguments, and evaluate what it says to the program.

var update = flag.Bool("update", false, "write the module's permissions anew")

const modulePath = "../../deploy/terraform"

// A module is what a folder of Terraform files declares.
type module struct {
	files     map[string]*hcl.File
	blocks    []*hclsyntax.Block
	variables map[string]*hclsyntax.Body
	locals    map[string]hclsyntax.Expression
	resources map[string]bool // TYPE.NAME
	modules   map[string]*hclsyntax.Body
	outputs   map[string]bool
}

func readModule(t *testing.T, folder string) *module {
	t.Helper()
	m := &module{map[string]*hcl.File{}, nil, map[string]*hclsyntax.Body{}, map[string]hclsyntax.Expression{}, map[string]bool{}, map[string]*hclsyntax.Body{}, map[string]bool{}}
	names, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil || names == nil {
		t.Fatalf("%s has no files: %v", folder, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if want := hclwrite.Format(text); !bytes.Equal(text, want) {
			t.Errorf("%s is not formatted (terraform fmt):\n%s", name, gocmp.Diff(string(want), string(text)))
		}
		file, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		m.files[name] = file
		for _, b := range file.Body.(*hclsyntax.Body).Blocks {
			m.blocks = append(m.blocks, b)
			switch b.Type {
			case "variable":
				m.variables[b.Labels[0]] = b.Body
			case "locals":
				for name, a := range b.Body.Attributes {
					m.locals[name] = a.Expr
				}
			case "resource":
				m.resources[strings.Join(b.Labels, ".")] = true
			case "module":
				m.modules[b.Labels[0]] = b.Body
			case "output":
				m.outputs[b.Labels[0]] = true
			case "terraform", "provider":
			default:
				t.Errorf("%s: there is no kind of block %q", b.TypeRange, b.Type)
			}
		}
	}
	return m
}

// TestTerraformReferences holds every reference of the module and its examples against
// what is declared, and sees that all of that is used.
func TestTerraformReferences(t *testing.T) {
	folders, err := filepath.Glob(modulePath + "/examples/*")
	if err != nil || len(folders) != 3 {
		t.Fatalf("got examples %v, want one for each kind of scope", folders)
	}
	for _, folder := range append(folders, modulePath) {
		m := readModule(t, folder)
		used := map[string]bool{}
		for _, file := range m.files {
			hclsyntax.VisitAll(file.Body.(*hclsyntax.Body), func(n hclsyntax.Node) hcl.Diagnostics {
				e, ok := n.(*hclsyntax.ScopeTraversalExpr)
				if !ok {
					return nil
				}
				parts := []string{}
				for _, step := range e.Traversal {
					switch step := step.(type) {
					case hcl.TraverseRoot:
						parts = append(parts, step.Name)
					case hcl.TraverseAttr:
						parts = append(parts, step.Name)
					}
				}
				name := strings.Join(parts[:min(2, len(parts))], ".")
				used[name] = true
				declared := m.resources[name]
				switch parts[0] {
				case "var":
					declared = m.variables[parts[1]] != nil
				case "local":
					declared = m.locals[parts[1]] != nil
				case "module":
					declared = m.modules[parts[1]] != nil && len(parts) > 2 && readModule(t, modulePath).outputs[parts[2]]
				case "each", "env": // of for_each, and of the dynamic block
					declared = true
				case "string", "number", "bool": // types of variables
					declared = len(parts) == 1
				default:
					declared = declared || len(parts) == 1 // the variable of a for
				}
				if !declared {
					t.Errorf("%s: there is no %s", e.Range(), strings.Join(parts, "."))
				}
				return nil
			})
		}
		for name, body := range m.variables {
			if !used["var."+name] {
				t.Errorf("%s: variable %s is not used", folder, name)
			}
			for _, want := range []string{"description", "type"} {
				if body.Attributes[want] == nil {
					t.Errorf("%s: variable %s has no %s", folder, name, want)
				}
			}
		}
		for name := range m.locals {
			if !used["local."+name] {
				t.Errorf("%s: local %s is not used", folder, name)
			}
		}
	}
}

// TestTerraformArguments holds the resources' arguments against those that the provider
// has.
func TestTerraformArguments(t *testing.T) {
	provider := readProvider(t)
	for _, b := range readModule(t, modulePath).blocks {
		if b.Type != "resource" {
			continue
		}
		known := provider[b.Labels[0]]
		if known == nil {
			t.Errorf("%s: nothing is known of %s", b.TypeRange, b.Labels[0])
			continue
		}
		checkArguments(t, b.Body, known, []string{"count", "for_each", "depends_on", "lifecycle"})
	}
}

// arguments are those of a resource or a block in it; what is required ends in "!".
type arguments map[string]arguments

func (a arguments) find(name string) (arguments, bool) {
	if nested, ok := a[name]; ok {
		return nested, true
	}
	nested, ok := a[name+"!"]
	return nested, ok
}

func readProvider(t *testing.T) arguments {
	t.Helper()
	text, err := os.ReadFile("../../testdata/deploy/google-provider.txt")
	if err != nil {
		t.Fatal(err)
	}
	open := []arguments{{}}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name := strings.TrimSpace(line)
		depth := (len(strings.TrimRight(line, "\n")) - len(name)) / 2
		nested := arguments{}
		open[depth][name] = nested
		open = append(open[:depth+1], nested)
	}
	return open[0]
}

func checkArguments(t *testing.T, body *hclsyntax.Body, known arguments, also []string) {
	t.Helper()
	given := map[string]bool{}
	for name, a := range body.Attributes {
		given[name] = true
		if nested, ok := known.find(name); !slices.Contains(also, name) && (!ok || len(nested) > 0) {
			t.Errorf("%s: there is no argument %s", a.SrcRange, name)
		}
	}
	for _, b := range body.Blocks {
		name, inner := b.Type, b.Body
		if name == "dynamic" {
			name, inner = b.Labels[0], b.Body.Blocks[0].Body
		}
		given[name] = true
		nested, ok := known.find(name)
		if !ok || len(nested) == 0 {
			t.Errorf("%s: there is no block %s", b.TypeRange, name)
			continue
		}
		checkArguments(t, inner, nested, nil)
	}
	for name := range known {
		if required, ok := strings.CutSuffix(name, "!"); ok && !given[required] {
			t.Errorf("%s: %s is required", body.SrcRange, required)
		}
	}
}

// TestTerraformPermissions holds the module's permissions against those that the program
// prints a role with, for each profile. With -update it writes them.
func TestTerraformPermissions(t *testing.T) {
	file := hclwrite.NewEmptyFile()
	file.Body().AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte(
		"# What gkeaudit access --role=terraform prints, by profile. A test compares them, and writes\n" +
			"# them: go test ./cmd/gkeaudit -run TestTerraformPermissions -update\n")}})
	locals := file.Body().AppendNewBlock("locals", nil).Body()
	role := func(args ...string) []string {
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
	} {
		if i > 0 {
			locals.AppendNewline()
		}
		byProfile := map[string]cty.Value{}
		for _, profile := range profileNames() {
			values := []cty.Value{}
			for _, p := range role(append(kind.args, "--profile="+profile)...) {
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

// functions are those of Terraform's that the module calls.
var functions = map[string]function.Function{
	"can":        tryfunc.CanFunc,
	"coalesce":   stdlib.CoalesceFunc,
	"concat":     stdlib.ConcatFunc,
	"contains":   stdlib.ContainsFunc,
	"floor":      stdlib.FloorFunc,
	"join":       stdlib.JoinFunc,
	"keys":       stdlib.KeysFunc,
	"length":     stdlib.LengthFunc,
	"min":        stdlib.MinFunc,
	"regex":      stdlib.RegexFunc,
	"replace":    stdlib.ReplaceFunc,
	"setunion":   stdlib.SetUnionFunc,
	"slice":      stdlib.SliceFunc,
	"split":      stdlib.SplitFunc,
	"alltrue":    ofList(func(list []cty.Value) bool { return !slices.ContainsFunc(list, cty.Value.False) }),
	"anytrue":    ofList(func(list []cty.Value) bool { return slices.ContainsFunc(list, cty.Value.True) }),
	"startswith": ofStrings(strings.HasPrefix),
	"endswith":   ofStrings(strings.HasSuffix),
	"index": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			i := slices.IndexFunc(args[0].AsValueSlice(), func(v cty.Value) bool { return v.RawEquals(args[1]) })
			if i < 0 {
				return cty.NilVal, fmt.Errorf("no such item")
			}
			return cty.NumberIntVal(int64(i)), nil
		},
	}),
}

func ofList(f func([]cty.Value) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsValueSlice())), nil
		},
	})
}

func ofStrings(f func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "string", Type: cty.String}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// types are those of the module's variables, but for lists, sets and maps of them.
var types = map[string]cty.Type{"string": cty.String, "number": cty.Number, "bool": cty.Bool}

func typeOf(t *testing.T, e hclsyntax.Expression) cty.Type {
	t.Helper()
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		inner := typeOf(t, call.Args[0])
		return map[string]cty.Type{"list": cty.List(inner), "set": cty.Set(inner), "map": cty.Map(inner)}[call.Name]
	}
	return types[hcl.ExprAsKeyword(e)]
}

// evaluate gives the module's variables values, and returns the conditions that do not
// hold and, if all do, what its expressions are evaluated in: the variables, the locals
// and resources of which nothing is known.
func (m *module) evaluate(t *testing.T, given map[string]cty.Value) (refused []string, ctx *hcl.EvalContext) {
	t.Helper()
	vars := map[string]cty.Value{}
	for name, body := range m.variables {
		value, ok := given[name]
		if a := body.Attributes["default"]; !ok && a != nil {
			value, _ = a.Expr.Value(nil)
		} else if !ok {
			t.Fatalf("variable %s has no value", name)
		}
		value, err := convert.Convert(value, typeOf(t, body.Attributes["type"].Expr))
		if err != nil {
			t.Fatalf("variable %s: %v", name, err)
		}
		vars[name] = value
	}
	for name := range given {
		if m.variables[name] == nil {
			t.Errorf("there is no variable %s", name)
		}
	}
	ctx = &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{"var": cty.ObjectVal(vars)}}
	for _, name := range slices.Sorted(maps.Keys(m.variables)) {
		for i, b := range m.variables[name].Blocks {
			ok, diags := b.Body.Attributes["condition"].Expr.Value(ctx)
			if diags.HasErrors() {
				t.Errorf("%v: %v", given, diags)
			} else if ok.False() {
				refused = append(refused, fmt.Sprintf("%s/%d", name, i))
			}
		}
	}
	if refused != nil {
		return refused, nil
	}
	for name := range m.resources {
		kind, _, _ := strings.Cut(name, ".")
		ctx.Variables[kind] = cty.DynamicVal
	}
	locals := map[string]cty.Value{}
	for len(locals) < len(m.locals) {
		before := len(locals)
		ctx.Variables["local"] = cty.ObjectVal(locals)
		var wrong hcl.Diagnostics
		for name, e := range m.locals {
			if value, diags := e.Value(ctx); !diags.HasErrors() {
				locals[name] = value
			} else {
				wrong = append(wrong, diags...)
			}
		}
		if len(locals) == before {
			t.Fatal(wrong)
		}
	}
	ctx.Variables["local"] = cty.ObjectVal(locals)
	return nil, ctx
}

// argument is that of a resource, evaluated.
func (m *module) argument(t *testing.T, ctx *hcl.EvalContext, resource, name string) cty.Value {
	t.Helper()
	for _, b := range m.blocks {
		if strings.Join(b.Labels, ".") == resource {
			v, diags := b.Body.Attributes[name].Expr.Value(ctx)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			return v
		}
	}
	t.Fatalf("there is no %s", resource)
	return cty.NilVal
}

// value reads a JSON value as Terraform reads one of a variable.
func value(t *testing.T, text []byte) cty.Value {
	t.Helper()
	var v ctyjson.SimpleJSONValue
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v.Value
}

// sample is what the module needs at least.
func sample() map[string]cty.Value {
	return map[string]cty.Value{
		"project": cty.StringVal("shop-audit"),
		"region":  cty.StringVal("europe-west4"),
		"scope":   cty.StringVal("projects/shop-prod"),
		"image":   cty.StringVal("europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit@sha256:" + strings.Repeat("0a", 32)),
	}
}

// TestTerraformValidation tries values, good and bad, on the conditions of the module's
// variables. Each condition refuses some.
func TestTerraformValidation(t *testing.T) {
	text, err := os.ReadFile("../../testdata/deploy/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var values struct{ Accepted, Refused []map[string]json.RawMessage }
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	m := readModule(t, modulePath)
	with := func(set map[string]json.RawMessage) map[string]cty.Value {
		all := sample()
		for name, text := range set {
			all[name] = value(t, text)
		}
		return all
	}
	for _, set := range values.Accepted {
		if refused, _ := m.evaluate(t, with(set)); refused != nil {
			t.Errorf("%s is refused by %v", set, refused)
		}
	}
	useless := map[string]bool{}
	for name, body := range m.variables {
		for i := range body.Blocks {
			useless[fmt.Sprintf("%s/%d", name, i)] = true
		}
	}
	for _, set := range values.Refused {
		refused, _ := m.evaluate(t, with(set))
		if refused == nil {
			t.Errorf("%s is accepted", set)
		}
		for _, name := range refused {
			delete(useless, name)
		}
	}
	if len(useless) > 0 {
		t.Errorf("no value is refused by %v", slices.Sorted(maps.Keys(useless)))
	}
}

// TestTerraformExamples runs what the jobs of the examples run, on a server that has such
// an organization.
func TestTerraformExamples(t *testing.T) {
	m := readModule(t, modulePath)
	for kind, want := range map[string][]string{
		"organization": {"shop-audit-gkeaudit-reports/runs/gkeaudit-x7k2p/0.json.gz"}, // to be merged
		"folder":       {"shop-audit-gkeaudit-reports/reports/gkeaudit-x7k2p.html", "shop-audit-gkeaudit-reports/runs/gkeaudit-x7k2p/0.json.gz"},
		"project":      {"shop-prod-gkeaudit-reports/reports/gkeaudit-x7k2p.html", "shop-prod-gkeaudit-reports/runs/gkeaudit-x7k2p/0.json.gz"},
	} {
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

func texts(list cty.Value) []string {
	var all []string
	for _, v := range list.AsValueSlice() {
		all = append(all, v.AsString())
	}
	return all
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
		given["alert_severity"] = cty.StringVal(severity)
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
	cmd := exec.Command("bash", "-c", "set -euo pipefail\n"+standIns+known(t, commands))
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

// known leaves out of commands what this program does not know yet: a page may be ahead.
func known(t *testing.T, commands string) string {
	if !slices.Contains(report.Formats, "sarif") {
		commands = strings.ReplaceAll(commands, "--format=sarif", "--format=json")
	}
	cmd, _, err := (&program{}).rootCommand().Find([]string{"report"})
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Flags().Lookup("baseline") == nil {
		commands = regexp.MustCompile(`--baseline="[^"]*" `).ReplaceAllString(commands, "")
	}
	return commands
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
IMAGE=image PROJECT=shop-prod GOOGLE_APPLICATION_CREDENTIALS=/tmp/credentials.json
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
