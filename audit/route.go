package audit

import (
	"net/netip"
	"slices"
	"strings"

	"cloud.google.com/go/compute/apiv1/computepb"
)

// InternetRoutes says where a network sends packets for the internet. The IPv4
// address space is looked at in its two halves, because a default route is
// sometimes written as 0.0.0.0/1 and 128.0.0.0/1; longer prefixes reach parts of
// the internet only and do not count.
type InternetRoutes struct {
	// Gateway are the routes to the default internet gateway, the only next hop
	// that a Public NAT gateway can use.
	Gateway []*computepb.Route

	// Elsewhere are the routes to any other next hop.
	Elsewhere []*computepb.Route

	// Incomplete says that no static route covers one half at least. A network
	// without any internet route has neither Gateway nor Elsewhere.
	Incomplete bool

	// PassedOver are routes to the internet that do not apply to the nodes: for
	// other network tags, or not in use.
	PassedOver []*computepb.Route

	// Tagged are routes to the internet that apply if the nodes have the network
	// tag that GKE gives them itself.
	Tagged []*computepb.Route
}

var internetHalves = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/1"),
	netip.MustParsePrefix("128.0.0.0/1"),
}

// InternetRoutes returns the routes to the internet for nodes in a network. It
// reports certain as false where that hangs on the network tag that GKE itself
// gives the cluster's nodes and that the API does not tell.
//
// Of the routes that apply, the longest prefix wins, then the least priority
// number; among equals, all do. BGP routes and policy-based routes are not among
// the routes that the API lists. Source: Routes overview in the VPC
// documentation.
func (n NodeSource) InternetRoutes(network NetworkName, routes []*computepb.Route) (found InternetRoutes, certain bool) {
	tags := n.Tags()
	var apply, passedOver, tagged []*computepb.Route
	for _, r := range routes {
		name, ok := ParseNetwork(r.GetNetwork())
		if !ok || !name.Same(network) || !toInternet(r) {
			continue
		}
		switch {
		case !live(r):
			passedOver = append(passedOver, r)
		case len(r.GetTags()) == 0, slices.ContainsFunc(r.GetTags(), func(t string) bool { return slices.Contains(tags, t) }):
			apply = append(apply, r)
		case slices.ContainsFunc(r.GetTags(), n.Cluster.maybeOwnTag):
			tagged = append(tagged, r)
		default:
			passedOver = append(passedOver, r)
		}
	}
	found = internetRoutes(apply)
	found.PassedOver, found.Tagged = passedOver, tagged
	return found, tagged == nil || found.leadsAs(internetRoutes(slices.Concat(apply, tagged)))
}

// toInternet reports whether a route's destination is the internet or a half of it.
func toInternet(r *computepb.Route) bool {
	dest, err := netip.ParsePrefix(r.GetDestRange())
	return err == nil && dest.Addr().Is4() && dest.Bits() <= internetHalves[0].Bits()
}

// maybeOwnTag reports whether a network tag may be the one that GKE gives the
// cluster's nodes: gke-CLUSTER-HASH-node, with a long cluster name cut short.
func (c *Cluster) maybeOwnTag(tag string) bool {
	middle, ok := strings.CutPrefix(tag, "gke-")
	if !ok {
		return false
	}
	middle, ok = strings.CutSuffix(middle, "-node")
	if !ok {
		return false
	}
	dash := strings.LastIndex(middle, "-")
	if dash < 0 {
		return false
	}
	const shortestCut = 15 // no name is cut to fewer characters
	name := middle[:dash]
	return name == c.GetName() || len(name) >= shortestCut && strings.HasPrefix(c.GetName(), name)
}

// live reports whether a route is in use. The API gives no status for most
// static routes.
func live(r *computepb.Route) bool {
	return r.GetRouteStatus() == "" || r.GetRouteStatus() == "ACTIVE"
}

func internetRoutes(routes []*computepb.Route) InternetRoutes {
	var found InternetRoutes
	for _, half := range internetHalves {
		best := bestRoutes(half, routes)
		if best == nil {
			found.Incomplete = true
		}
		for _, r := range best {
			to := &found.Elsewhere
			if strings.HasSuffix(r.GetNextHopGateway(), "/gateways/default-internet-gateway") {
				to = &found.Gateway
			}
			if !slices.Contains(*to, r) {
				*to = append(*to, r)
			}
		}
	}
	return found
}

// bestRoutes returns the routes that win for a prefix.
func bestRoutes(prefix netip.Prefix, routes []*computepb.Route) []*computepb.Route {
	var best []*computepb.Route
	bits := -1
	for _, r := range routes {
		dest, err := netip.ParsePrefix(r.GetDestRange())
		if err != nil || dest.Bits() > prefix.Bits() || !dest.Overlaps(prefix) {
			continue
		}
		switch {
		case dest.Bits() > bits, dest.Bits() == bits && priority(r) < priority(best[0]):
			best, bits = []*computepb.Route{r}, dest.Bits()
		case dest.Bits() == bits && priority(r) == priority(best[0]):
			best = append(best, r)
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
		_, e := NextHop(r)
		links = append(links, e.Value)
	}
	slices.Sort(links)
	return slices.Compact(links)
}

// NextHop names where a route leads and gives the field that says so.
func NextHop(r *computepb.Route) (name string, evidence Evidence) {
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
			return hop.kind + " " + LastSegment(hop.value), Evidence{routeName(r), hop.field, RelativeName(hop.value)}
		}
	}
	return "an unnamed next hop", Absent(routeName(r), "nextHopGateway", "no next hop is named")
}

// WhyNot is evidence of why a route does not apply to nodes, or may not: its
// status or its network tags.
func WhyNot(r *computepb.Route) Evidence {
	if !live(r) {
		return Evidence{routeName(r), "routeStatus", r.GetRouteStatus()}
	}
	return Evidence{routeName(r), "tags", listValue(r.GetTags())}
}

func routeName(r *computepb.Route) string {
	return "projects/" + Segment(r.GetNetwork(), "projects") + "/global/routes/" + r.GetName()
}
