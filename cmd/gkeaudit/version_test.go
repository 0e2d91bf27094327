package main

import (
	"cmp"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// TestVersion says of each way to build what Go records, and what is made of it. That Go
// records it so is shown by the check of the image, which builds a tagged commit.
func TestVersion(t *testing.T) {
	const commit = "4c1f0a9be2d35786a1b2c3d4e5f60718293a4b5c"
	git := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "-trimpath", Value: "true"}, {Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit},
			{Key: "vcs.time", Value: "2026-11-20T08:00:00Z"}, {Key: "vcs.modified", Value: modified},
		}
	}
	for _, test := range []struct {
		name, module string
		settings     []debug.BuildSetting
		want, commit string
	}{
		{"go install of a release", "v1.2.3", nil, "1.2.3", "that of module version v1.2.3"},
		{"a release's commit", "v1.2.3", git("false"), "1.2.3", commit + " of 2026-11-20T08:00:00Z"},
		{"a release's commit with changes", "v1.2.3+dirty", git("true"), "1.2.3+dirty", commit + " of 2026-11-20T08:00:00Z, with changes"},
		{"a release to be tried", "v1.3.0-rc.1", git("false"), "1.3.0-rc.1", commit + " of 2026-11-20T08:00:00Z"},
		{"a commit after a release", "v1.2.4-0.20261120080000-4c1f0a9be2d3", git("false"),
			"1.2.4-0.20261120080000-4c1f0a9be2d3", commit + " of 2026-11-20T08:00:00Z"},
		{"a commit where Go says no version", "(devel)", git("false"), "devel-4c1f0a9be2d3", commit + " of 2026-11-20T08:00:00Z"},
		{"the same with changes", "(devel)", git("true"), "devel-4c1f0a9be2d3+dirty", commit + " of 2026-11-20T08:00:00Z, with changes"},
		{"no git", "(devel)", nil, "devel", "not recorded: built without git's data"},
		{"go test", "", nil, "devel", "not recorded: built without git's data"},
	} {
		info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "gkeaudit", Version: test.module}, Settings: test.settings}
		if got := versionOf(info); got != test.want {
			t.Errorf("%s: version %q, want %q", test.name, got, test.want)
		}
		want := "gkeaudit " + test.want + "\ncommit   " + test.commit + "\nbuilt    with go1.26.8 for " + runtime.GOOS + "/" + runtime.GOARCH + "\n"
		if got := about(info); got != want {
			t.Errorf("%s: got\n%swant\n%s", test.name, got, want)
		}
	}
	if got := versionOf(nil); got != "devel" {
		t.Errorf("without build information: version %q", got)
	}
	if got := about(nil); !strings.HasPrefix(got, "gkeaudit devel\n") || !strings.Contains(got, runtime.Version()) {
		t.Errorf("without build information: got\n%s", got)
	}
}

// BenchmarkVersion is how long the program takes to start: it is to be 30 ms at most. The
// processor time is told as well, since the other depends on what else the machine does.
// GKEAUDIT names the binary; without it that is the test's own, which has more in it.
func BenchmarkVersion(b *testing.B) {
	binary := cmp.Or(os.Getenv("GKEAUDIT"), "gkeaudit") // which testscript put on the PATH
	var took time.Duration
	for b.Loop() {
		cmd := exec.Command(binary, "version")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		took += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "cpu-ms/op")
}
