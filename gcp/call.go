package gcp

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"

	"github.com/googleapis/gax-go/v2"
)

const (
	longestPause = 32 * time.Second
	// longestDrought is how long a quota may let no call through at all before the
	// calls that wait for it are given up.
	longestDrought = 5 * time.Minute
)

// once keeps the client libraries from repeating a call by themselves: their list
// iterators never do, and the other methods not for a quota.
var once = gax.WithRetry(func() gax.Retryer { return nil })

// call makes attempts at one call until one succeeds, no further one is of use,
// or the context ends. A fault comes back for what went wrong last.
func (c *Client) call(ctx context.Context, op operation, project string, attempt func(context.Context) error) (fault, bool) {
	defer c.progress.begin(op, project)()
	began := time.Now()
	failures, waits := 0, 0 // for a fault of this call's own, and for a quota
	for {
		if !c.quota.wait(ctx) {
			return c.stopped(ctx), false
		}
		err := c.attempt(ctx, attempt)
		if err == nil {
			c.quota.passed()
			return fault{}, true
		}
		if ctx.Err() != nil {
			return c.stopped(ctx), false
		}
		f := faultOf(op, err)
		if quota := c.config.QuotaProject; quota != "" { // which answers need not name
			f.message = strings.Replace(f.message, chargedTo+payer, chargedTo+"projects/"+quota, 1)
			if rest, ok := strings.CutSuffix(f.message, notEnabled+"the project"); ok {
				f.message = rest + notEnabled + "projects/" + quota
			}
		}
		var pause time.Duration
		if f.quota {
			waits++
			pause = c.pause(waits, f.delay)
			if c.quota.drought(began) > c.config.QuotaPatience {
				return f, false
			}
			c.quota.exceeded(pause, c.config.Backoff)
		} else {
			failures++
			pause = c.pause(failures, f.delay)
			if failures >= f.attempts {
				return f, false
			}
		}
		c.progress.count(func(p *Progress) { p.Retries++ })
		c.config.Log.LogAttrs(ctx, slog.LevelInfo, "trying again", slog.String("operation", op.name), slog.String("project", project),
			slog.String("code", f.code), slog.String("because", f.message), slog.Int("attempt", failures+waits), slog.Duration("pause", pause))
		if !sleep(ctx, pause) {
			return c.stopped(ctx), false
		}
	}
}

// attempt makes one attempt, when there is a slot for it.
func (c *Client) attempt(ctx context.Context, attempt func(context.Context) error) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	one, cancel := context.WithTimeout(ctx, c.config.AttemptTimeout)
	defer cancel()
	err := attempt(one)
	if err != nil && one.Err() != nil {
		return one.Err() // whatever words the error has for it
	}
	return err
}

// sleep reports false if the context ends before the time is up.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A quotaGate holds back all calls while a quota is exhausted, and then lets them go
// at a pace that finds out what the quota bears: half as fast after each time that
// it ran out, a tenth faster after each answer.
type quotaGate struct {
	mu       sync.Mutex
	interval time.Duration // between calls; 0 for no limit
	next     time.Time     // when the next call may begin
	last     time.Time     // when an answer last came
}

// wait waits for its turn. It reports false if the context ends before.
func (q *quotaGate) wait(ctx context.Context) bool {
	q.mu.Lock()
	now := time.Now()
	turn := q.next
	if turn.Before(now) {
		turn = now
	}
	if q.interval > 0 {
		q.next = turn.Add(q.interval)
	}
	q.mu.Unlock()
	if turn.After(now) {
		return sleep(ctx, turn.Sub(now))
	}
	return ctx.Err() == nil
}

// exceeded says that a quota ran out: no call begins before the pause is over, and
// they begin half as often then, a quarter of a step apart at first. Calls that were
// on their way when it ran out say so, too, and count as one.
func (q *quotaGate) exceeded(pause, step time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	resume := time.Now().Add(pause)
	if q.next.After(resume) {
		return
	}
	q.next = resume
	q.interval = min(max(2*q.interval, step/64), step)
}

// passed says that an answer came.
func (q *quotaGate) passed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last = time.Now()
	q.interval -= q.interval / 10
	if q.interval < 100*time.Microsecond {
		q.interval = 0
	}
}

// drought returns how long no answer came to any call, or to one that began later.
func (q *quotaGate) drought(began time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last.After(began) {
		began = q.last
	}
	return time.Since(began)
}

const timeUp = "the run's time was up before an answer came"

// Stopped reports whether a gap is there because the run was ended.
func Stopped(g audit.Gap) bool {
	return g.Code == "CANCELLED" || g.Code == "DEADLINE_EXCEEDED" && strings.HasPrefix(g.Message, timeUp)
}

// stopped is the fault of a call that the end of the run cut off.
func (c *Client) stopped(ctx context.Context) fault {
	f := faultOf(operation{}, ctx.Err())
	if f.code == "DEADLINE_EXCEEDED" {
		f.message = timeUp
	}
	return f
}

// pause returns how long to wait after attempt n: what the API asks for or twice
// as long each time, and a random part on top, so that calls that failed together
// do not come back together.
func (c *Client) pause(n int, asked time.Duration) time.Duration {
	wait := longestPause
	if n < 16 {
		wait = min(c.config.Backoff<<(n-1), longestPause)
	}
	if asked > 0 {
		wait = asked
	}
	return wait + rand.N(wait/4+1)
}

// pages reads a list page by page. A fault on one page ends it; what earlier
// pages held stays.
func (c *Client) pages(ctx context.Context, op operation, project string, page func(ctx context.Context, token string) (next string, err error)) (fault, bool) {
	seen := map[string]bool{}
	token := ""
	for {
		var next string
		if f, ok := c.call(ctx, op, project, func(ctx context.Context) (err error) {
			next, err = page(ctx, token)
			return err
		}); !ok {
			return f, false
		}
		if next == "" {
			return fault{}, true
		}
		if seen[next] {
			return faultOf(op, errRepeatedPage), false
		}
		seen[next] = true
		token = next
	}
}
