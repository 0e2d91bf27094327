package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the program itself when a script calls it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gkeaudit": func() {
		os.Exit(realMain(func(c *gcp.Config) {
			c.Backoff = time.Millisecond
			if d, err := time.ParseDuration(os.Getenv("TEST_ATTEMPT_TIMEOUT")); err == nil {
				c.AttemptTimeout = d
			}
		}))
	}})
}

// TestScripts runs the program as a user does, on saved snapshots and on a server
// that answers like the APIs. Besides testscript's own commands there are:
//
//	serve SNAPSHOT [FAULTS [HIERARCHY]]
//	                          serve a snapshot in place of the APIs
//	upload FILE NAME          make an object in Cloud Storage, BUCKET/PATH
//	objects FILE              write the names of the objects in Cloud Storage to a file
//	calls FILE                write the calls that were made so far to a file
//	status N COMMAND ...      run a command that must exit with N; where a scan writes
//	                          JSON, report on that must exit with the same
//	untimed FILE...           take the times out of JSON reports
//	days FILE...              write the day that is so many days from now in UTC for
//	                          each {+N} and {-N} in files
//	encode ENCODING FILE NEW  write a file once more in utf-8, utf-16le or utf-16be, with a
//	                          byte order mark and the ends of lines of Windows
//	estate N FILE             write a snapshot of so many small clusters, a hundred to a project
//	pages FOLDER N            count the files in a folder, each of a project of its own
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/scripts",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			// No credentials of the machine, and no metadata server, are found.
			env.Setenv("CLOUDSDK_CONFIG", filepath.Join(env.WorkDir, "no-gcloud"))
			env.Setenv("ESCAPE", "a\x1b[31mb")
			env.Setenv("DEMO", absolute(t, "demo.json"))
			env.Setenv("REPORTS", absolute(t, "../../testdata/report"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   serve,
			"calls":   calls,
			"upload":  upload,
			"objects": objects,
			"status":  status,
			"untimed": untimed,
			"days":    days,
			"encode":  encode,
			"estate":  smallEstate,
			"pages":   pages,
		},
	})
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	s, err := audit.ReadSnapshotStrict(f)
	ts.Check(err)
	var faults []*gcptest.Fault
	if len(args) > 1 {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &faults))
	}
	server := &gcptest.Server{Snapshot: s, Faults: faults}
	if len(args) > 2 {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[2])), &server.Hierarchy))
	}
	server.Serve()
	ts.Defer(server.Close)
	servers.Store(ts, server)
	ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", server.URL+"/")
	ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", server.URL+"/compute/v1/")
	ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER", server.URL)
	ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDASSET", server.URL+"/v1/")
	ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAM", server.URL)
	ts.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", server.URL+"/storage/v1/")
	ts.Setenv("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "true")
}

// servers holds the server of each script; scripts run side by side.
var servers sync.Map

func calls(ts *testscript.TestScript, neg bool, args []string) {
	server, ok := servers.Load(ts)
	if !ok {
		ts.Fatalf("nothing is served")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(server.(*gcptest.Server).Calls(), "\n")+"\n"), 0o644))
}

func upload(ts *testscript.TestScript, neg bool, args []string) {
	server, ok := servers.Load(ts)
	if !ok {
		ts.Fatalf("nothing is served")
	}
	server.(*gcptest.Server).Put(args[1], []byte(ts.ReadFile(args[0])))
}

func objects(ts *testscript.TestScript, neg bool, args []string) {
	server, ok := servers.Load(ts)
	if !ok {
		ts.Fatalf("nothing is served")
	}
	var list strings.Builder
	for _, name := range server.(*gcptest.Server).Objects() {
		list.WriteString(name + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(list.String()), 0o644))
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	began := time.Now().Add(-100 * time.Millisecond) // file systems' clocks are coarse
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit status %d, want %d", strings.Join(args[1:], " "), got, want)
	}
	if args[1] == "gkeaudit" && args[2] == "scan" {
		reportAgrees(ts, args[3:], want, began)
	}
}

// reportAgrees runs report on JSON that a scan has just written: to standard output, or
// else to the first such file. That of a shard is passed over: report calls the other
// shards missing.
func reportAgrees(ts *testscript.TestScript, flags []string, want int, began time.Time) {
	report := []string{"report"}
	var file string
	for i, flag := range flags {
		switch {
		case strings.HasPrefix(flag, "--fail-on"), flag == "--allow-incomplete", flag == "--require-decided":
			report = append(report, flag)
		case flag == "-o" && file == "" && strings.Contains(flags[i+1], ".json") && !strings.Contains(flags[i+1], "{"):
			file = ts.MkAbs(flags[i+1])
		}
	}
	text := ts.ReadFile("stdout")
	if strings.HasPrefix(text, "{") {
		file = "-"
	} else if info, err := os.Stat(file); err != nil || info.ModTime().Before(began) {
		return // there is none, or it is not of this scan
	}
	cmd := exec.Command("gkeaudit", append(report, file)...)
	cmd.Stdin = strings.NewReader(text)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want && !strings.Contains(string(out), "Missing from this report") {
		ts.Fatalf("gkeaudit %s: exit status %d, and that of scan was %d:\n%s", strings.Join(append(report, file), " "), got, want, out)
	}
}

func encode(ts *testscript.TestScript, neg bool, args []string) {
	text := []rune("\ufeff" + strings.ReplaceAll(ts.ReadFile(args[1]), "\n", "\r\n"))
	var encoded []byte
	var err error
	name, bare := strings.CutSuffix(args[0], "-bare")
	if bare { // without a byte order mark
		text = text[1:]
	}
	switch name {
	case "utf-8":
		encoded = []byte(string(text))
	case "utf-16le":
		encoded, err = binary.Append(nil, binary.LittleEndian, utf16.Encode(text))
	case "utf-16be":
		encoded, err = binary.Append(nil, binary.BigEndian, utf16.Encode(text))
	default:
		ts.Fatalf("there is no encoding %q", args[0])
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), encoded, 0o644))
}

func smallEstate(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var ids, projects []string
	for i := 0; i < n; i += 100 {
		id := fmt.Sprintf("shop-%05d", i/100)
		ids = append(ids, strconv.Quote(id))
		var clusters []string
		for k := range min(100, n-i) {
			clusters = append(clusters, fmt.Sprintf(`{"name": "web-%d", "location": "europe-west4", "status": "RUNNING"}`, k))
		}
		projects = append(projects, fmt.Sprintf(`{"id": %q, "clusters": [%s]}`, id, strings.Join(clusters, ", ")))
	}
	text := fmt.Sprintf(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": [%s]}, "projects": [%s], "gaps": []}`,
		strings.Join(ids, ", "), strings.Join(projects, ",\n"))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

func pages(ts *testscript.TestScript, neg bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.html"))
	ts.Check(err)
	if len(files) < 1 || strconv.Itoa(len(files)) != args[1] {
		ts.Fatalf("%d pages, want %s", len(files), args[1])
	}
	projects := map[string]bool{}
	title := regexp.MustCompile(`<title>GKE audit of (shop-[0-9]+):`)
	for _, file := range files {
		page := ts.ReadFile(file)
		m := title.FindStringSubmatch(page)
		if m == nil || projects[m[1]] {
			ts.Fatalf("%s is not of a project of its own", file)
		}
		projects[m[1]] = true
		if !strings.Contains(page, `href="../report.html"`) || !strings.Contains(page, `<section class="cluster"`) {
			ts.Fatalf("%s does not lead to the index, or has no cluster", file)
		}
	}
}

var readAt = regexp.MustCompile(`,"readAt":"[^"]*"`)

func untimed(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		lines := strings.SplitAfter(ts.ReadFile(name), "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, `  "startedAt": `) || strings.HasPrefix(line, `  "finishedAt": `)
		})
		text := readAt.ReplaceAllString(strings.Join(lines, ""), "")
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

var fromNow = regexp.MustCompile(`\{[+-]\d+\}`)

func days(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := fromNow.ReplaceAllStringFunc(ts.ReadFile(name), func(mark string) string {
			n, err := strconv.Atoi(mark[1 : len(mark)-1])
			ts.Check(err)
			return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly)
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}
