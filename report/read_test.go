package report_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"gkeaudit/report"
)

// TestRead reads reports as they are written, and then with one thing wrong.
func TestRead(t *testing.T) {
	each(t, func(t *testing.T, name string, r *report.Report) {
		text := write(t, r, ".report.json")
		back, err := report.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for extension := range formats {
			if !bytes.Equal(write(t, back, extension), write(t, r, extension)) {
				t.Errorf("%s differs when read back", extension)
			}
		}
	})
	text := string(write(t, load(t, filepath.Join(folder, "review.json")), ".report.json"))
	for _, test := range []struct{ from, to, want string }{
		{`{"id":"cloud-nat"`, `{"later":[{}],"id":"cloud-nat"`, ""}, // a field of a later version
		{`"severity":"high","status"`, `"status"`, "findings[0] has no severity"},
		{`"severity":"high","status"`, `"severity":"huge","status"`, `findings: [0]: severity "huge" is not one of`},
		{`"rule":"cloud-nat"`, `"rule":"none"`, "its rule or its cluster is not in the report"},
		{`{"id":"cloud-nat"`, `null,{"id":"cloud-nat"`, "rules[1] has no ID"},
		{`"complete": false`, `"complete": true`, "it is called complete and is not"},
		{`"pass":`, `"pass":1`, "its summary does not count what is in it"},
		{`"rationale":"`, `"rationale":"\u001b[31m`, "rules[0]: its text is not that of a rule"},
		{`"rationale":"`, `"rationale":"\u003cscript\\u003e`, "rules[0]: its text is not that of a rule"},
		{`"url":"https://`, `"url":"javascript:`, "is not the address of a page"},
		{`"readAt"`, `"shard":{"index":2,"count":2},"readAt"`, "there is no shard 2/2"},
		{`"gaps": [`, `"gaps": null, "more": [`, "gaps: it is not a list"},
		{`"complete": false`, `"complete": false, "complete": false`, `"complete" is there twice`},
	} {
		if !strings.Contains(text, test.from) {
			t.Fatalf("the report has no %s", test.from)
		}
		_, err := report.Read(strings.NewReader(strings.Replace(text, test.from, test.to, 1)))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("with %s: got error %v, want %q", test.to, err, test.want)
		}
	}
	if _, err := report.Read(strings.NewReader(text + "{}")); err == nil {
		t.Error("what follows the report is no error")
	}
}
