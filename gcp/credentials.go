package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iamcredentials/v1"
)

// ErrNoCredentials says that no Application Default Credentials were found.
var ErrNoCredentials = errors.New("no Google Cloud credentials were found")

// Names of credentials in messages.
const (
	ofVariable = "$GOOGLE_APPLICATION_CREDENTIALS"
	ofLogin    = "the credentials of gcloud auth application-default login"
	ofMachine  = "the credentials of the metadata server"
	ofAnother  = "the service account " // with its address
)

// findCredentials finds Application Default Credentials, whose errors say which they are.
func (c *Client) findCredentials(ctx context.Context) (*google.Credentials, error) {
	source := ofLogin
	if c.config.CredentialsFile != "" {
		source = "the credentials in " + c.config.CredentialsFile + " (" + ofVariable + ")"
	}
	found, err := google.FindDefaultCredentials(ctx, cloudPlatform)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "could not find default credentials"):
		return nil, ErrNoCredentials
	default:
		return nil, fmt.Errorf("%s cannot be used: %s", source, unusable(err))
	}
	if found.JSON == nil {
		source = ofMachine
	}
	if err := c.chooseUniverse(ctx, found); err != nil {
		return nil, err
	}
	if c.universe != publicUniverse && typeOf(found.JSON) == "service_account" {
		// Other universes exchange no keys for tokens: a call has what the key signed.
		if found.TokenSource, err = google.JWTAccessTokenSourceWithScope(found.JSON, cloudPlatform); err != nil {
			return nil, fmt.Errorf("%s cannot be used: %s", source, unusable(err))
		}
	}
	found.TokenSource = &tokens{source: source, TokenSource: found.TokenSource}
	return found, nil
}

// unusable says in our words what is wrong with a file of credentials. The library's
// errors have no types left.
func unusable(err error) string {
	text := strings.TrimPrefix(err.Error(), "google: error getting credentials using GOOGLE_APPLICATION_CREDENTIALS environment variable: ")
	switch {
	case strings.HasSuffix(text, ": is a directory"):
		return "it is a folder"
	case strings.HasPrefix(text, "open "):
		return text[strings.LastIndex(text, ": ")+2:]
	case text == "unexpected end of JSON input":
		return "the file is empty, or its JSON ends early"
	case strings.HasPrefix(text, "json: "), strings.HasPrefix(text, "invalid character"):
		return "it is not the JSON of credentials"
	}
	return oneLine(text)
}

// impersonated is a source of access tokens for another service account. The library's own
// asks Google Cloud for them in all universes.
type impersonated struct {
	service *iamcredentials.Service
	account string
	scopes  []string
}

func (s impersonated) Token() (*oauth2.Token, error) {
	answer, err := whole(s.service.Projects.ServiceAccounts.GenerateAccessToken("projects/-/serviceAccounts/"+s.account,
		&iamcredentials.GenerateAccessTokenRequest{Scope: s.scopes, Lifetime: "3600s"}).Do())
	if err != nil {
		return nil, err
	}
	expiry, err := time.Parse(time.RFC3339, answer.ExpireTime)
	if err != nil {
		return nil, errors.New("the answer does not tell when the token expires")
	}
	return &oauth2.Token{AccessToken: answer.AccessToken, Expiry: expiry}, nil
}

// tokens are a source of access tokens whose errors are of type *tokenError.
type tokens struct {
	source string
	oauth2.TokenSource
	own *tokens // of those who act as another account; nil for none
}

func (t *tokens) Token() (*oauth2.Token, error) {
	token, err := t.TokenSource.Token()
	if err == nil {
		return token, nil
	}
	if t.own != nil {
		if _, err := t.own.Token(); err != nil {
			return nil, err
		}
	}
	return nil, &tokenError{t.source, err}
}

// A tokenError says that no access token could be had with some credentials.
type tokenError struct {
	source string
	err    error
}

func (e *tokenError) Error() string {
	text, _, _ := strings.Cut(oneLine(e.err.Error()), "; parse error: ") // which tells nothing of the key
	return noToken + " with " + e.source + ": " + text
}

const noToken = "no access token could be had"

// Where there is no type, the text has the HTTP status of an answer. Or it tells that there
// was none, or none of a server of tokens: oauth2 says that it cannot fetch or parse, and
// the text of a call that failed has its method and address.
var (
	answered   = regexp.MustCompile(`(?:status code|Received|cannot fetch token:) (\d{3})\b`)
	unanswered = regexp.MustCompile(`cannot fetch token|cannot parse|(?:Get|Post) "http`)
)

// fault says what the error means. What was refused is not tried again.
func (e *tokenError) fault() fault {
	var refused *oauth2.RetrieveError
	var netErr net.Error
	var apiErr *googleapi.Error
	status := 0
	if errors.As(e.err, &refused) {
		status = refused.Response.StatusCode
	} else if errors.As(e.err, &apiErr) {
		status = apiErr.Code
	} else if m := answered.FindStringSubmatch(e.err.Error()); m != nil {
		status, _ = strconv.Atoi(m[1]) // it is three digits
	}
	f := fault{code: "UNAUTHENTICATED", treatment: final, message: oneLine(e.Error())}
	if apiErr != nil { // of acting as another account
		if of := apiFault(operation{service: "iamcredentials.googleapis.com"}, apiErr); of.reason == "SERVICE_DISABLED" || of.reason == "USER_PROJECT_DENIED" {
			of.consumer = "" // it is not the API that was called that is off
			return of
		}
	}
	switch o := outcomes[status]; {
	case strings.Contains(e.err.Error(), proxyRefusal), status == http.StatusProxyAuthRequired:
		f.code, f.message = "UNAVAILABLE", proxyAsks
	case strings.Contains(e.err.Error(), "certificate has expired or is not yet valid"): // the type is lost
		f.code = "UNAVAILABLE"
		f.message += "; " + clockIs + "may be off"
	case o.code != "" && o.treatment != final:
		f.code, f.treatment = o.code, o.treatment
	case refused != nil:
		code, why := refusal(refused)
		f.reason, f.message = strings.ToUpper(oneLine(code)), oneLine(e.source+" were refused: "+why)
		if strings.Contains(why, "short-lived token") || strings.Contains(why, "reasonable timeframe") {
			f.message += clockOff(refused.Response.Header.Get("Date"), time.Now())
		}
	case status == 0 && (errors.As(e.err, &netErr) || unanswered.MatchString(e.err.Error())):
		f.code, f.treatment = "UNAVAILABLE", connection
	}
	return f
}

// clockOff says how far the clock is from a server's date, in whole seconds, to be added to a
// message; empty if they agree.
func clockOff(date string, now time.Time) string {
	server, err := http.ParseTime(date)
	off := now.Sub(server).Round(time.Second)
	switch {
	case err != nil:
		return "; " + clockIs + "may be off"
	case off.Abs() < 30*time.Second:
		return ""
	case off < 0:
		return "; " + clockIs + "is " + (-off).String() + " behind"
	}
	return "; " + clockIs + "is " + off.String() + " ahead"
}

// refusal finds what a server of tokens says in its answer: oauth2 reads it for some kinds
// of credentials, and quotes it for the others. See RFC 6749, section 5.2.
func refusal(e *oauth2.RetrieveError) (code, why string) {
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(e.Body, &answer) != nil || answer.Code == "" {
		return e.ErrorCode, e.Error()
	}
	if answer.Description == "" {
		return answer.Code, answer.Code
	}
	return answer.Code, answer.Code + ": " + answer.Description
}

// A Trouble is a kind of reason that calls fail for, which tells what to do about it.
type Trouble int

const (
	OtherTrouble   Trouble = iota
	NoNetwork              // nobody answered
	BadFile                // the file of GOOGLE_APPLICATION_CREDENTIALS is to blame
	BadMachine             // the metadata server is
	BadOther               // the service account to act as is, or it may not be acted as
	BadCredentials         // other credentials are
	ServiceOff             // an API is not enabled, see [Charged]
	QuotaDenied            // calls may not be charged to their project, see [Charged]
	ProxyAsks              // the proxy asks for credentials
	WrongClock             // the clock of this machine is off, or may be
)

// TroubleOf finds out the kind from the code and the message of a gap, or of an
// [ObjectError].
func TroubleOf(code, message string) Trouble {
	switch {
	case serviceOff.MatchString(message):
		return ServiceOff
	case strings.HasPrefix(message, chargedTo):
		return QuotaDenied
	case message == proxyAsks:
		return ProxyAsks
	case strings.Contains(message, "; "+clockIs):
		return WrongClock
	case code == "UNAVAILABLE" && strings.Contains(message, ofMachine):
		return BadMachine
	case code == "UNAVAILABLE" && (strings.HasPrefix(message, unreachable) || strings.HasPrefix(message, noToken)):
		return NoNetwork
	case code != "UNAUTHENTICATED":
		return OtherTrouble
	case strings.Contains(message, ofVariable):
		return BadFile
	case strings.Contains(message, ofMachine):
		return BadMachine
	case strings.HasPrefix(message, noToken+" with "+ofAnother):
		return BadOther
	}
	return BadCredentials
}

// serviceOff begins a message on a service that is not enabled.
var serviceOff = regexp.MustCompile(`^[a-z0-9.-]+` + notEnabled)

// charged is a message on the project that calls are charged to. What it names may be put
// into a command: it has the form of a service or a project.
var charged = regexp.MustCompile(`^(?:([a-z][a-z0-9-]*\.googleapis\.com)` + notEnabled + `|` + chargedTo + `)` +
	`projects/((?:[a-z0-9][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]+)(?:[,;] .*)?$`)

// Charged returns the service and the project that a gap's message says are to blame, as
// [ServiceOff] and [QuotaDenied] do. Either is empty where the message does not tell, or
// tells what has not the form of one.
func Charged(message string) (service, project string) {
	if m := charged.FindStringSubmatch(message); m != nil {
		return m[1], m[2]
	}
	return "", ""
}

const unreachable = "the API could not be reached"
