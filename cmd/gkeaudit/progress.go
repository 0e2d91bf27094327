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
				if runes := []rune(line); columns > 0 && len(runes) >= columns {
					line = string(runes[:columns-1])
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

// progressLine says how far a collection has come: "reading clusters of 142 of 300
// projects, 568 clusters, 3 retries, 1 gap; waiting 12s for compute.routes.list of
// shop-net".
func progressLine(g gcp.Progress) string {
	var parts []string
	switch {
	case g.Projects == 0:
		parts = append(parts, "finding projects…")
	case g.Networks > 0:
		parts = append(parts, fmt.Sprintf("reading networks of %d of %s", g.NetworksDone, count(g.Networks, "project", "projects")))
	default:
		parts = append(parts, fmt.Sprintf("reading clusters of %d of %s", g.ProjectsDone, count(g.Projects, "project", "projects")))
	}
	if g.Projects > 0 {
		parts = append(parts, count(g.Clusters, "cluster", "clusters"))
	}
	if g.Retries > 0 {
		parts = append(parts, count(g.Retries, "retry", "retries"))
	}
	if g.Gaps > 0 {
		parts = append(parts, count(g.Gaps, "gap", "gaps"))
	}
	line := strings.Join(parts, ", ")
	if g.Waiting > 3*time.Second {
		line += fmt.Sprintf("; waiting %s for %s", g.Waiting.Round(time.Second), g.Slowest)
	}
	return line
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
