package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"
)

// TestRuleWidth writes every rule for a terminal of 80 columns. What is wider is a command,
// an address or a name that cannot be broken, the words are those of any width, and
// commands are the same.
func TestRuleWidth(t *testing.T) {
	const width = 80
	shortened := 0
	quoting := &audit.Rule{ID: "quoting", Checks: "What is said by\n    kubectl get nodes --output=json\n    kubectl get pods --all-namespaces --output=json --field-selector=status.phase=Running\nis looked at."}
	for _, r := range append(slices.Clone(rules.All), quoting) {
		var wide, narrow bytes.Buffer
		if err := report.WriteRule(&wide, r, 0); err != nil {
			t.Fatal(err)
		}
		if err := report.WriteRule(&narrow, r, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(narrow.String()) {
			line = strings.TrimSuffix(line, "\n")
			command := strings.HasPrefix(line, "    ") && !strings.HasPrefix(strings.TrimSpace(line), "#")
			if command && !strings.Contains(wide.String(), "\n"+line+"\n") {
				t.Errorf("%s: %q is not as it is elsewhere", r.ID, line)
			}
			if len([]rune(line)) > width && !command {
				t.Errorf("%s: %q is wider than %d columns", r.ID, line, width)
			}
		}
		if r == quoting && !strings.Contains(narrow.String(), quoting.Checks) {
			t.Errorf("commands within prose are not left as they are:\n%s", narrow.String())
		}
		if words(wide.String()) != words(narrow.String()) {
			t.Errorf("%s: the words differ:\n%s", r.ID, narrow.String())
		}
		if wide.String() != narrow.String() {
			shortened++
		}
	}
	if shortened == 0 {
		t.Error("no rule is wrapped")
	}

	var list bytes.Buffer
	if err := report.WriteRules(&list, rules.All, width); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list.String()) {
		if len([]rune(strings.TrimSuffix(line, "\n"))) > width {
			t.Errorf("%q is wider than %d columns", line, width)
		}
	}
}

// words are those of a text, without the marks of comments.
func words(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "# ", "")), " ")
}
