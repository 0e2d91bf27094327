package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"gkeaudit/gcp/gcptest"
)

// TestReadmeCommands runs the commands of the README and of its further pages in their
// order, on the sample estate behind a local server, with stand-ins for other people's
// programs. The program may end with a status of an answer: 0, 1 or 3.
func TestReadmeCommands(t *testing.T) {
	var page strings.Builder
	for _, file := range []string{"../../README.md", "../../report/README.md", "README.md", "../../gcp/README.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```sh\n(.*?)```\n").FindAllStringSubmatch(string(text), -1)
		if blocks == nil {
			t.Fatalf("%s has no commands", file)
		}
		for _, block := range blocks {
			page.WriteString(block[1])
		}
	}
	commands := strings.NewReplacer(
		"--folder=NUMBER --folder=NUMBER --exclude-folder=NUMBER", "--folder=987654321098 --exclude-folder=5",
		"FINDING_ID", "a07a0a45",
		"PROJECT_ID", "shop-prod", "NUMBER", "123456789012", "BUCKET", "reports", "EXECUTION", "local", "DATASET", "security",
		// The sample's finding has to have a day that is to come.
		"2027-03-31", "$(date -u -d '+90 days' +%F)",
	).Replace(page.String())
	if n := strings.Count(commands, "gkeaudit "); n < 20 {
		t.Fatalf("%d commands were found", n)
	}

	server := serveDemo(t)
	calls := runPage(t, server, commands, `
note() { printf '%s\0' "$@" '' >>calls; }
go() { note go "$@"; }
gcloud() { note gcloud "$@"; }
gh() { test -s "${3#--body-file=}"; note gh "$@"; }
bq() { note bq "$@"; }
gkeaudit() {
  local status=0
  command gkeaudit "$@" || status=$?
  case $status in 0 | 1 | 3) ;; *) echo "gkeaudit $*: status $status" >&2; return 1 ;; esac
}
export GITHUB_STEP_SUMMARY=summary.md
echo shop-prod >projects.txt
gkeaudit scan --project=shop-dev -o gs://reports/reviews/1.json --quiet
`)
	var made []string
	for _, call := range calls {
		made = append(made, strings.Join(call[:min(3, len(call))], " "))
	}
	for _, want := range []string{"go run ./cmd/gkeaudit", "go install ./cmd/gkeaudit", "gcloud iam roles", "gh pr comment", "bq load"} {
		if !strings.Contains(strings.Join(made, "\n"), want) {
			t.Errorf("the README does not call %s: %q", want, made)
		}
	}
	checkReads(t, server)
}

// checkReads checks that nothing was changed but objects of the reports.
func checkReads(t *testing.T, server *gcptest.Server) {
	t.Helper()
	for _, call := range server.Calls() {
		method, path, _ := strings.Cut(call, " ")
		if method != "GET" && !strings.Contains(path, "/upload/storage/") && !strings.Contains(path, "testIamPermissions") && !strings.Contains(path, "getIamPolicy") && !strings.Contains(path, "getAncestry") {
			t.Errorf("%s", call)
		}
	}
}
