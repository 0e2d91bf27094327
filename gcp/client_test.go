package gcp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"github.com/google/go-cmp/cmp"
)

// projects returns a snapshot of some projects, each with a cluster and a network
// of its own.
func projects(n int) *audit.Snapshot {
	s := &audit.Snapshot{Time: now}
	for i := range n {
		id := fmt.Sprintf("shop-%02d", i)
		s.Scope.Projects = append(s.Scope.Projects, id)
		s.Projects = append(s.Projects, &audit.Project{
			ID: id,
			Clusters: []*containerpb.Cluster{{Name: "web", Location: "europe-west4", NetworkConfig: &containerpb.NetworkConfig{
				Network:    "projects/" + id + "/global/networks/main",
				Subnetwork: "projects/" + id + "/regions/europe-west4/subnetworks/nodes",
			}}},
			Subnetworks: []*computepb.Subnetwork{},
			Routers:     []*computepb.Router{},
			Routes:      []*computepb.Route{},
		})
	}
	return s
}

// TestReadOnly makes the program make every call it has, and looks whether it is
// one that reads. So does every other test of this package; see serve.
func TestReadOnly(t *testing.T) {
	srv := serve(t, projects(1))
	srv.Faults = []*gcptest.Fault{{Path: "/aggregated/subnetworks", Status: 503}, {Path: "/aggregated/routers", Status: 503}}
	collect(t.Context(), t, configFor(srv), srv.Snapshot.Scope)
	want := []string{
		"GET /compute/v1/projects/shop-00/aggregated/routers",
		"GET /compute/v1/projects/shop-00/aggregated/subnetworks",
		"GET /compute/v1/projects/shop-00/global/routes",
		"GET /compute/v1/projects/shop-00/regions/europe-west4/routers",
		"GET /compute/v1/projects/shop-00/regions/europe-west4/subnetworks",
		"GET /v1/projects/shop-00/locations/-/clusters",
	}
	if diff := cmp.Diff(want, slices.Compact(srv.Calls())); diff != "" {
		t.Errorf("calls differ (-want +got):\n%s", diff)
	}
}

// TestConcurrency counts the calls that wait for their answers at one time.
func TestConcurrency(t *testing.T) {
	for limit, want := range map[int]int{1: 1, 4: 4, 0: 32} {
		srv := serve(t, projects(24))
		srv.Latency = 10 * time.Millisecond
		srv.Faults = []*gcptest.Fault{{Path: "/aggregated/routers", Times: 4, Status: 503}}
		config := configFor(srv)
		config.Concurrency = limit
		s := collect(t.Context(), t, config, srv.Snapshot.Scope)
		if len(s.Gaps) > 0 {
			t.Fatalf("got gaps: %v", s.Gaps)
		}
		if got := srv.MostAtOnce(); got > want || got == 1 && want > 1 {
			t.Errorf("with a concurrency of %d: got %d calls at once, want %d", limit, got, want)
		}
	}
}

// TestPauses reads from the log how long the pauses were, and from the clock that
// they were made.
func TestPauses(t *testing.T) {
	const asked = 60 * time.Millisecond
	retryInfo := fmt.Sprintf(`{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "%.3fs"}`, asked.Seconds())
	for _, tc := range []struct {
		name string
		body string
		want time.Duration
	}{
		{"asked for", `{"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED", "details": [` + retryInfo + `]}}`, asked},
		{"asked for by Compute Engine", `{"error": {"code": 403, "message": "Quota.", "errors": [{"reason": "rateLimitExceeded"}], "details": [` + retryInfo + `]}}`, asked},
		{"not asked for", `{"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED"}}`, time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := serve(t, projects(20))
			status := 429
			if strings.Contains(tc.body, "403") {
				status = 403
			}
			srv.Faults = []*gcptest.Fault{{Path: "/global/routes", Times: 20, Status: status, Body: json.RawMessage(tc.body)}}
			var log bytes.Buffer
			config := configFor(srv)
			config.Log = slog.New(slog.NewJSONHandler(&log, nil))
			config.Concurrency = 40
			start := time.Now()
			s := collect(t.Context(), t, config, srv.Snapshot.Scope)
			if took := time.Since(start); took < tc.want {
				t.Errorf("collecting took %v, less than a pause of %v", took, tc.want)
			}
			if len(s.Gaps) > 0 {
				t.Fatalf("got gaps: %v", s.Gaps)
			}
			different := map[time.Duration]bool{}
			lines := bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n"))
			for _, line := range lines {
				var entry struct{ Pause time.Duration }
				if err := json.Unmarshal(line, &entry); err != nil {
					t.Fatalf("%v in %s", err, line)
				}
				if entry.Pause < tc.want {
					t.Errorf("got a pause of %v, want at least %v", entry.Pause, tc.want)
				}
				different[entry.Pause] = true
			}
			if len(lines) != 20 || len(different) < 2 {
				t.Errorf("got %d pauses of %d lengths, want 20 that are not all the same", len(lines), len(different))
			}
		})
	}
}

// TestCredentials reads with the key of a service account, so that all calls have
// to carry the token that it is exchanged for. Then the key is refused.
func TestCredentials(t *testing.T) {
	api := serve(t, projects(1))
	refuse := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			for name, want := range map[string]string{"Authorization": "Bearer the-token", "User-Agent": "gkeaudit/test", "X-Goog-User-Project": "shop-quota"} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s has the header %s %q, want %q", r.URL.Path, name, got, want)
				}
			}
			api.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`)
			return
		}
		fmt.Fprint(w, `{"access_token": "the-token", "token_type": "Bearer", "expires_in": 3600}`)
	}))
	defer srv.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccountKey(t, srv.URL+"/token"))
	config := gcp.Config{
		ContainerEndpoint: srv.URL,
		ComputeEndpoint:   srv.URL,
		QuotaProject:      "shop-quota",
		UserAgent:         "gkeaudit/test",
		Backoff:           time.Millisecond,
	}
	s := collect(t.Context(), t, config, api.Snapshot.Scope)
	if got := len(api.Calls()); got != 4 || len(s.Gaps) > 0 {
		t.Errorf("got %d calls and gaps %v, want 4 and none", got, s.Gaps)
	}

	refuse = true
	s = collect(t.Context(), t, config, api.Snapshot.Scope)
	if len(s.Gaps) != 1 || s.Gaps[0].Code != "UNAUTHENTICATED" || s.Answerable() {
		t.Errorf("got gaps %v, want one that says UNAUTHENTICATED", s.Gaps)
	}
	config.CredentialsFile = "key.json"
	s = collect(t.Context(), t, config, api.Snapshot.Scope)
	if g := s.Gaps[0]; g.Reason != "INVALID_GRANT" || !strings.HasPrefix(g.Message, "the credentials in key.json ($GOOGLE_APPLICATION_CREDENTIALS) were refused: invalid_grant: Invalid JWT Signature.") ||
		gcp.TroubleOf(g.Code, g.Message) != gcp.BadFile {
		t.Errorf("got gap %v, want one that blames key.json", g)
	}
}

// TestMetadataServer reads with the credentials of a machine that has no service account,
// so that its metadata server has no tokens.
func TestMetadataServer(t *testing.T) {
	api := serve(t, projects(1))
	machine := httptest.NewServer(http.NotFoundHandler())
	defer machine.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("GCE_METADATA_HOST", machine.Listener.Addr().String())
	var log bytes.Buffer
	config := configFor(api)
	config.NoCredentials, config.Log = false, slog.New(slog.NewJSONHandler(&log, nil))
	s := collect(t.Context(), t, config, api.Snapshot.Scope)
	if len(s.Gaps) != 1 || s.Gaps[0].Code != "UNAUTHENTICATED" || log.Len() > 0 ||
		!strings.HasPrefix(s.Gaps[0].Message, "no access token could be had with the credentials of the metadata server: ") {
		t.Fatalf("got gaps %v and log %q, want one at once that blames the metadata server", s.Gaps, &log)
	}
	for _, code := range []string{"UNAUTHENTICATED", "UNAVAILABLE"} {
		if gcp.TroubleOf(code, s.Gaps[0].Message) != gcp.BadMachine {
			t.Errorf("with %s it is not the machine that is to blame", code)
		}
	}
}

// TestTokensNeverCome reads with the key of a service account while the server of
// tokens gives no answer: the run ends when its time is up all the same.
func TestTokensNeverCome(t *testing.T) {
	api := serve(t, projects(1))
	released := make(chan struct{})
	tokens := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	defer tokens.Close()
	defer close(released)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccountKey(t, tokens.URL))
	config := configFor(api)
	config.NoCredentials = false
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	client, err := gcp.NewClient(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	collected := make(chan *audit.Snapshot, 1)
	go func() { collected <- client.Collect(ctx, api.Snapshot.Scope, listed, now) }()
	select {
	case s := <-collected:
		if len(s.Gaps) != 1 || s.Gaps[0].Code != "DEADLINE_EXCEEDED" || s.Answerable() {
			t.Errorf("got gaps %v, want one that says DEADLINE_EXCEEDED", s.Gaps)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the run goes on after its time is up")
	}
	if calls := api.Calls(); len(calls) > 0 {
		t.Errorf("calls without a token: %v", calls)
	}
}

// TestQuotaProjectWithoutCredentials looks for the quota project in every call.
func TestQuotaProjectWithoutCredentials(t *testing.T) {
	api := serve(t, projects(1))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Values("X-Goog-User-Project"); !slices.Equal(got, []string{"shop-quota"}) {
			t.Errorf("%s has the quota projects %q, want shop-quota", r.URL.Path, got)
		}
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("%s has the header Authorization %q, want none", r.URL.Path, got)
		}
		api.ServeHTTP(w, r)
	}))
	defer srv.Close()
	config := configFor(api)
	config.ContainerEndpoint, config.ComputeEndpoint, config.QuotaProject = srv.URL, srv.URL, "shop-quota"
	s := collect(t.Context(), t, config, api.Snapshot.Scope)
	if got := len(api.Calls()); got != 4 || len(s.Gaps) > 0 {
		t.Errorf("got %d calls and gaps %v, want 4 and none", got, s.Gaps)
	}
}

// TestImpersonation acts as another service account. The token that it asks for
// lets it read and do nothing else, and no call is made with another.
func TestImpersonation(t *testing.T) {
	api := serve(t, projects(1))
	refused := false // the own key
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			if refused {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error": "invalid_grant"}`)
				return
			}
			fmt.Fprint(w, `{"access_token": "own-token", "token_type": "Bearer", "expires_in": 3600}`)
			return
		}
		if got := r.Header.Get("Authorization"); got != "Bearer narrow-token" {
			t.Errorf("%s has the header Authorization %q, want that of the impersonated account", r.URL.Path, got)
		}
		api.ServeHTTP(w, r)
	}))
	defer srv.Close()
	var asked struct{ Scope []string }
	denied, off := false, false
	iam := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := "/v1/projects/-/serviceAccounts/reader@shop-prod.iam.gserviceaccount.com:generateAccessToken"; r.URL.Path != want {
			t.Errorf("a token is asked for at %s, want %s", r.URL.Path, want)
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		if off {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error": {"code": 403, "message": "IAM Service Account Credentials API has not been used in project 9999 before or it is disabled.", "status": "PERMISSION_DENIED"}}`)
			return
		}
		if denied {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied"}}`)
			return
		}
		fmt.Fprintf(w, `{"accessToken": "narrow-token", "expireTime": %q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer iam.Close()
	// The address of IAM cannot be set; only where it leads to can.
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "iamcredentials.googleapis.com:443" {
				address = iam.Listener.Addr().String()
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccountKey(t, srv.URL+"/token"))
	config := gcp.Config{
		ContainerEndpoint:         srv.URL,
		ComputeEndpoint:           srv.URL,
		ImpersonateServiceAccount: "reader@shop-prod.iam.gserviceaccount.com",
		Backoff:                   time.Millisecond,
	}
	s := collect(t.Context(), t, config, api.Snapshot.Scope)
	if got := len(api.Calls()); got != 4 || len(s.Gaps) > 0 {
		t.Errorf("got %d calls and gaps %v, want 4 and none", got, s.Gaps)
	}
	want := []string{
		"https://www.googleapis.com/auth/cloud-platform.read-only",
		"https://www.googleapis.com/auth/compute.readonly",
		"https://www.googleapis.com/auth/container.read-only",
	}
	slices.Sort(asked.Scope)
	if diff := cmp.Diff(want, asked.Scope); diff != "" {
		t.Errorf("scopes differ (-want +asked for):\n%s", diff)
	}

	// Where it may not, that is no fault of the network.
	denied = true
	var log bytes.Buffer
	config.Log = slog.New(slog.NewJSONHandler(&log, nil))
	s = collect(t.Context(), t, config, api.Snapshot.Scope)
	if len(s.Gaps) != 1 || s.Gaps[0].Code != "UNAUTHENTICATED" || !strings.Contains(s.Gaps[0].Message, "getAccessToken") ||
		gcp.TroubleOf(s.Gaps[0].Code, s.Gaps[0].Message) != gcp.BadOther || log.Len() > 0 {
		t.Errorf("got gaps %v and log %q, want one at once that says what is denied", s.Gaps, &log)
	}

	// Where the API that does it is off, the account is not to blame.
	off = true
	s = collect(t.Context(), t, config, api.Snapshot.Scope)
	if want := "iamcredentials.googleapis.com is not enabled in projects/9999"; len(s.Gaps) != 1 || s.Gaps[0].Message != want || s.Gaps[0].Reason != "SERVICE_DISABLED" {
		t.Errorf("got gaps %v, want one that says %q", s.Gaps, want)
	}

	// Nor is it the other account's where the own key is refused.
	refused, config.CredentialsFile = true, "key.json"
	s = collect(t.Context(), t, config, api.Snapshot.Scope)
	if want := "the credentials in key.json ($GOOGLE_APPLICATION_CREDENTIALS) were refused: invalid_grant"; len(s.Gaps) != 1 || s.Gaps[0].Message != want {
		t.Errorf("got gaps %v, want one that says %q", s.Gaps, want)
	}
}

// serviceAccountKey writes a key file that gets its tokens from an address.
func serviceAccountKey(t *testing.T, tokens string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]string{
		"type":         "service_account",
		"project_id":   "shop-prod",
		"client_email": "audit@shop-prod.iam.gserviceaccount.com",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":    tokens,
	})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestNoCredentials tells missing credentials from broken ones.
func TestNoCredentials(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", broken)
	if _, err := gcp.NewClient(t.Context(), gcp.Config{}); err == nil || err == gcp.ErrNoCredentials {
		t.Errorf("with a broken file: got error %v, want another", err)
	}
}

func TestCheckEndpoint(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"https://container.googleapis.com/":            true,
		"https://compute.googleapis.com/compute/v1/":   true,
		"http://127.0.0.1:8080":                        true,
		"container.googleapis.com":                     false,
		"container.googleapis.com:443":                 false,
		"ftp://example.com":                            false,
		"https://":                                     false,
		"https://me:password@container.googleapis.com": false,
		"https://container.googleapis.com/?a=b":        false,
		"":                                             false,
	} {
		if err := gcp.CheckEndpoint(endpoint); (err == nil) != ok {
			t.Errorf("CheckEndpoint(%q): got error %v", endpoint, err)
		}
	}
}

func TestPlaintext(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://proxy.example.com/":        true,
		"http://10.0.0.1:8080/":            true,
		"http://127.0.0.1:8080/":           false,
		"http://[::1]:8080/":               false,
		"http://localhost:8080/":           false,
		"https://proxy.example.com/":       false,
		"https://container.googleapis.com": false,
	} {
		if got := gcp.Plaintext(endpoint); got != want {
			t.Errorf("Plaintext(%q): got %v, want %v", endpoint, got, want)
		}
	}
}
