package main

import (
	"context"
	"io"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/gcp/gcptest"
)

// TestFarewell writes an object after the run was told to stop: what was read until
// then must not be lost.
func TestFarewell(t *testing.T) {
	srv := gcptest.NewServer(&audit.Snapshot{})
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{stderr: io.Discard, getenv: func(name string) string {
		return map[string]string{
			"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": srv.URL,
			"CLOUDSDK_AUTH_DISABLE_CREDENTIALS":       "true",
		}[name]
	}}
	const object = "gs://reports/last.json"
	if err := p.openStorage(ctx, &scanFlags{}, p.logger("text", false), []string{object}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.put(object, 0o600, estate(t, 4).Write); err != nil {
		t.Error(err)
	}
	if got, _ := srv.Object("reports/last.json"); len(got) == 0 {
		t.Error("nothing was written")
	}
}
