package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/gcp"
)

const loginHint = "Run: gcloud auth application-default login\n" +
	"or set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account key or a workload identity federation configuration."

// troubleHints say what to do about calls that fail for a kind of reason.
var troubleHints = map[gcp.Trouble]string{
	gcp.NoNetwork:      "Check the network, DNS, firewalls and, if there is a proxy, HTTPS_PROXY.",
	gcp.BadFile:        "Make a new key or configuration and set GOOGLE_APPLICATION_CREDENTIALS to its file, or unset it and run: gcloud auth application-default login",
	gcp.BadMachine:     "Give the machine a service account; one that is not on Google Cloud has no metadata server:\nunset GCE_METADATA_HOST there, and run: gcloud auth application-default login",
	gcp.BadOther:       "Check its address; and to act as it takes roles/iam.serviceAccountTokenCreator on it.",
	gcp.BadCredentials: loginHint,
	gcp.ProxyAsks:      "Add the user and the password that the proxy wants to HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT",
	gcp.WrongClock:     "Set the clock of this machine; the credentials are not to blame.",
}

// otherPayer is how to have calls charged to another project: by a flag, which commands
// that read objects alone do not take, or by a variable.
const (
	otherPayer         = "or charge the calls to another project: --billing-project=PROJECT_ID"
	otherPayerOfObject = "or charge the calls to another project: set GOOGLE_CLOUD_QUOTA_PROJECT to its ID"
)

// troubleHint says what to do about a call that failed, by the code and the message of its
// gap; empty where that is not known.
func troubleHint(code, message, otherPayer string) string {
	trouble := gcp.TroubleOf(code, message)
	service, project := gcp.Charged(message)
	switch {
	case trouble == gcp.ServiceOff && project == "":
		return "Enable it there, " + otherPayer
	case trouble == gcp.ServiceOff:
		return "Run: gcloud services enable " + service + " --project=" + project + "\n" + otherPayer
	case trouble == gcp.QuotaDenied && project == "":
		return "Grant roles/serviceusage.serviceUsageConsumer there,\n" + otherPayer
	case trouble == gcp.QuotaDenied:
		return "Grant roles/serviceusage.serviceUsageConsumer on project " + project + ",\n" + otherPayer
	}
	if trouble == gcp.WrongClock && strings.Contains(message, "certificate") {
		return troubleHints[trouble] + " If the clock is right, a server or a proxy has a certificate that is not valid now."
	}
	return troubleHints[trouble]
}

// oneLine writes the lines of a hint in one.
func oneLine(hint string) string {
	return strings.NewReplacer(",\n", ", ", "\n", "; ").Replace(hint)
}

// hintAtTroubles logs what to do about gaps of a run that has an answer all the same, each
// thing once and a few at most.
func hintAtTroubles(log *slog.Logger, gaps []audit.Gap) {
	const most = 5
	var hints []string
	for _, g := range gaps {
		switch gcp.TroubleOf(g.Code, g.Message) {
		case gcp.ServiceOff, gcp.QuotaDenied, gcp.ProxyAsks, gcp.WrongClock:
			if hint := troubleHint(g.Code, g.Message, otherPayer); len(hints) < most && !slices.Contains(hints, hint) {
				hints = append(hints, hint)
				log.Warn("some data could not be read", "because", g.Message, "hint", oneLine(hint))
			}
		}
	}
}

// noClient says what to do about an error of making a client.
func (p *program) noClient(err error) error {
	var universeErr *gcp.UniverseError
	if errors.As(err, &universeErr) {
		return refuse(universeHint, "%w", err)
	}
	if gcp.TroubleOf("UNAVAILABLE", err.Error()) == gcp.BadMachine {
		return refuse(troubleHints[gcp.BadMachine], "%w", err)
	}
	if p.getenv(credentialsVariable) != "" {
		return refuse(troubleHints[gcp.BadFile], "%w", err)
	}
	return refuse(loginHint, "%w", err)
}

// universeHint says what to do where credentials would go to another universe.
const universeHint = "No call was made: credentials go to hosts of their own universe only.\n" +
	"Use credentials of the other one, or set GOOGLE_CLOUD_UNIVERSE_DOMAIN and endpoint overrides to that of the credentials, or unset them."

const credentialsVariable = "GOOGLE_APPLICATION_CREDENTIALS"

// collect reads the given data of live projects: the shard's, or all where it is nil.
func (p *program) collect(ctx context.Context, f *scanFlags, sh *audit.Shard, data []audit.Data, log *slog.Logger) (*audit.Snapshot, error) {
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	client, scope, err := p.connect(ctx, f, log)
	if err != nil {
		return nil, err
	}
	scope.Locations, scope.Clusters = f.locations, f.clusters
	defer p.showProgress(client, f.quiet)()
	now := p.now()
	scope, gaps := client.Discover(ctx, scope, f.discovery)
	if len(scope.Projects) == 0 && scope.Discovery == nil {
		return nil, refuse("", "--exclude-project leaves no project")
	}
	s := client.Collect(ctx, sh.Of(scope), data, now)
	s.Gaps = audit.DistinctGaps(append(gaps, s.Gaps...))
	if slices.ContainsFunc(s.Gaps, gcp.Stopped) && !slices.ContainsFunc(s.Projects, func(p *audit.Project) bool { return len(p.Clusters) > 0 }) {
		why := "the run was interrupted"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			why = "the time of --timeout was up"
		}
		return nil, refuse("", "%s before any cluster was read; nothing is written", why)
	}
	hintAtMistyped(log, f.projects, s)
	if s.Answerable() {
		hintAtTroubles(log, s.Gaps)
	}
	return s, nil
}

// hintAtMistyped logs which of the named projects, that are not there or refused, are
// nearly named as one whose clusters were read. Those that differ in digits alone, as
// shop-1 and shop-2 do, are two of a series.
func hintAtMistyped(log *slog.Logger, named []string, s *audit.Snapshot) {
	var read []string
	for _, p := range s.Projects {
		if p.Clusters != nil {
			read = append(read, p.ID)
		}
	}
	for _, g := range s.Gaps {
		if g.Code != "NOT_FOUND" && g.Code != "PERMISSION_DENIED" || !strings.HasSuffix(g.Resource, "/locations/-/clusters") ||
			!slices.Contains(named, g.Project) {
			continue
		}
		var alike []string
		for _, id := range read {
			if d := len(id) - len(g.Project); -2 <= d && d <= 2 && withoutDigits(id) != withoutDigits(g.Project) {
				alike = append(alike, id)
			}
		}
		if id := nearest(g.Project, alike); id != "" {
			log.Warn("a project could not be read; is its ID mistyped?", "project", g.Project, "alike", id)
		}
	}
}

func withoutDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return -1
		}
		return r
	}, s)
}

// connect makes a client and says what is asked for: by the flags, or else the
// project of the environment or of the credentials.
func (p *program) connect(ctx context.Context, f *scanFlags, log *slog.Logger) (*gcp.Client, audit.Scope, error) {
	scope := f.scope()
	config, err := p.config(f)
	if err != nil {
		return nil, scope, err
	}
	config.Log = log
	warnPlaintext(log, config, config.ContainerEndpoint, config.ComputeEndpoint, config.ResourceManagerEndpoint, config.AssetEndpoint, config.IAMEndpoint)
	client, err := gcp.NewClient(ctx, config)
	if err != nil {
		return nil, scope, p.noClient(err)
	}
	if !f.named() {
		id := cmp.Or(p.getenv("GOOGLE_CLOUD_PROJECT"), p.getenv("CLOUDSDK_CORE_PROJECT"), client.Project())
		if id == "" {
			return nil, scope, refuse("Name one: --project=PROJECT_ID", "no project is named, and the credentials have none")
		}
		if err := checkProject(id); err != nil {
			return nil, scope, err
		}
		scope.Projects = []string{id}
	}
	return client, scope, nil
}

func warnPlaintext(log *slog.Logger, config gcp.Config, endpoints ...string) {
	for _, endpoint := range endpoints {
		if !config.NoCredentials && gcp.Plaintext(endpoint) {
			log.Warn("credentials go over the network unencrypted", "endpoint", endpoint)
		}
	}
}

// config says how to reach the APIs, by flags and by the variables that gcloud
// takes, too.
func (p *program) config(f *scanFlags) (gcp.Config, error) {
	c := gcp.Config{
		ImpersonateServiceAccount: f.impersonate,
		QuotaProject:              f.billingProject,
		Concurrency:               f.concurrency,
		CredentialsFile:           p.getenv(credentialsVariable),
		UniverseDomain:            p.getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN"),
		NoCredentials:             isTrue(p.getenv("CLOUDSDK_AUTH_DISABLE_CREDENTIALS")),
		UserAgent:                 "gkeaudit/" + version(),
	}
	if c.UniverseDomain != "" {
		if err := gcp.CheckUniverse(c.UniverseDomain); err != nil {
			return c, refuse("Unset it, or set it to the universe of the credentials.", "GOOGLE_CLOUD_UNIVERSE_DOMAIN: %w", err)
		}
	}
	for _, override := range []struct {
		api string
		to  *string
	}{
		{"CONTAINER", &c.ContainerEndpoint},
		{"COMPUTE", &c.ComputeEndpoint},
		{"STORAGE", &c.StorageEndpoint},
		{"CLOUDRESOURCEMANAGER", &c.ResourceManagerEndpoint},
		{"CLOUDASSET", &c.AssetEndpoint},
		{"IAM", &c.IAMEndpoint},
	} {
		name := "CLOUDSDK_API_ENDPOINT_OVERRIDES_" + override.api
		if *override.to = p.getenv(name); *override.to == "" {
			continue
		}
		if err := gcp.CheckEndpoint(*override.to); err != nil {
			return c, refuse("Unset it, or set it as for gcloud.", "%s: %w", name, err)
		}
	}
	if c.NoCredentials && c.ImpersonateServiceAccount != "" {
		return c, refuse("", "--impersonate-service-account needs credentials, and CLOUDSDK_AUTH_DISABLE_CREDENTIALS turns them off")
	}
	if p.tune != nil {
		p.tune(&c)
	}
	return c, nil
}

// isTrue reads a boolean as gcloud does.
func isTrue(value string) bool {
	return slices.Contains([]string{"true", "1", "yes", "y", "on"}, strings.ToLower(value))
}

// defaultLogFormat is JSON where Cloud Logging reads along. Source: Container
// runtime contract, in the Cloud Run documentation.
func (p *program) defaultLogFormat() string {
	if p.getenv(jobVariable) != "" || p.getenv("K_SERVICE") != "" {
		return "json"
	}
	return "text"
}
