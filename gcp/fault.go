package gcp

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gkeaudit/audit"

	"google.golang.org/api/googleapi"
)

// An operation is an API method that the program calls.
type operation struct {
	name       string // as in Google's documentation
	permission string // the IAM permission that it needs
	service    string // the service that has to be enabled
}

// The operations are all that the program ever calls, besides those of Cloud Storage
// on objects that the user names.
var (
	listClusters      = operation{"container.projects.locations.clusters.list", "container.clusters.list", "container.googleapis.com"}
	aggregatedSubnets = operation{"compute.subnetworks.aggregatedList", "compute.subnetworks.list", "compute.googleapis.com"}
	regionalSubnets   = operation{"compute.subnetworks.list", "compute.subnetworks.list", "compute.googleapis.com"}
	aggregatedRouters = operation{"compute.routers.aggregatedList", "compute.routers.list", "compute.googleapis.com"}
	regionalRouters   = operation{"compute.routers.list", "compute.routers.list", "compute.googleapis.com"}
	listRoutes        = operation{"compute.routes.list", "compute.routes.list", "compute.googleapis.com"}
	listNetworks      = operation{"compute.networks.list", "compute.networks.list", "compute.googleapis.com"}
	getFirewalls      = operation{"compute.regionNetworkFirewallPolicies.getEffectiveFirewalls", "compute.networks.getRegionEffectiveFirewalls", "compute.googleapis.com"}
	getServerConfig   = operation{"container.projects.locations.getServerConfig", "container.clusters.list", "container.googleapis.com"}
	searchResources   = operation{"cloudasset.searchAllResources", "cloudasset.assets.searchAllResources", "cloudasset.googleapis.com"}
	listFolders       = operation{"cloudresourcemanager.folders.list", "resourcemanager.folders.list", "cloudresourcemanager.googleapis.com"}
	listProjects      = operation{"cloudresourcemanager.projects.list", "resourcemanager.projects.list", "cloudresourcemanager.googleapis.com"}
	testPermissions   = operation{"cloudresourcemanager.testIamPermissions", "", "cloudresourcemanager.googleapis.com"}
	getAncestry       = operation{"cloudresourcemanager.projects.getAncestry", "resourcemanager.projects.get", "cloudresourcemanager.googleapis.com"}
	projectPolicy     = operation{"cloudresourcemanager.projects.getIamPolicy", "resourcemanager.projects.getIamPolicy", "cloudresourcemanager.googleapis.com"}
	folderPolicy      = operation{"cloudresourcemanager.folders.getIamPolicy", "resourcemanager.folders.getIamPolicy", "cloudresourcemanager.googleapis.com"}
	orgPolicy         = operation{"cloudresourcemanager.organizations.getIamPolicy", "resourcemanager.organizations.getIamPolicy", "cloudresourcemanager.googleapis.com"}
	projectRoles      = operation{"iam.projects.roles.list", "iam.roles.list", "iam.googleapis.com"}
	orgRoles          = operation{"iam.organizations.roles.list", "iam.roles.list", "iam.googleapis.com"}
	getRole           = operation{"iam.roles.get", "", "iam.googleapis.com"}
	listAccounts      = operation{"iam.projects.serviceAccounts.list", "iam.serviceAccounts.list", "iam.googleapis.com"}
	searchPolicies    = operation{"cloudasset.searchAllIamPolicies", "cloudasset.assets.searchAllIamPolicies", "cloudasset.googleapis.com"}
	searchKeys        = operation{"cloudasset.searchAllResources", "cloudasset.assets.searchAllResources", "cloudasset.googleapis.com"}
	getProject        = operation{"cloudresourcemanager.projects.get", "resourcemanager.projects.get", "cloudresourcemanager.googleapis.com"}
)

var (
	errRepeatedPage = errors.New("the answer's page token repeats, so the list has no end")
	errNoAnswer     = errors.New("the answer is empty")
	errDamaged      = errors.New("it was damaged on the way: its checksum is another")
)

// A treatment is what is done about a kind of fault. Each kind has one, whatever the
// call that met it; what it becomes, if it stays, is a gap.
type treatment struct {
	attempts int  // how many are made in all; 0 for as long as other calls get answers
	regional bool // the cause may be one region, so regions are read one by one
	quota    bool // all calls wait, not this one alone
}

// The treatments.
var (
	final      = treatment{attempts: 1}                 // asking again gives the same answer
	transient  = treatment{attempts: 5, regional: true} // the API had a fault of its own
	connection = treatment{attempts: 5}                 // the network had
	slow       = treatment{attempts: 2, regional: true} // each attempt lasts as long as one may
	exhausted  = treatment{quota: true}                 // a quota ran out, and fills again
)

// outcomes are the faults that an API answers with, by HTTP status: the canonical
// code that the gap gets (see google.rpc.Code) and the treatment. A status that is
// not among them is final and UNKNOWN. Compute Engine answers 403 when a quota has
// run out; apiFault tells that apart by its reason.
var outcomes = map[int]struct {
	code string
	treatment
}{
	http.StatusBadRequest:          {"INVALID_ARGUMENT", final},
	http.StatusUnauthorized:        {"UNAUTHENTICATED", final},
	http.StatusForbidden:           {"PERMISSION_DENIED", final},
	http.StatusNotFound:            {"NOT_FOUND", final},
	http.StatusTooManyRequests:     {"RESOURCE_EXHAUSTED", exhausted},
	http.StatusInternalServerError: {"INTERNAL", transient},
	http.StatusNotImplemented:      {"UNIMPLEMENTED", final},
	http.StatusBadGateway:          {"UNAVAILABLE", transient},
	http.StatusServiceUnavailable:  {"UNAVAILABLE", transient},
	http.StatusGatewayTimeout:      {"DEADLINE_EXCEEDED", transient},
}

// A fault is what went wrong with a call, in the words of a gap.
type fault struct {
	code, reason, permission, message string

	// consumer is the project that the call was charged to, if the fault is that
	// the API that was called is off there; empty if that is not known.
	consumer string

	treatment
	delay time.Duration // how long the API asks to wait; 0 if it does not say
}

// ofProject reports whether the cause may lie in the project that was asked about: another
// one may get an answer.
func (f fault) ofProject() bool {
	return f.code == "PERMISSION_DENIED" || f.code == "NOT_FOUND" || f.code == "RESOURCE_EXHAUSTED"
}

// faultOf says what an error means. It is the whole table of faults: those that an
// API answers with are in outcomes.
func faultOf(op operation, err error) fault {
	var apiErr *googleapi.Error
	var tokenErr *tokenError
	var netErr net.Error
	var syntaxErr *json.SyntaxError
	var typeErr *json.UnmarshalTypeError
	var certErr x509.CertificateInvalidError
	switch {
	case errors.As(err, &apiErr):
		return apiFault(op, apiErr)
	case errors.As(err, &tokenErr):
		return tokenErr.fault()
	case errors.Is(err, context.Canceled):
		return fault{code: "CANCELLED", treatment: final, message: "the run was stopped before an answer came"}
	case errors.Is(err, context.DeadlineExceeded):
		return fault{code: "DEADLINE_EXCEEDED", treatment: slow, message: "no answer came in time"}
	case errors.Is(err, errRepeatedPage), errors.Is(err, errNoAnswer), errors.Is(err, errNoAncestry), errors.Is(err, errNoPolicy), errors.Is(err, errOtherRole):
		return fault{code: "DATA_LOSS", treatment: final, reason: "MALFORMED_ANSWER", message: err.Error()}
	case errors.Is(err, errDamaged):
		return fault{code: "DATA_LOSS", treatment: connection, message: err.Error()}
	case strings.HasSuffix(err.Error(), "unexpected EOF"): // of the connection, or within JSON
		return fault{code: "UNAVAILABLE", treatment: connection, message: "the answer was cut short"}
	case strings.HasPrefix(err.Error(), "proto:"):
		return fault{code: "DATA_LOSS", treatment: final, reason: "MALFORMED_ANSWER", message: "the answer could not be decoded" + placeIn(err.Error())}
	case errors.As(err, &syntaxErr), errors.As(err, &typeErr):
		return fault{code: "DATA_LOSS", treatment: final, reason: "MALFORMED_ANSWER", message: "the answer could not be decoded"}
	case strings.Contains(err.Error(), proxyRefusal):
		return fault{code: "UNAVAILABLE", treatment: final, message: proxyAsks}
	case errors.As(err, &certErr) && certErr.Reason == x509.Expired:
		return fault{code: "UNAVAILABLE", treatment: final, message: unreachable + ": " + oneLine(certErr.Error()) + "; " + clockIs + "may be off"}
	case errors.As(err, &netErr), isStreamError(err):
		return fault{code: "UNAVAILABLE", treatment: connection, message: unreachable + ": " + oneLine(connectionError(err))}
	}
	return fault{code: "UNKNOWN", treatment: final, message: oneLine(err.Error())}
}

func apiFault(op operation, err *googleapi.Error) fault {
	d := detailsOf(err)
	outcome, known := outcomes[err.Code]
	if !known {
		outcome.code, outcome.treatment = "UNKNOWN", final
		if err.Code > 500 {
			outcome.treatment = transient
		}
	}
	f := fault{
		code:      outcome.code,
		treatment: outcome.treatment,
		reason:    d.Reason,
		message:   cmp.Or(oneLine(err.Message), fmt.Sprintf("HTTP status %d", err.Code)),
		delay:     d.delay,
	}
	if f.reason == "" && len(err.Errors) > 0 {
		f.reason = err.Errors[0].Reason // Compute Engine's older form
	}
	switch {
	case f.reason == "rateLimitExceeded", f.reason == "RATE_LIMIT_EXCEEDED", f.reason == "userRateLimitExceeded":
		f.code, f.treatment = "RESOURCE_EXHAUSTED", exhausted
	case err.Code == http.StatusForbidden && err.Message == "":
		// Every error of the APIs has a message. What a page says is not believed, even that
		// an API is off: a project would then have no clusters.
		f.message += ", and the response is not in the API's format: it may come from a proxy"
	case err.Code == http.StatusForbidden:
		f.forbidden(op, d.Metadata)
	case err.Code == http.StatusProxyAuthRequired:
		f.code, f.message = "UNAVAILABLE", proxyAsks
	}
	return f
}

// details are what an error says for programs to read.
type details struct {
	Reason   string            // of google.rpc.ErrorInfo
	Metadata map[string]string // of google.rpc.ErrorInfo
	delay    time.Duration     // of google.rpc.RetryInfo
}

// detailsOf reads an error's details. The apierror package of gax would, too, but
// finds none where the error has the older list of errors beside them, as those
// of Compute Engine have.
func detailsOf(err *googleapi.Error) details {
	var all details
	for _, detail := range err.Details {
		var d struct {
			Type       string `json:"@type"`
			RetryDelay string
			details
		}
		raw, _ := json.Marshal(detail) // it was read from JSON
		if json.Unmarshal(raw, &d) != nil {
			continue
		}
		switch d.Type {
		case "type.googleapis.com/google.rpc.ErrorInfo":
			all.Reason, all.Metadata = d.Reason, d.Metadata
		case "type.googleapis.com/google.rpc.RetryInfo":
			all.delay, _ = time.ParseDuration(d.RetryDelay) // 0 if it is not one
		}
	}
	return all
}

// forbidden tells apart why a call was refused: only some refusals are about a
// permission on what was asked for.
func (f *fault) forbidden(op operation, metadata map[string]string) {
	unused := unusedIn.FindStringSubmatch(f.message)
	switch {
	case f.reason == "SERVICE_DISABLED", f.reason == "accessNotConfigured", unused != nil:
		f.reason = "SERVICE_DISABLED"
		consumer := metadata["consumer"]
		if unused != nil && consumer == "" {
			consumer = "projects/" + unused[1] + unused[2] // the older form has it in the text alone
		}
		service := op.service
		if other := metadata["service"]; other != service && serviceName.MatchString(other) {
			service = other // which the API that was called needs
		} else {
			f.consumer = audit.LastSegment(consumer)
		}
		f.message = service + notEnabled + cmp.Or(oneLine(consumer), "the project")
	case f.reason == "USER_PROJECT_DENIED", strings.Contains(f.message, "serviceusage.services.use"):
		f.reason = "USER_PROJECT_DENIED"
		consumer := metadata["consumer"]
		if m := deniedIn.FindStringSubmatch(f.message); m != nil && consumer == "" {
			consumer = "projects/" + m[1]
		}
		f.message = chargedTo + cmp.Or(oneLine(consumer), payer) + ", where the caller lacks serviceusage.services.use"
	case f.reason == "SECURITY_POLICY_VIOLATED", strings.Contains(f.message, "vpcServiceControlsUniqueIdentifier"),
		strings.Contains(f.message, "organization's policy"):
		f.reason = "SECURITY_POLICY_VIOLATED"
	default:
		f.permission = permissionIn(f.message)
		if named := metadata["permission"]; permissionName.MatchString(named) {
			f.permission = named
		}
		if f.permission == "" && (f.reason == "" || f.reason == "forbidden" || f.reason == "IAM_PERMISSION_DENIED") {
			f.permission = op.permission
		}
	}
}

// Where calls are refused for the project that they are charged to, the text of the error
// has it, too. Cloud Storage's names none: "does not have serviceusage.services.use access
// to the Google Cloud project". Source: the errors that
// https://github.com/google-github-actions/auth/issues/250 and
// https://github.com/googleapis/google-cloud-ruby/issues/6456 quote.
var (
	serviceName = regexp.MustCompile(`^[a-z][a-z0-9-]*\.googleapis\.com$`)

	// Two texts say that an API is off in a project. GKE has the second one, whose link
	// names the project.
	unusedIn = regexp.MustCompile(`has not been used in project (\S+) before or it is disabled|API is not enabled for this project\..*[?&]project=([a-z0-9:.-]+)`)
	deniedIn = regexp.MustCompile(`permission to use project (\S+?)\.?(?:\s|$)`)
)

// Parts of messages that [TroubleOf] and [Charged] know.
const (
	notEnabled = " is not enabled in "
	chargedTo  = "the calls are charged to "
	payer      = "their quota project"
	proxyAsks  = "the proxy asks for credentials (407 Proxy Authentication Required)"
	clockIs    = "the clock of this machine "
)

var permissionName = regexp.MustCompile(`^[a-zA-Z0-9]+(\.[a-zA-Z0-9]+)+$`)

var namedPermission = regexp.MustCompile(`\b([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)['"]? permission|[Pp]ermission ['"]([a-z]+\.[a-zA-Z]+\.[a-zA-Z]+)['"]`)

// permissionIn finds the permission that an error's text names: Compute Engine
// writes Required 'compute.routers.list' permission for ..., GKE Required
// "container.clusters.list" permission(s) for ..., others Permission '...' denied.
func permissionIn(message string) string {
	if m := namedPermission.FindStringSubmatch(message); m != nil {
		return m[1] + m[2]
	}
	return ""
}

// placeIn finds where in an answer protojson's error lies. The rest of the text
// quotes the answer, which may hold a secret there.
func placeIn(text string) string {
	place := malformed.FindStringSubmatch(text)
	if place == nil {
		return ""
	}
	if place[2] == "" {
		return " at " + place[1]
	}
	return " at " + place[1] + ", field " + place[2]
}

var malformed = regexp.MustCompile(`\((line \d+:\d+)\)(?:: invalid value for \w+ field (\w+):)?`)

// proxyRefusal is what net/http makes of a proxy's answer to CONNECT that has the status
// 407, for which there is no type.
var proxyRefusal = http.StatusText(http.StatusProxyAuthRequired)

// isStreamError reports whether HTTP/2 broke off an answer, for which there is no
// type outside its package.
func isStreamError(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "stream error:") || strings.HasPrefix(text, "http2:") || strings.Contains(text, "connection reset")
}

// connectionError drops the method and the URL from an error of net/http.
func connectionError(err error) string {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err.Error()
	}
	return err.Error()
}

// oneLine makes a text fit for a message.
func oneLine(text string) string {
	const most = 400
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// gap makes a gap of a fault.
func (f fault) gap(op operation, project, resource string) audit.Gap {
	return audit.Gap{
		Project:    project,
		Resource:   resource,
		Operation:  op.name,
		Code:       f.code,
		Reason:     f.reason,
		Permission: f.permission,
		Message:    f.message,
	}
}
