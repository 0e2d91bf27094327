package main

import (
	"fmt"
	"strings"
	"time"

	"gkeaudit/gcp"
)

// showProgress keeps a line on standard error up to date while a client reads, and
// returns the function that takes it away. There is none where standard error is
// not a terminal, with --quiet, or in CI.
func (p *program) showProgress(client *gcp.Client, quiet bool) (stop func()) {
	columns, isTerminal := terminal(p.stderr)
	if !isTerminal || quiet || p.getenv("CI") != "" || p.getenv("TERM") == "dumb" {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				line := printable(progressLine(client.Progress()))
				if columns > 0 && len(line) >= columns {
					line = line[:columns-1]
				}
				fmt.Fprintf(p.stderr, "\r\x1b[K%s", line)
			case <-done:
				fmt.Fprint(p.stderr, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// progressLine says how far a collection has come: "clusters of 142 of 300 projects,
// 568 clusters, 3 retries, 1 gap; waiting 12s for compute.routes.list of shop-net".
func progressLine(g gcp.Progress) string {
	parts := []string{fmt.Sprintf("clusters of %d of %d projects", g.ProjectsDone, g.Projects)}
	if g.Networks > 0 {
		parts[0] = fmt.Sprintf("networks of %d of %d projects", g.NetworksDone, g.Networks)
	}
	parts = append(parts, fmt.Sprintf("%d clusters", g.Clusters))
	if g.Retries > 0 {
		parts = append(parts, fmt.Sprintf("%d retries", g.Retries))
	}
	if g.Gaps > 0 {
		parts = append(parts, fmt.Sprintf("%d gaps", g.Gaps))
	}
	line := "reading " + strings.Join(parts, ", ")
	if g.Waiting > 3*time.Second {
		line += fmt.Sprintf("; waiting %s for %s", g.Waiting.Round(time.Second), g.Slowest)
	}
	return line
}
