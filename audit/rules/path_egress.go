package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
)

// pathFacts are what the ways of private nodes in a subnetwork are drawn by. Whether they are
// open is for the rules to say.
type pathFacts struct {
	known bool // the network is known
	e     *egress
	gap   *audit.Gap // it hides routes
	found []foundRoutes
}

// foundRoutes are those of a node source, and what they come to.
type foundRoutes struct {
	source   audit.NodeSource
	internet audit.InternetRoutes
	status   audit.Status
	routes   *audit.NetworkRoutes
}

func (p *pathMaker) facts(name audit.SubnetworkName, named bool, sources []audit.NodeSource) pathFacts {
	var f pathFacts
	if !named || !p.asked(cloudNAT) {
		return f
	}
	network, _, ok := networkOf(p.in, p.c, name)
	if !ok {
		return f
	}
	f.known = true
	f.e = newEgress(p.in, p.c, network, audit.NodeSubnetwork{Name: name, Sources: sources})
	var routes *audit.NetworkRoutes
	if routes, f.gap = p.in.RoutesOf(network); f.gap != nil {
		return f
	}
	for _, n := range sources {
		internet, _ := n.InternetRoutes(routes)
		f.found = append(f.found, foundRoutes{n, internet, f.e.judge(n, routes).Status, routes})
	}
	return f
}

// of returns the routes of the first source with a status.
func (f pathFacts) of(status audit.Status) foundRoutes {
	i := max(0, slices.IndexFunc(f.found, func(r foundRoutes) bool { return r.status == status }))
	if i < len(f.found) {
		return f.found[i]
	}
	return foundRoutes{}
}

// gateway returns the node of what Cloud NAT there is.
func (f pathFacts) gateway() audit.PathNode {
	n := audit.PathNode{Kind: audit.CloudNAT}
	if f.e == nil {
		return n
	}
	var names []string
	for _, g := range f.e.nat.Gateways {
		names = append(names, g.String())
	}
	n.Name = strings.Join(names, ", ")
	switch {
	case names != nil:
		n.Place = f.e.network.Project + ", " + f.e.region
		if len(f.e.nat.Nodes) == 0 {
			n.Notes = []string{"not for the nodes' range"}
		} else if !f.e.nat.CoversPods() {
			n.Notes = []string{"not for the pods' range"}
		}
	case f.e.natGap == nil && len(f.e.nat.Undecided) == 0:
		n.Absent = true
	}
	return n
}

func routeNode(kind audit.PathKind, routes []*computepb.Route) audit.PathNode {
	return audit.PathNode{Kind: kind, Name: routeNames(routes[:min(len(routes), 3)]), Absent: len(routes) == 0}
}

// egress adds the way of private nodes to the internet.
func (p *pathMaker) egress(l *lane, f pathFacts, v *audit.Verdict) {
	if v == nil {
		l.egress = audit.Way{State: audit.WayNotRead, Word: "no rule asked for routers and routes"}
		return
	}
	judged := pathVerdict{cloudNAT, *v}
	found := f.of(v.Status).internet
	gateway := f.gateway()
	route := routeNode(audit.DefaultRoute, found.Gateway)
	l.egressBy = []audit.PathNode{route, gateway}
	routed, served := len(found.Gateway) > 0, len(gateway.Name) > 0
	state, word := audit.WayBlocked, ""
	switch {
	case v.Status == audit.Unknown:
		state, word = audit.WayUnknown, p.whyUnknown(f, v)
		l.egressBy[0].Absent, l.egressBy[1].Absent = false, false
	case v.Status == audit.Pass:
		state, word = audit.WayAllowed, "Cloud NAT"
	case v.Status == audit.NotApplicable && len(found.Elsewhere) > 0:
		state, word = audit.WayAllowed, "another next hop, and what is behind is not known"
		l.egressBy = []audit.PathNode{{Kind: audit.OtherNextHop, Name: nextHops(found.Elsewhere)}}
	case v.Status == audit.NotApplicable && f.e.airGapped:
		word = "air-gapped, as declared"
	case v.Status == audit.NotApplicable:
		word = "air-gapped: no route to the internet"
	case f.e.airGapped:
		state, word = audit.WayExposing, "declared air-gapped, and open"
	case !routed:
		word = "no default route, so that Cloud NAT is inert"
	case !served:
		word = "no Cloud NAT gateway"
	case len(f.e.nat.Nodes) == 0:
		word = "Cloud NAT does not serve the nodes"
	case found.Incomplete:
		word = "part of the internet has no route"
	default:
		word = "Cloud NAT does not serve the pods, which are not masqueraded"
	}
	l.egress = p.judged(state, word, judged)
}

// whyUnknown says why the way out is not known.
func (p *pathMaker) whyUnknown(f pathFacts, v *audit.Verdict) string {
	switch {
	case p.unread(v.Evidence):
		return "could not be read"
	case f.e != nil && len(f.e.learned) > 0:
		return "a default route may come by BGP"
	}
	return "cannot be told from what was read"
}

// google adds the way of private nodes to Google APIs. Without Private Google Access it is
// blocked, though Cloud NAT may stand in.
func (p *pathMaker) google(l *lane, f pathFacts, access, route *audit.Verdict) {
	if access == nil {
		l.google = audit.Way{State: audit.WayNotRead, Word: "no rule asked for subnetworks"}
		return
	}
	verdicts := []pathVerdict{{privateGoogleAccess, *access}}
	if route != nil {
		verdicts = append(verdicts, pathVerdict{privateGoogleAccessRoute, *route})
		l.googleBy = p.googleRoute(f, route)
	}
	state, word := audit.WayBlocked, ""
	switch top := gravest(verdicts); {
	case access.Status == audit.Fail && l.egress.State == audit.WayAllowed && l.egress.Word == "Cloud NAT":
		word = "Private Google Access is off; Cloud NAT stands in"
	case access.Status == audit.Fail:
		word = "Private Google Access is off"
	case top == audit.Fail:
		word = "no route to Google APIs"
	case top == audit.Unknown && access.Status == audit.Unknown:
		state, word = audit.WayUnknown, p.whyUnknown(pathFacts{}, access)
	case top == audit.Unknown:
		state, word = audit.WayUnknown, p.whyUnknown(f, route)
	case l.future != nil:
		state, word = audit.WayAllowed, "Private Google Access"
	case route == nil:
		state, word = audit.WayNotRead, "Private Google Access is on; no rule asked for routes"
	case route.Status == audit.NotApplicable:
		state, word = audit.WayAllowed, "another next hop, not Private Google Access"
	default:
		state, word = audit.WayAllowed, "Private Google Access"
	}
	l.google = p.judged(state, word, verdicts...)
	if state == audit.WayNotRead {
		l.google.Reason, l.google.Evidence = "", nil
	}
	// What else is not known of Cloud NAT where nobody asked for it is no part of the reason.
	if route == nil && access.Status == audit.Fail && l.future == nil {
		l.google.Reason, _, _ = strings.Cut(l.google.Reason, ";")
	}
}

// googleRoute returns the route that leads to Google APIs, or that there is none.
func (p *pathMaker) googleRoute(f pathFacts, v *audit.Verdict) []audit.PathNode {
	if len(f.found) == 0 {
		return nil
	}
	internet := f.found[0].internet
	switch v.Status {
	case audit.Fail:
		return []audit.PathNode{{Kind: audit.GoogleRoute, Absent: true}}
	case audit.NotApplicable:
		return []audit.PathNode{{Kind: audit.OtherNextHop, Name: nextHops(internet.Elsewhere)}}
	case audit.Unknown:
		return nil
	}
	if len(internet.Gateway) > 0 && len(internet.Elsewhere) == 0 && !internet.Incomplete {
		return []audit.PathNode{routeNode(audit.DefaultRoute, internet.Gateway)}
	}
	for _, r := range googleRanges {
		if routes, doubtful := f.found[0].source.RoutesTo(f.found[0].routes, r.prefix); doubtful == nil && audit.LeadToGateway(routes) {
			return []audit.PathNode{routeNode(audit.GoogleRoute, routes)}
		}
	}
	return nil
}
