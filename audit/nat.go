package audit

import (
	"maps"
	"slices"

	"cloud.google.com/go/compute/apiv1/computepb"
)

// NATCoverage says which ranges of a subnetwork Cloud NAT serves. Several
// gateways together count.
type NATCoverage struct {
	// Nodes are the gateways that serve the subnetwork's primary range, which
	// nodes take their addresses from, as "router/gateway".
	Nodes []string

	// Pods are the gateways that serve each of the asked secondary ranges.
	Pods map[string][]string

	// Gateways are those that serve the primary range or an asked secondary range.
	Gateways []NATGateway

	// Others are the gateways of the region and network that serve neither, and
	// why not.
	Others []string

	// Undecided are gateways that might serve the ranges but cannot be judged.
	Undecided []string

	// Evidence is the deciding field of every gateway of the region and network.
	Evidence []Evidence

	undecided []undecidedGateway // what of Undecided are single gateways
}

type undecidedGateway struct {
	NATGateway
	why Evidence
}

// A NATGateway is a Public NAT gateway and which ranges of a subnetwork it serves.
type NATGateway struct {
	*computepb.RouterNat
	Router string // the relative name of its Cloud Router

	Nodes bool     // it serves the primary range
	Pods  []string // those of the asked secondary ranges that it serves
}

// ResourceName returns "projects/P/regions/R/routers/ROUTER/nats/GATEWAY". The API
// has gateways as a part of their router, so the last two segments are ours.
func (g NATGateway) ResourceName() string { return g.Router + "/nats/" + g.GetName() }

// String names the gateway for a message, as "router/gateway".
func (g NATGateway) String() string { return LastSegment(g.Router) + "/" + g.GetName() }

// Evidence returns a field of the gateway.
func (g NATGateway) Evidence(field, value string) Evidence {
	return Evidence{g.Router, "nats[" + g.GetName() + "]." + field, value}
}

// Absent returns evidence that a field of the gateway was not there; see [Absent].
func (g NATGateway) Absent(field, meaning string) Evidence {
	return g.Evidence(field, "absent: "+meaning)
}

// UsableAddresses returns the addresses that were given to the gateway and are not
// being drained, each once. The two lists may spell the same address differently.
func (g NATGateway) UsableAddresses() []string {
	var usable []string
	for _, ip := range g.GetNatIps() {
		if ip = RelativeName(ip); !slices.Contains(usable, ip) && !slices.ContainsFunc(g.GetDrainNatIps(), func(drained string) bool {
			return LastSegment(drained) == LastSegment(ip)
		}) {
			usable = append(usable, ip)
		}
	}
	return usable
}

// CoversPods reports whether all the asked secondary ranges are served.
func (c NATCoverage) CoversPods() bool {
	for _, gateways := range c.Pods {
		if len(gateways) == 0 {
			return false
		}
	}
	return true
}

// CoversAny reports whether some range is served.
func (c NATCoverage) CoversAny() bool {
	for _, gateways := range c.Pods {
		if len(gateways) > 0 {
			return true
		}
	}
	return len(c.Nodes) > 0
}

// NATCoverage returns how Cloud NAT serves a subnetwork's primary range and the
// named secondary ranges, and the gap that hides other gateways.
//
// A gateway serves one network in one region, in the project that owns the
// network; a gateway of a peered network does not count. Source: Cloud NAT
// overview; RouterNat in the Compute Engine API reference.
func (s *Snapshot) NATCoverage(network NetworkName, subnetwork SubnetworkName, podRanges []string) (NATCoverage, *Gap) {
	c := NATCoverage{Pods: map[string][]string{}}
	for _, r := range podRanges {
		c.Pods[r] = nil
	}
	routers, gap := s.Routers(network.Project, subnetwork.Region)
	for _, r := range routers {
		name, named := ParseNetwork(r.GetNetwork())
		if named && !name.Same(network) {
			continue
		}
		if (!named || regionOfResource(r.GetRegion(), r.GetSelfLink()) == "") && len(r.GetNats()) > 0 {
			c.Undecided = append(c.Undecided, r.GetName()+" does not say which network and region it is in")
			c.Evidence = append(c.Evidence, Absent(RouterName(network.Project, r), "network", "it is not known whose gateways these are"))
			continue
		}
		for _, nat := range r.GetNats() {
			c.add(RouterName(network.Project, r), r.GetName()+"/"+nat.GetName(), nat, subnetwork)
		}
	}
	return c, gap
}

// RouterName returns the relative name of a Cloud Router.
func RouterName(project string, r *computepb.Router) string {
	return "projects/" + project + "/regions/" + regionOfResource(r.GetRegion(), r.GetSelfLink()) + "/routers/" + r.GetName()
}

func (c *NATCoverage) add(router, name string, nat *computepb.RouterNat, subnetwork SubnetworkName) {
	field := func(f string) string { return "nats[" + nat.GetName() + "]." + f }
	other := func(why, f, value string) {
		c.Others = append(c.Others, name+" "+why)
		c.Evidence = append(c.Evidence, Evidence{router, field(f), value})
	}
	undecided := func(why, f, value string) {
		c.Undecided = append(c.Undecided, name+" "+why)
		c.Evidence = append(c.Evidence, Evidence{router, field(f), value})
		c.undecided = append(c.undecided, undecidedGateway{NATGateway{RouterNat: nat, Router: router}, Evidence{router, field(f), value}})
	}

	// Absent type means PUBLIC and no endpoint types mean VMs: gateways from
	// before 2023 have neither field.
	switch t := nat.GetType(); t {
	case "", "PUBLIC":
	case "PRIVATE":
		other("is a Private NAT gateway", "type", t)
		return
	default:
		undecided("is of a type that is not known here", "type", t)
		return
	}
	if types := nat.GetEndpointTypes(); len(types) > 0 && !slices.Contains(types, "ENDPOINT_TYPE_VM") {
		if slices.ContainsFunc(types, func(t string) bool { return t != "ENDPOINT_TYPE_SWG" && t != "ENDPOINT_TYPE_MANAGED_PROXY_LB" }) {
			undecided("serves endpoints of a type that is not known here", "endpointTypes", listValue(types))
			return
		}
		other("does not serve VMs", "endpointTypes", listValue(types))
		return
	}
	switch option := nat.GetNatIpAllocateOption(); {
	case option == "AUTO_ONLY":
	case len(NATGateway{RouterNat: nat}.UsableAddresses()) > 0:
	case option == "MANUAL_ONLY" && len(nat.GetNatIps()) == 0:
		other("has no address", "natIps", listValue(nil))
		return
	case option == "MANUAL_ONLY":
		other("has no usable address: all are being drained", "drainNatIps", listValue(relativeNames(nat.GetDrainNatIps())))
		return
	default:
		undecided("does not say how it gets its addresses", "natIpAllocateOption", listValue([]string{option}))
		return
	}

	source := nat.GetSourceSubnetworkIpRangesToNat()
	evidence := Evidence{router, field("sourceSubnetworkIpRangesToNat"), source}
	var nodes bool
	var pods func(r string) bool
	switch source {
	case "ALL_SUBNETWORKS_ALL_IP_RANGES":
		nodes, pods = true, func(string) bool { return true }
	case "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES":
		nodes, pods = true, func(string) bool { return false }
	case "LIST_OF_SUBNETWORKS":
		i := slices.IndexFunc(nat.GetSubnetworks(), func(sn *computepb.RouterNatSubnetworkToNat) bool {
			listed, ok := subnetwork.Beside(sn.GetName())
			return ok && listed.Same(subnetwork)
		})
		if i < 0 {
			other("serves other subnetworks", "subnetworks", listedSubnetworks(nat))
			return
		}
		listed := nat.GetSubnetworks()[i]
		ranges := listed.GetSourceIpRangesToNat()
		if slices.ContainsFunc(ranges, func(r string) bool {
			return r != "ALL_IP_RANGES" && r != "PRIMARY_IP_RANGE" && r != "LIST_OF_SECONDARY_IP_RANGES"
		}) {
			undecided("serves ranges in a way that is not known here", "subnetworks["+subnetwork.ID+"].sourceIpRangesToNat", listValue(ranges))
			return
		}
		all := len(ranges) == 0 || slices.Contains(ranges, "ALL_IP_RANGES")
		nodes = all || slices.Contains(ranges, "PRIMARY_IP_RANGE")
		pods = func(r string) bool {
			return all || slices.Contains(ranges, "LIST_OF_SECONDARY_IP_RANGES") && slices.Contains(listed.GetSecondaryIpRangeNames(), r)
		}
		evidence = Evidence{router, field("subnetworks[" + subnetwork.ID + "].sourceIpRangesToNat"), listValue(ranges)}
		if len(ranges) == 0 {
			evidence = Absent(router, evidence.Field, "ALL_IP_RANGES")
		}
		if secondary := listed.GetSecondaryIpRangeNames(); len(secondary) > 0 {
			c.Evidence = append(c.Evidence, evidence)
			evidence = Evidence{router, field("subnetworks[" + subnetwork.ID + "].secondaryIpRangeNames"), listValue(secondary)}
		}
	case "", "SUBNETWORK_IP_RANGE_TO_NAT_OPTION_UNSPECIFIED":
		other("serves no IPv4 range", "sourceSubnetworkIpRangesToNat", "absent: no IPv4 range is served")
		return
	default:
		undecided("serves ranges in a way that is not known here", "sourceSubnetworkIpRangesToNat", source)
		return
	}
	c.Evidence = append(c.Evidence, evidence)
	g := NATGateway{RouterNat: nat, Router: router, Nodes: nodes}
	if nodes {
		c.Nodes = append(c.Nodes, name)
	}
	for _, r := range slices.Sorted(maps.Keys(c.Pods)) {
		if pods(r) {
			c.Pods[r] = append(c.Pods[r], name)
			g.Pods = append(g.Pods, r)
		}
	}
	if !g.Nodes && g.Pods == nil {
		c.Others = append(c.Others, name+" serves other ranges of the subnetwork")
		return
	}
	c.Gateways = append(c.Gateways, g)
}

func listedSubnetworks(nat *computepb.RouterNat) string {
	var names []string
	for _, sn := range nat.GetSubnetworks() {
		names = append(names, sn.GetName())
	}
	return listValue(relativeNames(names))
}

func relativeNames(links []string) []string {
	names := make([]string, len(links))
	for i, link := range links {
		names[i] = RelativeName(link)
	}
	return names
}

// MayLearnRoutes returns the names of a network's Cloud Routers with an enabled
// BGP peer: a default route may come from there without being among the routes
// that the API lists. The gap is that which may hide more of them.
func (s *Snapshot) MayLearnRoutes(network NetworkName) ([]string, *Gap) {
	routers, gap := s.AllRouters(network.Project)
	var names []string
	for _, r := range routers {
		name, ok := ParseNetwork(r.GetNetwork())
		if (!ok || name.Same(network)) && slices.ContainsFunc(r.GetBgpPeers(), func(p *computepb.RouterBgpPeer) bool {
			return p.GetEnable() != "FALSE"
		}) {
			names = append(names, RouterName(network.Project, r))
		}
	}
	return names, gap
}
