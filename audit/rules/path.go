package rules

import (
	"cmp"
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// Paths returns what draws the network path of a cluster from an input, to which some rules
// are applied. It reports false of a cluster that is being created or deleted, whose
// configuration is not settled.
//
// Whether a way is open is what the rules say that judge it, be they applied or not, so that
// a picture cannot say anything else than the findings do; only optional ones have no say
// where they are not applied. What it takes to judge a way and no applied rule asks for is
// not read, even where a snapshot holds it: nobody knows whether all of it is there.
func Paths(in *audit.Input, applied []*audit.Rule) func(*audit.Cluster) (audit.NetworkPath, bool) {
	data := audit.DataOf(applied)
	return func(c *audit.Cluster) (audit.NetworkPath, bool) {
		switch c.GetStatus() {
		case containerpb.Cluster_PROVISIONING, containerpb.Cluster_STOPPING:
			return audit.NetworkPath{}, false
		}
		p := &pathMaker{in: in, applied: applied, data: data, c: c}
		p.path.Clusters = []string{c.ResourceName()}
		p.nodes()
		p.controlPlane()
		return p.path, true
	}
}

// pathMaker makes the picture of one cluster.
type pathMaker struct {
	in      *audit.Input
	applied []*audit.Rule
	data    []audit.Data // that they ask for
	c       *audit.Cluster
	path    audit.NetworkPath
}

// counts reports whether a rule has a say. An applied one may be a copy of another severity.
func (p *pathMaker) counts(r *audit.Rule) bool {
	return r.Optional == "" || slices.ContainsFunc(p.applied, func(a *audit.Rule) bool { return a.ID == r.ID })
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
