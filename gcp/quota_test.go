package gcp_test

import (
	"testing"
	"time"

	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"
)

// TestQuota reads an estate under a quota that lets through a tenth of the calls that
// would be made without: everything is read, and few calls are turned away for each
// that is not, because all wait together.
func TestQuota(t *testing.T) {
	s := estate(30, 2)
	const calls, window = 30 * 4, 100 * time.Millisecond
	server := &gcptest.Server{Snapshot: s, Quota: 12, Window: window}
	server.Serve()
	defer server.Close()
	client, err := gcp.NewClient(t.Context(), gcp.Config{
		ContainerEndpoint:       server.URL,
		ComputeEndpoint:         server.URL,
		ResourceManagerEndpoint: server.URL,
		AssetEndpoint:           server.URL,
		NoCredentials:           true,
		Backoff:                 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := client.Collect(t.Context(), s.Scope, networkData, time.Now())
	if len(got.Gaps) > 0 {
		t.Errorf("%d gaps, the first %v", len(got.Gaps), got.Gaps[0])
	}
	if n := len(got.Clusters()); n != 60 {
		t.Errorf("%d clusters, want 60", n)
	}
	made := len(server.Calls())
	t.Logf("%d calls for %d answers", made, calls)
	if made > 6*calls {
		t.Errorf("%d calls for %d answers: the calls that a quota turned away were not held back together", made, calls)
	}
}
