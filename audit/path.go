package audit

import (
	"cmp"
	"slices"
	"strings"
)

// A NetworkPath is a picture of how traffic gets in and out of clusters: what stands on
// the way, and which ways are open. Clusters whose pictures differ in names, numbers and
// evidence alone have one together.
//
// What is in it apart from names says the same for all of its clusters. A name, a reason
// or a piece of evidence that they do not have in common is left out.
type NetworkPath struct {
	// Clusters are the relative names of the clusters, in order.
	Clusters []string `json:"clusters"`

	Nodes []PathNode `json:"nodes"`
	Ways  []Way      `json:"ways"`
}

// A PathNode is something that ways lead from, by or to.
type PathNode struct {
	// ID tells the node from others of the picture.
	ID   string   `json:"id"`
	Kind PathKind `json:"kind"`

	// Name is the resource's own name, and Place its project and region; either is
	// empty where there is none, or the clusters have different ones.
	Name  string `json:"name,omitempty"`
	Place string `json:"place,omitempty"`

	// Notes say what is worth knowing of it, each in a few words.
	Notes []string `json:"notes,omitempty"`

	// Absent says that there is no such thing, and that the way ends for want of it.
	Absent bool `json:"absent,omitempty"`

	// Count is how many there are, of node pools and subnetworks; nil where one does
	// not count.
	Count *Range `json:"count,omitempty"`
}

// A Range is the least and the most of a number that differs between clusters.
type Range struct {
	Least uint64 `json:"least"`
	Most  uint64 `json:"most"`
}

// A PathKind is what a node of a picture is.
type PathKind string

// The kinds of nodes: what is outside, what stands at the edge, what is of the network,
// and where ways end.
const (
	Internet     PathKind = "internet"
	GoogleCloud  PathKind = "google-cloud" // the public addresses of all its customers
	GoogleAPIs   PathKind = "google-apis"
	VPCNetwork   PathKind = "vpc-network" // and what is connected to it
	ExternalIPs  PathKind = "external-addresses"
	CloudNAT     PathKind = "cloud-nat"
	OtherNextHop PathKind = "other-next-hop"

	PublicEndpoint  PathKind = "public-endpoint"
	DNSEndpoint     PathKind = "dns-endpoint"
	PrivateEndpoint PathKind = "private-endpoint"

	DefaultRoute PathKind = "default-route"
	GoogleRoute  PathKind = "google-route" // to the addresses of Google APIs
	PathSubnet   PathKind = "subnetwork"

	PublicNodes  PathKind = "public-nodes"
	PrivateNodes PathKind = "private-nodes"
	FutureNodes  PathKind = "future-nodes"  // of node pools to come in an additional subnetwork
	UnknownNodes PathKind = "unknown-nodes" // there are some, and the answer does not name them
	NoNodePools  PathKind = "no-nodes"
	ControlPlane PathKind = "control-plane"
)

// PathKinds are the kinds of nodes.
var PathKinds = []PathKind{
	Internet, GoogleCloud, GoogleAPIs, VPCNetwork, ExternalIPs, CloudNAT, OtherNextHop, PublicEndpoint, DNSEndpoint,
	PrivateEndpoint, DefaultRoute, GoogleRoute, PathSubnet, PublicNodes, PrivateNodes, FutureNodes, UnknownNodes, NoNodePools, ControlPlane,
}

// A Way is one that traffic takes, or cannot take.
type Way struct {
	// From, Via and To are the IDs of nodes, in the order that connections are opened
	// in.
	From string   `json:"from"`
	Via  []string `json:"via,omitempty"`
	To   string   `json:"to"`

	State WayState `json:"state"`

	// Word says in a few words why it has that state.
	Word string `json:"word"`

	// Permissions are those whose lack leaves the way unknown, sorted.
	Permissions []string `json:"permissions,omitempty"`

	// Addresses is how many public IPv4 addresses a list admits; nil without a list.
	Addresses *Range `json:"addresses,omitempty"`

	// Rules are the IDs of the rules by whose verdicts the way has its state, whether
	// they were applied or not.
	Rules []string `json:"rules,omitempty"`

	// Reason is what those rules say.
	Reason string `json:"reason,omitempty"`

	// Evidence is what decided. Its resource is empty where that is the cluster itself.
	Evidence []Evidence `json:"evidence,omitempty"`
}

// A WayState says whether a way is open.
type WayState string

// The states of ways.
const (
	WayAllowed  WayState = "allowed"
	WayExposing WayState = "exposing" // open wider than a rule allows
	WayBlocked  WayState = "blocked"
	WayUnknown  WayState = "unknown"
	WayNotRead  WayState = "not-read" // no rule of the audit asked for what would tell
)

// WayStates are the states of ways.
var WayStates = []WayState{WayAllowed, WayExposing, WayBlocked, WayUnknown, WayNotRead}

// shape returns what two pictures have to have in common to be one.
func (p NetworkPath) shape() string {
	var b strings.Builder
	part := func(texts ...string) {
		for _, t := range texts {
			b.WriteString(t)
			b.WriteByte(0)
		}
		b.WriteByte(1)
	}
	for _, n := range p.Nodes {
		part(n.ID, string(n.Kind))
		part(n.Notes...)
		if n.Absent {
			part("absent")
		}
	}
	b.WriteByte(2)
	for _, w := range p.Ways {
		part(w.From, w.To, string(w.State), w.Word)
		part(w.Via...)
		part(w.Permissions...)
		part(w.Rules...)
	}
	return b.String()
}

// NetworkPaths are the pictures of clusters. The zero value has none.
type NetworkPaths struct {
	byShape map[string]*NetworkPath
}

// Add adds a picture, which may change afterwards. It does not matter in which order
// pictures are added.
func (ps *NetworkPaths) Add(p NetworkPath) {
	if ps.byShape == nil {
		ps.byShape = map[string]*NetworkPath{}
	}
	shape := p.shape()
	all := ps.byShape[shape]
	if all == nil {
		p.Clusters, p.Nodes, p.Ways = slices.Clone(p.Clusters), slices.Clone(p.Nodes), slices.Clone(p.Ways)
		ps.byShape[shape] = &p
		return
	}
	all.Clusters = append(all.Clusters, p.Clusters...)
	for i, n := range p.Nodes {
		to := &all.Nodes[i]
		to.Name, to.Place = common(to.Name, n.Name), common(to.Place, n.Place)
		to.Count = to.Count.with(n.Count)
	}
	for i, w := range p.Ways {
		to := &all.Ways[i]
		to.Reason = common(to.Reason, w.Reason)
		to.Addresses = to.Addresses.with(w.Addresses)
		to.Evidence = slices.DeleteFunc(slices.Clone(to.Evidence), func(e Evidence) bool { return !slices.Contains(w.Evidence, e) })
		slices.SortFunc(to.Evidence, func(a, b Evidence) int {
			return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Value, b.Value))
		})
	}
}

// All returns the pictures in the order of their first clusters.
func (ps *NetworkPaths) All() []NetworkPath {
	var all []NetworkPath
	for _, p := range ps.byShape {
		slices.Sort(p.Clusters)
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b NetworkPath) int { return slices.Compare(a.Clusters, b.Clusters) })
	return all
}

func common(a, b string) string {
	if a != b {
		return ""
	}
	return a
}

// with returns the range that takes in both; nil is no range.
func (r *Range) with(o *Range) *Range {
	if r == nil || o == nil {
		return nil
	}
	return &Range{min(r.Least, o.Least), max(r.Most, o.Most)}
}
