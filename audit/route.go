package audit

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
)

// InternetRoutes says where a network sends packets for the internet. A default route
// is sometimes cut into longer prefixes (0.0.0.0/1 and 128.0.0.0/1, or many more), so
// each /8 of the public IPv4 addresses is looked at by itself. Prefixes longer than
// that reach parts of the internet only and do not count.
type InternetRoutes struct {
	// Gateway are the routes to the default internet gateway, the only next hop
	// that a Public NAT gateway can use.
	Gateway []*computepb.Route

	// Elsewhere are the routes to any other next hop.
	Elsewhere []*computepb.Route

	// Incomplete says that for some addresses there is no static route. A network
	// without any internet route has neither Gateway nor Elsewhere.
	Incomplete bool

	// Parts are the routes to the default internet gateway that apply, or may, for
	// longer prefixes of public addresses. None of the above counts them, and those to
	// Google's own addresses are not among them.
	Parts []*computepb.Route

	// PassedOver are routes to the internet that do not apply to the nodes: for
	// other network tags, or not in use.
	PassedOver []*computepb.Route

	// Unclear are routes that may be to the internet and apply, or not: for the
	// network tag that GKE gives the nodes itself and the API does not tell, or
	// with a network, destination or status that cannot be read.
	Unclear []*computepb.Route
}

// longestInternetPrefix is the length of the prefixes that public addresses are
// looked at by.
const longestInternetPrefix = 8

// NetworkRoutes are the routes of a network that were read, in the API's order, and those
// that do not say which network they are of.
type NetworkRoutes struct {
	all   []prefixRoute
	parts []prefixRoute // see InternetRoutes.Parts
}

// RoutesOf returns the routes of a network, and the gap that hides others.
func (s *Snapshot) RoutesOf(network NetworkName) (*NetworkRoutes, *Gap) {
	type key struct{ NetworkName }
	all, gap := s.Routes(network.Project)
	return Memo(s, key{network}, func() *NetworkRoutes {
		var of NetworkRoutes
		for _, r := range all {
			name, named := ParseNetwork(r.GetNetwork())
			if named && !name.Same(network) {
				continue
			}
			dest, err := netip.ParsePrefix(r.GetDestRange())
			p := prefixRoute{dest, r, named && err == nil}
			of.all = append(of.all, p)
			if p.read && dest.Addr().Is4() && dest.Bits() > longestInternetPrefix && toGateway(r) &&
				!slices.ContainsFunc(notParts, func(o netip.Prefix) bool { return o.Overlaps(dest) && o.Bits() <= dest.Bits() }) {
				of.parts = append(of.parts, p)
			}
		}
		return &of
	}), gap
}

// notParts are private addresses, and those by which Google APIs are reached.
// Source: RFC 1918 and RFC 6598; Configure Private Google Access, in the VPC
// documentation.
var notParts = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("199.36.153.4/30"),
	netip.MustParsePrefix("199.36.153.8/30"),
	netip.MustParsePrefix("34.126.0.0/18"),
}

// InternetRoutes returns the routes to the internet for nodes in a network. It
// reports certain as false where that hangs on unclear routes.
//
// Of the routes that apply, the longest prefix wins, then the least priority
// number; among equals, all do. BGP routes and policy-based routes are not among
// the routes that the API lists. Source: Routes overview in the VPC
// documentation.
func (n NodeSource) InternetRoutes(routes *NetworkRoutes) (found InternetRoutes, certain bool) {
	apply, passedOver, unclear := n.sortRoutes(routes.all, func(dest netip.Prefix) bool {
		return dest.Addr().Is4() && dest.Bits() <= longestInternetPrefix
	})
	found = internetRoutes(apply)
	found.PassedOver, found.Unclear = passedOver, unclear
	parts, _, maybe := n.sortRoutes(routes.parts, func(netip.Prefix) bool { return true })
	found.Parts = slices.Concat(parts, maybe)
	return found, unclear == nil || found.leadsAs(internetRoutes(slices.Concat(apply, unclear)))
}

// RoutesTo returns the routes that nodes in a network send packets for a destination by,
// and those of which it is not clear whether they apply, where the answer hangs on them.
// Longer prefixes within the destination do not count.
func (n NodeSource) RoutesTo(routes *NetworkRoutes, destination netip.Prefix) (best, unclear []*computepb.Route) {
	apply, _, unclear := n.sortRoutes(routes.all, func(dest netip.Prefix) bool {
		return dest.Bits() <= destination.Bits() && dest.Contains(destination.Addr())
	})
	best = bestRoutes(destination, parseRoutes(apply))
	if slices.Equal(nextHopLinks(best), nextHopLinks(bestRoutes(destination, parseRoutes(slices.Concat(apply, unclear))))) {
		unclear = nil
	}
	return best, unclear
}

// LeadToGateway reports whether there are routes and all of them lead to the default
// internet gateway. It is also the way to those addresses of Google APIs that are
// reached without leaving Google's network.
func LeadToGateway(routes []*computepb.Route) bool {
	return len(routes) > 0 && !slices.ContainsFunc(routes, func(r *computepb.Route) bool { return !toGateway(r) })
}

func toGateway(r *computepb.Route) bool {
	return strings.HasSuffix(r.GetNextHopGateway(), "/gateways/default-internet-gateway")
}

// sortRoutes sorts routes of a network to wanted destinations into those that apply
// to the nodes, those that do not, and those of which that is not clear.
func (n NodeSource) sortRoutes(routes []prefixRoute, wanted func(netip.Prefix) bool) (apply, passedOver, unclear []*computepb.Route) {
	tags := n.Tags()
	for _, p := range routes {
		if p.dest.IsValid() && !wanted(p.dest) {
			continue
		}
		r := p.route
		inUse, known := live(r)
		switch {
		case !p.read, !known:
			unclear = append(unclear, r)
		case !inUse:
			passedOver = append(passedOver, r)
		case len(r.GetTags()) == 0, slices.ContainsFunc(r.GetTags(), func(t string) bool { return slices.Contains(tags, t) }):
			apply = append(apply, r)
		case slices.ContainsFunc(r.GetTags(), n.Cluster.MayHaveTag):
			unclear = append(unclear, r)
		default:
			passedOver = append(passedOver, r)
		}
	}
	return apply, passedOver, unclear
}

// GKENodeTag returns the cluster's name in a network tag of the form that GKE gives to
// nodes, gke-CLUSTER-HASH-node, or gk3- for Autopilot, and reports whether it has that
// form. A long name is cut short. Source: Automatically created firewall rules, in the
// GKE documentation.
func GKENodeTag(tag string) (cluster string, ok bool) {
	middle, ok := strings.CutPrefix(tag, "gke-")
	if !ok {
		middle, ok = strings.CutPrefix(tag, "gk3-")
	}
	if !ok {
		return "", false
	}
	middle, ok = strings.CutSuffix(middle, "-node")
	dash := strings.LastIndex(middle, "-")
	if !ok || dash <= 0 {
		return "", false
	}
	return middle[:dash], true
}

// MayHaveTag reports whether a network tag may be the one that GKE gives the cluster's
// nodes. It is never certain: other clusters may have the same name.
func (c *Cluster) MayHaveTag(tag string) bool {
	const shortestCut = 15 // no name is cut to fewer characters
	name, ok := GKENodeTag(tag)
	return ok && (name == c.GetName() || len(name) >= shortestCut && strings.HasPrefix(c.GetName(), name))
}

// live reports whether a route is in use, and whether its status is one that is known
// here. The API gives none for most static routes.
func live(r *computepb.Route) (inUse, known bool) {
	switch r.GetRouteStatus() {
	case "", "ACTIVE":
		return true, true
	case "DROPPED", "INACTIVE", "PENDING":
		return false, true
	}
	return false, false
}

// A prefixRoute is a route with its destination read.
type prefixRoute struct {
	dest  netip.Prefix // zero if it cannot be read
	route *computepb.Route
	read  bool // the network, too
}

// parseRoutes reads the destinations of routes. One that cannot be read is at the worst
// everything.
func parseRoutes(routes []*computepb.Route) []prefixRoute {
	var parsed []prefixRoute
	for _, r := range routes {
		dest, err := netip.ParsePrefix(r.GetDestRange())
		if err != nil {
			dest = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
		parsed = append(parsed, prefixRoute{dest.Masked(), r, err == nil})
	}
	return parsed
}

func internetRoutes(routes []*computepb.Route) InternetRoutes {
	parsed := parseRoutes(routes)
	// Whether all of them are for 0.0.0.0/0.
	whole := !slices.ContainsFunc(parsed, func(r prefixRoute) bool { return r.dest.Bits() != 0 })
	var found InternetRoutes
	for i := range 224 { // beyond are multicast and reserved addresses
		if i == 0 || i == 10 || i == 127 {
			continue
		}
		best := bestRoutes(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i)}), 8), parsed)
		if best == nil {
			found.Incomplete = true
		}
		for _, r := range best {
			to := &found.Elsewhere
			if toGateway(r) {
				to = &found.Gateway
			}
			if !slices.Contains(*to, r) {
				*to = append(*to, r)
			}
		}
		if whole {
			break // every block has the same
		}
	}
	return found
}

// bestRoutes returns the routes that win for a prefix.
func bestRoutes(prefix netip.Prefix, routes []prefixRoute) []*computepb.Route {
	var best []*computepb.Route
	bits := -1
	for _, r := range routes {
		if !r.dest.Contains(prefix.Addr()) {
			continue
		}
		switch {
		case r.dest.Bits() > bits, r.dest.Bits() == bits && priority(r.route) < priority(best[0]):
			best, bits = []*computepb.Route{r.route}, r.dest.Bits()
		case r.dest.Bits() == bits && priority(r.route) == priority(best[0]):
			best = append(best, r.route)
		}
	}
	return best
}

// priority returns a route's priority: 1000 where the API gives none.
func priority(r *computepb.Route) uint32 {
	if r.Priority == nil {
		return 1000
	}
	return *r.Priority
}

// leadsAs reports whether two networks send packets to the same places.
func (ir InternetRoutes) leadsAs(o InternetRoutes) bool {
	return ir.Incomplete == o.Incomplete && (len(ir.Gateway) > 0) == (len(o.Gateway) > 0) &&
		slices.Equal(nextHopLinks(ir.Elsewhere), nextHopLinks(o.Elsewhere))
}

func nextHopLinks(routes []*computepb.Route) []string {
	var links []string
	for _, r := range routes {
		_, e, _ := NextHop(r)
		links = append(links, e.Value)
	}
	slices.Sort(links)
	return slices.Compact(links)
}

// NextHop names where a route leads and gives the field that says so. It reports
// false where no next hop that is known here is named, or where the API warns that
// it does not work.
func NextHop(r *computepb.Route) (name string, evidence Evidence, ok bool) {
	for _, w := range r.GetWarnings() {
		if strings.HasPrefix(w.GetCode(), "NEXT_HOP_") {
			return "a next hop that does not work", Evidence{routeName(r), "warnings", w.GetCode()}, false
		}
	}
	for _, hop := range []struct {
		field, kind string
		value       string
	}{
		{"nextHopGateway", "gateway", r.GetNextHopGateway()},
		{"nextHopInstance", "instance", r.GetNextHopInstance()},
		{"nextHopIlb", "internal load balancer", r.GetNextHopIlb()},
		{"nextHopIp", "address", r.GetNextHopIp()},
		{"nextHopVpnTunnel", "VPN tunnel", r.GetNextHopVpnTunnel()},
		{"nextHopInterconnectAttachment", "Interconnect attachment", r.GetNextHopInterconnectAttachment()},
		{"nextHopPeering", "VPC peering", r.GetNextHopPeering()},
		{"nextHopHub", "Network Connectivity Center hub", r.GetNextHopHub()},
		{"nextHopNetwork", "network", r.GetNextHopNetwork()},
	} {
		if hop.value != "" {
			return hop.kind + " " + LastSegment(hop.value), Evidence{routeName(r), hop.field, RelativeName(hop.value)}, true
		}
	}
	return "an unnamed next hop", Absent(routeName(r), "nextHopGateway", "no next hop is named"), false
}

// WhyNot is evidence of why a route does not apply to nodes, or may not.
func WhyNot(r *computepb.Route) Evidence {
	if inUse, _ := live(r); !inUse {
		return Evidence{routeName(r), "routeStatus", r.GetRouteStatus()}
	}
	if _, ok := ParseNetwork(r.GetNetwork()); !ok {
		return Evidence{routeName(r), "network", cmp.Or(r.GetNetwork(), "absent: the route's network is not known")}
	}
	if _, err := netip.ParsePrefix(r.GetDestRange()); err != nil {
		return Evidence{routeName(r), "destRange", cmp.Or(r.GetDestRange(), "absent: the route's destination is not known")}
	}
	return Evidence{routeName(r), "tags", listValue(r.GetTags())}
}

// routeName returns the relative name of a route, whose project its network tells, or
// else its own link.
func routeName(r *computepb.Route) string {
	project := cmp.Or(Segment(r.GetNetwork(), "projects"), Segment(r.GetSelfLink(), "projects"), "-")
	return "projects/" + project + "/global/routes/" + r.GetName()
}
