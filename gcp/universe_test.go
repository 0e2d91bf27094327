package gcp_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"

	"github.com/google/go-cmp/cmp"
)

// TestUniverse makes calls with credentials of all kinds while every name leads to one
// server: only hosts of the credentials' universe may be called, and none where anything
// names another universe.
func TestUniverse(t *testing.T) {
	key := serviceAccountKey(t, "")
	const google, other, unknown = "googleapis.com", "s3nsapis.fr", "apis.example"
	for _, test := range []struct {
		name     string
		file     map[string]any // its fields, besides those of a service account's key
		universe string         // that the metadata server tells, where there is no file
		config   gcp.Config
		want     []string // hosts that are called
		refused  string   // the error, where it is refused before any call
	}{
		{name: "a key", want: append(apis(google), "oauth2."+google)},
		{name: "a key of another universe", file: map[string]any{"universe_domain": other},
			want: apis(other)},
		{name: "a key of a universe that is not known", file: map[string]any{"universe_domain": unknown},
			want: apis(unknown)},
		{name: "the variable agrees", file: map[string]any{"universe_domain": other}, config: gcp.Config{UniverseDomain: other},
			want: apis(other)},
		{name: "the variable names another universe", config: gcp.Config{UniverseDomain: other},
			refused: "GOOGLE_CLOUD_UNIVERSE_DOMAIN is of the universe s3nsapis.fr, and the credentials are of googleapis.com"},
		{name: "the variable names Google Cloud", file: map[string]any{"universe_domain": other}, config: gcp.Config{UniverseDomain: google},
			refused: "GOOGLE_CLOUD_UNIVERSE_DOMAIN is of the universe googleapis.com, and the credentials are of s3nsapis.fr"},
		{name: "the variable is no domain", config: gcp.Config{UniverseDomain: "evil.example/"},
			refused: `GOOGLE_CLOUD_UNIVERSE_DOMAIN: "evil.example/" is no domain like googleapis.com`},
		{name: "the file has no domain", file: map[string]any{"universe_domain": "evil.example:443/"},
			refused: `the credentials' universe_domain: "evil.example:443/" is no domain like googleapis.com`},
		{name: "an endpoint override of Google Cloud's", file: map[string]any{"universe_domain": other},
			config:  gcp.Config{IAMEndpoint: "https://IAM.googleapis.com./"},
			refused: "the endpoint override iam.googleapis.com is of the universe googleapis.com, and the credentials are of s3nsapis.fr"},
		{name: "an endpoint override of another universe", config: gcp.Config{ComputeEndpoint: "https://compute.s3nsapis.fr/compute/v1/"},
			refused: "the endpoint override compute.s3nsapis.fr is of the universe s3nsapis.fr, and the credentials are of googleapis.com"},
		{name: "an endpoint override of no universe that is known", config: gcp.Config{ContainerEndpoint: "https://proxy.example/"},
			want: append([]string{"oauth2." + google, "proxy.example"}, slices.DeleteFunc(apis(google), func(host string) bool { return host == "container."+google })...)},
		{name: "acting as an account", file: map[string]any{"universe_domain": other}, config: gcp.Config{ImpersonateServiceAccount: "reader@shop-prod.s3ns.iam.gserviceaccount.com"},
			want: append(apis(other), "iamcredentials."+other)},
		{name: "tokens of Google Cloud's", file: map[string]any{"type": "external_account", "universe_domain": other, "token_url": "https://sts.googleapis.com/v1/token"},
			refused: "the credentials' token_url sts.googleapis.com is of the universe googleapis.com, and the credentials are of s3nsapis.fr"},
		{name: "tokens of nobody's, which are Google Cloud's", file: map[string]any{"type": "external_account", "universe_domain": other},
			refused: "the credentials' token_url sts.googleapis.com is of the universe googleapis.com, and the credentials are of s3nsapis.fr"},
		{name: "tokens of another universe", file: map[string]any{"type": "external_account", "token_url": "https://sts.s3nsapis.fr/v1/token"},
			refused: "the credentials' token_url sts.s3nsapis.fr is of the universe s3nsapis.fr, and the credentials are of googleapis.com"},
		{name: "an account of Google Cloud's", file: map[string]any{"type": "external_account", "universe_domain": other, "token_url": "https://sts.s3nsapis.fr/v1/token",
			"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a:generateAccessToken"},
			refused: "the credentials' service_account_impersonation_url iamcredentials.googleapis.com is of the universe googleapis.com, and the credentials are of s3nsapis.fr"},
		{name: "another identity", file: map[string]any{"type": "external_account", "universe_domain": other, "token_url": "https://sts.s3nsapis.fr/v1/token"},
			want: append(apis(other), "sts."+other)},
		{name: "an account by a key of Google Cloud's", file: map[string]any{"type": "impersonated_service_account", "universe_domain": other,
			"service_account_impersonation_url": "https://iamcredentials.s3nsapis.fr/v1/projects/-/serviceAccounts/a:generateAccessToken",
			"source_credentials":                map[string]any{"type": "authorized_user"}},
			refused: "the credentials' token_uri oauth2.googleapis.com is of the universe googleapis.com, and the credentials are of s3nsapis.fr"},
		{name: "a machine", universe: google, want: apis(google)},
		{name: "a machine of another universe", universe: other, want: apis(other)},
		{name: "a machine of another universe than the variable", universe: other, config: gcp.Config{UniverseDomain: unknown},
			refused: "GOOGLE_CLOUD_UNIVERSE_DOMAIN is of the universe apis.example, and the credentials are of s3nsapis.fr"},
		{name: "no credentials", config: gcp.Config{NoCredentials: true, UniverseDomain: other},
			want: apis(other)},
	} {
		t.Run(test.name, func(t *testing.T) {
			hosts := everyHost(t)
			t.Setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "decoy.example") // the program reads no variable by itself
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", withFields(t, key, test.file))
			if test.universe != "" {
				t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
				t.Setenv("HOME", t.TempDir())
				machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/universe/universe-domain") {
						fmt.Fprint(w, test.universe)
						return
					}
					fmt.Fprint(w, `{"access_token": "the-token", "token_type": "Bearer", "expires_in": 3600}`)
				}))
				defer machine.Close()
				t.Setenv("GCE_METADATA_HOST", machine.Listener.Addr().String())
			}
			test.config.Backoff = time.Millisecond
			storage, err := gcp.NewStorage(t.Context(), test.config)
			if err == nil {
				_, err = storage.List(t.Context(), gcp.Object{Bucket: "shop", Name: "x/"})
			}
			client, clientErr := gcp.NewClient(t.Context(), test.config)
			if clientErr == nil {
				client.Collect(t.Context(), audit.Scope{Projects: []string{"shop-prod"}}, audit.AllData(), now)
			}
			if test.refused != "" {
				for _, err := range []error{err, clientErr} {
					var universeErr *gcp.UniverseError
					if err == nil || err.Error() != test.refused || !errors.As(err, &universeErr) && !strings.Contains(test.refused, "no domain") {
						t.Errorf("got error %v, want %s", err, test.refused)
					}
				}
			} else if clientErr != nil || err != nil {
				t.Fatal(clientErr, err)
			}
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, hosts()); diff != "" {
				t.Errorf("hosts differ (-want +called):\n%s", diff)
			}
		})
	}
}

// everyHost has one server answer for all hosts, and returns a function that tells which
// were called.
func everyHost(t *testing.T) func() []string {
	var mu sync.Mutex
	var hosts []string
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(hosts, r.Host) {
			hosts = append(hosts, r.Host)
		}
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.Contains(r.URL.Path, "token"):
			fmt.Fprint(w, `{"access_token": "the-token", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600}`)
		case strings.HasSuffix(r.URL.Path, ":generateAccessToken"):
			fmt.Fprintf(w, `{"accessToken": "narrow-token", "expireTime": %q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		default:
			fmt.Fprint(w, `{"clusters": [{"name": "web", "location": "europe-west4", "nodePools": [{"name": "main"}], "networkConfig": {"network": "projects/shop-prod/global/networks/main", "subnetwork": "projects/shop-prod/regions/europe-west4/subnetworks/nodes"}}], "ancestor": [{"resourceId": {"type": "project", "id": "shop-prod"}}]}`)
		}
	}))
	t.Cleanup(srv.Close)
	lead := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !strings.HasPrefix(address, "127.0.0.1:") {
				address = srv.Listener.Addr().String()
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	before := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = before })
	http.DefaultTransport = lead
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(hosts)
		return hosts
	}
}

// apis are the hosts that are called in a universe, besides those of tokens.
func apis(universe string) []string {
	var hosts []string
	for _, api := range []string{"cloudasset", "cloudresourcemanager", "compute", "container", "iam", "storage"} {
		hosts = append(hosts, api+"."+universe)
	}
	return hosts
}

// withFields writes a file of credentials that has some fields, too.
func withFields(t *testing.T, name string, fields map[string]any) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	subject := filepath.Join(t.TempDir(), "subject")
	if err := os.WriteFile(subject, []byte("the-subject"), 0o600); err != nil {
		t.Fatal(err)
	}
	all["audience"] = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p"
	all["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt"
	all["credential_source"] = map[string]any{"file": subject}
	for field, value := range fields {
		all[field] = value
	}
	if data, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
