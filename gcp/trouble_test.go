package gcp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gkeaudit/gcp"
)

// TestRefusedTokens refuses the token of a key, for reasons that are not the key's among
// others.
func TestRefusedTokens(t *testing.T) {
	const timeframe = `{"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."}`
	for _, test := range []struct {
		name   string
		status int
		body   string
		ahead  time.Duration // of the server's date
		date   string        // in its place; "-" for none
		want   string        // that the message has
		kind   gcp.Trouble
	}{
		{name: "signature", status: 400, body: `{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`, want: `Invalid JWT Signature\.$`, kind: gcp.BadFile},
		{name: "session", status: 400, body: `{"error": "invalid_grant", "error_subtype": "invalid_rapt", "error_description": "reauth related error (invalid_rapt)"}`, want: `invalid_rapt\)$`, kind: gcp.BadFile},
		{name: "clock behind", status: 400, body: timeframe, ahead: 3 * time.Hour, want: `; the clock of this machine is (3h0m0s|2h59m\d+s) behind$`, kind: gcp.WrongClock},
		{name: "clock ahead", status: 400, body: timeframe, ahead: -26 * time.Hour, want: `; the clock of this machine is 26h0m\d+s ahead$`, kind: gcp.WrongClock},
		{name: "clock right", status: 400, body: timeframe, want: `JWT claim\.$`, kind: gcp.BadFile},
		{name: "no date", status: 400, body: timeframe, date: "-", want: `; the clock of this machine may be off$`, kind: gcp.WrongClock},
		{name: "a bad date", status: 400, body: timeframe, date: "yesterday", want: `; the clock of this machine may be off$`, kind: gcp.WrongClock},
		{name: "proxy", status: 407, body: "", want: `^the proxy asks for credentials \(407 Proxy Authentication Required\)$`, kind: gcp.ProxyAsks},
	} {
		t.Run(test.name, func(t *testing.T) {
			api := serve(t, projects(1))
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Date", time.Now().Add(test.ahead).UTC().Format(http.TimeFormat))
				switch test.date {
				case "":
				case "-":
					w.Header()["Date"] = nil
				default:
					w.Header().Set("Date", test.date)
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			defer srv.Close()
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccountKey(t, srv.URL+"/token"))
			config := configFor(api)
			config.NoCredentials, config.CredentialsFile = false, "key.json"
			s := collect(t.Context(), t, config, api.Snapshot.Scope)
			if len(s.Gaps) != 1 || !regexp.MustCompile(test.want).MatchString(s.Gaps[0].Message) {
				t.Fatalf("got gaps %v, want one that says %s", s.Gaps, test.want)
			}
			if got := gcp.TroubleOf(s.Gaps[0].Code, s.Gaps[0].Message); got != test.kind {
				t.Errorf("got trouble %d, want %d", got, test.kind)
			}
		})
	}
}

// TestCertificateOfAnotherTime calls a server, and asks one for tokens, whose certificate
// is not valid any more, or will be: the clock may be to blame, and calling again does not help.
func TestCertificateOfAnotherTime(t *testing.T) {
	api := serve(t, projects(1))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{-48 * time.Hour, 48 * time.Hour} {
		from := time.Now().Add(after)
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			NotBefore: from, NotAfter: from.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		var calls atomic.Int32
		srv := httptest.NewUnstartedServer(http.NotFoundHandler())
		srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				calls.Add(1)
			}
		}
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		srv.StartTLS()
		defer srv.Close()
		config := configFor(api)
		config.ContainerEndpoint = srv.URL
		s := collect(t.Context(), t, config, api.Snapshot.Scope)
		if len(s.Gaps) != 1 || !strings.HasSuffix(s.Gaps[0].Message, "; the clock of this machine may be off") || gcp.TroubleOf(s.Gaps[0].Code, s.Gaps[0].Message) != gcp.WrongClock {
			t.Errorf("got gaps %v, want one that says that the clock may be off", s.Gaps)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", serviceAccountKey(t, srv.URL+"/token"))
		config = configFor(api)
		config.NoCredentials = false
		s = collect(t.Context(), t, config, api.Snapshot.Scope)
		if len(s.Gaps) != 1 || gcp.TroubleOf(s.Gaps[0].Code, s.Gaps[0].Message) != gcp.WrongClock {
			t.Errorf("got gaps %v, want one that says that the clock may be off", s.Gaps)
		}
	}
}

// TestCharged finds a service and a project in messages, and nothing that has not the form
// of either.
func TestCharged(t *testing.T) {
	for message, want := range map[string]string{
		"iam.googleapis.com is not enabled in projects/shop-quota":                                                 "iam.googleapis.com shop-quota",
		"iam.googleapis.com is not enabled in projects/9999; whether that is the project itself":                   "iam.googleapis.com 9999",
		"iam.googleapis.com is not enabled in the project":                                                         " ",
		"iam.googleapis.com is not enabled in projects/shop-quota;id":                                              " ",
		"iam.googleapis.com is not enabled in projects/$(id)":                                                      " ",
		"iam.googleapis.com is not enabled in folders/9":                                                           " ",
		"x;id;iam.googleapis.com is not enabled in projects/shop-quota":                                            " ",
		"the calls are charged to projects/eu0:shop-quota, where the caller lacks serviceusage.services.use":       " eu0:shop-quota",
		"the calls are charged to projects/--flag, where the caller lacks serviceusage.services.use":               " ",
		"the calls are charged to projects/shop-quota\nid, where the caller lacks serviceusage.services.use":       " ",
		"no calls, but the calls are charged to projects/shop-quota, where the caller lacks serviceusage.services": " ",
	} {
		service, project := gcp.Charged(message)
		if got := service + " " + project; got != want {
			t.Errorf("Charged(%q): got %q, want %q", message, got, want)
		}
	}
}
