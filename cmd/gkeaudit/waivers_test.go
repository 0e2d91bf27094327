package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
)

const waiversFolder = "../../testdata/waivers"

var waiversDay = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func readWaiversFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(waiversFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestGoodWaivers(t *testing.T) {
	text := readWaiversFile(t, "good.yaml")
	want := []report.Waiver{
		{Rule: "*", Resource: "projects/sandbox-*/**", Owner: "team-platform@example.com",
			Reason: "Sandboxes hold nothing of worth, and are made anew each night.", Ticket: "1234", Expires: "2027-12-01"},
		{Rule: "private-*", Resource: "**/clusters/till", Owner: "Équipe Caisse", Reason: `a "test": # no comment`, Ticket: "NET-41", Expires: "2026-10-01"},
		{Rule: "authorized-networks", Resource: "projects/shop-prod/locations/europe-west1-b/clusters/till", Finding: "548490aadaa8ccd232d030fe161812f4",
			Owner: "team-till@example.com", Reason: "offices get fixed addresses", Ticket: "https://tickets.example.com/NET-41", Expires: "2026-11-02"},
	}
	for name, text := range map[string][]byte{
		"as it is":  text,
		"with CRLF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
	} {
		f, err := parseWaivers("good.yaml", text, waiversDay)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, f.waivers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if lines := []int{6, 14, 15}; !slices.Equal(f.lines, lines) || f.maxDays != 400 {
			t.Errorf("%s: the waivers are on lines %v, want %v, and maxDays is %d", name, f.lines, lines, f.maxDays)
		}
	}
	if err := validWaivers(t, text); err != nil {
		t.Error(err)
	}
	for _, nothing := range []string{"", "# A comment.\n", "waivers:\n", "waivers: []\n", "---\n", "maxDays: 10\n"} {
		if f, err := parseWaivers("x", []byte(nothing), waiversDay); err != nil || f.waivers != nil {
			t.Errorf("%q: got %v and error %v", nothing, f, err)
		}
		if err := validWaivers(t, []byte(nothing)); err != nil {
			t.Errorf("%q: %v", nothing, err)
		}
	}
}

// validWaivers holds a file against the schema.
func validWaivers(t testing.TB, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(waiversSchema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("waivers.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("waivers.json")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(plainDates(v))
}

// plainDates writes days as the text that they are to editors.
func plainDates(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = plainDates(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plainDates(v[i])
		}
	case time.Time:
		return v.Format(time.DateOnly)
	}
	return v
}

func TestBadWaivers(t *testing.T) {
	archive := txtar.Parse(readWaiversFile(t, "bad.txtar"))
	for _, file := range archive.Files {
		var want []string
		schema := false
		for line := range strings.Lines(string(file.Data)) {
			text, comment := strings.CutPrefix(line, "# ")
			switch {
			case !comment:
			case text == "schema\n":
				schema = true
			case text[0] >= '0' && text[0] <= '9':
				want = append(want, file.Name+":"+strings.TrimSuffix(text, "\n"))
			}
		}
		_, err := parseWaivers(file.Name, file.Data, waiversDay)
		got, _ := err.(mistakes)
		if diff := cmp.Diff(want, []string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file.Name, diff)
		}
		if !schema {
			continue // it is no YAML for all, or more than a schema can say
		}
		if err := validWaivers(t, file.Data); err == nil {
			t.Errorf("%s: the schema takes it", file.Name)
		}
	}
	for what, text := range map[string][]byte{
		"it is longer than 1048576 bytes": bytes.Repeat([]byte("# long\n"), longestWaiverFile/7+1),
		"it is not UTF-8":                 []byte("waivers: \xff"),
		"owner is longer than 2000":       []byte("waivers: [{rule: private-nodes, resource: '**', owner: " + strings.Repeat("o", 2001) + ", reason: r, ticket: t, expires: 2026-12-31}]"),
		"x: exceeded max depth":           bytes.Repeat([]byte("["), 1<<19),
	} {
		if _, err := parseWaivers("x", text, waiversDay); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("got error %v, want %q", err, what)
		}
	}
}

// TestWaiversSchema holds what the schema has against what the reader has.
func TestWaiversSchema(t *testing.T) {
	var schema struct {
		Properties map[string]any
		Defs       struct {
			Waiver struct {
				Properties map[string]any
				Required   []string
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(waiversSchema, &schema); err != nil {
		t.Fatal(err)
	}
	keys := func(m map[string]any) []string {
		var all []string
		for key := range m {
			all = append(all, key)
		}
		return all
	}
	for _, test := range []struct{ got, want []string }{
		{keys(schema.Properties), waiverFileKeys},
		{keys(schema.Defs.Waiver.Properties), waiverKeys},
		{append(schema.Defs.Waiver.Required, "id"), waiverKeys},
	} {
		slices.Sort(test.got)
		if want := slices.Sorted(slices.Values(test.want)); !slices.Equal(test.got, want) {
			t.Errorf("the schema has %v, and the reader %v", test.got, want)
		}
	}
}

// TestWaiverExamples reads the examples in the README and in the help.
func TestWaiverExamples(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "```yaml\nwaivers:\n")
	block, _, _ = strings.Cut(block, "```")
	_, help, _ := strings.Cut(waiversHelp, "    waivers:\n")
	help, _, _ = strings.Cut(help, "\n\n")
	for name, text := range map[string]string{"README.md": "waivers:\n" + block, "help": "waivers:\n" + help} {
		f, err := parseWaivers(name, []byte(text), waiversDay)
		if err != nil || len(f.waivers) == 0 {
			t.Errorf("%s: error %v in\n%s", name, err, text)
		}
	}
}

// TestAddedWaiver adds a waiver to files of all kinds, of which all that was there stays.
func TestAddedWaiver(t *testing.T) {
	w := report.Waiver{
		Rule: "authorized-networks", Resource: "projects/shop-prod/locations/europe-west1-b/clusters/till", Finding: "548490aadaa8ccd232d030fe161812f4",
		Owner: "yes", Reason: "a: b # 'c' \"d\"", Ticket: "0123", Expires: "2027-03-31",
	}
	const item = `- id: 548490aadaa8ccd232d030fe161812f4
  rule: authorized-networks
  resource: projects/shop-prod/locations/europe-west1-b/clusters/till
  owner: "yes"
  reason: 'a: b # ''c'' "d"'
  ticket: "0123"
  expires: "2027-03-31"
`
	indented := "  " + strings.ReplaceAll(strings.TrimSuffix(item, "\n"), "\n", "\n  ") + "\n"
	const other = "{rule: private-nodes, resource: '**', owner: o, reason: r, ticket: t, expires: 2026-12-31}\n"
	for _, test := range []struct{ before, after string }{
		{"", "waivers:\n" + indented},
		{"# Mine.", "# Mine.\nwaivers:\n" + indented},
		{"maxDays: 300\n", "maxDays: 300\nwaivers:\n" + indented},
		{"waivers:\n", "waivers:\n" + indented},
		{"waivers:", "waivers:\n" + indented},
		{"waivers: [] # none\n", "waivers:  # none\n" + indented},
		{"waivers:\n# First.\n- " + other, "waivers:\n# First.\n- " + other + item},
		{"waivers:\n  - " + other + "# The end.\n", "waivers:\n  - " + other + "# The end.\n" + indented},
		{"waivers:\n  - " + other + "\n# The longest.\nmaxDays: 300\n", "waivers:\n  - " + other + indented + "\n# The longest.\nmaxDays: 300\n"},
		{"waivers: [" + strings.TrimSuffix(other, "\n") + "]\n", ""},
		{"{}\n", ""},
		{"waivers: ~\n", ""},
		{"waivers:\n  - " + other + "...\n", ""},
	} {
		for _, eol := range []string{"\n", "\r\n"} {
			before, after := strings.ReplaceAll(test.before, "\n", eol), strings.ReplaceAll(test.after, "\n", eol)
			if eol != "\n" && !strings.Contains(before, eol) {
				continue
			}
			f, err := parseWaivers("x", []byte(before), waiversDay)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.with(w, waiversDay)
			if (err != nil) != (after == "") {
				t.Errorf("%q: error %v", before, err)
			}
			if diff := cmp.Diff(after, string(got)); err == nil && diff != "" {
				t.Errorf("%q (-want +got):\n%s", before, diff)
			}
		}
	}
	good := readWaiversFile(t, "good.yaml")
	f, err := parseWaivers("good.yaml", good, waiversDay)
	if err != nil {
		t.Fatal(err)
	}
	w.Resource = "projects/shop-dev"
	got, err := f.with(w, waiversDay)
	if err != nil || !bytes.HasPrefix(got, good) {
		t.Errorf("error %v, and the file has become\n%s", err, got)
	}
}

// FuzzWaivers reads what may be no waivers. To what is read one can be added, or that is
// refused.
func FuzzWaivers(f *testing.F) {
	f.Add(readWaiversFile(f, "good.yaml"), "owner", "reason")
	for _, file := range txtar.Parse(readWaiversFile(f, "bad.txtar")).Files {
		f.Add(file.Data, "a: b", "- # '\"")
	}
	f.Fuzz(func(t *testing.T, text []byte, owner, reason string) {
		read, err := parseWaivers("x", text, waiversDay)
		if err != nil {
			return
		}
		for _, w := range read.waivers {
			if w.Rule == "" || w.Resource == "" || w.Owner == "" || w.Reason == "" || w.Ticket == "" || w.DaysLeft(waiversDay) > mostMaxDays {
				t.Errorf("a waiver is %+v", w)
			}
		}
		w := report.Waiver{Rule: "cloud-nat", Resource: "projects/p", Owner: owner, Reason: reason, Ticket: "t", Expires: "2026-11-03", Finding: fmt.Sprintf("%032x", len(owner))}
		if added, err := read.with(w, waiversDay); err == nil && len(added) <= len(text) {
			t.Errorf("of %q became %q", text, added)
		}
	})
}
