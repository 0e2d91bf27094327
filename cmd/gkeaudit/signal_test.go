//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp/gcptest"
	"gkeaudit/report"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// startProgram starts the program as a process of its own, which the test binary is
// under the program's name; see TestMain.
func startProgram(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Err = binary, nil
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// ended waits for a process and returns how it ended.
func ended(t *testing.T, cmd *exec.Cmd) syscall.WaitStatus {
	t.Helper()
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
		return cmd.ProcessState.Sys().(syscall.WaitStatus)
	case <-time.After(20 * time.Second):
		cmd.Process.Kill()
		<-done
		t.Fatal("the program did not end")
		return 0
	}
}

// until waits for something to become true.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 2000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it never came to be that %s", what)
}

func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

// TestInterruptedReading interrupts a run whose call gets no answer: what was read is
// reported all the same, and the report says on its first line that it is not all.
// --allow-incomplete does not excuse it: Cloud Run is to try such a task again.
func TestInterruptedReading(t *testing.T) {
	server := gcptest.NewServer(readEstate(t), &gcptest.Fault{Path: "/global/routes", Hang: true})
	defer server.Close()
	var out bytes.Buffer
	page := filepath.Join(t.TempDir(), "review.md")
	cmd := exec.Command("gkeaudit", "scan", "--profile=core", "--project=shop-prod", "--format=json", "--allow-incomplete", "-o", page)
	cmd.Stdout = &out
	cmd.Env = []string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER=" + server.URL,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=" + server.URL + "/compute/v1/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
	}
	startProgram(t, cmd)
	until(t, "the routes were asked for", func() bool {
		return slices.ContainsFunc(server.Calls(), func(call string) bool { return strings.HasSuffix(call, "/global/routes") })
	})
	interrupt(t, cmd)
	if status := ended(t, cmd); status.ExitStatus() != exitIncomplete {
		t.Errorf("exit status %d (signalled %t), want %d", status.ExitStatus(), status.Signaled(), exitIncomplete)
	}
	r, err := report.Read(&out)
	if err != nil {
		t.Fatalf("there is no report: %v", err)
	}
	if len(r.Clusters) == 0 || !slices.ContainsFunc(r.Gaps, func(g audit.Gap) bool {
		return strings.HasSuffix(g.Resource, "/global/routes") && g.Code == "CANCELLED"
	}) {
		t.Errorf("%d clusters and gaps %v, want some and one of code CANCELLED for the routes", len(r.Clusters), r.Gaps)
	}
	if text, err := os.ReadFile(page); err != nil || !r.Interrupted || !strings.HasPrefix(string(text), "# GKE audit: interrupted\n") {
		t.Errorf("the report is interrupted: %t, and its page begins with %.40q, error %v", r.Interrupted, text, err)
	}
}

// TestInterruptedBeforeAnythingIsRead interrupts runs that look for projects, or that wait
// for the first clusters: there is nothing to report, and what there was stays.
func TestInterruptedBeforeAnythingIsRead(t *testing.T) {
	for _, test := range []struct {
		hangs, scope string
		signal       os.Signal
	}{
		{":searchAllResources", "--organization=1", os.Interrupt},
		{":searchAllResources", "--organization=1", syscall.SIGTERM},
		{"/locations/-/clusters", "--project=shop-prod", os.Interrupt},
		// Another project has no clusters: reading that is no answer either.
		{"projects/shop-prod/locations/-/clusters", "--project=shop-prod --project=shop-empty", os.Interrupt},
	} {
		estate := readEstate(t)
		estate.Projects = append(estate.Projects, &audit.Project{ID: "shop-empty", Clusters: []*containerpb.Cluster{}})
		server := gcptest.NewServer(estate, &gcptest.Fault{Path: test.hangs, Hang: true})
		defer server.Close()
		folder := t.TempDir()
		files := []string{filepath.Join(folder, "good.json"), filepath.Join(folder, "good.html"), filepath.Join(folder, "snapshot.json")}
		for _, file := range files {
			if err := os.WriteFile(file, []byte("good"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var out, stderr strings.Builder
		scope := strings.Fields(test.scope)
		cmd := exec.Command("gkeaudit", append([]string{"scan", "--profile=core", "-o", files[0], "-o", files[1], "--save-snapshot", files[2], "--allow-incomplete"}, scope...)...)
		cmd.Stdout, cmd.Stderr = &out, &stderr
		cmd.Env = []string{
			"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDASSET=" + server.URL,
			"CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER=" + server.URL,
			"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
		}
		startProgram(t, cmd)
		until(t, "something was asked for", func() bool { return len(server.Calls()) >= len(scope) })
		if err := cmd.Process.Signal(test.signal); err != nil {
			t.Fatal(err)
		}
		if status := ended(t, cmd); status.ExitStatus() != exitNoAnswer {
			t.Errorf("%s: exit status %d (signalled %t), want %d", test.scope, status.ExitStatus(), status.Signaled(), exitNoAnswer)
		}
		if want := "gkeaudit: the run was interrupted before any cluster was read; nothing is written\n"; out.Len() > 0 || !strings.HasSuffix(stderr.String(), want) {
			t.Errorf("%s: it says %q and %q, want %q", test.scope, out.String(), stderr.String(), want)
		}
		for _, file := range files {
			if text, err := os.ReadFile(file); err != nil || string(text) != "good" {
				t.Errorf("%s: %s has become %q, error %v", test.scope, file, text, err)
			}
		}
	}
}

// TestInterruptedInput interrupts a run that waits for standard input, which stays open.
func TestInterruptedInput(t *testing.T) {
	for _, args := range [][]string{{"scan", "--profile=core", "--snapshot=-"}, {"report", "-"}, {"report", "/dev/stdin"}, {"scan", "--project=@/dev/stdin"}} {
		cmd := exec.Command("gkeaudit", args...)
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		startProgram(t, cmd)
		// More than a pipe holds: when all is written, the program is reading.
		if _, err := io.WriteString(stdin, "{"+strings.Repeat(" ", 1<<20)); err != nil {
			t.Fatal(err)
		}
		interrupt(t, cmd)
		if status := ended(t, cmd); status.ExitStatus() != exitNoAnswer {
			t.Errorf("%v: exit status %d (signalled %t), want %d", args, status.ExitStatus(), status.Signaled(), exitNoAnswer)
		}
		if got := stderr.String(); !strings.HasSuffix(got, ": the run was interrupted before its end\n") {
			t.Errorf("%v: it says %q", args, got)
		}
	}
}

// TestSecondInterrupt interrupts a run that cannot stop: it waits for somebody to take a
// report, and another is still to be uploaded. The second signal ends it.
func TestSecondInterrupt(t *testing.T) {
	first, pipe := filepath.Join(t.TempDir(), "first.md"), filepath.Join(t.TempDir(), "pipe.md")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gkeaudit", "scan", "--profile=core", "--demo", "-o", first, "-o", pipe, "-o", "gs://reports/last.json")
	cmd.Env = []string{"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true"}
	startProgram(t, cmd)
	until(t, "the first report was written", func() bool {
		_, err := os.Stat(first)
		return err == nil
	})
	interrupt(t, cmd)
	// Signals that come together are one, and when the first has had its effect
	// cannot be seen from here.
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				cmd.Process.Signal(os.Interrupt)
			}
		}
	}()
	if status := ended(t, cmd); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("the program ended with %#x, want by the signal", status)
	}
}

// TestInterruptedWriting interrupts a run that has read all and waits for somebody to
// take its report. There is nothing left to stop but the program itself.
func TestInterruptedWriting(t *testing.T) {
	first, pipe := filepath.Join(t.TempDir(), "first.md"), filepath.Join(t.TempDir(), "pipe.md")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("gkeaudit", "scan", "--profile=core", "--demo=incomplete", "-o", first, "-o", pipe)
	startProgram(t, cmd)
	until(t, "the first report was written", func() bool {
		_, err := os.Stat(first)
		return err == nil
	})
	interrupt(t, cmd)
	if status := ended(t, cmd); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("the program ended with %#x, want by the signal", status)
	}
}

// TestInterruptedUpload interrupts a run while its report is on the way to Cloud
// Storage, where it arrives all the same.
func TestInterruptedUpload(t *testing.T) {
	arrived, proceed := make(chan bool, 10), make(chan bool)
	server := &gcptest.Server{Snapshot: &audit.Snapshot{}, Called: func() {
		arrived <- true
		<-proceed
	}}
	server.Serve()
	defer server.Close()
	cmd := exec.Command("gkeaudit", "scan", "--profile=core", "--demo=incomplete", "-o", "gs://reports/last.json")
	cmd.Env = []string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=" + server.URL + "/storage/v1/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
	}
	startProgram(t, cmd)
	select {
	case <-arrived:
	case <-time.After(20 * time.Second):
		close(proceed)
		t.Fatal("nothing was uploaded")
	}
	interrupt(t, cmd)
	time.Sleep(200 * time.Millisecond) // for the signal to have its effect
	close(proceed)
	if status := ended(t, cmd); status.ExitStatus() != exitIncomplete {
		t.Errorf("exit status %d (signalled %t), want %d", status.ExitStatus(), status.Signaled(), exitIncomplete)
	}
	if got, _ := server.Object("reports/last.json"); len(got) == 0 {
		t.Error("nothing was written")
	}
}

// TestInterruptedUploads interrupts a run whose uploads get no answer. Together they are
// given up before whatever sent the signal loses its patience.
func TestInterruptedUploads(t *testing.T) {
	t.Parallel()
	arrived := make(chan bool, 10)
	server := &gcptest.Server{Snapshot: &audit.Snapshot{}, Faults: []*gcptest.Fault{{Path: "/upload/storage/v1/b/reports/o", Hang: true}}, Called: func() { arrived <- true }}
	server.Serve()
	defer server.Close()
	cmd := exec.Command("gkeaudit", "scan", "--profile=core", "--demo=incomplete", "-o", "gs://reports/1.json", "-o", "gs://reports/2.json", "-o", "gs://reports/3.json")
	cmd.Env = []string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=" + server.URL + "/storage/v1/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true",
	}
	startProgram(t, cmd)
	select {
	case <-arrived:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was uploaded")
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := ended(t, cmd); status.ExitStatus() != exitNoAnswer {
		t.Errorf("exit status %d (signalled %t), want %d", status.ExitStatus(), status.Signaled(), exitNoAnswer)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it took %s to end", took)
	}
}
