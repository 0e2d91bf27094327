package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// The tests in this file look at what the module makes: each resource as often as it is
// made, with all its arguments evaluated. What another resource is to say is given by where
// it comes from: <google_service_account.job.email>.

// A block is a resource that is made, or a block in one.
type block struct {
	labels []string // of a resource: its type, its name and its key, if it has one
	name   string   // of a block in one
	values map[string]cty.Value
	blocks []*block
	waits  []string // what it names in depends_on
}

// address is that by which others refer to a resource.
func (b *block) address() string {
	return address(b.labels[0]+"."+b.labels[1], b.labels[2:])
}

func address(label string, key []string) string {
	if len(key) > 0 {
		return fmt.Sprintf("%s[%s]", label, key[0])
	}
	return label
}

// at is the value of an argument, in blocks or maps by their names. There is to be one.
func (b *block) at(t *testing.T, path ...string) cty.Value {
	t.Helper()
	for i, name := range path {
		if v, ok := b.values[name]; ok {
			for _, key := range path[i+1:] {
				v = v.AsValueMap()[key]
			}
			return v
		}
		var inside []*block
		for _, inner := range b.blocks {
			if inner.name == name {
				inside = append(inside, inner)
			}
		}
		if len(inside) != 1 {
			t.Fatalf("%v: there are %d %s", path, len(inside), name)
		}
		b = inside[0]
	}
	t.Fatalf("%v is a block", path)
	return cty.NilVal
}

// made is what the module makes if it is given values, in order.
func (m *module) made(t *testing.T, given map[string]cty.Value) ([]*block, *hcl.EvalContext) {
	t.Helper()
	refused, ctx := m.evaluate(t, given)
	if refused != nil {
		t.Fatalf("%v is refused", refused)
	}
	// How often each is made may not depend on what is made; then what it says of itself
	// is known by its name.
	provider, keys, made := readProvider(t, "../../testdata/deploy/google-provider.txt"), map[string][]cty.Value{}, map[string]map[string]cty.Value{}
	for label, body := range m.resources {
		kind, name, _ := strings.Cut(label, ".")
		keys[label] = keysOf(t, body, ctx)
		if made[kind] == nil {
			made[kind] = map[string]cty.Value{}
		}
		one := func(key ...string) cty.Value {
			attributes := map[string]cty.Value{}
			for name, argument := range provider[kind].nested {
				if argument.nested == nil {
					attributes[name] = cty.UnknownVal(argument.attribute)
				}
				if argument.attribute == cty.String {
					attributes[name] = cty.StringVal("<" + address(label, key) + "." + name + ">")
				}
			}
			return cty.ObjectVal(attributes)
		}
		switch {
		case body.Attributes["count"] != nil:
			all := []cty.Value{}
			for i := range keys[label] {
				all = append(all, one(fmt.Sprint(i)))
			}
			made[kind][name] = cty.TupleVal(all)
		case body.Attributes["for_each"] != nil:
			all := map[string]cty.Value{}
			for _, key := range keys[label] {
				all[key.AsString()] = one(key.AsString())
			}
			made[kind][name] = cty.ObjectVal(all)
		default:
			made[kind][name] = one()
		}
	}
	for kind, names := range made {
		ctx.Variables[kind] = cty.ObjectVal(names)
	}
	m.resolveLocals(t, ctx)

	var all []*block
	for _, label := range slices.Sorted(maps.Keys(m.resources)) {
		body := m.resources[label]
		for i, key := range keys[label] {
			ctx := ctx.NewChild()
			b := block{labels: strings.Split(label, ".")}
			switch {
			case body.Attributes["count"] != nil:
				b.labels = append(b.labels, fmt.Sprint(i))
			case body.Attributes["for_each"] != nil:
				ctx.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": key})}
				b.labels = append(b.labels, key.AsString())
			}
			b.fill(t, body, ctx)
			all = append(all, &b)
		}
	}
	return all, ctx
}

// keysOf are those by which a resource is made: none, one or many times.
func keysOf(t *testing.T, body *hclsyntax.Body, ctx *hcl.EvalContext) []cty.Value {
	t.Helper()
	if each := body.Attributes["for_each"]; each != nil {
		return evaluated(t, each.Expr, cty.Set(cty.String), ctx).AsValueSlice()
	}
	n := int64(1)
	if count := body.Attributes["count"]; count != nil {
		n, _ = evaluated(t, count.Expr, cty.Number, ctx).AsBigFloat().Int64()
	}
	return make([]cty.Value, n)
}

// fill evaluates the arguments and the blocks of a body.
func (b *block) fill(t *testing.T, body *hclsyntax.Body, ctx *hcl.EvalContext) {
	t.Helper()
	b.values = map[string]cty.Value{}
	for name, a := range body.Attributes {
		switch name {
		case "count", "for_each":
		case "depends_on":
			for _, other := range a.Expr.Variables() {
				b.waits = append(b.waits, referred(other))
			}
		default:
			if v := evaluated(t, a.Expr, cty.DynamicPseudoType, ctx); !v.IsNull() {
				b.values[name] = v
			}
		}
	}
	for _, inner := range body.Blocks {
		if inner.Type != "dynamic" {
			one := &block{name: inner.Type}
			one.fill(t, inner.Body, ctx)
			b.blocks = append(b.blocks, one)
			continue
		}
		name := inner.Labels[0]
		for it := evaluated(t, inner.Body.Attributes["for_each"].Expr, cty.DynamicPseudoType, ctx).ElementIterator(); it.Next(); {
			key, value := it.Element()
			ctx := ctx.NewChild()
			ctx.Variables = map[string]cty.Value{name: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
			one := &block{name: name}
			one.fill(t, inner.Body.Blocks[0].Body, ctx)
			b.blocks = append(b.blocks, one)
		}
	}
}

// write writes a block as one would by hand.
func (b *block) write(to *hclwrite.Body) {
	for _, name := range slices.Sorted(maps.Keys(b.values)) {
		to.SetAttributeValue(name, b.values[name])
	}
	if len(b.waits) > 0 {
		waits := []cty.Value{}
		for _, name := range b.waits {
			waits = append(waits, cty.StringVal(name))
		}
		to.SetAttributeValue("depends_on", cty.TupleVal(waits))
	}
	for _, inner := range b.blocks {
		inner.write(to.AppendNewBlock(inner.name, nil).Body())
	}
}

// TestTerraformMade holds all that the module makes for each example, and for what
// values.json names besides, against files. With -update it writes them.
func TestTerraformMade(t *testing.T) {
	m := readModule(t, modulePath)
	sets := readValues(t).Made
	for _, kind := range []string{"organization", "folder", "project"} {
		sets[kind] = exampleValues(t, kind)
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		all, ctx := m.made(t, sets[name])
		file := hclwrite.NewEmptyFile()
		for _, b := range all {
			b.write(file.Body().AppendNewBlock("resource", b.labels).Body())
		}
		for _, output := range slices.Sorted(maps.Keys(m.outputs)) {
			v := evaluated(t, m.outputs[output].Attributes["value"].Expr, cty.DynamicPseudoType, ctx)
			file.Body().AppendNewBlock("output", []string{output}).Body().SetAttributeValue("value", v)
		}
		got := bytes.ReplaceAll(file.Bytes(), []byte(`", "`), []byte("\",\n\""))
		got = hclwrite.Format(regexp.MustCompile(`\[("[^\]]*",\n[^\]]*)\]`).ReplaceAll(got, []byte("[\n$1,\n]")))
		path := "../../testdata/deploy/" + name + ".hcl"
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
		}
	}
}

// scopes are what may be audited, with what it takes to say so.
var scopes = map[string]map[string]cty.Value{
	"organization": {"scope": cty.StringVal("organizations/123456789012")},
	"folder":       {"scope": cty.StringVal("folders/987654321098"), "organization": cty.StringVal("123456789012")},
	"project":      {"scope": cty.StringVal("projects/shop-prod"), "organization": cty.StringVal("123456789012")},
	"alone":        {"scope": cty.StringVal("projects/shop-prod")},
}

// TestTerraformRights sees that in each scope and for each profile the module grants what
// the program asks for there, and nothing else, to its own accounts and the readers.
func TestTerraformRights(t *testing.T) {
	const (
		job      = "serviceAccount:<google_service_account.job.email>"
		schedule = "serviceAccount:<google_service_account.schedule[0].email>"
		bucket   = "<google_storage_bucket.reports.name>"
	)
	m := readModule(t, modulePath)
	for scope, values := range scopes {
		for _, profile := range profileNames() {
			given := sample()
			maps.Copy(given, values)
			given["profile"] = cty.StringVal(profile)
			given["readers"] = cty.SetVal([]cty.Value{cty.StringVal("group:security@example.com")})
			everywhere := printedRole(t, "--profile="+profile)
			above := slices.DeleteFunc(slices.Clone(everywhere), func(p string) bool {
				return p != "iam.roles.list" && p != "resourcemanager.folders.getIamPolicy" && p != "resourcemanager.organizations.getIamPolicy"
			})
			want := map[string][]string{
				"<google_cloud_run_v2_job.audit.name> to " + schedule: {"roles/run.invoker"},
				bucket + " to group:security@example.com":             {"roles/storage.objectViewer"},
				bucket + " to projectOwner:shop-audit":                {"roles/storage.legacyBucketReader", "roles/storage.legacyObjectOwner", "roles/storage.legacyObjectReader"},
				bucket + " to " + job:                                 {"storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list"},
			}
			switch scope {
			case "organization":
				want["organizations/123456789012 to "+job] = everywhere
			case "folder":
				want["folders/987654321098 to "+job] = everywhere
			default:
				want["projects/shop-prod to "+job] = printedRole(t, "--project=shop-prod", "--profile="+profile)
			}
			if (scope == "folder" || scope == "project") && len(above) > 0 {
				want["organizations/123456789012 to "+job] = above
			}
			if scope != "organization" {
				given["host_projects"] = cty.SetVal([]cty.Value{cty.StringVal("shop-host")})
				want["projects/shop-host to "+job] = slices.DeleteFunc(slices.Clone(everywhere), func(p string) bool { return !strings.HasPrefix(p, "compute.") })
			}
			all, _ := m.made(t, given)
			if diff := cmp.Diff(want, grantsOf(t, all)); diff != "" {
				t.Errorf("%s, %s: rights differ (-want +got):\n%s", scope, profile, diff)
			}
		}
	}
}

// grantsOf are the roles that are granted, or what is in them if they are the module's own,
// by what they are granted on and to whom.
func grantsOf(t *testing.T, all []*block) map[string][]string {
	t.Helper()
	roles := map[string]*block{}
	for _, b := range all {
		roles["<"+b.address()+".name>"] = b
	}
	granted := map[string][]string{}
	for _, b := range all {
		kind, _, ok := strings.Cut(b.labels[0], "_iam_")
		if !ok || strings.HasSuffix(b.labels[0], "_custom_role") {
			continue
		}
		// Where a role is granted, and where one that is made has to be for that.
		var on, of string
		switch kind {
		case "google_organization":
			of = b.at(t, "org_id").AsString()
			on = "organizations/" + of
		case "google_folder":
			on, of = b.at(t, "folder").AsString(), "123456789012"
		case "google_project":
			of = b.at(t, "project").AsString()
			on = "projects/" + of
		case "google_storage_bucket":
			on, of = b.at(t, "bucket").AsString(), "shop-audit"
		case "google_cloud_run_v2_job":
			on = b.at(t, "name").AsString()
		default:
			t.Errorf("%s grants what this test does not know", b.address())
		}
		role := b.at(t, "role").AsString()
		contents := []string{role}
		if made := roles[role]; made != nil {
			contents = texts(made.at(t, "permissions"))
			place := "project"
			if made.labels[0] == "google_organization_iam_custom_role" {
				place = "org_id"
			}
			if in := made.at(t, place).AsString(); in != of {
				t.Errorf("%s is granted on %s, and made in %s", role, on, in)
			}
		}
		for _, member := range membersOf(t, b) {
			name := on + " to " + member
			granted[name] = append(granted[name], contents...)
			slices.Sort(granted[name])
		}
	}
	return granted
}

func membersOf(t *testing.T, b *block) []string {
	t.Helper()
	if members, ok := b.values["members"]; ok {
		return texts(members)
	}
	return []string{b.at(t, "member").AsString()}
}

// TestTerraformWarnings sees that there is a warning where every run would be incomplete,
// and nowhere else.
func TestTerraformWarnings(t *testing.T) {
	m := readModule(t, modulePath)
	for scope, values := range scopes {
		for _, profile := range profileNames() {
			for _, arguments := range []cty.Value{cty.EmptyTupleVal, cty.TupleVal([]cty.Value{cty.StringVal("--allow-incomplete")})} {
				given := sample()
				maps.Copy(given, values)
				given["profile"], given["arguments"] = cty.StringVal(profile), arguments
				_, ctx := m.made(t, given)
				for name, body := range m.checks {
					want := scope != "alone" || arguments.LengthInt() > 0 ||
						!slices.Contains(printedRole(t, "--profile="+profile), "resourcemanager.organizations.getIamPolicy")
					if ok := evaluated(t, body.Blocks[0].Body.Attributes["condition"].Expr, cty.Bool, ctx).True(); ok != want {
						t.Errorf("%s, %s, %v: check %s is %v, want %v", scope, profile, arguments, name, ok, want)
					}
				}
			}
		}
	}
	if len(m.checks) != 1 {
		t.Errorf("there are %d checks, want 1", len(m.checks))
	}
}

// TestTerraformPromises sees that what keeps the reports and the accounts safe is there,
// whatever the variables are.
func TestTerraformPromises(t *testing.T) {
	m := readModule(t, modulePath)
	values := readValues(t)
	sets := append(slices.Collect(maps.Values(values.Made)), values.Accepted...)
	for _, kind := range []string{"organization", "folder", "project"} {
		sets = append(sets, exampleValues(t, kind))
	}
	for _, given := range sets {
		all, _ := m.made(t, given)
		seen := map[string]bool{}
		is := func(b *block, want cty.Value, path ...string) {
			t.Helper()
			if got := b.at(t, path...); !got.RawEquals(want) {
				t.Errorf("%s: %v is %#v, want %#v; given %v", b.address(), path, got, want, given)
			}
		}
		for _, b := range all {
			seen[b.labels[0]+"."+b.labels[1]] = true
			switch b.labels[0] + "." + b.labels[1] {
			case "google_storage_bucket.reports":
				is(b, cty.StringVal("enforced"), "public_access_prevention")
				is(b, cty.True, "uniform_bucket_level_access")
				is(b, cty.True, "versioning", "enabled")
				is(b, cty.False, "force_destroy")
			case "google_cloud_run_v2_job.audit":
				is(b, cty.StringVal("<google_service_account.job.email>"), "template", "template", "service_account")
				is(b, cty.StringVal("512Mi"), "template", "template", "containers", "resources", "limits", "memory")
				is(b, given["image"], "template", "template", "containers", "image")
				for _, inner := range b.blocks[0].blocks[0].blocks {
					if inner.values["command"] != cty.NilVal || inner.values["args"].AsValueSlice()[0].AsString() != "scan" {
						t.Errorf("%s does not run the image's own program", b.address())
					}
				}
			case "google_cloud_scheduler_job.audit":
				is(b, cty.StringVal("<google_service_account.schedule[0].email>"), "http_target", "oauth_token", "service_account_email")
				is(b, cty.StringVal("https://run.googleapis.com/v2/<google_cloud_run_v2_job.audit.id>:run"), "http_target", "uri")
				is(b, cty.StringVal("POST"), "http_target", "http_method")
				if region, ok := given["schedule_region"]; ok {
					is(b, region, "region")
				} else {
					is(b, given["region"], "region")
				}
			case "google_project_service.api":
				is(b, cty.False, "disable_on_destroy")
			}
			if strings.Contains(b.labels[0], "_key") {
				t.Errorf("%s: an account has a key", b.address())
			}
		}
		for _, label := range []string{"google_storage_bucket.reports", "google_cloud_run_v2_job.audit", "google_project_service.api"} {
			if !seen[label] {
				t.Errorf("%s is not made", label)
			}
		}
	}
}
