package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

//go:embed path.html.tmpl
var pathTemplate string

//go:embed path.css
var pathStyle string

// checkPaths checks what drawing and merging pictures rely on.
func (r *Report) checkPaths() error {
	clusters, drawn := map[string]bool{}, map[string]bool{}
	for _, c := range r.Clusters {
		clusters[c.Name] = true
	}
	var again audit.NetworkPaths
	for i, p := range r.NetworkPaths {
		if len(p.Clusters) == 0 || i > 0 && p.Clusters[0] <= r.NetworkPaths[i-1].Clusters[0] {
			return fmt.Errorf("networkPaths[%d] has no cluster, or is out of order: pictures are sorted by their first clusters", i)
		}
		for k, name := range p.Clusters {
			if !clusters[name] || drawn[name] || k > 0 && p.Clusters[k-1] >= name {
				return fmt.Errorf("networkPaths[%d]: cluster %q is not in the report, is drawn twice or is out of order", i, name)
			}
			drawn[name] = true
		}
		if err := checkPath(p); err != nil {
			return fmt.Errorf("networkPaths[%d]: %w", i, err)
		}
		again.Add(p)
	}
	if len(again.All()) != len(r.NetworkPaths) {
		return fmt.Errorf("networkPaths has two pictures that say the same")
	}
	return nil
}

func checkPath(p audit.NetworkPath) error {
	ids := map[string]bool{}
	counted := func(r *audit.Range) bool { return r == nil || r.Least <= r.Most }
	for i, n := range p.Nodes {
		if n.ID == "" || ids[n.ID] || !slices.Contains(audit.PathKinds, n.Kind) || !counted(n.Count) {
			return fmt.Errorf("nodes[%d] has no ID or one that is there twice, or no known kind, or a count that is none", i)
		}
		ids[n.ID] = true
	}
	for i, w := range p.Ways {
		if !slices.Contains(audit.WayStates, w.State) {
			return fmt.Errorf("ways[%d]: there is no state %q", i, w.State)
		}
		if w.Word == "" || !counted(w.Addresses) {
			return fmt.Errorf("ways[%d] does not say why, or admits a number of addresses that is none", i)
		}
		for _, id := range slices.Concat([]string{w.From}, w.Via, []string{w.To}) {
			if !ids[id] {
				return fmt.Errorf("ways[%d]: there is no node %q", i, id)
			}
		}
	}
	return nil
}

// pathLabels are what kinds of nodes are called, in the middle of a sentence.
var pathLabels = map[audit.PathKind]string{
	audit.Internet:        "the internet",
	audit.GoogleCloud:     "Google Cloud",
	audit.GoogleAPIs:      "Google APIs",
	audit.VPCNetwork:      "the VPC network and what is connected",
	audit.ExternalIPs:     "external addresses",
	audit.CloudNAT:        "Cloud NAT",
	audit.OtherNextHop:    "another next hop",
	audit.PublicEndpoint:  "public endpoint",
	audit.DNSEndpoint:     "DNS endpoint",
	audit.PrivateEndpoint: "private endpoint",
	audit.DefaultRoute:    "default route",
	audit.GoogleRoute:     "route to Google APIs",
	audit.PathSubnet:      "subnetwork",
	audit.PublicNodes:     "public nodes",
	audit.PrivateNodes:    "private nodes",
	audit.FutureNodes:     "nodes to come",
	audit.UnknownNodes:    "nodes",
	audit.NoNodePools:     "no node pools",
	audit.ControlPlane:    "the control plane",
}

// pathTitle is what a node is called in its box.
func pathTitle(n audit.PathNode) string {
	label := pathLabels[n.Kind]
	switch {
	case n.Absent:
		return "No " + label
	case n.Kind == audit.VPCNetwork:
		return "VPC network"
	case n.Kind == audit.OtherNextHop:
		return "Other next hop"
	}
	label = strings.TrimPrefix(label, "the ")
	return strings.ToUpper(label[:1]) + label[1:]
}

// between writes a range with its noun.
func between(r *audit.Range, one, many string) string {
	if r.Least == r.Most {
		if r.Most == 1 {
			return "1 " + one
		}
		return thousands(r.Most) + " " + many
	}
	return thousands(r.Least) + " to " + thousands(r.Most) + " " + many
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// numbers says how many a node stands for; empty where that goes without saying.
func numbers(n audit.PathNode) string {
	switch {
	case n.Count == nil || n.Count.Most == 0:
		return ""
	case n.Kind != audit.PathSubnet:
		return between(n.Count, "node pool", "node pools")
	case n.Count.Most > 1:
		return between(n.Count, "subnetwork", "subnetworks")
	}
	return ""
}

// wayNotes are what belongs to the word of a way.
func wayNotes(w audit.Way) []string {
	var notes []string
	if w.Addresses != nil {
		notes = append(notes, between(w.Addresses, "public IPv4 address", "public IPv4 addresses"))
	}
	for _, permission := range w.Permissions {
		notes = append(notes, "missing "+permission)
	}
	return notes
}

// stateWord is the state of a way in words.
func stateWord(s audit.WayState) string { return strings.ReplaceAll(string(s), "-", " ") }

// A phrase is a part of a sentence; a name comes from the cloud and may run from right to
// left.
type phrase struct {
	Text string
	Name bool
}

// sentence says in words where a way leads: "from private nodes (2 node pools; a, b) to the
// internet, through subnetwork (apps), Cloud NAT (router/nat)".
func sentence(p audit.NetworkPath, w audit.Way) []phrase {
	nodes := map[string]audit.PathNode{}
	for _, n := range p.Nodes {
		nodes[n.ID] = n
	}
	var all []phrase
	text := func(s string) {
		if last := len(all) - 1; last >= 0 && !all[last].Name {
			all[last].Text += s
			return
		}
		all = append(all, phrase{Text: s})
	}
	name := func(s string) { all = append(all, phrase{clean(s), true}) }
	node := func(id string) {
		n := nodes[id]
		text(pathLabels[n.Kind])
		before := " ("
		part := func(s string, named bool) {
			if s == "" {
				return
			}
			text(before)
			before = "; "
			if named {
				name(s)
			} else {
				text(s)
			}
		}
		if n.Absent {
			part("there is none", false)
		}
		part(numbers(n), false)
		part(n.Name, true)
		part(n.Place, true)
		for _, note := range n.Notes {
			part(clean(note), false)
		}
		if before != " (" {
			text(")")
		}
	}
	text("from ")
	node(w.From)
	text(" to ")
	node(w.To)
	for i, id := range w.Via {
		text(map[bool]string{true: ", through ", false: ", "}[i == 0])
		node(id)
	}
	return all
}

// because says why a way has its state.
func because(w audit.Way) string {
	return strings.Join(append([]string{w.Word}, wayNotes(w)...), "; ")
}

// networkPaths writes the pictures as tables of their ways.
func (m *markdown) networkPaths() {
	if len(m.NetworkPaths) == 0 {
		return
	}
	m.within(section(2, "", "Network paths", m.pathCounts()+".\n\n"), func() {
		for _, p := range m.worstPaths() {
			m.passage(pathRows, counted{ofPaths, 1}, func(w *markdownWriter) { w.networkPath(p) })
		}
	})
}

func (m *markdownWriter) networkPath(p audit.NetworkPath) {
	if len(p.Clusters) == 1 {
		m.line("**Cluster** %s", m.code(p.Clusters[0]))
		m.line("")
	} else {
		m.fold(count(len(p.Clusters), "cluster", "clusters")+" of the same shape", func() {
			for _, name := range p.Clusters {
				m.line("- %s", m.code(name))
			}
			m.line("")
		})
	}
	m.line("| State | Way | Why |")
	m.line("|---|---|---|")
	for _, w := range p.Ways {
		way := ""
		for _, part := range sentence(p, w) {
			way += part.Text
		}
		state := stateWord(w.State)
		if w.State == audit.WayExposing || w.State == audit.WayUnknown {
			state = "**" + strings.ToUpper(state) + "**"
		}
		m.line("| %s | %s | %s |", state, m.text(way), m.text(because(w)))
	}
	m.line("")
}

// worstPaths returns the pictures with most that is exposing to the internet first, then to
// their own network, then with most that is unknown, then of most clusters.
func (r *Report) worstPaths() []audit.NetworkPath {
	paths := slices.Clone(r.NetworkPaths)
	slices.SortStableFunc(paths, func(a, b audit.NetworkPath) int {
		outA, inA, unknownA := openWays(a)
		outB, inB, unknownB := openWays(b)
		return cmp.Or(cmp.Compare(outB, outA), cmp.Compare(inB, inA), cmp.Compare(unknownB, unknownA), cmp.Compare(len(b.Clusters), len(a.Clusters)))
	})
	return paths
}

// openWays counts the ways that are exposing to or from the outside, those that are exposing
// to the cluster's own network alone, and those that are unknown.
func openWays(p audit.NetworkPath) (outside, inside, unknown int) {
	own := map[string]bool{}
	for _, n := range p.Nodes {
		own[n.ID] = n.Kind == audit.VPCNetwork
	}
	for _, w := range p.Ways {
		switch {
		case w.State == audit.WayUnknown:
			unknown++
		case w.State == audit.WayExposing && own[w.From]:
			inside++
		case w.State == audit.WayExposing:
			outside++
		}
	}
	return outside, inside, unknown
}

// pathCounts says how many pictures there are of how many clusters, each of which is counted
// for the worst of its ways.
func (r *Report) pathCounts() string {
	clusters, exposed, within, doubtful := 0, 0, 0, 0
	for _, p := range r.NetworkPaths {
		n := len(p.Clusters)
		clusters += n
		switch outside, inside, unknown := openWays(p); {
		case outside > 0:
			exposed += n
		case inside > 0:
			within += n
		case unknown > 0:
			doubtful += n
		}
	}
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{exposed, "cluster has a way to or from the internet that is exposing", "clusters have a way to or from the internet that is exposing"},
		{within, "cluster has one from its own network", "clusters have one from their own network"},
		{doubtful, "cluster has one that is unknown", "clusters have one that is unknown"},
		{len(r.Clusters) - clusters, "cluster has no picture", "clusters have no picture"},
	} {
		if c.n > 0 {
			parts = append(parts, count(c.n, c.one, c.many))
		}
	}
	switch {
	case exposed+within+doubtful == 0 && slices.ContainsFunc(r.NetworkPaths, hasNotRead):
		parts = slices.Insert(parts, 0, "no way that rules asked for is exposing or unknown, and others were not read")
	case exposed+within+doubtful == 0:
		parts = slices.Insert(parts, 0, "no way is exposing or unknown")
	case exposed == 0:
		parts = slices.Insert(parts, 0, "no cluster has a way to or from the internet that is exposing")
	}
	return count(len(r.NetworkPaths), "picture", "pictures") + " of " + count(clusters, "cluster", "clusters") + ": " + strings.Join(parts, "; ")
}

// hasNotRead reports whether a picture has a way that no rule asked for.
func hasNotRead(p audit.NetworkPath) bool {
	return slices.ContainsFunc(p.Ways, func(w audit.Way) bool { return w.State == audit.WayNotRead })
}

// A legendEntry says what a state means.
type legendEntry struct {
	State audit.WayState
	Text  string
}

// Word is the state in words.
func (e legendEntry) Word() string { return stateWord(e.State) }

var pathLegend = []legendEntry{
	{audit.WayAllowed, "open, as it may be"},
	{audit.WayExposing, "open wider than a rule allows"},
	{audit.WayBlocked, "closed, or missing something"},
	{audit.WayUnknown, "could not be read or judged"},
	{audit.WayNotRead, "no rule asked for it"},
}

// mostPictures is how many pictures a page draws. Of those beyond it has the words.
const mostPictures = 50

// A picture is a network path as a page shows it.
type picture struct {
	audit.NetworkPath
	Anchor  string
	Title   string
	Links   []clusterLink
	More    int // clusters that are not among the links
	Said    []said
	Drawing *drawing // nil beyond the most that are drawn
}

type clusterLink struct{ Anchor, Name, Where string }

// said is a way in words.
type said struct {
	audit.Way
	Phrases []phrase
}

// Word is the state in words.
func (s said) Word() string { return stateWord(s.State) }

// Why says why it has that state.
func (s said) Why() string { return clean(because(s.Way)) }

// PathCounts is said above the pictures.
func (p *htmlPage) PathCounts() string { return p.pathCounts() }

// pictures are the network paths of the page's clusters, worst first, to which clusters
// lead from then on. Those of an index
// name some clusters and lead to none: they are on other pages.
func (p *htmlPage) pictures() []picture {
	clusters := map[string]Cluster{}
	for _, c := range p.Clusters {
		clusters[c.Name] = c
	}
	var all []picture
	for i, path := range p.worstPaths() {
		path.Clusters = slices.DeleteFunc(slices.Clone(path.Clusters), func(name string) bool { return clusters[name].Name == "" })
		if len(path.Clusters) == 0 {
			continue
		}
		pic := picture{NetworkPath: path, Anchor: pathAnchor(path)}
		pic.More = max(0, len(path.Clusters)-mostLinks)
		for i, name := range path.Clusters {
			p.paths[name] = pic.Anchor
			if i >= mostLinks {
				continue
			}
			c := clusters[name]
			link := clusterLink{anchor(name), shortCluster(c), whereIs(c)}
			if p.Projects != nil {
				link.Anchor = ""
			}
			pic.Links = append(pic.Links, link)
		}
		pic.Title = count(len(path.Clusters), "cluster", "clusters") + " of the same shape"
		if len(path.Clusters) == 1 {
			pic.Title = "Network path of cluster " + pic.Links[0].Name
		}
		for _, w := range path.Ways {
			pic.Said = append(pic.Said, said{w, sentence(path, w)})
		}
		if i < mostPictures {
			pic.Drawing = drawPath(path)
		}
		all = append(all, pic)
	}
	return all
}

// pathAnchor names a picture's place in the page, by the first of its clusters.
func pathAnchor(p audit.NetworkPath) string { return "p" + anchor(p.Clusters[0]) }

// mostLinks is how many clusters of a picture are named.
const mostLinks = 50
