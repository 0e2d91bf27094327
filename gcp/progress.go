package gcp

import (
	"sync"
	"time"
)

// Progress is how far a collection has come.
type Progress struct {
	Projects, ProjectsDone int // whose clusters are to be read, and were or could not be; 0 until all are found
	Networks, NetworksDone int // projects whose networks are; 0 until all clusters are read
	Clusters               int // that were read and are in scope
	Retries, Gaps          int

	// Slowest is the call that has been waited for longest, as "operation of project",
	// and Waiting for how long; empty if no call is on its way.
	Slowest string
	Waiting time.Duration
}

// Progress returns how far the collection that is running has come. It may be
// called while Discover, Collect and Access run.
func (c *Client) Progress() Progress { return c.progress.now() }

// tracker counts what Progress tells.
type tracker struct {
	mu       sync.Mutex
	progress Progress
	calls    map[int]onItsWay
	next     int
}

type onItsWay struct {
	name  string
	since time.Time
}

// count changes the figures.
func (t *tracker) count(change func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.progress)
}

// begin notes a call and returns the function that notes its end.
func (t *tracker) begin(op operation, project string) func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = map[int]onItsWay{}
	}
	id := t.next
	t.next++
	t.calls[id] = onItsWay{op.name + " of " + project, time.Now()}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.calls, id)
	}
}

func (t *tracker) now() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.progress
	for _, call := range t.calls {
		if waiting := time.Since(call.since); waiting > p.Waiting {
			p.Slowest, p.Waiting = call.name, waiting
		}
	}
	return p
}
