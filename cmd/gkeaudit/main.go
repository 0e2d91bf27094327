// Command gkeaudit audits GKE clusters; run it with --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gkeaudit/gcp"
)

func main() { os.Exit(realMain(nil)) }

// realMain runs the program. Tests tune how it makes calls.
func realMain(tune func(*gcp.Config)) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal a second one ends the program at once.
	context.AfterFunc(ctx, stop)
	p := &program{
		stdout: os.Stdout,
		stderr: os.Stderr,
		getenv: os.Getenv,
		now:    time.Now,
		tune:   tune,
	}
	return p.run(ctx, os.Args[1:])
}
