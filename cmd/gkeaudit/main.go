// Command gkeaudit audits GKE clusters; run it with --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"gkeaudit/gcp"
)

func main() { os.Exit(realMain(nil)) }

// realMain runs the program. Tests tune how it makes calls.
func realMain(tune func(*gcp.Config)) int {
	tuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal a second one ends the program at once.
	context.AfterFunc(ctx, stop)
	p := &program{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.Getenv,
		now:    time.Now,
		tune:   tune,

		doneReading: stop,
	}
	return p.run(ctx, os.Args[1:])
}

// tuneMemory lets the heap of a small audit grow for less work of the garbage
// collector, and keeps that of a large one within the 512 MiB that a Cloud Run job
// has by default. GOGC and GOMEMLIMIT have the last word.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(400 << 20)
	}
}
