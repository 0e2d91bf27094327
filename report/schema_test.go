package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gkeaudit/report"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The folder v1 keeps the schema of version 1 as it was first released, and reports that
// were written then. They are never rewritten.
const released = folder + "/v1"

func readJSON(t *testing.T, file string) any {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return document
}

func compile(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(file, readJSON(t, file)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestReleasedReports proves the promise for files: what an earlier program of the same
// version of the schema wrote fits the schema of today, is read, and is made into every
// format; and what this one writes fits the schema of then.
func TestReleasedReports(t *testing.T) {
	today, then := compile(t, "report.schema.json"), compile(t, filepath.Join(released, "report.schema.json"))
	files, err := filepath.Glob(filepath.Join(released, "*.report.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, file := range files {
		if err := today.Validate(readJSON(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := report.Read(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, format := range report.Formats {
			if err := r.Write(io.Discard, format, report.WriteOptions{}); err != nil {
				t.Errorf("%s as %s: %v", file, format, err)
			}
		}
		var again bytes.Buffer
		if err := r.WriteJSON(&again); err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(&again)
		if err != nil {
			t.Fatal(err)
		}
		if err := then.Validate(instance); err != nil {
			t.Errorf("%s, written again: %v", file, err)
		}
	}
	each(t, func(t *testing.T, name string, r *report.Report) {
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, r, ".report.json")))
		if err != nil {
			t.Fatal(err)
		}
		if err := then.Validate(instance); err != nil {
			t.Errorf("a reader of the first release does not take it: %v", err)
		}
	})
}

// TestSchemaOnlyGrows proves the promise for the schema: since the release fields were
// added, and nothing else.
func TestSchemaOnlyGrows(t *testing.T) {
	for _, fault := range grown("", readJSON(t, filepath.Join(released, "report.schema.json")), readJSON(t, "report.schema.json")) {
		t.Error(fault)
	}
}

// TestGrown tries what the test above is to find.
func TestGrown(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(released, "report.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	then := readJSON(t, filepath.Join(released, "report.schema.json"))
	for _, test := range []struct{ from, to, want string }{
		{`"reason": {"type": "string"},`, `"reason": {"type": "string"}, "more": {"type": "string"},`, ""},
		{`"reason": {"type": "string"},`, `"reason": {"description": "Why.", "type": "string"},`, ""},
		{`"reason": {"type": "string"},`, ``, "/properties/gaps/items/properties/reason is gone"},
		{`"reason": {"type": "string"},`, `"reason": {"type": "integer"},`, "/properties/gaps/items/properties/reason/type is integer, and was string"},
		{`"operation", "code", "reason"`, `"operation", "code"`, `/properties/gaps/items/required is [project resource operation code permission message], and was [project resource operation code reason permission message]`},
		{`"operation", "code", "reason"`, `"operation", "code", "reason", "more"`, "/properties/gaps/items/required is "},
		{`"enum": ["low", "medium", "high", "critical"]`, `"enum": ["low", "medium", "high", "severe"]`, "/$defs/severity/enum is "},
		{`"enum": ["low", "medium", "high", "critical"]`, `"enum": ["low", "medium", "high", "critical", "severe"]`, "/$defs/severity/enum is "},
		{`"count": {"type": "integer", "minimum": 0}`, `"count": {"type": "integer", "minimum": 1}`, "/$defs/count/minimum is 1, and was 0"},
		{`"count": {"type": "integer", "minimum": 0}`, `"count": {"type": "integer", "minimum": 0, "maximum": 9}`, "/$defs/count/maximum is new, and is no field"},
	} {
		if !strings.Contains(string(raw), test.from) {
			t.Fatalf("the schema has no %s", test.from)
		}
		now, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(string(raw), test.from, test.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(grown("", then, now), "; ")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: found %q, want %q", test.to, got, test.want)
		}
	}
}

// grown compares two versions of a schema, and says what in the second is not just an
// added field.
func grown(at string, then, now any) []string {
	was, ok := then.(map[string]any)
	is, still := now.(map[string]any)
	if !ok || !still {
		if a, b := written(then), written(now); a != b {
			return []string{fmt.Sprintf("%s is %s, and was %s", at, b, a)}
		}
		return nil
	}
	var faults []string
	for key, value := range was {
		if key == "description" {
			continue // may be put better
		}
		if _, there := is[key]; !there {
			faults = append(faults, at+"/"+key+" is gone")
			continue
		}
		faults = append(faults, grown(at+"/"+key, value, is[key])...)
	}
	// Fields and definitions may come; demands may not.
	if !strings.HasSuffix(at, "/properties") && at != "/$defs" {
		for key := range is {
			if _, there := was[key]; !there && key != "description" {
				faults = append(faults, at+"/"+key+" is new, and is no field")
			}
		}
	}
	slices.Sort(faults)
	return faults
}

func written(v any) string {
	if s, ok := v.([]any); ok {
		words := make([]string, len(s))
		for i, item := range s {
			words[i] = written(item)
		}
		return "[" + strings.Join(words, " ") + "]"
	}
	if s, ok := v.(string); ok {
		return s
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
