package gcp

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/googleapis/gax-go/v2"
)

const (
	mostAttempts      = 5
	mostSlowAttempts  = 2 // each lasts as long as an attempt may
	mostQuotaAttempts = 8 // with the pauses of backoff, longer than the minute that a quota takes to fill
	longestPause      = 32 * time.Second
	longestDelay      = 5 * time.Minute
)

// once keeps the client libraries from repeating a call by themselves: their list
// iterators never do, and the other methods not for a quota.
var once = gax.WithRetry(func() gax.Retryer { return nil })

// call makes attempts at one call until one succeeds, no further one is of use,
// or the context ends. A fault comes back for what went wrong last.
func (c *Client) call(ctx context.Context, op operation, project string, attempt func(context.Context) error) (fault, bool) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return c.stopped(ctx), false
	}
	for n := 1; ; n++ {
		if ctx.Err() != nil {
			return c.stopped(ctx), false
		}
		one, cancel := context.WithTimeout(ctx, c.config.AttemptTimeout)
		err := attempt(one)
		late := one.Err() != nil
		cancel()
		if err == nil {
			return fault{}, true
		}
		if ctx.Err() != nil {
			return c.stopped(ctx), false
		}
		f := faultOf(op, err)
		most := mostAttempts
		switch {
		case f.quota:
			most = mostQuotaAttempts
		case late:
			most = mostSlowAttempts
		}
		if !f.transient || n >= most {
			return f, false
		}
		pause := c.pause(n, f.delay)
		c.config.Log.LogAttrs(ctx, slog.LevelInfo, "trying again", slog.String("operation", op.name), slog.String("project", project),
			slog.String("code", f.code), slog.String("because", f.message), slog.Int("attempt", n), slog.Duration("pause", pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// stopped is the fault of a call that the end of the run cut off.
func (c *Client) stopped(ctx context.Context) fault {
	f := faultOf(operation{}, ctx.Err())
	if f.code == "DEADLINE_EXCEEDED" {
		f.message = "the run's time was up before an answer came"
	}
	return f
}

// pause returns how long to wait after attempt n: what the API asks for or twice
// as long each time, and a random part on top, so that calls that failed together
// do not come back together.
func (c *Client) pause(n int, asked time.Duration) time.Duration {
	wait := min(c.config.Backoff<<(n-1), longestPause)
	if asked > 0 {
		wait = min(asked, longestDelay)
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
