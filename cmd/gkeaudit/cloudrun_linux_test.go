package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp/gcptest"
	"gkeaudit/report"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/net/html"
)

// TestCloudRunJob runs the job that the Terraform module makes as Cloud Run runs it: the
// program itself, built as it is released, is a process for each task, in a root folder of
// its own that it cannot write to, as a user without a home, and with credentials from the
// metadata server alone. One task is stopped in the middle and tried again; then it is the
// last, and merges the reports.
func TestCloudRunJob(t *testing.T) {
	const tasks, stopped = 3, 1
	cloud := newCloud(t)
	module := sample()
	module["scope"], module["profile"] = cty.StringVal("organizations/123456789012"), cty.StringVal("all")
	module["tasks"] = cty.NumberIntVal(tasks)
	refused, ctx := readModule(t, modulePath).evaluate(t, module)
	if refused != nil {
		t.Fatalf("the module refuses %v", refused)
	}
	local := ctx.Variables["local"].AsValueMap()
	arguments, bucket := texts(local["arguments"]), local["bucket"].AsString()
	root := readOnlyRoot(t)

	// All tasks at once; one of them waits for an answer when the signal comes.
	var running []*task
	for i := range tasks {
		running = append(running, cloud.start(t, root, arguments, "gkeaudit-x7k2p", i, tasks, 0))
	}
	select {
	case <-cloud.hanging:
	case <-time.After(time.Minute):
		t.Fatalf("%s was not called", hangs)
	}
	if err := running[stopped].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for i, task := range running {
		want := exitOK
		if i == stopped {
			want = exitIncomplete
		}
		task.end(t, want)
	}
	object := bucket + "/runs/gkeaudit-x7k2p/" + strconv.Itoa(stopped) + ".json.gz"
	if r := cloud.report(t, object); r.Complete || len(r.Clusters) == 0 || !slices.ContainsFunc(r.Gaps, func(g audit.Gap) bool { return g.Code == "CANCELLED" }) {
		t.Errorf("stopped: complete %t, %d clusters, gaps %v; want an incomplete report of what was read", r.Complete, len(r.Clusters), r.Gaps)
	}

	// The next attempt takes the place of what the first has left.
	cloud.start(t, root, arguments, "gkeaudit-x7k2p", stopped, tasks, 1).end(t, exitOK)
	if r := cloud.report(t, object); !r.Complete || len(r.Gaps) > 0 {
		t.Errorf("tried again: complete %t, gaps %v", r.Complete, r.Gaps)
	}

	// So it is the last, and has merged the reports of all.
	page := bucket + "/reports/gkeaudit-x7k2p.html"
	merged := cloud.report(t, bucket+"/reports/gkeaudit-x7k2p.json.gz")
	want := cloud.estate.Snapshot.Clusters()
	if !merged.Complete || len(merged.Scope.Missing) > 0 || len(merged.Clusters) != len(want) {
		t.Errorf("merged: complete %t, missing %v, %d clusters of %d", merged.Complete, merged.Scope.Missing, len(merged.Clusters), len(want))
	}
	content, _ := cloud.estate.Object(page)
	text := wellFormed(t, content)
	for _, c := range want {
		if !strings.Contains(text, c.GetName()) {
			t.Errorf("the page does not show cluster %s of %s", c.GetName(), c.Project)
		}
	}
	// The next execution has objects of its own, and all projects if it has one task.
	cloud.start(t, root, arguments, "gkeaudit-n3xt1", 0, 1, 0).end(t, exitOK)
	if r := cloud.report(t, bucket+"/reports/gkeaudit-n3xt1.json.gz"); !r.Complete || len(r.Clusters) != len(want) {
		t.Errorf("one task: complete %t, %d clusters of %d", r.Complete, len(r.Clusters), len(want))
	}
	cloud.report(t, bucket+"/runs/gkeaudit-n3xt1/0.json.gz")
	cloud.checkCalls(t, bucket)

	// What cannot be written is known before anything is read.
	refusedTask := cloud.start(t, root, []string{"scan", "--organization=123456789012", "--output=/review.html"}, "gkeaudit-r34d0", 0, 1, 0)
	refusedTask.end(t, exitNoAnswer)
	if want := "cannot be written: /: " + root.refusal; !strings.Contains(refusedTask.log.String(), want) {
		t.Errorf("a file in a read-only root: %s, want %q", refusedTask.log.String(), want)
	}
}

// A cloud is what tasks can reach: the APIs, and for each task a metadata server that
// hands out a token of its own.
type cloud struct {
	estate  *gcptest.Server
	apis    *httptest.Server
	hanging chan bool // gets a value when the call comes that has no answer

	mu    sync.Mutex
	calls map[string][]string // method and path, by the Authorization header
}

// hangs is the call that gets no answer, the first time.
const hangs = "/compute/v1/projects/shop-00003/global/routes"

func newCloud(t *testing.T) *cloud {
	s := estate(t, 48)
	for _, p := range s.Projects {
		for _, cluster := range p.Clusters {
			cluster.Name += strings.TrimPrefix(p.ID, "shop") // to be told apart on a page
		}
	}
	c := &cloud{estate: serveOrganization(t, s), hanging: make(chan bool, 1), calls: map[string][]string{}}
	hung := false
	c.apis = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		who := r.Header.Get("Authorization")
		c.calls[who] = append(c.calls[who], r.Method+" "+r.URL.Path)
		hang := !hung && r.URL.Path == hangs
		hung = hung || hang
		c.mu.Unlock()
		if hang {
			c.hanging <- true
			<-r.Context().Done()
			return
		}
		c.estate.ServeHTTP(w, r)
	}))
	t.Cleanup(c.apis.Close)
	return c
}

// tokenOf is that of an attempt at a task.
func tokenOf(execution string, index, attempt int) string {
	return fmt.Sprintf("token-of-%s-%d-%d", execution, index, attempt)
}

// metadata starts a metadata server.
func metadata(t *testing.T, token string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		switch {
		case r.Header.Get("Metadata-Flavor") != "Google":
			http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
		case r.URL.Path == "/computeMetadata/v1/project/project-id":
			io.WriteString(w, "shop-audit")
		case r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/token":
			json.NewEncoder(w).Encode(map[string]any{"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// A task is a process of the program.
type task struct {
	cmd         *exec.Cmd
	output, log bytes.Buffer
}

// start starts an attempt at a task with nothing in its environment but what Cloud Run
// sets and what leads to this cloud.
func (c *cloud) start(t *testing.T, root root, args []string, execution string, index, count, attempt int) *task {
	t.Helper()
	k := &task{cmd: exec.Command("/gkeaudit", args...)}
	k.cmd.Stdout, k.cmd.Stderr = &k.output, &k.log
	k.cmd.Env = []string{
		"CLOUD_RUN_JOB=gkeaudit",
		"CLOUD_RUN_EXECUTION=" + execution,
		"CLOUD_RUN_TASK_INDEX=" + strconv.Itoa(index),
		"CLOUD_RUN_TASK_COUNT=" + strconv.Itoa(count),
		"CLOUD_RUN_TASK_ATTEMPT=" + strconv.Itoa(attempt),
		"GCE_METADATA_HOST=" + strings.TrimPrefix(metadata(t, tokenOf(execution, index, attempt)).URL, "http://"),
	}
	for name, value := range endpoints(c.apis.URL) {
		k.cmd.Env = append(k.cmd.Env, name+"="+value)
	}
	root.start(t, k.cmd)
	t.Cleanup(func() {
		k.cmd.Process.Kill()
		k.cmd.Wait()
	})
	return k
}

// end waits for a task, and looks at its status and its log: nothing is on
// standard output, each line is an entry for Cloud Logging, and one is the outcome.
func (k *task) end(t *testing.T, want int) {
	t.Helper()
	if status := ended(t, k.cmd); status.ExitStatus() != want {
		t.Errorf("%v: exit status %d (signalled %t), want %d, and its log is:\n%s", k.cmd.Args, status.ExitStatus(), status.Signaled(), want, k.log.String())
	}
	if k.output.Len() > 0 {
		t.Errorf("standard output has %q", k.output.String())
	}
	if outcomes := strings.Count(k.log.String(), `"summary":{`); (outcomes == 1) != (want != exitNoAnswer) {
		t.Errorf("%v: %d outcomes in the log:\n%s", k.cmd.Args, outcomes, k.log.String())
	}
	for line := range strings.Lines(k.log.String()) {
		var entry struct{ Severity, Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Severity == "" || entry.Message == "" {
			t.Errorf("the log has %s", line)
		}
	}
}

// report reads an object that a task has written.
func (c *cloud) report(t *testing.T, name string) *report.Report {
	t.Helper()
	content, _ := c.estate.Object(name)
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v (there are %v)", name, err, c.estate.Objects())
	}
	r, err := report.Read(z)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

// reading are the calls that read though they post.
var reading = regexp.MustCompile(`^POST /v[13]/(projects|folders|organizations)/[^/]+:(getIamPolicy|getAncestry)$`)

// checkCalls sees that all calls were made with tokens of the metadata servers, each task
// with its own, and that none wrote but the uploads to the bucket.
func (c *cloud) checkCalls(t *testing.T, bucket string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	uploads := map[string]int{}
	for who, calls := range c.calls {
		for _, call := range calls {
			switch {
			case call == "POST /upload/storage/v1/b/"+bucket+"/o":
				uploads[who]++
			case !strings.HasPrefix(call, "GET ") && !reading.MatchString(call):
				t.Errorf("%s was called", call)
			}
		}
	}
	want := map[string]int{
		tokenOf("gkeaudit-x7k2p", 0, 0): 1, tokenOf("gkeaudit-x7k2p", 1, 0): 1, tokenOf("gkeaudit-x7k2p", 2, 0): 1,
		tokenOf("gkeaudit-x7k2p", 1, 1): 3, // tried again, and the last
		tokenOf("gkeaudit-n3xt1", 0, 0): 3,
	}
	for token, n := range want {
		// Of the first attempts, too, the last to end has merged what there was.
		if got := uploads["Bearer "+token]; got != n && got != 3 {
			t.Errorf("with %s there were %d uploads, want %d", token, got, n)
		}
	}
	if len(c.calls) != len(want) {
		t.Errorf("%d values of Authorization, want %d: one for each attempt at a task", len(c.calls), len(want))
	}
}

// wellFormed sees that each element of a page that is begun is ended, in order, but for
// those that HTML lets end by themselves, and returns the page's text.
func wellFormed(t *testing.T, page []byte) string {
	t.Helper()
	byItself := []string{"body", "dd", "dt", "head", "html", "li", "option", "p", "tbody", "td", "tfoot", "th", "thead", "tr"}
	void := []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
	var text strings.Builder
	var open []string
	endAll := func(outer string) bool {
		for len(open) > 0 && open[len(open)-1] != outer && slices.Contains(byItself, open[len(open)-1]) {
			open = open[:len(open)-1]
		}
		return len(open) > 0 && open[len(open)-1] == outer
	}
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if endAll(""); z.Err() != io.EOF || len(open) > 0 || text.Len() == 0 {
				t.Errorf("the page ends with %v, and %v open", z.Err(), open)
			}
			return text.String()
		case html.TextToken:
			text.Write(z.Text())
		case html.StartTagToken:
			if name, _ := z.TagName(); !slices.Contains(void, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if before := slices.Clone(open); !endAll(string(name)) {
				t.Fatalf("the page ends %s where %v is open", name, before)
			}
			open = open[:len(open)-1]
		}
	}
}

// A root is a folder that a process has for its root.
type root struct {
	start   func(*testing.T, *exec.Cmd)
	refusal string // of a file that is to be written there
}

// readOnlyRoot builds the program into a root that has nothing else. For root it is
// mounted to be read only, in a namespace of its own, and the process is another user; for
// others the process is in a namespace of users, and the folder's mode forbids writing.
func readOnlyRoot(t *testing.T) root {
	t.Helper()
	const nobody = 65532
	folder := filepath.Join(t.TempDir(), "root")
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(folder, "gkeaudit"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	for dir := folder; dir != filepath.Dir(os.TempDir()) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // the other user is to get there
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(folder, 0o755) })
	if os.Getuid() != 0 {
		return root{refusal: "permission denied", start: func(t *testing.T, cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: folder, Cloneflags: syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}}}
			begin(t, cmd)
		}}
	}
	return root{refusal: "read-only file system", start: func(t *testing.T, cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: folder, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		done := make(chan bool)
		go func() {
			defer close(done)
			// The thread has another view of the file system, so it ends with the
			// goroutine, which does not give it back.
			runtime.LockOSThread()
			for _, err := range []error{
				syscall.Unshare(syscall.CLONE_NEWNS),
				syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
				syscall.Mount(folder, folder, "", syscall.MS_BIND, ""),
				syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY|syscall.MS_NOSUID, ""),
			} {
				if err != nil {
					t.Errorf("mounting a read-only root: %v", err)
					return
				}
			}
			begin(t, cmd)
		}()
		<-done
		if t.Failed() {
			t.FailNow()
		}
	}}
}

func begin(t *testing.T, cmd *exec.Cmd) {
	if err := cmd.Start(); err != nil {
		t.Errorf("starting the program in a root of its own: %v", err)
	}
}
