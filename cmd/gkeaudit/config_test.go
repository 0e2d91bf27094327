package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestConfigTemplate holds the file that config init writes, as it is and with every
// setting turned on, against the reader and the schema.
func TestConfigTemplate(t *testing.T) {
	// A comment that is a setting has no space, or two, after its #.
	full := regexp.MustCompile(`(?m)^#(\S|  )`).ReplaceAll(configTemplate, []byte("$1"))
	for name, text := range map[string][]byte{"as it is": configTemplate, "with everything": full} {
		c, err := parseConfig(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if name == "with everything" {
			for _, setting := range unset(reflect.ValueOf(*c), "") {
				t.Errorf("the template does not show %s", setting)
			}
		}
		var v any
		if err := yaml.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		if err := compileConfigSchema(t).Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func compileConfigSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(configSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// unset returns the settings that hold nothing.
func unset(v reflect.Value, path string) []string {
	if v.Kind() != reflect.Struct {
		if v.IsZero() {
			return []string{path}
		}
		return nil
	}
	var all []string
	for i := range v.NumField() {
		all = append(all, unset(v.Field(i), path+"."+v.Type().Field(i).Tag.Get("yaml"))...)
	}
	return all
}

// TestConfigSchema holds the schema's settings and choices against those of the program.
func TestConfigSchema(t *testing.T) {
	var schema struct {
		Properties map[string]any
	}
	if err := json.Unmarshal(configSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var names []string
	collectProperties(map[string]any{"properties": schema.Properties}, &names)
	var fields []string
	collectFields(reflect.TypeFor[config](), &fields)
	for what, got := range map[string][]string{"schema": names, "reader": fields} {
		slices.Sort(got)
		want := slices.Sorted(slices.Values(configSettings))
		if !slices.Equal(got, want) {
			t.Errorf("the %s has the settings %v, and those that errors suggest are %v", what, got, want)
		}
	}
	profile, _ := schema.Properties["profile"].(map[string]any)
	var profiles []string
	for _, name := range profile["enum"].([]any) {
		profiles = append(profiles, name.(string))
	}
	if !slices.Equal(profiles, profileNames()) {
		t.Errorf("the schema has the profiles %v, and there are %v", profiles, profileNames())
	}
}

func collectProperties(schema map[string]any, names *[]string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		*names = append(*names, name)
		if nested, ok := property.(map[string]any); ok {
			collectProperties(nested, names)
		}
	}
}

func collectFields(typ reflect.Type, names *[]string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		*names = append(*names, f.Tag.Get("yaml"))
		if f.Type.Kind() == reflect.Struct {
			collectFields(f.Type, names)
		}
	}
}
