package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

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
