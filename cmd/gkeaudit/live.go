package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"gkeaudit/audit"
	"gkeaudit/gcp"
)

const loginHint = "Run: gcloud auth application-default login\n" +
	"or set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account key or a workload identity federation configuration."

// collect reads live projects: the shard's, or all where it is nil.
func (p *program) collect(ctx context.Context, f *scanFlags, sh *audit.Shard, log *slog.Logger) (*audit.Snapshot, error) {
	config, err := p.config(f)
	if err != nil {
		return nil, err
	}
	config.Log = log
	warnPlaintext(log, config, config.ContainerEndpoint, config.ComputeEndpoint)
	client, err := gcp.NewClient(ctx, config)
	switch {
	case errors.Is(err, gcp.ErrNoCredentials):
		return nil, refuse(loginHint, "%w", err)
	case err != nil:
		return nil, refuse("", "%w", err)
	}
	projects := f.projects
	if len(projects) == 0 {
		id := cmp.Or(p.getenv("GOOGLE_CLOUD_PROJECT"), p.getenv("CLOUDSDK_CORE_PROJECT"), client.Project())
		if id == "" {
			return nil, refuse("Name one: gkeaudit scan --project=PROJECT_ID", "no project is named, and the credentials have none")
		}
		if err := checkProject(id); err != nil {
			return nil, err
		}
		projects = []string{id}
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	scope := sh.Of(audit.Scope{Projects: projects, Locations: f.locations, Clusters: f.clusters})
	return client.Collect(ctx, scope, p.now()), nil
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
		NoCredentials:             isTrue(p.getenv("CLOUDSDK_AUTH_DISABLE_CREDENTIALS")),
		UserAgent:                 "gkeaudit/" + version(),
	}
	for _, override := range []struct {
		api string
		to  *string
	}{
		{"CONTAINER", &c.ContainerEndpoint},
		{"COMPUTE", &c.ComputeEndpoint},
		{"STORAGE", &c.StorageEndpoint},
		{"CLOUDRESOURCEMANAGER", new(string)}, // no call is made to it yet
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
	switch value {
	case "true", "True", "TRUE", "1", "yes", "on":
		return true
	}
	return false
}

// defaultLogFormat is JSON where Cloud Logging reads along. Source: Container
// runtime contract, in the Cloud Run documentation.
func (p *program) defaultLogFormat() string {
	if p.getenv(jobVariable) != "" || p.getenv("K_SERVICE") != "" {
		return "json"
	}
	return "text"
}
