package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gkeaudit/gcp"

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
	resources map[string]*hclsyntax.Body // TYPE.NAME
	modules   map[string]*hclsyntax.Body
	outputs   map[string]*hclsyntax.Body
	checks    map[string]*hclsyntax.Body
}

func readModule(t *testing.T, folder string) *module {
	t.Helper()
	m := &module{nil, map[string]*hclsyntax.Body{}, map[string]hclsyntax.Expression{}, map[string]*hclsyntax.Body{}, map[string]*hclsyntax.Body{}, map[string]*hclsyntax.Body{}, map[string]*hclsyntax.Body{}}
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
			label := strings.Join(b.Labels, ".")
			bodies := map[string]map[string]*hclsyntax.Body{"variable": m.variables, "resource": m.resources, "module": m.modules, "output": m.outputs, "check": m.checks}[b.Type]
			switch b.Type {
			case "variable", "resource", "module", "output", "check":
				if bodies[label] != nil {
					t.Errorf("%s: there is a %s %s already", b.TypeRange, b.Type, label)
				}
				bodies[label] = b.Body
			case "locals":
				for name, a := range b.Body.Attributes {
					if m.locals[name] != nil {
						t.Errorf("%s: there is a local %s already", a.SrcRange, name)
					}
					m.locals[name] = a.Expr
				}
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
	for _, folder := range append(examples(t), modulePath) {
		m := readModule(t, folder)
		used := map[string]bool{}
		for _, b := range m.blocks {
			hclsyntax.VisitAll(b.Body, func(n hclsyntax.Node) hcl.Diagnostics {
				e, ok := n.(*hclsyntax.ScopeTraversalExpr)
				if !ok {
					return nil
				}
				name := referred(e.Traversal)
				parts := append(strings.Split(name, "."), "")
				// That a variable is checked is not yet a use of it.
				used[name] = used[name] || b.Type != "variable" || name != "var."+b.Labels[0]
				declared := m.resources[name] != nil
				switch parts[0] {
				case "var":
					declared = m.variables[parts[1]] != nil
				case "local":
					declared = m.locals[parts[1]] != nil
				case "module":
					declared = m.modules[parts[1]] != nil
				case "each", "env", "encryption": // of for_each, and of the dynamic blocks
					declared = true
				default:
					declared = declared || parts[1] == "" // a type, or the variable of a for
				}
				if !declared {
					t.Errorf("%s: there is no %s", e.Range(), name)
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

// examples are the folders of the examples.
func examples(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob(modulePath + "/examples/*")
	if err != nil || len(folders) != 3 {
		t.Fatalf("got examples %v, want one for each kind of scope", folders)
	}
	return folders
}

// referred names what an expression refers to: var.NAME, local.NAME, TYPE.NAME.
func referred(traversal hcl.Traversal) string {
	name := traversal.RootName()
	if len(traversal) > 1 {
		if step, ok := traversal[1].(hcl.TraverseAttr); ok {
			name += "." + step.Name
		}
	}
	return name
}

// TestTerraformVersions sees that the module and its examples can be had together.
func TestTerraformVersions(t *testing.T) {
	want := terraformBlock(t, modulePath+"/versions.tf")
	for _, folder := range examples(t) {
		if diff := cmp.Diff(want, terraformBlock(t, folder+"/main.tf")); diff != "" {
			t.Errorf("%s takes other versions than the module (-module +example):\n%s", folder, diff)
		}
	}
}

// terraformBlock is what a file says of the versions it takes, without comments.
func terraformBlock(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?ms)^terraform \{.*?^\}`).FindString(string(text))
	return regexp.MustCompile(` +#.*`).ReplaceAllString(block, "")
}

// TestTerraformArguments holds the resources of the module and its examples against the
// arguments that the provider has, by their names and types.
func TestTerraformArguments(t *testing.T) {
	for _, folder := range examples(t) {
		m := readModule(t, folder)
		_, ctx := m.evaluate(t, nil)
		m.checkResources(t, ctx)
	}
	m := readModule(t, modulePath)
	sets := readValues(t).Accepted
	for _, kind := range []string{"organizations/", "folders/", "projects/"} { // of what is yet to be made
		given := sample()
		given["scope"] = cty.UnknownVal(cty.String).Refine().NotNull().StringPrefixFull(kind).NewValue()
		sets = append(sets, given)
	}
	for _, given := range sets {
		if refused, ctx := m.evaluate(t, given); refused == nil {
			m.checkResources(t, ctx)
		}
	}
}

// TestTerraformOrder sees that nothing is made before the APIs are on that it is made by:
// in a new project they are off.
func TestTerraformOrder(t *testing.T) {
	const apis = "google_project_service.api"
	m := readModule(t, modulePath)
	after := map[string]map[string]bool{}
	var follow func(n hclsyntax.Node, resource string)
	follow = func(n hclsyntax.Node, resource string) {
		hclsyntax.VisitAll(n, func(n hclsyntax.Node) hcl.Diagnostics {
			if e, ok := n.(*hclsyntax.ScopeTraversalExpr); ok {
				switch name := referred(e.Traversal); {
				case m.resources[name] != nil:
					after[resource][name] = true
				case strings.HasPrefix(name, "local."):
					follow(m.locals[strings.TrimPrefix(name, "local.")], resource)
				}
			}
			return nil
		})
	}
	for name, body := range m.resources {
		after[name] = map[string]bool{}
		follow(body, name)
	}
	var waits func(name string, path []string) bool
	waits = func(name string, path []string) bool {
		if slices.Contains(path, name) {
			t.Fatalf("these wait for each other: %v", path)
		}
		found := name == apis
		for other := range after[name] {
			found = waits(other, append(path, name)) || found
		}
		return found
	}
	for name := range m.resources {
		if !waits(name, nil) {
			t.Errorf("%s does not wait for %s", name, apis)
		}
	}
}

// An argument is that of a resource or of a block in it.
type argument struct {
	required, readOnly bool
	attribute          cty.Type            // NilType for a block
	values             []string            // if it is one of these
	once               bool                // a block that is not repeated
	nested             map[string]argument // in a block
}

func readProvider(t *testing.T, file string) map[string]argument {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	open := []map[string]argument{{}}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		text := strings.TrimSpace(line)
		depth := strings.Index(line, text) / 2
		name, rest, _ := strings.Cut(text, " ")
		kind, values, _ := strings.Cut(rest, " ")
		bare := strings.TrimRight(name, "!=")
		a := argument{required: bare+"!" == name, readOnly: bare+"=" == name, once: kind == "once", values: strings.Fields(values)}
		if open = open[:depth+1]; depth == 0 || a.once || kind == "many" {
			a.nested = map[string]argument{}
			open = append(open, a.nested)
		} else {
			e, diags := hclsyntax.ParseExpression([]byte(kind), "google-provider.txt", hcl.InitialPos)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			a.attribute = typeOf(t, e)
		}
		open[depth][bare] = a
	}
	return open[0]
}

// checkResources evaluates what a module makes, and holds it against the provider.
func (m *module) checkResources(t *testing.T, ctx *hcl.EvalContext) {
	t.Helper()
	provider := readProvider(t, "../../testdata/deploy/google-provider.txt")
	for name, body := range m.resources {
		kind, _, _ := strings.Cut(name, ".")
		known := provider[kind].nested
		if known == nil {
			t.Errorf("%s: nothing is known of %s", body.SrcRange, kind)
			continue
		}
		ctx := ctx.NewChild()
		ctx.Variables = map[string]cty.Value{}
		count, each := body.Attributes["count"], body.Attributes["for_each"]
		if count != nil {
			n := evaluated(t, count.Expr, cty.Number, ctx)
			if !n.IsKnown() {
				t.Errorf("%s: Terraform has to know the number before it makes anything", count.SrcRange)
			} else if n.RawEquals(cty.Zero) {
				continue
			}
		}
		if each != nil {
			ctx.Variables["each"] = iterator(t, each.Expr, cty.Set(cty.String), ctx)
		}
		checkArguments(t, body, known, []string{"count", "for_each", "depends_on", "lifecycle"}, ctx)
		if _, ok := known["deletion_protection"]; ok && body.Attributes["deletion_protection"] == nil {
			t.Errorf("%s: %s is protected from terraform destroy", body.SrcRange, name)
		}
	}
}

// iterator is what for_each goes by.
func iterator(t *testing.T, e hclsyntax.Expression, want cty.Type, ctx *hcl.EvalContext) cty.Value {
	t.Helper()
	all := evaluated(t, e, want, ctx)
	if !all.IsWhollyKnown() {
		t.Errorf("%s: Terraform has to know the keys before it makes anything", e.Range())
	}
	of := cty.DynamicPseudoType
	if all.Type().IsCollectionType() {
		of = all.Type().ElementType()
	}
	return cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.UnknownVal(of)})
}

// evaluated is the value of an expression where a type is wanted.
func evaluated(t *testing.T, e hclsyntax.Expression, want cty.Type, ctx *hcl.EvalContext) cty.Value {
	t.Helper()
	v, diags := e.Value(ctx)
	if diags.HasErrors() {
		t.Error(diags)
		return cty.UnknownVal(want)
	}
	v, err := convert.Convert(v, want)
	if err != nil {
		t.Errorf("%s: %v", e.Range(), err)
		return cty.UnknownVal(want)
	}
	return v
}

func checkArguments(t *testing.T, body *hclsyntax.Body, known map[string]argument, also []string, ctx *hcl.EvalContext) {
	t.Helper()
	given := map[string]bool{}
	for name, a := range body.Attributes {
		if slices.Contains(also, name) {
			continue
		}
		given[name] = true
		argument := known[name]
		if argument.attribute == cty.NilType || argument.readOnly {
			t.Errorf("%s: there is no argument %s", a.SrcRange, name)
			continue
		}
		v := evaluated(t, a.Expr, argument.attribute, ctx)
		if argument.required && v.IsNull() {
			t.Errorf("%s: %s is required", a.SrcRange, name)
		}
		if len(argument.values) > 0 && v.IsKnown() && !v.IsNull() && !slices.Contains(argument.values, v.AsString()) {
			t.Errorf("%s: %s is one of %v", a.SrcRange, name, argument.values)
		}
	}
	for _, b := range body.Blocks {
		name, inner, ctx := b.Type, b.Body, ctx
		if slices.Contains(also, name) {
			continue
		}
		if name == "dynamic" {
			name, inner, ctx = b.Labels[0], b.Body.Blocks[0].Body, ctx.NewChild()
			ctx.Variables = map[string]cty.Value{name: iterator(t, b.Body.Attributes["for_each"].Expr, cty.DynamicPseudoType, ctx)}
		}
		argument := known[name]
		if argument.nested == nil {
			t.Errorf("%s: there is no block %s", b.TypeRange, name)
			continue
		}
		if given[name] && argument.once {
			t.Errorf("%s: there is a block %s already", b.TypeRange, name)
		}
		given[name] = true
		checkArguments(t, inner, argument.nested, nil, ctx)
	}
	for name, argument := range known {
		if argument.required && !given[name] {
			t.Errorf("%s: %s is required", body.SrcRange, name)
		}
	}
}

// functions are those of Terraform's that the module calls.
var functions = map[string]function.Function{
	"can":      tryfunc.CanFunc,
	"coalesce": stdlib.CoalesceFunc,
	"concat":   stdlib.ConcatFunc,
	"contains": stdlib.ContainsFunc,
	"floor":    stdlib.FloorFunc,
	"join":     stdlib.JoinFunc,
	"keys":     stdlib.KeysFunc,
	"length":   stdlib.LengthFunc,
	"lower":    stdlib.LowerFunc,
	"min":      stdlib.MinFunc,
	"regex":    stdlib.RegexFunc,
	"replace":  stdlib.ReplaceFunc,
	"setunion": stdlib.SetUnionFunc,
	"slice":    stdlib.SliceFunc,
	"split":    stdlib.SplitFunc,
	"toset":    stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	"alltrue":  ofList(func(list []cty.Value) bool { return !slices.ContainsFunc(list, cty.Value.False) }),
	"anytrue":  ofList(func(list []cty.Value) bool { return slices.ContainsFunc(list, cty.Value.True) }),
	"startswith": function.New(&function.Spec{
		Params: []function.Parameter{{Name: "string", Type: cty.String, AllowUnknown: true}, {Name: "part", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			part := args[1].AsString()
			if args[0].IsKnown() {
				return cty.BoolVal(strings.HasPrefix(args[0].AsString(), part)), nil
			}
			if begin := args[0].Range().StringPrefix(); len(begin) >= len(part) {
				return cty.BoolVal(strings.HasPrefix(begin, part)), nil
			}
			return cty.UnknownVal(cty.Bool), nil
		},
	}),
	"endswith": ofStrings(strings.HasSuffix),
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
	var of cty.Type
	var known bool
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		inner := typeOf(t, call.Args[0])
		of, known = map[string]cty.Type{"list": cty.List(inner), "set": cty.Set(inner), "map": cty.Map(inner)}[call.Name]
	} else {
		of, known = types[hcl.ExprAsKeyword(e)]
	}
	if !known {
		t.Fatalf("%s: there is no such type", e.Range())
	}
	return of
}

// evaluate gives the module's variables values, and returns the conditions that do not
// hold and, if all do, what its expressions are evaluated in: the variables, the locals
// and resources of which only the types are known.
func (m *module) evaluate(t *testing.T, given map[string]cty.Value) (refused []string, ctx *hcl.EvalContext) {
	t.Helper()
	vars := map[string]cty.Value{}
	for name, body := range m.variables {
		value, ok := given[name]
		if a := body.Attributes["nullable"]; a != nil && ok && value.IsNull() && evaluated(t, a.Expr, cty.Bool, nil).False() {
			if body.Attributes["default"] == nil {
				return []string{name + " = null"}, nil
			}
			ok = false
		}
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
				t.Errorf("%v, given %v", diags, slices.Sorted(maps.Keys(given)))
			} else if ok.IsKnown() && ok.False() {
				refused = append(refused, fmt.Sprintf("%s/%d", name, i))
			}
		}
	}
	if refused != nil {
		return refused, nil
	}
	provider, made := readProvider(t, "../../testdata/deploy/google-provider.txt"), map[string]map[string]cty.Value{}
	for label, body := range m.resources {
		kind, name, _ := strings.Cut(label, ".")
		if made[kind] == nil {
			made[kind] = map[string]cty.Value{}
		}
		attributes := map[string]cty.Type{}
		for name, argument := range provider[kind].nested {
			if argument.nested == nil {
				attributes[name] = argument.attribute
			}
		}
		of := cty.Object(attributes)
		switch {
		case body.Attributes["count"] != nil:
			of = cty.List(of)
		case body.Attributes["for_each"] != nil:
			of = cty.Map(of)
		}
		made[kind][name] = cty.UnknownVal(of)
		ctx.Variables[kind] = cty.ObjectVal(made[kind])
	}
	for name := range m.modules {
		outputs := map[string]cty.Value{}
		for output := range readModule(t, modulePath).outputs {
			outputs[output] = cty.DynamicVal
		}
		ctx.Variables["module"] = cty.ObjectVal(map[string]cty.Value{name: cty.ObjectVal(outputs)})
	}
	m.resolveLocals(t, ctx)
	for _, body := range m.outputs {
		evaluated(t, body.Attributes["value"].Expr, cty.DynamicPseudoType, ctx)
	}
	return nil, ctx
}

// resolveLocals evaluates the locals, which may refer to each other.
func (m *module) resolveLocals(t *testing.T, ctx *hcl.EvalContext) {
	t.Helper()
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

// values are what the module's variables are given, and whether it takes that.
type values struct {
	Accepted, Refused []map[string]cty.Value
	Made              map[string]map[string]cty.Value // by the name of what it makes
}

func readValues(t *testing.T) values {
	t.Helper()
	text, err := os.ReadFile("../../testdata/deploy/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var sets struct {
		Accepted, Refused []map[string]json.RawMessage
		Made              map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &sets); err != nil {
		t.Fatal(err)
	}
	with := func(set map[string]json.RawMessage) map[string]cty.Value {
		given := sample()
		for name, text := range set {
			given[name] = value(t, text)
		}
		return given
	}
	all := values{Made: map[string]map[string]cty.Value{}}
	for _, set := range sets.Accepted {
		all.Accepted = append(all.Accepted, with(set))
	}
	for _, set := range sets.Refused {
		all.Refused = append(all.Refused, with(set))
	}
	for name, set := range sets.Made {
		all.Made[name] = with(set)
	}
	return all
}

// TestTerraformValidation tries values, good and bad, on the conditions of the module's
// variables. Each condition refuses some.
func TestTerraformValidation(t *testing.T) {
	values, m := readValues(t), readModule(t, modulePath)
	for _, given := range values.Accepted {
		refused, ctx := m.evaluate(t, given)
		if refused != nil {
			t.Errorf("%#v is refused by %v", given, refused)
			continue
		}
		// What the module takes, the program has to take, too.
		if _, err := gcp.ParseObject("gs://" + ctx.Variables["local"].GetAttr("bucket").AsString() + "/"); err != nil {
			t.Error(err)
		}
		if id, ok := strings.CutPrefix(given["scope"].AsString(), "projects/"); ok && checkProject(id) != nil {
			t.Errorf("the program takes no project %s", id)
		}
	}
	useless := map[string]bool{}
	for name, body := range m.variables {
		for i := range body.Blocks {
			useless[fmt.Sprintf("%s/%d", name, i)] = true
		}
	}
	for _, given := range values.Refused {
		refused, _ := m.evaluate(t, given)
		if refused == nil {
			t.Errorf("%#v is accepted", given)
		}
		for _, name := range refused {
			delete(useless, name)
		}
	}
	if len(useless) > 0 {
		t.Errorf("no value is refused by %v", slices.Sorted(maps.Keys(useless)))
	}
}

// TestTerraformNull gives each variable null, as a module around this one does for what it
// was not given itself: that is the default, or is refused by a condition.
func TestTerraformNull(t *testing.T) {
	m := readModule(t, modulePath)
	for name, body := range m.variables {
		given := sample()
		given[name] = cty.NullVal(cty.DynamicPseudoType)
		refused, _ := m.evaluate(t, given)
		if optional := body.Attributes["default"] != nil; optional != (refused == nil) {
			t.Errorf("%s = null is refused by %v", name, refused)
		}
	}
}

func texts(list cty.Value) []string {
	var all []string
	for _, v := range list.AsValueSlice() {
		all = append(all, v.AsString())
	}
	return all
}
