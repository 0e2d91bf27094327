package gcp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2/google"
)

// publicUniverse is the domain of Google Cloud's APIs. Other universes of Google's have the
// same services and names under domains of their own.
const publicUniverse = "googleapis.com"

// universes are those of hosts that are known to be in one, by the domain of the hosts.
// Source: the pages on differences from Google Cloud, in the documentation of Cloud de
// Confiance by S3NS and of Google Cloud Dedicated in Germany.
var universes = map[string]string{
	"googleapis.com":          publicUniverse,
	"google.com":              publicUniverse,
	"s3nsapis.fr":             "s3nsapis.fr",
	"apis-berlin-build0.goog": "apis-berlin-build0.goog",
}

// A UniverseError says that a credential would go to another universe than its own.
type UniverseError struct {
	// What names the other universe, or a host of it: "GOOGLE_CLOUD_UNIVERSE_DOMAIN".
	What string

	// Other is the domain of that universe, and Own is that of the credentials.
	Other, Own string
}

// Error says in one line what is of which universe.
func (e *UniverseError) Error() string {
	return fmt.Sprintf("%s is of the universe %s, and the credentials are of %s", e.What, e.Other, e.Own)
}

// universeName is a domain that hosts of APIs can be in.
var universeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// CheckUniverse reports what is wrong with the domain of a universe.
func CheckUniverse(domain string) error {
	if !universeName.MatchString(domain) {
		return fmt.Errorf("%q is no domain like %s", domain, publicUniverse)
	}
	return nil
}

// chooseUniverse decides which universe's hosts are called: that of the credentials, of
// which nil stands for none. It returns an error where anything names another.
func (c *Client) chooseUniverse(ctx context.Context, found *google.Credentials) error {
	wanted := c.config.UniverseDomain
	if wanted != "" {
		if err := CheckUniverse(wanted); err != nil {
			return fmt.Errorf("GOOGLE_CLOUD_UNIVERSE_DOMAIN: %w", err)
		}
	}
	if found == nil {
		c.universe = wanted
		if wanted == "" {
			c.universe = publicUniverse
		}
		return nil
	}
	own, err := c.universe, error(nil)
	if own == "" || found.JSON != nil {
		own, err = universeOf(ctx, found)
	}
	switch {
	case err != nil:
		return &tokenError{ofMachine, fmt.Errorf("their universe is not known: %w", err)}
	case CheckUniverse(own) != nil:
		return fmt.Errorf("the credentials' universe_domain: %w", CheckUniverse(own))
	case wanted != "" && wanted != own:
		return &UniverseError{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", wanted, own}
	}
	for _, endpoint := range []string{c.config.ContainerEndpoint, c.config.ComputeEndpoint, c.config.StorageEndpoint,
		c.config.ResourceManagerEndpoint, c.config.AssetEndpoint, c.config.IAMEndpoint} {
		if err := inUniverse("the endpoint override", endpoint, own); err != nil {
			return err
		}
	}
	if err := checkFile(found.JSON, own); err != nil {
		return err
	}
	c.universe = own
	return nil
}

// universeOf returns the universe of credentials. The metadata server is asked for it,
// which knows no context.
func universeOf(ctx context.Context, found *google.Credentials) (string, error) {
	type result struct {
		domain string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		domain, err := found.GetUniverseDomain()
		done <- result{domain, err}
	}()
	select {
	case r := <-done:
		return r.domain, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// inUniverse reports an address in another universe than that of the credentials. One
// that is in no universe that is known is a proxy, or another that the user chose.
func inUniverse(what, address, own string) error {
	u, err := url.Parse(address)
	if err != nil {
		return nil // it cannot be called
	}
	host := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	for domain, universe := range universes {
		if universe != own && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return &UniverseError{what + " " + host, universe, own}
		}
	}
	return nil
}

// A credentialsFile is what a file of credentials says about where they go.
type credentialsFile struct {
	Type             string           `json:"type"`
	TokenURI         string           `json:"token_uri"` // of keys, and of users
	TokenURL         string           `json:"token_url"` // of other identities
	ImpersonationURL string           `json:"service_account_impersonation_url"`
	Source           *credentialsFile `json:"source_credentials"`
}

// typeOf returns the type of credentials; it is empty for those of no file.
func typeOf(data []byte) string {
	var file credentialsFile
	_ = json.Unmarshal(data, &file) // the library has read it
	return file.Type
}

// checkFile reports an address in a file of credentials that is in another universe.
func checkFile(data []byte, own string) error {
	var file credentialsFile
	_ = json.Unmarshal(data, &file) // the library has read it
	for f := &file; f != nil; f = f.Source {
		switch f.Type {
		case "service_account":
			if f == &file && own != publicUniverse {
				f.TokenURI = own // it is not called, see [Client.findCredentials]
			}
			f.TokenURI = cmp.Or(f.TokenURI, google.JWTTokenURL)
		case "authorized_user":
			f.TokenURI = cmp.Or(f.TokenURI, google.Endpoint.TokenURL)
		case "external_account", "external_account_authorized_user":
			f.TokenURL = cmp.Or(f.TokenURL, "https://sts.googleapis.com/") // the library's choice in all universes
		}
		if err := cmp.Or(
			inUniverse("the credentials' token_uri", f.TokenURI, own),
			inUniverse("the credentials' token_url", f.TokenURL, own),
			inUniverse("the credentials' service_account_impersonation_url", f.ImpersonationURL, own),
		); err != nil {
			return err
		}
	}
	return nil
}
