package rules

import (
	"gkeaudit/audit"
)

// controlPlane adds the endpoints of the control plane and who reaches them.
func (p *pathMaker) controlPlane() {
	to := audit.PathNode{Kind: audit.ControlPlane}
	if p.c.GetPrivateClusterConfig().GetPeeringName() != "" {
		to.Notes = []string{"on VPC peering"}
	}
	off, ipOff := ipEndpointsOff(p.c)
	p.publicWays(to, off, ipOff)
	p.dnsWay(to)
	p.privateWay(to, off, ipOff)
}

// publicWays adds those to the public endpoint.
func (p *pathMaker) publicWays(to audit.PathNode, off audit.Verdict, ipOff bool) {
	internet, endpoint := audit.PathNode{Kind: audit.Internet}, audit.PathNode{Kind: audit.PublicEndpoint}
	open := pathVerdict{authorizedNetworks, judgeControlPlane(p.c)}
	public, evidence := publicEndpoint(p.c)
	if ipOff || !public {
		endpoint.Absent = true
		open.Verdict = audit.NotApplicablef("the control plane has no public endpoint").Because(evidence...)
		word := "no public endpoint"
		if ipOff {
			open.Verdict, word = off, "IP endpoints are off"
		}
		p.way(p.judged(audit.WayBlocked, word, open), internet, to, endpoint)
		return
	}
	p.cloudWay(to, endpoint)
	networks, _ := authorizedNetworksOf(p.c)
	broad := pathVerdict{authorizedNetworksBreadth, authorizedNetworksBreadth.Check(p.in, p.c)[0]}
	var admitted addressSet
	counted := networks.GetEnabled()
	for _, b := range networks.GetCidrBlocks() {
		counted = admitted.add(b.GetCidrBlock()) && counted
	}
	state, word := audit.WayAllowed, "authorized networks only"
	switch top := gravest([]pathVerdict{open, broad}); {
	case !networks.GetEnabled():
		state, word = audit.WayExposing, "anyone on the internet"
	case open.Status == audit.Fail:
		state, word = audit.WayExposing, "authorized networks that are as good as open"
	case top == audit.Fail:
		state, word = audit.WayExposing, "authorized networks, and more of them than is laid down"
	case top == audit.Unknown:
		state, word = audit.WayUnknown, "authorized networks that cannot be judged"
	case admitted.publicIPv4() == 0 && len(admitted.v6) == 0:
		state, word = audit.WayBlocked, "the authorized networks admit no public address"
	}
	w := p.judged(state, word, open, broad)
	if counted {
		n := admitted.publicIPv4()
		w.Addresses = &audit.Range{Least: n, Most: n}
	}
	p.way(w, internet, to, endpoint)
}

// cloudWay adds that of Google Cloud's addresses to the public endpoint, where authorized
// networks keep others from it.
func (p *pathMaker) cloudWay(to, endpoint audit.PathNode) {
	v := pathVerdict{authorizedNetworksGoogleCloud, authorizedNetworksGoogleCloud.Check(p.in, p.c)[0]}
	state, word := audit.WayBlocked, "Google Cloud's addresses are not admitted"
	switch v.Status {
	case audit.NotApplicable:
		return
	case audit.Fail:
		state, word = audit.WayExposing, "other customers' machines, too"
	case audit.Unknown:
		state, word = audit.WayUnknown, "assumed to be admitted"
	}
	p.way(p.judged(state, word, v), audit.PathNode{Kind: audit.GoogleCloud}, to, endpoint)
}

// dnsWay adds that by the DNS endpoint, which authorized networks do not filter.
func (p *pathMaker) dnsWay(to audit.PathNode) {
	endpoint := audit.PathNode{Kind: audit.DNSEndpoint}
	v := pathVerdict{controlPlaneDNSEndpointCredentials, controlPlaneDNSEndpointCredentials.Check(p.in, p.c)[0]}
	_, because := dnsEndpointAdmits(p.c)
	state, word := audit.WayAllowed, "whoever IAM lets in"
	switch {
	case v.Status == audit.Fail:
		state, word = audit.WayExposing, "whoever IAM lets in, and Kubernetes credentials"
	case openDNSEndpoint(p.c) != "":
		v.Verdict = v.Because(because)
	case because.Field == dnsEndpointField:
		state, word, endpoint.Absent = audit.WayBlocked, "no DNS endpoint", true
	default:
		state, word = audit.WayBlocked, "services of Google only"
	}
	p.way(p.judged(state, word, v), audit.PathNode{Kind: audit.Internet}, to, endpoint)
}

// privateWay adds that by the private endpoint.
func (p *pathMaker) privateWay(to audit.PathNode, off audit.Verdict, ipOff bool) {
	endpoint, from := audit.PathNode{Kind: audit.PrivateEndpoint}, audit.PathNode{Kind: audit.VPCNetwork}
	if network, ok := p.c.Network(); ok {
		from.Name, from.Place = network.ID, network.Project
		if network.Project != p.c.Project {
			from.Notes = []string{"of a host project"}
		}
	}
	list := pathVerdict{authorizedNetworksPrivateEndpoint, authorizedNetworksPrivateEndpoint.Check(p.in, p.c)[0]}
	global := pathVerdict{controlPlaneGlobalAccess, controlPlaneGlobalAccess.Check(p.in, p.c)[0]}
	verdicts := []pathVerdict{list}
	counts := p.counts(global.rule)
	if counts {
		verdicts = append(verdicts, global)
	}
	if ipOff {
		endpoint.Absent = true
		for i := range verdicts {
			verdicts[i].Verdict = off
		}
		p.way(p.judged(audit.WayBlocked, "IP endpoints are off", verdicts...), from, to, endpoint)
		return
	}
	regions := ""
	if global.Status == audit.Fail {
		regions = " from any region"
	}
	none, unnamed := noPrivateEndpoint(p.c)
	state, word := audit.WayAllowed, "whoever can route to it"+regions
	switch {
	case list.Status == audit.Fail:
		state, word = audit.WayExposing, word+", authorized or not"
	case counts && global.Status == audit.Fail:
		state = audit.WayExposing
	case list.Status == audit.Unknown:
		state, word = audit.WayUnknown, "whether the authorized networks hold is not said"
	case counts && global.Status == audit.Unknown:
		state, word = audit.WayUnknown, "from which regions is not shown"
	case list.Status == audit.Pass:
		word = "authorized networks only" + regions
	case unnamed && none.Status == audit.NotApplicable:
		state, word, endpoint.Absent = audit.WayBlocked, "no private endpoint is named", true
		verdicts[0].Verdict = none
	}
	p.way(p.judged(state, word, verdicts...), from, to, endpoint)
}
