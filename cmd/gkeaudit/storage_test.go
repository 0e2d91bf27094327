package main

import (
	"context"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"
)

// TestFarewell writes an object after the run was told to stop: what was read until
// then must not be lost.
func TestFarewell(t *testing.T) {
	srv := gcptest.NewServer(&audit.Snapshot{})
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	store, err := gcp.NewStorage(ctx, gcp.Config{StorageEndpoint: srv.URL, NoCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	p := &program{store: store}
	if err := p.put(ctx, "gs://reports/last.json", 0o600, estate(t, 4).Write); err != nil {
		t.Error(err)
	}
	if got, _ := srv.Object("reports/last.json"); len(got) == 0 {
		t.Error("nothing was written")
	}
}
