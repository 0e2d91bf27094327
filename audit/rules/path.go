package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
)

// Paths returns what draws the network path of a cluster from an input, of which some kinds
// of data were asked for. It reports false of a cluster that is being created or deleted,
// whose configuration is not settled.
//
// Whether a way is open is what the rules say that judge it, be they applied or not, so that
// a picture cannot say anything else than the findings do. What a rule of the picture needs
// and was not asked for is not read, even where a snapshot holds it: nobody knows whether
// all of it is there.
func Paths(in *audit.Input, data []audit.Data) func(*audit.Cluster) (audit.NetworkPath, bool) {
	return func(c *audit.Cluster) (audit.NetworkPath, bool) {
		switch c.GetStatus() {
		case containerpb.Cluster_PROVISIONING, containerpb.Cluster_STOPPING:
			return audit.NetworkPath{}, false
		}
		p := &pathMaker{in: in, data: data, c: c}
		p.path.Clusters = []string{c.ResourceName()}
		p.nodes()
		p.controlPlane()
		return p.path, true
	}
}

// pathMaker makes the picture of one cluster.
type pathMaker struct {
	in   *audit.Input
	data []audit.Data
	c    *audit.Cluster
	path audit.NetworkPath
}

// asked reports whether all that a rule judges by was asked for.
func (p *pathMaker) asked(r *audit.Rule) bool {
	return !slices.ContainsFunc(r.Needs, func(d audit.Data) bool { return !slices.Contains(p.data, d) })
}

// node adds a node, unless there is one of its ID, and returns its ID.
func (p *pathMaker) node(n audit.PathNode) string {
	n.ID = cmp.Or(n.ID, string(n.Kind))
	if !slices.ContainsFunc(p.path.Nodes, func(o audit.PathNode) bool { return o.ID == n.ID }) {
		p.path.Nodes = append(p.path.Nodes, n)
	}
	return n.ID
}

// way adds one between nodes.
func (p *pathMaker) way(w audit.Way, from audit.PathNode, to audit.PathNode, via ...audit.PathNode) {
	w.From = p.node(from)
	for _, n := range via {
		w.Via = append(w.Via, p.node(n))
	}
	w.To = p.node(to)
	p.path.Ways = append(p.path.Ways, w)
}

// judged returns a way in a state that verdicts of rules have left it in. Its reason and
// evidence are those of the gravest of them.
func (p *pathMaker) judged(state audit.WayState, word string, verdicts ...pathVerdict) audit.Way {
	w := audit.Way{State: state, Word: word}
	top := gravest(verdicts)
	var reasons []string
	for _, v := range verdicts {
		w.Rules = append(w.Rules, v.rule.ID)
		if v.Status == top {
			w.Evidence = append(w.Evidence, v.Evidence...)
			said, _, _ := strings.Cut(v.Message, ";")
			if !slices.ContainsFunc(reasons, func(r string) bool { return strings.HasPrefix(r, said) }) {
				reasons = append(reasons, v.Message)
			}
		}
	}
	if top == audit.Unknown {
		w.Permissions = p.missing(w.Evidence)
	}
	w.Reason, w.Evidence = strings.Join(reasons, "; "), p.evidence(w.Evidence)
	return w
}

// A pathVerdict is a rule's verdict that a way has its state by.
type pathVerdict struct {
	rule *audit.Rule
	audit.Verdict
}

func gravest(verdicts []pathVerdict) audit.Status {
	rank := [4]int{audit.NotApplicable: 0, audit.Pass: 1, audit.Unknown: 2, audit.Fail: 3}
	top := audit.NotApplicable
	for _, v := range verdicts {
		if rank[v.Status] > rank[top] {
			top = v.Status
		}
	}
	return top
}

// evidence leaves out the name of the cluster, so that clusters can have evidence in
// common, and what is too much to look at.
func (p *pathMaker) evidence(all []audit.Evidence) []audit.Evidence {
	const most = 8
	all = audit.Distinct(slices.Clone(all))
	all = all[:min(len(all), most)]
	for i := range all {
		if all[i].Resource == p.c.ResourceName() {
			all[i].Resource = ""
		}
	}
	return all
}

// gaps returns the permissions that are missing by what could not be read and the operation
// that was to read it.
func (p *pathMaker) gaps() map[[2]string]string {
	type key struct{}
	return audit.Memo(p.in.Snapshot, key{}, func() map[[2]string]string {
		permissions := map[[2]string]string{}
		for _, g := range p.in.Gaps {
			permissions[[2]string{g.Resource, g.Operation}] = g.Permission
		}
		return permissions
	})
}

// missing returns the permissions whose lack keeps the gaps open that are in evidence.
func (p *pathMaker) missing(evidence []audit.Evidence) []string {
	var all []string
	for _, e := range evidence {
		if permission := p.gaps()[[2]string{e.Resource, e.Field}]; permission != "" {
			all = append(all, permission)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// unread reports whether there is evidence of something that could not be read.
func (p *pathMaker) unread(evidence []audit.Evidence) bool {
	return slices.ContainsFunc(evidence, func(e audit.Evidence) bool {
		_, ok := p.gaps()[[2]string{e.Resource, e.Field}]
		return ok || strings.HasSuffix(e.Value, " ("+audit.ReasonNotRead+")")
	})
}

// A lane is one or more subnetworks of the same kind, the nodes in them and their ways out.
type lane struct {
	subnetwork                  audit.PathNode
	public, private, future     *audit.PathNode
	exposure, egress, google    audit.Way
	egressBy, googleBy          []audit.PathNode // besides the subnetwork
	publicNodes, privateSources []audit.NodeSource
}

// nodes adds the nodes of the cluster and their ways.
func (p *pathMaker) nodes() {
	sources := p.c.NodeSources()
	if len(sources) == 0 {
		v := audit.NoNodes(p.c)
		if v.Status != audit.Unknown {
			p.node(audit.PathNode{Kind: audit.NoNodePools})
			return
		}
		var verdicts []pathVerdict
		for _, r := range []*audit.Rule{privateNodes, cloudNAT, privateGoogleAccess, privateGoogleAccessRoute} {
			verdicts = append(verdicts, pathVerdict{r, v})
		}
		p.way(p.judged(audit.WayUnknown, "the node pools are not in the answer", verdicts...),
			audit.PathNode{Kind: audit.Internet}, audit.PathNode{Kind: audit.UnknownNodes})
		return
	}
	lanes := p.lanes(sources)
	for i, l := range p.together(lanes) {
		id := func(n audit.PathNode) audit.PathNode {
			n.ID = string(n.Kind) + "-" + strconv.Itoa(i+1)
			return n
		}
		ids := func(first audit.PathNode, others []audit.PathNode) []audit.PathNode {
			all := []audit.PathNode{id(first)}
			for _, n := range others {
				all = append(all, id(n))
			}
			return all
		}
		internet, google := audit.PathNode{Kind: audit.Internet}, audit.PathNode{Kind: audit.GoogleAPIs}
		if l.public != nil {
			p.way(l.exposure, internet, id(*l.public), id(audit.PathNode{Kind: audit.ExternalIPs}), id(l.subnetwork))
		}
		if l.private != nil {
			to := internet
			if n := len(l.egressBy); n > 0 && l.egressBy[n-1].Kind == audit.OtherNextHop {
				to, l.egressBy = id(l.egressBy[n-1]), l.egressBy[:n-1] // what is behind is not known
			}
			p.way(l.egress, id(*l.private), to, ids(l.subnetwork, l.egressBy)...)
			p.way(l.google, id(*l.private), google, ids(l.subnetwork, l.googleBy)...)
		}
		if l.future != nil {
			p.way(l.google, id(*l.future), google, id(l.subnetwork))
		}
	}
}

// lanes returns one for each subnetwork of nodes, and for nodes without one.
func (p *pathMaker) lanes(sources []audit.NodeSource) []*lane {
	type place struct {
		name  audit.SubnetworkName
		named bool
	}
	var order []place
	in := map[place]*lane{}
	at := func(pl place) *lane {
		if in[pl] == nil {
			order = append(order, pl)
			in[pl] = &lane{subnetwork: p.subnetwork(pl.name, pl.named)}
		}
		return in[pl]
	}
	for _, n := range sources {
		name, named := n.Subnetwork()
		l := at(place{name, named})
		if n.Privacy().Private {
			l.privateSources = append(l.privateSources, n)
		} else {
			l.publicNodes = append(l.publicNodes, n)
		}
	}
	googleAccess := map[string]audit.Verdict{}
	if p.asked(privateGoogleAccess) {
		googleAccess = byResource(privateGoogleAccess.Check(p.in, p.c))
	}
	var nat, routed map[string]audit.Verdict
	if p.asked(cloudNAT) {
		nat, routed = byResource(cloudNAT.Check(p.in, p.c)), byResource(privateGoogleAccessRoute.Check(p.in, p.c))
	}
	var lanes []*lane
	for _, pl := range order {
		l := in[pl]
		if l.publicNodes != nil {
			p.public(l)
		}
		resource := ""
		if pl.named {
			resource = pl.name.String()
		}
		if l.privateSources != nil {
			l.private = pools(audit.PrivateNodes, l.privateSources)
			f := p.facts(pl.name, pl.named, l.privateSources)
			p.egress(l, f, verdictOn(nat, resource))
			p.google(l, f, verdictOn(googleAccess, resource), verdictOn(routed, resource))
		} else if v := verdictOn(googleAccess, resource); v != nil {
			p.future(l, *v)
		}
		delete(googleAccess, resource)
		lanes = append(lanes, l)
	}
	for resource, v := range googleAccess { // together sorts them
		name, named := audit.ParseSubnetwork(resource)
		l := &lane{subnetwork: p.subnetwork(name, named)}
		if p.future(l, v); l.future != nil {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// future adds the way of node pools to come, where a verdict on an additional subnetwork
// says that there may be some.
func (p *pathMaker) future(l *lane, v audit.Verdict) {
	if v.Status != audit.NotApplicable {
		l.future = &audit.PathNode{Kind: audit.FutureNodes}
		p.google(l, pathFacts{}, &v, nil)
	}
}

func byResource(verdicts []audit.Verdict) map[string]audit.Verdict {
	all := map[string]audit.Verdict{}
	for _, v := range verdicts {
		all[v.Resource] = v
	}
	return all
}

// verdictOn returns that on a resource; nil if the rule was not asked.
func verdictOn(verdicts map[string]audit.Verdict, resource string) *audit.Verdict {
	if v, ok := verdicts[resource]; ok {
		return &v
	}
	return nil
}

// together makes one lane of those that differ in names and numbers alone.
func (p *pathMaker) together(lanes []*lane) []*lane {
	var order []string
	groups := map[string][]*lane{}
	for _, l := range lanes {
		key := l.key()
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], l)
	}
	slices.Sort(order)
	var all []*lane
	for _, key := range order {
		group := groups[key]
		slices.SortFunc(group, func(a, b *lane) int {
			return cmp.Or(strings.Compare(a.subnetwork.Name, b.subnetwork.Name), strings.Compare(a.subnetwork.Place, b.subnetwork.Place))
		})
		first := group[0]
		for _, l := range group[1:] {
			first.add(l)
		}
		for _, w := range []*audit.Way{&first.exposure, &first.egress, &first.google} {
			w.Evidence = p.evidence(w.Evidence)
		}
		all = append(all, first)
	}
	return all
}

// key tells what lanes have to have in common to be drawn as one.
func (l *lane) key() string {
	var b strings.Builder
	node := func(n *audit.PathNode) {
		if n != nil {
			b.WriteString(string(n.Kind) + "|" + strings.Join(n.Notes, "|") + "|" + strconv.FormatBool(n.Absent) + "|")
		}
		b.WriteString("\n")
	}
	for _, n := range []*audit.PathNode{&l.subnetwork, l.public, l.private, l.future} {
		node(n)
	}
	for _, w := range []audit.Way{l.exposure, l.egress, l.google} {
		b.WriteString(string(w.State) + "|" + w.Word + "|" + strings.Join(w.Permissions, "|") + "\n")
	}
	for _, by := range [][]audit.PathNode{l.egressBy, l.googleBy} {
		for i := range by {
			node(&by[i])
		}
	}
	return b.String()
}

// add adds another lane of the same key.
func (l *lane) add(o *lane) {
	both := func(a, b, between string) string {
		if a == "" || b == "" || slices.Contains(strings.Split(a, between), b) {
			return cmp.Or(a, b)
		}
		return a + between + b
	}
	node := func(a, b *audit.PathNode) {
		if a != nil {
			a.Name, a.Place = both(a.Name, b.Name, ", "), both(a.Place, b.Place, "; ")
			if a.Count != nil {
				a.Count = &audit.Range{Least: a.Count.Least + b.Count.Least, Most: a.Count.Most + b.Count.Most}
			}
		}
	}
	node(&l.subnetwork, &o.subnetwork)
	node(l.public, o.public)
	node(l.private, o.private)
	for i := range l.egressBy {
		node(&l.egressBy[i], &o.egressBy[i])
	}
	for i := range l.googleBy {
		node(&l.googleBy[i], &o.googleBy[i])
	}
	way := func(a *audit.Way, b audit.Way) {
		a.Reason = both(a.Reason, b.Reason, " / ")
		a.Evidence = append(a.Evidence, b.Evidence...)
	}
	way(&l.exposure, o.exposure)
	way(&l.egress, o.egress)
	way(&l.google, o.google)
}

// subnetwork returns the node of a subnetwork.
func (p *pathMaker) subnetwork(name audit.SubnetworkName, named bool) audit.PathNode {
	n := audit.PathNode{Kind: audit.PathSubnet, Count: &audit.Range{Least: 1, Most: 1}}
	if !named {
		n.Notes = []string{"not named"}
		return n
	}
	n.Name, n.Place = name.ID, name.Project+", "+name.Region
	if name.Project != p.c.Project {
		n.Notes = append(n.Notes, "of a host project")
	}
	access := "not read"
	if p.asked(privateGoogleAccess) {
		access = map[audit.Status]string{audit.Pass: "on", audit.Fail: "off", audit.NotApplicable: "not for nodes", audit.Unknown: "unknown"}[judgeGoogleAccess(p.in, p.c, audit.NodeSubnetwork{Name: name}).Status]
	}
	n.Notes = append(n.Notes, "Private Google Access: "+access)
	return n
}

// pools returns the node of node sources.
func pools(kind audit.PathKind, sources []audit.NodeSource) *audit.PathNode {
	n := &audit.PathNode{Kind: kind}
	var names []string
	for _, s := range sources {
		switch {
		case s.Pool != nil:
			names = append(names, s.Pool.GetName())
		case s.Cluster.Autopilot():
			n.Notes = append(n.Notes, "Autopilot")
		default:
			n.Notes = append(n.Notes, "auto-provisioned, too")
		}
	}
	n.Name = strings.Join(names, ", ")
	n.Count = &audit.Range{Least: uint64(len(names)), Most: uint64(len(names))}
	return n
}

// public adds the way to nodes with external addresses.
func (p *pathMaker) public(l *lane) {
	l.public = pools(audit.PublicNodes, l.publicNodes)
	verdicts := byResource(privateNodes.Check(p.in, p.c))
	var all []audit.Evidence
	reason := ""
	for _, n := range l.publicNodes {
		v := verdicts[n.ResourceName()]
		reason = v.Message
		all = append(all, v.Evidence...)
	}
	v := audit.Verdict{Status: audit.Fail, Message: reason, Evidence: all}
	l.exposure = p.judged(audit.WayExposing, "nodes have external addresses", pathVerdict{privateNodes, v})
}

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
	if ipOff {
		endpoint.Absent = true
		p.way(p.judged(audit.WayBlocked, "IP endpoints are off", pathVerdict{list.rule, off}, pathVerdict{global.rule, off}), from, to, endpoint)
		return
	}
	state, word := audit.WayAllowed, "whoever can route to it"
	switch {
	case list.Status == audit.Fail && global.Status == audit.Fail:
		state, word = audit.WayExposing, "whoever can route to it from any region, authorized or not"
	case list.Status == audit.Fail:
		state, word = audit.WayExposing, "whoever can route to it, authorized or not"
	case global.Status == audit.Fail:
		state, word = audit.WayExposing, "whoever can route to it from any region"
	case list.Status == audit.Unknown:
		state, word = audit.WayUnknown, "whether the authorized networks hold is not said"
	case global.Status == audit.Unknown:
		state, word = audit.WayUnknown, "from which regions is not shown"
	case list.Status == audit.Pass:
		word = "authorized networks only"
	case global.Status == audit.NotApplicable:
		state, word, endpoint.Absent = audit.WayBlocked, "no private endpoint is named", true
	}
	p.way(p.judged(state, word, list, global), from, to, endpoint)
}
