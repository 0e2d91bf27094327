package audit

import (
	"path"
	"slices"
	"strings"
)

// Parameters are what the owner of an estate has laid down, where a rule leaves room
// for it. [DefaultParameters] are those of somebody who has laid down nothing.
type Parameters struct {
	// AuthorizedNetworksBreadth is how many public IPv4 addresses the authorized
	// networks of a control plane may admit in all.
	AuthorizedNetworksBreadth uint64 `json:"authorizedNetworksBreadth" yaml:"authorizedNetworksBreadth"`

	// AllowedLocations are the regions and zones that clusters may be in; a region
	// takes in its zones. Empty means any.
	AllowedLocations []string `json:"allowedLocations,omitempty" yaml:"allowedLocations"`

	// NodeServiceAccounts are globs, see [path.Match], on the e-mail addresses of the
	// service accounts that nodes may run as. Empty means any.
	NodeServiceAccounts []string `json:"nodeServiceAccounts,omitempty" yaml:"nodeServiceAccounts"`

	// PeopleGroups are globs on the e-mail addresses of groups that have people as
	// members and no service account. Who is in a group cannot be read, so that one
	// which none of them fits leaves open what a service account may do by it.
	PeopleGroups []string `json:"peopleGroups,omitempty" yaml:"peopleGroups"`

	// AirGappedNetworks are globs on the relative names of the VPC networks,
	// projects/P/global/networks/N, that are to have no way to the internet.
	AirGappedNetworks []string `json:"airGappedNetworks,omitempty" yaml:"airGappedNetworks"`
}

// A Parameter is the name of one of [Parameters], as it is in JSON and YAML.
type Parameter string

// The parameters.
const (
	AuthorizedNetworksBreadth Parameter = "authorizedNetworksBreadth"
	AllowedLocations          Parameter = "allowedLocations"
	NodeServiceAccounts       Parameter = "nodeServiceAccounts"
	PeopleGroups              Parameter = "peopleGroups"
	AirGappedNetworks         Parameter = "airGappedNetworks"
)

// Changed returns the parameters that are not what they are in others, in the order of
// the fields.
func (p Parameters) Changed(others Parameters) []Parameter {
	var changed []Parameter
	for _, one := range []struct {
		name Parameter
		same bool
	}{
		{AuthorizedNetworksBreadth, p.AuthorizedNetworksBreadth == others.AuthorizedNetworksBreadth},
		{AllowedLocations, slices.Equal(p.AllowedLocations, others.AllowedLocations)},
		{NodeServiceAccounts, slices.Equal(p.NodeServiceAccounts, others.NodeServiceAccounts)},
		{PeopleGroups, slices.Equal(p.PeopleGroups, others.PeopleGroups)},
		{AirGappedNetworks, slices.Equal(p.AirGappedNetworks, others.AirGappedNetworks)},
	} {
		if !one.same {
			changed = append(changed, one.name)
		}
	}
	return changed
}

// DefaultParameters hold where nothing else is laid down.
func DefaultParameters() Parameters {
	return Parameters{AuthorizedNetworksBreadth: 1 << 16}
}

// AirGapped reports whether a network is to have no way to the internet.
func (p Parameters) AirGapped(network NetworkName) bool {
	return matchAny(p.AirGappedNetworks, network.String())
}

// AllowsNodeServiceAccount reports whether nodes may run as the service account with
// an e-mail address.
func (p Parameters) AllowsNodeServiceAccount(email string) bool {
	return len(p.NodeServiceAccounts) == 0 || matchAddress(p.NodeServiceAccounts, email)
}

// HasPeopleOnly reports whether a group has no service account among its members.
func (p Parameters) HasPeopleOnly(group string) bool {
	return matchAddress(p.PeopleGroups, group)
}

// matchAddress reports whether an e-mail address matches any of some globs. Addresses of
// Google's accounts and groups do not differ by case.
func matchAddress(globs []string, address string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(strings.ToLower(g), strings.ToLower(address)); ok {
			return true
		}
	}
	return false
}

// matchAny reports whether a name matches any of some globs. A malformed one matches
// nothing; they are checked where they are read.
func matchAny(globs []string, name string) bool {
	for _, g := range globs {
		if ok, _ := path.Match(g, name); ok {
			return true
		}
	}
	return false
}
