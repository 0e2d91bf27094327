package rules_test

import (
	"bytes"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"golang.org/x/tools/txtar"
)

// TestRulesNameTheParametersTheyRead judges the cases of all rules by every rule and by
// other parameters: a rule whose findings differ reads the parameter, and has to say so.
func TestRulesNameTheParametersTheyRead(t *testing.T) {
	reads := map[*audit.Rule]map[audit.Parameter]bool{}
	for _, r := range rules.All {
		reads[r] = map[audit.Parameter]bool{}
	}
	files, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || files == nil {
		t.Fatalf("no cases: %v", err)
	}
	var others []audit.Parameters
	for _, change := range []func(*audit.Parameters){
		func(p *audit.Parameters) { p.AuthorizedNetworksBreadth = 0 },
		func(p *audit.Parameters) { p.AuthorizedNetworksBreadth = math.MaxUint64 },
		func(p *audit.Parameters) { p.AllowedLocations = []string{"nowhere-north1"} },
		func(p *audit.Parameters) { p.NodeServiceAccounts = []string{"nobody"} },
		func(p *audit.Parameters) { p.PeopleGroups = []string{"*"} },
		func(p *audit.Parameters) { p.AirGappedNetworks = []string{"projects/*/global/networks/*"} },
	} {
		p := audit.DefaultParameters()
		change(&p)
		others = append(others, p)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			s, err := audit.ReadSnapshotStrict(bytes.NewReader(f.Data))
			if err != nil {
				t.Fatalf("%s: %s: %v", file, f.Name, err)
			}
			usual := byRule(audit.Run(audit.NewInput(s), rules.All))
			for _, p := range others {
				found := byRule(audit.Run(&audit.Input{Snapshot: s, Parameters: p}, rules.All))
				for _, r := range rules.All {
					if !reflect.DeepEqual(found[r.ID], usual[r.ID]) {
						reads[r][p.Changed(audit.DefaultParameters())[0]] = true
					}
				}
			}
		}
	}
	for _, r := range rules.All {
		for name := range reads[r] {
			if !slices.Contains(r.Reads, name) {
				t.Errorf("%s reads %s, and does not name it in Reads", r.ID, name)
			}
		}
		for _, name := range r.Reads {
			if !reads[r][name] {
				t.Errorf("%s names %s in Reads, and another makes no difference in any case", r.ID, name)
			}
		}
	}
}

func byRule(findings []audit.Finding) map[string][]audit.Finding {
	of := map[string][]audit.Finding{}
	for _, f := range findings {
		of[f.Rule] = append(of[f.Rule], f)
	}
	return of
}

// TestEveryParameterHasAName holds the names of parameters against the fields.
func TestEveryParameterHasAName(t *testing.T) {
	for i, field := range reflect.VisibleFields(reflect.TypeFor[audit.Parameters]()) {
		var p audit.Parameters
		switch v := reflect.ValueOf(&p).Elem().Field(i); v.Kind() {
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"x"}))
		default:
			v.SetUint(1)
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if got, want := p.Changed(audit.Parameters{}), []audit.Parameter{audit.Parameter(name)}; !slices.Equal(got, want) {
			t.Errorf("with another %s, %v have changed, want %v", field.Name, got, want)
		}
	}
}
