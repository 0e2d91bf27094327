package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// The tests in this file take the place of terraform validate, which needs the provider,
// and so the network: they parse the module, resolve its references, hold its resources
// against the provider's arguments, and evaluate what it says to the program.

const modulePath = "../../deploy/terraform"

// A module is what a folder of Terraform files declares.
type module struct {
	blocks    []*hclsyntax.Block
	variables map[string]*hclsyntax.Body
	locals    map[string]hclsyntax.Expression
	resources map[string]bool // TYPE.NAME
	modules   map[string]*hclsyntax.Body
	outputs   map[string]bool
}

func readModule(t *testing.T, folder string) *module {
	t.Helper()
	m := &module{nil, map[string]*hclsyntax.Body{}, map[string]hclsyntax.Expression{}, map[string]bool{}, map[string]*hclsyntax.Body{}, map[string]bool{}}
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
			t.Errorf("%s is not formatted (terraform fmt):\n%s", name, cmp.Diff(string(want), string(text)))
		}
		file, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
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
		for _, b := range m.blocks {
			hclsyntax.VisitAll(b.Body, func(n hclsyntax.Node) hcl.Diagnostics {
				e, ok := n.(*hclsyntax.ScopeTraversalExpr)
				if !ok {
					return nil
				}
				var parts []string
				for _, step := range e.Traversal {
					switch step := step.(type) {
					case hcl.TraverseRoot:
						parts = append(parts, step.Name)
					case hcl.TraverseAttr:
						parts = append(parts, step.Name)
					}
				}
				name := strings.Join(parts[:min(2, len(parts))], ".")
				// That a variable is checked is not yet a use of it.
				used[name] = used[name] || b.Type != "variable" || name != "var."+b.Labels[0]
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
				default:
					declared = declared || len(parts) == 1 // a type, or the variable of a for
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

// TestTerraformRoles sees that the module grants nothing but its own roles and these two,
// each on one resource, and to nobody but its accounts and the readers.
func TestTerraformRoles(t *testing.T) {
	m := readModule(t, modulePath)
	_, ctx := m.evaluate(t, sample())
	predefined := map[string]string{
		"google_cloud_run_v2_job_iam_member": "roles/run.invoker",
		"google_storage_bucket_iam_member":   "roles/storage.objectViewer",
	}
	for _, b := range m.blocks {
		if b.Type != "resource" || b.Body.Attributes["role"] == nil {
			continue
		}
		if !strings.HasSuffix(b.Labels[0], "_iam_member") {
			t.Errorf("%s: %s takes roles away from others", b.TypeRange, b.Labels[0])
		}
		ctx.Variables["each"] = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal("group:security@example.com")})
		role, diags := b.Body.Attributes["role"].Expr.Value(ctx)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if role.IsKnown() && role.AsString() != predefined[b.Labels[0]] {
			t.Errorf("%s: %s is granted", b.TypeRange, role.AsString())
		}
		for _, part := range b.Body.Attributes["member"].Expr.Variables() {
			if name := part.RootName(); name != "local" && name != "google_service_account" && (name != "each" || b.Labels[1] != "reader") {
				t.Errorf("%s: a role is granted to %s", b.TypeRange, name)
			}
		}
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

func texts(list cty.Value) []string {
	var all []string
	for _, v := range list.AsValueSlice() {
		all = append(all, v.AsString())
	}
	return all
}
