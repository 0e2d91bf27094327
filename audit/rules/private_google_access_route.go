package rules

import (
	"net/netip"
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
)

var privateGoogleAccessRoute = &audit.Rule{
	ID:       "private-google-access-route",
	Title:    "A route lets private nodes reach Google APIs",
	Severity: audit.Medium,
	Weight:   "Without the route Private Google Access has no effect: nodes fail to register or to pull images, and the usual quick fix is an external address.",
	Since:    "0.1.0",
	Rationale: `Private Google Access lets packets of private nodes through to Google APIs; a route has
to send them there. The default route to the internet gateway does, and networks
that have none on purpose need one for the range of private.googleapis.com or
restricted.googleapis.com. It is forgotten when somebody takes the default route out.`,
	Checks: `The routes that apply to the private nodes in each subnetwork of the cluster. It passes
with a default route to the default internet gateway (unless the ranges below have a
route to another next hop, where DNS may send nodes: unknown), or a route there for
199.36.153.8/30 (private.googleapis.com) or 199.36.153.4/30
(restricted.googleapis.com); the DNS zones that the latter two take are not read. A
default route to another next hop is another way: not applicable. With none of them
it fails, unless BGP may bring a default route: then it is unknown. In other universes
of Google's the ranges are others and not known: without a default route it is unknown.
A Private Service Connect endpoint for Google APIs, which takes no such route, is not
read. Whether Private Google Access is on is for private-google-access.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Route the addresses of private.googleapis.com (for VPC Service Controls: 199.36.153.4/30, restricted.googleapis.com)", Commands: `gcloud compute routes create private-googleapis --network={network} \
    --project={host} --destination-range=199.36.153.8/30 \
    --next-hop-gateway=default-internet-gateway &&
gcloud compute routes create private-googleapis-direct --network={network} \
    --project={host} --destination-range=34.126.0.0/18 \
    --next-hop-gateway=default-internet-gateway`},
			{Title: "Have DNS answer with them; the same for gcr.io and pkg.dev", Commands: `gcloud dns managed-zones create googleapis --dns-name=googleapis.com. \
    --project={host} --description="Private Google Access" \
    --visibility=private --networks={network} &&
gcloud dns record-sets create private.googleapis.com. --zone=googleapis \
    --project={host} --type=A --ttl=300 \
    --rrdatas=199.36.153.8,199.36.153.9,199.36.153.10,199.36.153.11 &&
gcloud dns record-sets create "*.googleapis.com." --zone=googleapis \
    --project={host} --type=CNAME --ttl=300 --rrdatas=private.googleapis.com.`},
		},
		Terraform: `resource "google_compute_route" "private_googleapis" {
  for_each         = toset(["199.36.153.8/30", "34.126.0.0/18"])
  name             = "private-googleapis-${replace(replace(each.value, ".", "-"), "/", "-")}"
  project          = "{host}"
  network          = "{network}"
  dest_range       = each.value
  next_hop_gateway = "default-internet-gateway"
  # and google_dns_managed_zone for googleapis.com, gcr.io and pkg.dev
}`,
		Disruption: `None for the routes: they lead to Google alone, not to the internet. The DNS zones
change where all machines of the network look for Google APIs.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Configure Private Google Access", URL: "https://docs.cloud.google.com/vpc/docs/configure-private-google-access"},
		{Title: "Private Google Access", URL: "https://docs.cloud.google.com/vpc/docs/private-google-access"},
	},
	Needs: []audit.Data{audit.Routers, audit.Routes},
	Uses:  []audit.Data{audit.Subnetworks},
	Check: audit.EachPrivateSubnetwork(func(in *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork) audit.Verdict {
		network, v, ok := networkOf(in, c, sn.Name)
		if !ok {
			return v
		}
		routes, gap := in.RoutesOf(network)
		if gap != nil {
			return audit.Hidden(gap)
		}
		e := newEgress(in, c, network, sn)
		var verdicts []sourceVerdict
		for _, n := range sn.Sources {
			verdicts = append(verdicts, sourceVerdict{n, e.judgeGoogleRoute(n, routes)})
		}
		return worst(verdicts)
	}),
}

// A googleRange is one that Google APIs are reached by under a name of its own.
type googleRange struct {
	name   string
	prefix netip.Prefix
}

// googleRanges are those of Google Cloud. Other universes have others. Source: Configure
// Private Google Access, in the VPC documentation.
var googleRanges = []googleRange{
	{"private.googleapis.com", netip.MustParsePrefix("199.36.153.8/30")},
	{"restricted.googleapis.com", netip.MustParsePrefix("199.36.153.4/30")},
}

// directRange is one that is to be routed beside either of them.
var directRange = netip.MustParsePrefix("34.126.0.0/18")

func (e *egress) judgeGoogleRoute(n audit.NodeSource, all *audit.NetworkRoutes) audit.Verdict {
	public := audit.InPublicUniverse(n.Cluster.Project) && audit.InPublicUniverse(e.network.Project)
	var ranges []googleRange
	if public {
		ranges = googleRanges
	}
	internet, certain := n.InternetRoutes(all)
	if certain && len(internet.Gateway) > 0 && len(internet.Elsewhere) == 0 && !internet.Incomplete {
		for _, r := range ranges {
			if routes, doubtful := n.RoutesTo(all, r.prefix); doubtful != nil || !audit.LeadToGateway(routes) {
				return audit.Unknownf("Google APIs are reached by the default route %s, unless DNS, which is not read, answers with %s: route %s leads there by %s, or may",
					routeNames(internet.Gateway), r.name, routeNames(slices.Concat(routes, doubtful)), nextHops(slices.Concat(routes, doubtful))).
					Because(routeEvidence(internet.Gateway, routes, doubtful)...).Because(laterStatus(doubtful)...)
			}
		}
		return audit.Passf("Google APIs are reached by the default route %s", routeNames(internet.Gateway)).Because(routeEvidence(internet.Gateway)...)
	}
	unclear := internet.Unclear
	if certain {
		unclear = nil
	}
	elsewhere := internet.Elsewhere
	for _, r := range ranges {
		routes, doubtful := n.RoutesTo(all, r.prefix)
		switch {
		case doubtful != nil:
			unclear = append(slices.Clip(unclear), doubtful...)
		case audit.LeadToGateway(routes):
			return e.byGoogleRange(n, all, r.name, routes)
		case len(internet.Elsewhere) == 0:
			elsewhere = append(slices.Clip(elsewhere), routes...)
		}
	}
	evidence := routeEvidence(internet.Gateway, elsewhere)
	switch {
	case unclear != nil:
		v := audit.Unknownf("the way to Google APIs depends on a route of which it is not clear whether it applies to the nodes").
			Because(whyNot(unclear)...).Because(evidence...)
		v.Evidence = audit.Distinct(v.Evidence)
		return v
	case slices.ContainsFunc(elsewhere, func(r *computepb.Route) bool { _, _, ok := audit.NextHop(r); return !ok }):
		return audit.Unknownf("the way to Google APIs leads to %s", nextHops(elsewhere)).Because(evidence...)
	case len(elsewhere) > 0:
		return audit.NotApplicablef("Google APIs are reached by %s, not by Private Google Access", nextHops(elsewhere)).Because(evidence...)
	case len(internet.Gateway) > 0:
		return audit.Unknownf("part of the internet has a route to the default internet gateway, and whether Google APIs are in it is not known").Because(evidence...)
	}
	evidence = []audit.Evidence{audit.Absent(e.network.String(), "routes", "no static route to Google APIs")}
	if v, ok := e.mayBeLearned(); ok {
		return v.Because(evidence...)
	}
	if !public {
		return audit.Unknownf("no default route applies to the nodes, and which addresses Google APIs have in this universe is not known").
			Because(evidence...).Because(whyNot(internet.PassedOver)...)
	}
	return audit.Failf("no route that applies to the nodes leads to Google APIs: no default route, and none for private.googleapis.com or restricted.googleapis.com").
		Noting("a Private Service Connect endpoint for Google APIs would do, and is not read").
		Because(evidence...).Because(whyNot(internet.PassedOver)...)
}

// byGoogleRange judges nodes with routes to one of Google's ranges.
func (e *egress) byGoogleRange(n audit.NodeSource, all *audit.NetworkRoutes, name string, routes []*computepb.Route) audit.Verdict {
	v := audit.Passf("route %s leads to %s; DNS, which is not read, has to answer with its addresses", routeNames(routes), name).
		Because(routeEvidence(routes)...)
	if direct, unclear := n.RoutesTo(all, directRange); unclear != nil || !audit.LeadToGateway(direct) {
		v = v.Noting("no route is sure to lead to " + directRange.String() + ", which Google asks for, too")
	}
	return v
}

func routeNames(routes []*computepb.Route) string {
	var names []string
	for _, r := range routes {
		names = append(names, r.GetName())
	}
	return strings.Join(names, ", ")
}
