package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"gkeaudit/audit"

	container "cloud.google.com/go/container/apiv1"
	"golang.org/x/oauth2"
	"google.golang.org/api/cloudasset/v1"
	cloudresourcemanagerv1 "google.golang.org/api/cloudresourcemanager/v1"
	"google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/iam/v1"
	"google.golang.org/api/iamcredentials/v1"
	"google.golang.org/api/option"
	transport "google.golang.org/api/transport/http"
	"google.golang.org/protobuf/proto"
)

// DefaultConcurrency is, of 8, 16, 32 and 64, the most at which calls still end as
// soon as they could (BenchmarkCollect).
const DefaultConcurrency = 32

// Config says how to reach the APIs. The zero value reaches Google Cloud with
// Application Default Credentials.
type Config struct {
	// ContainerEndpoint, ComputeEndpoint and StorageEndpoint take the place of the APIs' own
	// addresses, in the form that gcloud takes: http://127.0.0.1:8080/ or
	// https://compute.googleapis.com/compute/v1/.
	ContainerEndpoint string
	ComputeEndpoint   string
	StorageEndpoint   string

	// ResourceManagerEndpoint and AssetEndpoint do so for the APIs that find
	// projects, Resource Manager and Cloud Asset Inventory.
	ResourceManagerEndpoint string
	AssetEndpoint           string

	// IAMEndpoint does so for the API of service accounts and roles.
	IAMEndpoint string

	// CredentialsFile is the file that GOOGLE_APPLICATION_CREDENTIALS names, for
	// errors; empty if it names none.
	CredentialsFile string

	// UniverseDomain is what GOOGLE_CLOUD_UNIVERSE_DOMAIN says. It has to be that of the
	// credentials, which decides by itself where it is empty.
	UniverseDomain string

	// NoCredentials sends calls without any credentials.
	NoCredentials bool

	// ImpersonateServiceAccount is the e-mail address of a service account to
	// act as; empty to act as the credentials' own identity.
	ImpersonateServiceAccount string

	// QuotaProject is charged for the calls; empty for the API's own choice.
	QuotaProject string

	// Concurrency bounds the calls in flight; 0 stands for DefaultConcurrency.
	Concurrency int

	// AttemptTimeout bounds one attempt at a call; 0 stands for a minute.
	AttemptTimeout time.Duration

	// Backoff is the pause after the first failed attempt, doubled after each
	// further one; 0 stands for a second.
	Backoff time.Duration

	// QuotaPatience is how long a quota may let no call through at all before the
	// calls that wait for it are given up; 0 stands for five minutes. While any call
	// gets an answer, all wait.
	QuotaPatience time.Duration

	// Log gets a record of every attempt that failed and is followed by another.
	// Nil for none.
	Log *slog.Logger

	// UserAgent is sent with each call.
	UserAgent string
}

// cloudPlatform is the scope of the credentials that are found. Those of users and
// machines have it whatever is asked for, and impersonation needs it.
const cloudPlatform = "https://www.googleapis.com/auth/cloud-platform"

// readOnly are the scopes of an impersonated service account's token, which then
// can change nothing whatever roles the account has. The discovery documents of
// the APIs name them for the list methods; the last is Resource Manager's.
var readOnly = []string{
	"https://www.googleapis.com/auth/container.read-only",
	"https://www.googleapis.com/auth/compute.readonly",
	"https://www.googleapis.com/auth/cloud-platform.read-only",
}

// assetScope is the least that Cloud Asset Inventory takes, and not for reading
// only. So it has a token of its own, which is sent to no other API.
var assetScope = []string{cloudasset.CloudassetScope}

// iamScope is likewise that of IAM.
var iamScope = []string{iam.CloudPlatformScope}

// A Client reads projects. It may be used by several goroutines.
type Client struct {
	config    Config
	project   string
	universe  string                // the domain of the hosts that are called
	transport http.RoundTripper     // adds the credentials to calls of GKE and Compute Engine
	container []option.ClientOption // of clients of GKE, without a transport
	compute   []option.ClientOption // of clients of Compute Engine, without a transport
	manager   *cloudresourcemanager.Service
	managerV1 *cloudresourcemanagerv1.Service // knows a project's ancestry
	assets    *cloudasset.Service
	iam       *iam.Service
	slots     chan struct{} // one for each call in flight
	quota     quotaGate
	progress  tracker
	names     sync.Map // of projects, as far as known: the ID of a number, the number of an ID
}

// NewClient finds credentials and makes the API clients. It returns an error that
// is [ErrNoCredentials] where there are none.
//
// GKE is called over REST, like Compute Engine. Measured over loopback,
// a list of 1,000 clusters of three node pools takes gRPC a third of REST's processor
// time (0.13 s against 0.39 to 0.49 s) and about the same memory; 50 lists of four
// clusters differ by less than 0.1 s. Against that, a REST answer is compressed to a
// fifth of gRPC's bytes (2 MB against 9 MB), and one protocol for both APIs means
// one form of endpoint override, the one that gcloud has, one form of error, and one
// kind of proxy to get through.
func NewClient(ctx context.Context, config Config) (*Client, error) {
	c := newClient(config)
	client, err := c.httpClient(ctx, readOnly)
	if err != nil {
		return nil, err
	}
	if err := c.connect(ctx, client); err != nil {
		return nil, err
	}
	if client, err = c.httpClient(ctx, assetScope); err != nil {
		return nil, err
	}
	if c.assets, err = cloudasset.NewService(ctx, c.withEndpoint(client, c.config.AssetEndpoint)...); err != nil {
		return nil, err
	}
	if client, err = c.httpClient(ctx, iamScope); err != nil {
		return nil, err
	}
	c.iam, err = iam.NewService(ctx, c.withEndpoint(client, c.config.IAMEndpoint)...)
	return c, err
}

// newClient returns a client that is good for making calls by, and has no credentials.
func newClient(config Config) *Client {
	c := &Client{config: config}
	c.config.Concurrency = cmp.Or(config.Concurrency, DefaultConcurrency)
	c.config.AttemptTimeout = cmp.Or(config.AttemptTimeout, time.Minute)
	c.config.Backoff = cmp.Or(config.Backoff, time.Second)
	c.config.QuotaPatience = cmp.Or(config.QuotaPatience, longestDrought)
	if config.Log == nil {
		c.config.Log = slog.New(slog.DiscardHandler)
	}
	c.slots = make(chan struct{}, c.config.Concurrency)
	return c
}

// httpClient returns a client that adds credentials to requests. The scopes are those
// of an impersonated service account.
func (c *Client) httpClient(ctx context.Context, scopes []string) (*http.Client, error) {
	options, err := c.credentials(ctx, scopes)
	if err != nil {
		return nil, err
	}
	client, _, err := transport.NewClient(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: bounded{client.Transport, c.config.QuotaProject}}, nil
}

// The client libraries log whole answers, secrets among them, if
// GOOGLE_SDK_GO_LOGGING_LEVEL says so. With this option they never do.
var quiet = option.WithLogger(slog.New(slog.DiscardHandler))

// credentials returns the options that all clients have. The scopes are those of an
// impersonated service account.
func (c *Client) credentials(ctx context.Context, scopes []string) ([]option.ClientOption, error) {
	options := []option.ClientOption{quiet}
	if c.config.UserAgent != "" {
		options = append(options, option.WithUserAgent(c.config.UserAgent))
	}
	if c.config.QuotaProject != "" {
		options = append(options, option.WithQuotaProject(c.config.QuotaProject))
	}
	if c.config.NoCredentials {
		return append(options, option.WithoutAuthentication()), c.chooseUniverse(ctx, nil)
	}
	found, err := c.findCredentials(ctx)
	if err != nil {
		return nil, err
	}
	c.project = found.ProjectID
	options = append(options, option.WithUniverseDomain(c.universe))
	if c.config.ImpersonateServiceAccount == "" {
		return append(options, option.WithCredentials(found)), nil
	}
	service, err := iamcredentials.NewService(ctx, option.WithCredentials(found), option.WithUniverseDomain(c.universe), quiet)
	if err != nil {
		return nil, fmt.Errorf("impersonating %s: %w", c.config.ImpersonateServiceAccount, err)
	}
	return append(options, option.WithTokenSource(&tokens{
		source:      ofAnother + c.config.ImpersonateServiceAccount,
		TokenSource: oauth2.ReuseTokenSource(nil, impersonated{service, c.config.ImpersonateServiceAccount, scopes}),
		own:         found.TokenSource.(*tokens),
	})), nil
}

func (c *Client) connect(ctx context.Context, client *http.Client) (err error) {
	for _, endpoint := range []string{c.config.ContainerEndpoint, c.config.ComputeEndpoint, c.config.ResourceManagerEndpoint, c.config.AssetEndpoint, c.config.IAMEndpoint} {
		if endpoint != "" {
			if err := CheckEndpoint(endpoint); err != nil {
				return err
			}
		}
	}
	c.transport, c.container, c.compute = client.Transport, c.withEndpoint(client, c.config.ContainerEndpoint), c.withEndpoint(client, c.config.ComputeEndpoint)
	if c.managerV1, err = cloudresourcemanagerv1.NewService(ctx, c.withEndpoint(client, c.config.ResourceManagerEndpoint)...); err != nil {
		return err
	}
	c.manager, err = cloudresourcemanager.NewService(ctx, c.withEndpoint(client, c.config.ResourceManagerEndpoint)...)
	return err
}

// withEndpoint returns the options of an API client that sends its requests by an HTTP
// client, to the hosts of the universe or to an endpoint override if there is one.
func (c *Client) withEndpoint(client *http.Client, endpoint string) []option.ClientOption {
	options := []option.ClientOption{quiet, option.WithUniverseDomain(c.universe), option.WithHTTPClient(client)}
	if endpoint != "" {
		options = append(options, option.WithEndpoint(baseURL(endpoint)))
	}
	return options
}

// computeOptions returns the options of a client of Compute Engine all of whose calls
// end with the context. The library's list methods take a context and do not hand
// it on to their HTTP requests, so that a call without an answer would wait for
// ever: https://github.com/googleapis/gapic-generator-go/issues/1749. A client
// costs next to nothing, as all share one transport.
func (c *Client) computeOptions(ctx context.Context) []option.ClientOption {
	return append(slices.Clip(c.compute), option.WithHTTPClient(&http.Client{Transport: inContext{ctx, c.transport}}))
}

// gke calls a method of the GKE API and decodes the answer itself: the library would
// leave out the enum values that it does not know. Like one of Compute Engine, a client
// costs next to nothing.
func (c *Client) gke(ctx context.Context, answer proto.Message, method func(*container.ClusterManagerClient) error) error {
	t := &answerKeeper{base: c.transport}
	client, err := container.NewClusterManagerRESTClient(ctx, append(slices.Clip(c.container), option.WithHTTPClient(&http.Client{Transport: t}))...)
	if err != nil {
		return err
	}
	if err := method(client); err != nil {
		return err
	}
	return audit.Unmarshal(t.answer, answer)
}

// answerKeeper keeps the last answer that is no error, and hands on an empty one in its
// place. It asks for enum values by name, which the API gives by default. The library asks
// for numbers, and the number of a later value says nothing. Source: System parameters,
// https://docs.cloud.google.com/apis/docs/system-parameters.
type answerKeeper struct {
	base   http.RoundTripper
	answer []byte
}

func (t *answerKeeper) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	query := r.URL.Query()
	query.Set("$alt", "json")
	r.URL.RawQuery = query.Encode()
	response, err := t.base.RoundTrip(r)
	if err != nil || response.StatusCode < 200 || response.StatusCode > 299 {
		return response, err
	}
	t.answer, err = io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(strings.NewReader("{}"))
	return response, nil
}

// inContext sends requests in its own context.
type inContext struct {
	ctx  context.Context
	base http.RoundTripper
}

func (t inContext) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.base.RoundTrip(r.WithContext(t.ctx))
}

// bounded ends a request with its context even while an access token is fetched for
// it: token sources know no context. It also names the quota project where no
// credentials do.
type bounded struct {
	base         http.RoundTripper
	quotaProject string
}

func (t bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.quotaProject != "" && r.Header.Get("X-Goog-User-Project") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("X-Goog-User-Project", t.quotaProject)
	}
	type result struct {
		response *http.Response
		err      error
	}
	done := make(chan result, 1)
	go func() {
		response, err := t.base.RoundTrip(r)
		done <- result{response, err}
	}()
	select {
	case d := <-done:
		return d.response, d.err
	case <-r.Context().Done():
		go func() {
			if d := <-done; d.response != nil {
				d.response.Body.Close()
			}
		}()
		return nil, r.Context().Err()
	}
}

// Project returns the project of the credentials, or "" if they have none.
func (c *Client) Project() string { return c.project }

// baseURL cuts an API's version path from an endpoint override: the clients add it
// by themselves.
func baseURL(endpoint string) string {
	for _, version := range []string{"/v1", "/v3", "/compute", "/storage"} {
		endpoint = strings.TrimSuffix(strings.TrimRight(endpoint, "/"), version)
	}
	return strings.TrimRight(endpoint, "/")
}

// CheckEndpoint reports what is wrong with an endpoint override.
func CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("it is not a URL like https://container.googleapis.com/")
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%s has more than a host and a path", u.Redacted())
	}
	return nil
}

// Plaintext reports whether credentials sent to an endpoint could be read on the
// way: it is plain http, and not on this machine.
func Plaintext(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}
