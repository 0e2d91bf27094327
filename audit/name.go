package audit

import (
	"cmp"
	"strings"
)

// RelativeName cuts the scheme, host and API version from a resource's link and
// returns the relative resource name, which begins with "projects/". The APIs
// give the same resource with different hosts (www.googleapis.com,
// compute.googleapis.com, those of other universes) and with none at all. A link
// without "projects/" is returned as it is.
func RelativeName(link string) string {
	if strings.HasPrefix(link, "projects/") {
		return link
	}
	if i := strings.Index(link, "/projects/"); i >= 0 {
		return link[i+1:]
	}
	return link
}

// Segment returns what follows a collection in a resource name: the Segment of
// "projects/p/regions/r" for "regions" is "r". It is empty where the name has no
// such collection.
func Segment(name, collection string) string {
	rest := RelativeName(name)
	for rest != "" {
		key, after, _ := strings.Cut(rest, "/")
		if key == "global" { // a scope without a name of its own
			rest = after
			continue
		}
		value, others, _ := strings.Cut(after, "/")
		if key == collection {
			return value
		}
		rest = others
	}
	return ""
}

// LastSegment returns what follows the last slash of a resource's name or link.
func LastSegment(name string) string {
	return name[strings.LastIndex(name, "/")+1:]
}

// NetworkName names a VPC network. Its project is the host project where the
// network is shared.
type NetworkName struct {
	Project, ID string
}

// ParseNetwork reads a network's name or link. It reports false for a bare
// network ID, which says nothing about the project.
func ParseNetwork(link string) (NetworkName, bool) {
	n := NetworkName{Project: Segment(link, "projects"), ID: Segment(link, "networks")}
	return n, n.Project != "" && n.ID != ""
}

// String returns the relative resource name.
func (n NetworkName) String() string {
	return "projects/" + n.Project + "/global/networks/" + n.ID
}

// Same reports whether two names mean one network. A project may stand as its
// ID in one and as its number in the other; then the network's ID decides.
func (n NetworkName) Same(o NetworkName) bool {
	return n.ID == o.ID && sameProject(n.Project, o.Project)
}

// SubnetworkName names a subnetwork.
type SubnetworkName struct {
	Project, Region, ID string
}

// ParseSubnetwork reads a subnetwork's name or link. It reports false where
// project, region or ID is missing.
func ParseSubnetwork(link string) (SubnetworkName, bool) {
	n := SubnetworkName{Project: Segment(link, "projects"), Region: Segment(link, "regions"), ID: Segment(link, "subnetworks")}
	return n, n.Project != "" && n.Region != "" && n.ID != ""
}

// Beside reads a subnetwork's name or link that may leave out the project, or all
// but the ID; then it is in the project and region of n.
func (n SubnetworkName) Beside(link string) (SubnetworkName, bool) {
	other := SubnetworkName{
		Project: cmp.Or(Segment(link, "projects"), n.Project),
		Region:  cmp.Or(Segment(link, "regions"), n.Region),
		ID:      Segment(link, "subnetworks"),
	}
	if !strings.Contains(link, "/") {
		other.ID = link
	}
	return other, other.ID != ""
}

// String returns the relative resource name.
func (n SubnetworkName) String() string {
	return "projects/" + n.Project + "/regions/" + n.Region + "/subnetworks/" + n.ID
}

// Same reports whether two names mean one subnetwork; see [NetworkName.Same].
func (n SubnetworkName) Same(o SubnetworkName) bool {
	return n.ID == o.ID && n.Region == o.Region && sameProject(n.Project, o.Project)
}

func sameProject(a, b string) bool {
	return a == b || isNumber(a) != isNumber(b)
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// RegionOf returns the region of a location, which is a region or a zone:
// "europe-west4" for "europe-west4" and for "europe-west4-a". A location that has the form
// of neither is returned as it is.
//
// A region's name ends in a digit, and a zone's is that of its region, a dash and a word
// that ends in a letter. The number of words does not tell: regions of other universes
// have three, such as u-france-east1. Sources: Regions and zones,
// https://docs.cloud.google.com/compute/docs/regions-zones; AI zones,
// https://docs.cloud.google.com/compute/docs/regions-zones/ai-zones; for other universes
// https://documentation.s3ns.fr/run/docs/locations.
func RegionOf(location string) string {
	dash := strings.LastIndex(location, "-")
	if dash < 0 || endsInDigit(location) || !endsInDigit(location[:dash]) {
		return location
	}
	return location[:dash]
}

func endsInDigit(s string) bool {
	return s != "" && isNumber(s[len(s)-1:])
}
