package rules

import (
	"cmp"
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
)

var cloudNAT = &audit.Rule{
	ID:       "cloud-nat",
	Title:    "Private nodes reach the internet through Cloud NAT",
	Severity: audit.Medium,
	Weight:   "Private nodes without a way out break, and the usual quick fix, external addresses, takes away the layer that private nodes are.",
	Since:    "0.1.0",
	Rationale: `A private node has no address for the internet. Without Cloud NAT it cannot pull
an image from outside of Google, call a partner or fetch an update, and somebody
gives it an external address again to mend that. With Cloud NAT, egress leaves
from a few known addresses, can be logged, and lets nothing in.`,
	Checks: `Each subnetwork that holds private nodes of the cluster. Its primary range must be
served by a Public NAT gateway for VMs, with a usable address, on a Cloud Router of
the same network and region, in the project that owns the network. Where the
cluster does not masquerade pods (networkConfig.defaultSnatStatus.disabled), the
pods' secondary ranges must be served, too. Several gateways count together. The
network needs a default route to the default internet gateway, or the gateway is
inert. A default route to another next hop is another way out, and a network with
neither gateway nor internet route is air-gapped: both are not applicable. Routes to
the default internet gateway for longer prefixes than /8 are named, and unknown if
together they reach more addresses than a /8 has. A network
that the parameter airGappedNetworks names is to have no way out: one with a default
route that Cloud NAT uses fails, and without it the rule does not apply. BGP
routes, policy-based routes and firewall rules are not in what is read: where only
BGP could bring a default route, the answer is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "If the network has a gateway in the region: let it serve the subnetwork, too (the list is replaced, so name all that it serves)", Commands: `gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --nat-custom-subnet-ip-ranges=OTHERS,{subnetwork}:ALL`},
			{Title: "If it has none: make one (as many addresses as cloud-nat-ports counts; or --auto-allocate-nat-external-ips, where nobody outside admits the cluster by them)", Commands: `gcloud compute routers create {subnetwork}-router --network={network} \
    --region={region} --project={host} &&
gcloud compute addresses create {subnetwork}-nat-1 --region={region} --project={host} &&
gcloud compute routers nats create {subnetwork}-nat --router={subnetwork}-router \
    --region={region} --project={host} \
    --nat-external-ip-pool={subnetwork}-nat-1 --nat-custom-subnet-ip-ranges={subnetwork}:ALL \
    --enable-dynamic-port-allocation --min-ports-per-vm=64 --max-ports-per-vm=4096 \
    --no-enable-endpoint-independent-mapping \
    --enable-logging --log-filter=ERRORS_ONLY`},
			{Title: "If the default route is missing: make it", Commands: `gcloud compute routes create default-internet --network={network} \
    --project={host} --destination-range=0.0.0.0/0 \
    --next-hop-gateway=default-internet-gateway --priority=1000`},
		},
		Terraform: `resource "google_compute_router" "router" {
  name    = "{subnetwork}-router"
  project = "{host}"
  region  = "{region}"
  network = "{network}"
}

resource "google_compute_address" "nat" {
  name    = "{subnetwork}-nat-1"
  project = "{host}"
  region  = "{region}"
}

resource "google_compute_router_nat" "nat" {
  name                                = "{subnetwork}-nat"
  project                             = "{host}"
  region                              = "{region}"
  router                              = google_compute_router.router.name
  nat_ip_allocate_option              = "MANUAL_ONLY"
  nat_ips                             = [google_compute_address.nat.self_link]
  source_subnetwork_ip_ranges_to_nat  = "LIST_OF_SUBNETWORKS"
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = 64
  max_ports_per_vm                    = 4096

  subnetwork {
    name                    = "projects/{host}/regions/{region}/subnetworks/{subnetwork}"
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}`,
		Disruption: `None for a new gateway. Changing the port allocation of an existing one may break
connections. A new default route opens a way out for every instance of the network
that has an address for it: look at the firewall rules first.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Cloud NAT overview", URL: "https://docs.cloud.google.com/nat/docs/overview"},
		{Title: "Cloud NAT and other Google Cloud products: GKE", URL: "https://docs.cloud.google.com/nat/docs/nat-product-interactions"},
		{Title: "Routes", URL: "https://docs.cloud.google.com/vpc/docs/routes"},
	},
	Needs: []audit.Data{audit.Routers, audit.Routes},
	Uses:  []audit.Data{audit.Subnetworks},
	Reads: []audit.Parameter{audit.AirGappedNetworks},
	Check: audit.EachPrivateSubnetwork(func(s *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork) audit.Verdict {
		network, v, ok := networkOf(s, c, sn.Name)
		if !ok {
			return v
		}
		e := newEgress(s, c, network, sn)
		routes, gap := s.RoutesOf(network)
		if gap != nil {
			return audit.Hidden(gap, e.natGap)
		}
		var verdicts []sourceVerdict
		for _, n := range sn.Sources {
			verdicts = append(verdicts, sourceVerdict{n, e.judge(n, routes)})
		}
		return worst(verdicts)
	}),
}

// networkOf returns the network of a subnetwork, or why it is not known.
func networkOf(s *audit.Input, c *audit.Cluster, name audit.SubnetworkName) (audit.NetworkName, audit.Verdict, bool) {
	if network, ok := s.NetworkOf(c, name); ok {
		return network, audit.Verdict{}, true
	}
	subnetwork, gap := s.Subnetwork(name)
	var v audit.Verdict
	switch {
	case gap != nil:
		v = audit.Hidden(gap)
	case subnetwork == nil:
		v = audit.Unknownf("project %s does not list the subnetwork", name.Project).Because(
			audit.Absent(name.String(), "name", "the subnetwork is not in the list of its project"))
	default:
		v = audit.Unknownf("the subnetwork names no network").Because(
			audit.Absent(name.String(), "network", "the network is not known"))
	}
	return audit.NetworkName{}, v, false
}

// egress judges how the nodes of a cluster in one subnetwork reach the internet.
type egress struct {
	cluster      *audit.Cluster
	network      audit.NetworkName
	region       string
	nat          audit.NATCoverage
	natGap       *audit.Gap
	learned      []string // routers that may learn routes by BGP
	learnedGap   *audit.Gap
	snatDisabled bool
	airGapped    bool // by what its owner has laid down
}

func newEgress(s *audit.Input, c *audit.Cluster, network audit.NetworkName, sn audit.NodeSubnetwork) *egress {
	e := &egress{
		cluster:      c,
		network:      network,
		region:       sn.Name.Region,
		snatDisabled: c.GetNetworkConfig().GetDefaultSnatStatus().GetDisabled(),
		airGapped:    s.Parameters.AirGapped(network),
	}
	e.nat, e.natGap = s.NATCoverage(network, sn.Name, sn.PodRanges())
	e.learned, e.learnedGap = s.MayLearnRoutes(network)
	return e
}

func (e *egress) judge(n audit.NodeSource, routes *audit.NetworkRoutes) audit.Verdict {
	found, certain := n.InternetRoutes(routes)
	switch {
	case !certain:
		return audit.Unknownf("the way out depends on a route of which it is not clear whether it applies to the nodes").
			Because(whyNot(found.Unclear)...).Because(routeEvidence(found.Gateway, found.Elsewhere)...)
	case slices.ContainsFunc(found.Elsewhere, func(r *computepb.Route) bool { _, _, ok := audit.NextHop(r); return !ok }):
		return audit.Unknownf("the way out leads to %s", nextHops(found.Elsewhere)).Because(routeEvidence(found.Elsewhere)...)
	case e.airGapped:
		return e.declaredAirGapped(found)
	case len(found.Gateway) > 0:
		return e.throughGateway(n, found)
	case len(found.Elsewhere) > 0:
		return e.elsewhere(found)
	}
	return e.noRoute(found)
}

// declaredAirGapped judges nodes in a network that is to have no way to the internet.
func (e *egress) declaredAirGapped(found audit.InternetRoutes) audit.Verdict {
	because := append(routeEvidence(found.Gateway, found.Elsewhere), e.nat.Evidence...)
	var gateways []string
	for _, g := range e.nat.Gateways {
		gateways = append(gateways, g.String())
	}
	switch routed := len(found.Gateway) > 0; {
	case routed && gateways != nil:
		return audit.Failf("declared air-gapped, yet Cloud NAT gateway %s is a way to the internet", strings.Join(gateways, ", ")).Because(because...)
	case len(found.Elsewhere) > 0:
		return audit.Unknownf("declared air-gapped, yet a default route leads to %s, and what is behind is not known", nextHops(found.Elsewhere)).Because(because...)
	case routed && e.natGap != nil:
		return audit.Hidden(e.natGap)
	case routed && len(e.nat.Undecided) > 0:
		return audit.Unknownf("declared air-gapped, and whether Cloud NAT serves the range is undecided: %s", strings.Join(e.nat.Undecided, ", ")).Because(because...)
	}
	if !(len(found.Gateway) > 0) || found.Incomplete {
		if v, ok := e.mayBeLearned(); ok {
			return v.Because(because...)
		}
	}
	if len(found.Parts) > 0 && (gateways != nil || e.natGap != nil || len(e.nat.Undecided) > 0) {
		return audit.Unknownf("declared air-gapped, yet parts of the internet have a route to the default internet gateway, and Cloud NAT serves the subnetwork or may: %s", routeNames(found.Parts[:min(len(found.Parts), 3)])).
			Because(because...).Because(routeEvidence(found.Parts[:min(len(found.Parts), 10)])...)
	}
	v := audit.NotApplicablef("declared air-gapped, and there is no way out")
	if gateways != nil {
		v = v.Noting("Cloud NAT gateway " + strings.Join(gateways, ", ") + " serves the subnetwork but no route leads there")
	}
	if because == nil {
		because = []audit.Evidence{audit.Absent(e.network.String(), "routes", "no static route to the internet")}
	}
	return v.Because(because...)
}

// throughGateway judges nodes with a route to the default internet gateway: it is
// of use to them only with Cloud NAT.
func (e *egress) throughGateway(n audit.NodeSource, found audit.InternetRoutes) audit.Verdict {
	partly := ""
	if len(found.Elsewhere) > 0 {
		partly = "part of the internet is reached by " + nextHops(found.Elsewhere)
	}
	because := append(slices.Clip(e.nat.Evidence), routeEvidence(found.Gateway, found.Elsewhere)...)
	missing := ""
	switch {
	case len(e.nat.Nodes) == 0:
		missing = "no Cloud NAT gateway serves the nodes' range"
	case e.snatDisabled && n.PodRange() == "":
		return audit.Unknownf("pods are not masqueraded, and the cluster does not name their range").Because(
			append(e.snatEvidence(), audit.Absent(e.cluster.ResourceName(), "ipAllocationPolicy.clusterSecondaryRangeName", "the pods' range is not known"))...)
	case e.snatDisabled && len(e.nat.Pods[n.PodRange()]) == 0:
		missing = "no Cloud NAT gateway serves the pods' range " + n.PodRange() + ", and pods are not masqueraded"
		because = append(e.snatEvidence(), because...)
	}
	if missing == "" && found.Incomplete {
		if v, ok := e.mayBeLearned(); ok {
			return v.Because(because...)
		}
		return audit.Failf("part of the internet has no route that applies to the nodes").Because(because...)
	}
	if missing == "" {
		v := audit.Passf("egress by Cloud NAT gateway %s", strings.Join(e.nat.Nodes, ", "))
		switch pods := e.nat.Pods[n.PodRange()]; {
		case n.PodRange() == "":
		case len(pods) == 0:
			v = v.Noting("pods rely on being masqueraded, for their range " + n.PodRange() + " is not served")
		case e.snatDisabled:
			v = v.Noting("pods are not masqueraded, and their range " + n.PodRange() + " is served by " + strings.Join(pods, ", "))
		}
		if len(e.learned) > 0 {
			v = v.Noting("a default route that came by BGP could take precedence")
			for _, r := range e.learned {
				because = append(because, audit.Evidence{Resource: r, Field: "bgpPeers", Value: "present"})
			}
		}
		return v.Noting(partly, "policy-based routes and firewall rules are not looked at").Because(because...)
	}
	if e.natGap != nil {
		return audit.Hidden(e.natGap)
	}
	if len(e.nat.Undecided) > 0 {
		return audit.Unknownf("whether Cloud NAT serves the range is undecided: %s", strings.Join(e.nat.Undecided, ", ")).Because(because...)
	}
	v := audit.Failf("%s", missing)
	if len(e.nat.Evidence) == 0 {
		v = v.Noting("network " + e.network.ID + " has no gateway in " + e.region)
		because = append([]audit.Evidence{noGateway(e.network, e.region)}, because...)
	}
	v = v.Noting(strings.Join(e.nat.Others, ", "))
	return v.Noting(partly).Because(because...)
}

// elsewhere judges nodes whose default route leads to a next hop that Cloud NAT
// cannot use.
func (e *egress) elsewhere(found audit.InternetRoutes) audit.Verdict {
	evidence := routeEvidence(found.Elsewhere)
	if found.Incomplete {
		if v, ok := e.mayBeLearned(); ok {
			return v.Because(evidence...)
		}
		if e.nat.CoversAny() {
			return audit.Failf("a Cloud NAT gateway serves the subnetwork but is inert: no default route to the internet gateway applies to the nodes").
				Noting("part of the internet is reached by " + nextHops(found.Elsewhere)).Because(evidence...).Because(e.nat.Evidence...)
		}
		if len(e.nat.Undecided) > 0 {
			return audit.Unknownf("part of the internet is reached by %s and part has no route that applies to the nodes, and whether Cloud NAT serves their range is undecided: %s",
				nextHops(found.Elsewhere), strings.Join(e.nat.Undecided, ", ")).Because(evidence...).Because(e.nat.Evidence...)
		}
	}
	v := audit.NotApplicablef("egress by %s, not by the default internet gateway", nextHops(found.Elsewhere))
	if len(e.nat.Nodes) > 0 {
		v = v.Noting("Cloud NAT gateway " + strings.Join(e.nat.Nodes, ", ") + " is not used")
	}
	if found.Incomplete {
		v = v.Noting("part of the internet has no static route")
	}
	return v.Because(evidence...)
}

// noRoute judges nodes that no static route leads to the internet.
func (e *egress) noRoute(found audit.InternetRoutes) audit.Verdict {
	evidence := whyNot(found.PassedOver)
	if evidence == nil {
		evidence = []audit.Evidence{audit.Absent(e.network.String(), "routes", "no static route to the internet")}
	}
	if v, ok := e.mayBeLearned(); ok {
		return v.Because(evidence...)
	}
	parts := ""
	if n := len(found.Parts); n > 0 {
		parts = count(uint64(n), "route", "routes") + " to the default internet gateway for parts of the internet: " + routeNames(found.Parts[:min(n, 3)])
		evidence = append(evidence, routeEvidence(found.Parts[:min(n, 10)])...)
		evidence = append(evidence, laterStatus(found.Parts)...)
	}
	switch {
	case wideRoutes(found.Parts):
		return audit.Unknownf("no default route applies to the nodes, but so many parts of the internet have one that whether they are air-gapped is not known").
			Noting(parts).Because(evidence...)
	case len(e.nat.Undecided) > 0:
		return audit.Unknownf("no default route applies to the nodes, and whether Cloud NAT serves their range is undecided: %s", strings.Join(e.nat.Undecided, ", ")).
			Because(e.nat.Evidence...).Because(evidence...)
	case e.nat.CoversAny():
		return audit.Failf("a Cloud NAT gateway serves the subnetwork but is inert: no default route to the internet gateway applies to the nodes").
			Noting(parts).Because(evidence...).Because(e.nat.Evidence...)
	}
	return audit.NotApplicablef("air-gapped: no route to the internet applies to the nodes, and no Cloud NAT gateway serves them").
		Noting(parts).Because(evidence...)
}

// wideRoutes reports whether routes reach more of the internet's addresses than a /8 has.
func wideRoutes(routes []*computepb.Route) bool {
	var set addressSet
	for _, r := range routes {
		set.add(r.GetDestRange())
	}
	return set.publicIPv4() > 1<<24
}

// mayBeLearned judges nodes without a full set of static routes where BGP may bring
// the others. It reports false where it cannot.
func (e *egress) mayBeLearned() (audit.Verdict, bool) {
	switch {
	case len(e.learned) > 0:
		v := audit.Unknownf("no static default route, and one may come by BGP, which the routes list does not show")
		for _, r := range e.learned {
			v = v.Because(audit.Evidence{Resource: r, Field: "bgpPeers", Value: "present"})
		}
		return v, true
	case e.learnedGap != nil:
		return audit.Hidden(e.learnedGap).Noting("without the routers it is not known whether a default route comes by BGP"), true
	}
	return audit.Verdict{}, false
}

func (e *egress) snatEvidence() []audit.Evidence {
	return []audit.Evidence{{Resource: e.cluster.ResourceName(), Field: "networkConfig.defaultSnatStatus.disabled", Value: "true"}}
}

func nextHops(routes []*computepb.Route) string {
	var names []string
	for _, r := range routes {
		name, _, _ := audit.NextHop(r)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func whyNot(routes []*computepb.Route) []audit.Evidence {
	var es []audit.Evidence
	for _, r := range routes {
		es = append(es, audit.WhyNot(r))
	}
	return es
}

// laterStatus returns the first status of a route that is not known here.
func laterStatus(routes []*computepb.Route) []audit.Evidence {
	i := slices.IndexFunc(routes, func(r *computepb.Route) bool { return audit.WhyNot(r).Field == "routeStatus" })
	if i < 0 {
		return nil
	}
	return []audit.Evidence{audit.WhyNot(routes[i])}
}

func routeEvidence(lists ...[]*computepb.Route) []audit.Evidence {
	var es []audit.Evidence
	for _, routes := range lists {
		for _, r := range routes {
			_, e, _ := audit.NextHop(r)
			es = append(es, e)
		}
	}
	return es
}

// A sourceVerdict is the verdict on the nodes of one source in a subnetwork.
type sourceVerdict struct {
	source  audit.NodeSource
	verdict audit.Verdict
}

// worst makes one verdict for a subnetwork from those on its node sources, which
// differ where node pools have different network tags or pod ranges: that of the
// sources that are worst off. Its message names them if others are better off, or
// off in another way. A pass says what does not apply, too.
func worst(verdicts []sourceVerdict) audit.Verdict {
	rank := map[audit.Status]int{audit.NotApplicable: 0, audit.Pass: 1, audit.Unknown: 2, audit.Fail: 3}
	top := slices.MaxFunc(verdicts, func(a, b sourceVerdict) int {
		return cmp.Compare(rank[a.verdict.Status], rank[b.verdict.Status])
	}).verdict.Status
	v := audit.Verdict{Status: top}
	sources := map[string][]string{} // by message
	var messages []string
	for _, sv := range verdicts {
		if sv.verdict.Status != top && top != audit.Pass {
			continue
		}
		if sources[sv.verdict.Message] == nil {
			messages = append(messages, sv.verdict.Message)
		}
		sources[sv.verdict.Message] = append(sources[sv.verdict.Message], sv.source.String())
		v = v.Because(sv.verdict.Evidence...)
		v.Unread = v.Unread || sv.verdict.Unread
	}
	v.Evidence = audit.Distinct(v.Evidence)
	if len(sources[messages[0]]) == len(verdicts) {
		v.Message = messages[0]
		return v
	}
	for i, m := range messages {
		messages[i] = strings.Join(sources[m], ", ") + ": " + m
	}
	v.Message = strings.Join(messages, "; ")
	return v
}
