//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkScan runs the program on snapshots by all rules: a thousand clusters of three
// node pools, and ten thousand, four clusters to a project. Every tenth cluster has
// public nodes. It tells the processor time for each cluster and the most memory that the
// process had at once, which has to be within what a Cloud Run job has by default.
//
//	go test ./cmd/gkeaudit -run '^$' -bench Scan -benchtime 1x
//
// On two busy cores of an AMD EPYC that was 1.2 to 1.5 ms a cluster, 215 MB for a thousand
// and 443 MB for ten thousand.
//
// Then it compares the ten thousand with the report on as many others, of which nothing is
// there any more and all that fails is new: 5.1 ms a cluster, 467 MB.
func BenchmarkScan(b *testing.B) {
	binary, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	// On Linux a process has had at least the memory of the one that starts it, so the
	// snapshots are made in one of their own, and this file comes before the other
	// benchmarks.
	dir := b.TempDir()
	estates := exec.Command(binary, "-test.run=^TestEstate$")
	estates.Env = append(os.Environ(), "GKEAUDIT_ESTATE="+dir)
	if out, err := estates.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	baseline := filepath.Join(dir, "others.report.json")
	others := exec.Command("gkeaudit", "scan", "--profile=all", "--snapshot="+filepath.Join(dir, "others.json"), "--output="+baseline, "--quiet", "--format=table")
	startProgram(b, others)
	if err := others.Wait(); err != nil {
		b.Fatal(err)
	}
	for _, test := range []struct {
		n        int
		baseline string
	}{{1000, ""}, {10000, ""}, {10000, baseline}} {
		n := test.n
		b.Run(fmt.Sprintf("clusters=%d,baseline=%v", n, test.baseline != ""), func(b *testing.B) {
			file := filepath.Join(dir, fmt.Sprintf("%d.json", n))
			var took time.Duration
			peak := 0.0
			for b.Loop() {
				cmd := exec.Command("gkeaudit", "scan", "--profile=all", "--snapshot="+file, "--format=json", "--quiet")
				if test.baseline != "" {
					cmd.Args = append(cmd.Args, "--baseline="+test.baseline)
				}
				startProgram(b, cmd)
				if err := cmd.Wait(); err != nil {
					b.Fatal(err)
				}
				took += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
				peak = max(peak, float64(usage.Maxrss)*1024/1e6) // it is in KiB on Linux
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N)/float64(n), "cpu-µs/cluster")
			b.ReportMetric(peak, "peak-MB")
			if peak > 512 {
				b.Errorf("the program had %.0f MB at once", peak)
			}
		})
	}
}
