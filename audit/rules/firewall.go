package rules

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
)

// A firewallRule is an ingress rule of a VPC network or of a firewall policy, as far as
// it is about some nodes.
type firewallRule struct {
	name     string // for messages
	evidence audit.Evidence
	priority int64
	action   string // allow, deny, goto_next or another
	traffic  []traffic
	sources  []netip.Prefix

	// unsure says that the rule may be about other nodes or addresses, too, or about
	// fewer: it has targets, sources or destinations that the API does not tell.
	unsure bool

	// later is a value of the rule that is not known here, which makes it unsure.
	later []audit.Evidence

	// anySource says that there may be more sources than the ranges.
	anySource bool

	// tags and accounts are the network tags and the service accounts of the nodes
	// that the rule is about; none are all.
	tags, accounts []string

	// byGKE says that GKE is taken to have made it for a Service.
	byGKE bool
}

// traffic is a protocol, in lower case and by name, and ports; "all" is every protocol.
type traffic struct {
	protocol string
	low, top int
}

// A firewallPolicy is a list of rules in the order that they are evaluated in.
type firewallPolicy []firewallRule

// A firewall is what is in force on some nodes, in the order of evaluation. What GKE
// and other services made for themselves is left out. Source: Evaluation order for
// firewall policies and rules, in the Cloud NGFW documentation.
type firewall struct {
	hierarchical []firewallPolicy // of the organization and folders, in the API's order
	system       []firewallPolicy
	vpc          firewallPolicy
	network      []firewallPolicy // global, then regional

	notCounted []firewallRule // that are left out, if they are for the internet
	unknown    string         // what has no known place
}

// orders returns the orders in which the policies may be evaluated: the API does not
// promise one for those of several folders, and the place of the VPC rules is the
// network's to choose, which may not be known.
func (f *firewall) orders(enforcement string) [][]firewallPolicy {
	var orders [][]firewallPolicy
	above := [][]firewallPolicy{f.hierarchical}
	if len(f.hierarchical) > 1 {
		reversed := slices.Clone(f.hierarchical)
		slices.Reverse(reversed)
		above = append(above, reversed)
	}
	for _, h := range above {
		first := slices.Concat(h, f.system)
		if enforcement != "BEFORE_CLASSIC_FIREWALL" {
			orders = append(orders, slices.Concat(first, []firewallPolicy{f.vpc}, f.network))
		}
		if enforcement != "AFTER_CLASSIC_FIREWALL" {
			orders = append(orders, slices.Concat(first, f.network, []firewallPolicy{f.vpc}))
		}
	}
	return orders
}

// firewallOf returns what is in force on a network, for all nodes.
func firewallOf(in *audit.Input, network audit.NetworkName, resource string, force *audit.EffectiveFirewalls) *firewall {
	f := &firewall{}
	for _, fw := range force.GetFirewalls() {
		if fw.GetDisabled() || fw.GetDirection() == "EGRESS" {
			continue
		}
		r := vpcRule(resource, fw)
		r.unlessKnown(fw.GetDirection(), resource, "firewalls["+fw.GetName()+"].direction", "INGRESS")
		if r.byGKE = madeByGKE(r, fw); !r.byGKE {
			f.vpc = append(f.vpc, r)
		} else if wide(r.sources) {
			f.notCounted = append(f.notCounted, r)
		}
	}
	slices.SortStableFunc(f.vpc, func(a, b firewallRule) int { // a denial comes before an allowance of its priority
		return cmp.Or(cmp.Compare(a.priority, b.priority), -strings.Compare(a.action, b.action))
	})
	policies := slices.Clone(force.GetFirewallPolicys())
	slices.SortStableFunc(policies, func(a, b *computepb.RegionNetworkFirewallPoliciesGetEffectiveFirewallsResponseEffectiveFirewallPolicy) int {
		return cmp.Compare(a.GetPriority(), b.GetPriority())
	})
	var regional []firewallPolicy
	for _, p := range policies {
		var policy firewallPolicy
		system := strings.HasPrefix(p.GetType(), "SYSTEM")
		for _, pr := range p.GetRules() {
			if pr.GetDisabled() || pr.GetDirection() == "EGRESS" {
				continue
			}
			switch r, applies := policyRule(in, network, resource, p.GetName(), pr); {
			case !applies:
			case system && (r.action == "allow" || r.unsure):
				if wide(r.sources) {
					f.notCounted = append(f.notCounted, r)
				}
			default:
				policy = append(policy, r)
			}
		}
		slices.SortStableFunc(policy, func(a, b firewallRule) int { return cmp.Compare(a.priority, b.priority) })
		switch {
		case policy == nil:
		case p.GetType() == "HIERARCHY":
			f.hierarchical = append(f.hierarchical, policy)
		case system:
			f.system = append(f.system, policy)
		case p.GetType() == "NETWORK":
			f.network = append(f.network, policy)
		case p.GetType() == "NETWORK_REGIONAL":
			regional = append(regional, policy)
		default:
			f.unknown = fmt.Sprintf("firewall policy %s is of unknown type %q", p.GetName(), p.GetType())
		}
	}
	f.network = append(f.network, regional...)
	return f
}

// on returns what of it is about the nodes of a source, and a key that is the same for
// all sources that it is the same for.
func (f *firewall) on(in *audit.Input, n audit.NodeSource) (own *firewall, key string) {
	number, _ := in.ProjectNumber(n.Cluster.Project) // empty where it is not known
	var applied []byte
	about := func(rules []firewallRule) []firewallRule {
		var left []firewallRule
		for i := range rules {
			switch applies, sure := rules[i].appliesTo(n, number); {
			case !applies:
				applied = append(applied, '-')
			case sure:
				applied = append(applied, '+')
				left = append(left, rules[i])
			default:
				applied = append(applied, '?')
				r := rules[i]
				r.unsure = true
				left = append(left, r)
			}
		}
		return left
	}
	all := func(policies []firewallPolicy) []firewallPolicy {
		var left []firewallPolicy
		for _, p := range policies {
			if p = about(p); p != nil {
				left = append(left, p)
			}
		}
		return left
	}
	own = &firewall{hierarchical: all(f.hierarchical), system: all(f.system), vpc: about(f.vpc), network: all(f.network),
		notCounted: about(f.notCounted), unknown: f.unknown}
	return own, string(applied)
}

// serviceRule is the form of the names of the firewall rules that GKE makes for Services
// of type LoadBalancer: k8s-fw- and the load balancer's name, which is made from the
// Service's UID, or k8s2-CLUSTER-NAMESPACE-SERVICE-HASH. Source: Automatically created
// firewall rules, in the GKE documentation.
var serviceRule = regexp.MustCompile(`^(?:k8s-fw-a[0-9a-f]{31}|k8s2-[0-9a-z]{8}-.+-[0-9a-z]{8}(?:-fw)?(?:-ipv6)?)$`)

// madeByGKE reports whether a rule looks like one that GKE made for a Service: it is
// named so, it allows named ports alone, and its targets are the tags that GKE gives to
// nodes. Anybody may make one that looks so.
func madeByGKE(r firewallRule, fw *computepb.Firewall) bool {
	return r.action == "allow" && serviceRule.MatchString(fw.GetName()) && len(r.tags) > 0 && len(r.accounts) == 0 &&
		!slices.ContainsFunc(r.tags, func(tag string) bool { _, ok := audit.GKENodeTag(tag); return !ok }) &&
		!slices.ContainsFunc(r.traffic, func(t traffic) bool {
			return t.protocol != "tcp" && t.protocol != "udp" || t.low == 0 && t.top == 65535
		})
}

func vpcRule(resource string, fw *computepb.Firewall) firewallRule {
	r := firewallRule{
		name:     "firewall rule " + fw.GetName(),
		priority: 1000,
		action:   "allow",
		evidence: audit.Evidence{Resource: resource, Field: "firewalls[" + fw.GetName() + "].sourceRanges", Value: someOf(fw.GetSourceRanges())},
	}
	if fw.Priority != nil {
		r.priority = int64(fw.GetPriority())
	}
	for _, a := range fw.GetAllowed() {
		r.about(a.GetIPProtocol(), a.GetPorts())
	}
	for _, d := range fw.GetDenied() {
		r.action = "deny"
		r.about(d.GetIPProtocol(), d.GetPorts())
	}
	ranges := fw.GetSourceRanges()
	if len(ranges) == 0 && len(fw.GetSourceTags()) == 0 && len(fw.GetSourceServiceAccounts()) == 0 {
		ranges = []string{"0.0.0.0/0"} // the default
	}
	r.from(ranges)
	r.to(fw.GetDestinationRanges())
	r.tags, r.accounts = fw.GetTargetTags(), fw.GetTargetServiceAccounts()
	return r
}

// policyRule reads a rule of a policy. It reports false for one that is about no nodes of
// the network.
func policyRule(in *audit.Input, network audit.NetworkName, resource, policy string, pr *computepb.FirewallPolicyRule) (firewallRule, bool) {
	m := pr.GetMatch()
	r := firewallRule{
		name:     fmt.Sprintf("rule %d of firewall policy %s", pr.GetPriority(), policy),
		priority: int64(pr.GetPriority()),
		action:   pr.GetAction(),
		evidence: audit.Evidence{Resource: resource, Field: fmt.Sprintf("firewallPolicys[%s].rules[%d].match.srcIpRanges", policy, pr.GetPriority()), Value: someOf(m.GetSrcIpRanges())},
	}
	for _, l := range m.GetLayer4Configs() {
		r.about(l.GetIpProtocol(), l.GetPorts())
	}
	r.from(m.GetSrcIpRanges())
	r.to(m.GetDestIpRanges())
	if len(m.GetDestAddressGroups())+len(m.GetDestFqdns())+len(m.GetDestRegionCodes())+len(m.GetDestThreatIntelligences()) > 0 ||
		m.GetDestNetworkContext() != "" && m.GetDestNetworkContext() != "UNSPECIFIED" || m.GetDestNetworkType() != "" && m.GetDestNetworkType() != "UNSPECIFIED" {
		r.unsure = true
	}
	other := len(m.GetSrcAddressGroups())+len(m.GetSrcFqdns())+len(m.GetSrcRegionCodes())+len(m.GetSrcThreatIntelligences()) > 0
	alone := !other && len(m.GetSrcIpRanges()) == 0 && len(m.GetSrcSecureTags()) == 0
	r.anySource = other || alone
	for _, kind := range []string{m.GetSrcNetworkContext(), m.GetSrcNetworkType()} {
		switch kind {
		case "", "UNSPECIFIED":
		case "INTERNET":
			if alone { // nothing else narrows it
				r.sources, r.anySource = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, false
			}
		case "NON_INTERNET", "INTRA_VPC", "VPC_NETWORKS": // none of it comes from the internet
			r.sources, r.anySource, alone = nil, false, false
		default:
			r.unsure = true
			r.later = append(r.later, audit.Evidence{Resource: resource, Field: fmt.Sprintf("firewallPolicys[%s].rules[%d].match", policy, pr.GetPriority()), Value: kind})
		}
	}
	field := fmt.Sprintf("firewallPolicys[%s].rules[%d].", policy, pr.GetPriority())
	r.unlessKnown(pr.GetDirection(), resource, field+"direction", "INGRESS")
	if pr.GetTargetType() == "INTERNAL_MANAGED_LB" {
		return r, false
	}
	r.unlessKnown(pr.GetTargetType(), resource, field+"targetType", "INSTANCES")
	if targets := pr.GetTargetResources(); len(targets) > 0 {
		applies, sure := amongTargets(in, targets, network)
		if !applies {
			return r, false
		}
		r.unsure = r.unsure || !sure
	}
	if tags := pr.GetTargetSecureTags(); len(tags) > 0 {
		r.unsure = true // which nodes have a tag is not told
		if !slices.ContainsFunc(tags, func(t *computepb.FirewallPolicyRuleSecureTag) bool { return t.GetState() != "INEFFECTIVE" }) {
			return r, false
		}
	}
	r.accounts = pr.GetTargetServiceAccounts()
	return r, true
}

// amongTargets reports whether a network is among target resources, or may be: a project may
// stand as its number there, which need not be known.
func amongTargets(in *audit.Input, targets []string, network audit.NetworkName) (applies, sure bool) {
	for _, link := range targets {
		name, ok := audit.ParseNetwork(link)
		switch {
		case !ok:
			applies = true
		case !name.Same(network):
		case name == network:
			return true, true
		default:
			id, number := name.Project, network.Project
			if strings.Trim(id, "0123456789") == "" {
				id, number = number, id
			}
			switch known, gap := in.ProjectNumber(id); {
			case gap != nil:
				applies = true
			case known == number:
				return true, true
			}
		}
	}
	return applies, false
}

// unlessKnown makes a rule unsure unless a field of it is absent or has the value that is
// known here.
func (r *firewallRule) unlessKnown(value, resource, field, known string) {
	if value != "" && value != known {
		r.unsure = true
		r.later = append(r.later, audit.Evidence{Resource: resource, Field: field, Value: value})
	}
}

// later returns the values of rules that are not known here.
func (f *firewall) later() []audit.Evidence {
	var all []audit.Evidence
	for _, policy := range slices.Concat(f.hierarchical, f.system, []firewallPolicy{f.vpc}, f.network) {
		for _, r := range policy {
			all = append(all, r.later...)
		}
	}
	return audit.Distinct(all)
}

func (r *firewallRule) from(ranges []string) {
	for _, text := range ranges {
		var set addressSet
		if !set.add(text) {
			r.anySource = true
		}
		r.sources = append(append(r.sources, set.v4...), set.v6...)
	}
}

// to looks at the destinations: nodes have addresses that are not looked up, so that a
// rule for some destinations only may be about them or not.
func (r *firewallRule) to(ranges []string) {
	if len(ranges) > 0 && !slices.Contains(ranges, "0.0.0.0/0") {
		r.unsure = true
	}
}

// appliesTo reports whether a rule is about nodes or may be, and whether that is sure. The
// number is that of their project; empty if it is not known.
func (r *firewallRule) appliesTo(n audit.NodeSource, number string) (applies, sure bool) {
	tagged, sureTag := hasTag(n, r.tags)
	runs, sureAccount := hasAccount(n, number, r.accounts)
	return tagged && runs, sureTag && sureAccount
}

// hasTag reports whether nodes have, or may have, any of some network tags, and whether
// that is sure; none stands for all. A tag of GKE's own form is never sure to be theirs.
func hasTag(n audit.NodeSource, tags []string) (has, sure bool) {
	if len(tags) == 0 {
		return true, true
	}
	own := n.Tags()
	if slices.ContainsFunc(tags, func(tag string) bool { return slices.Contains(own, tag) }) {
		return true, true
	}
	return slices.ContainsFunc(tags, n.Cluster.MayHaveTag), false
}

// hasAccount reports whether nodes run as, or may run as, any of some service accounts,
// and whether that is sure; none stands for all.
func hasAccount(n audit.NodeSource, number string, accounts []string) (has, sure bool) {
	if len(accounts) == 0 {
		return true, true
	}
	if n.Pool != nil && n.Pool.GetConfig() == nil {
		return true, false // the answer is not whole
	}
	name, _ := n.ServiceAccount()
	own := audit.ParseAccount(name)
	named := own.Kind != audit.ComputeDefault || own.Email != "" // or else the project's number names it
	return slices.ContainsFunc(accounts, func(name string) bool {
		a := audit.ParseAccount(name)
		if named {
			return a.Email == own.Email
		}
		return a.Kind == audit.ComputeDefault && (number == "" || a.Home == number)
	}), named || number != ""
}

// protocolNames are those that rules may give by number. Source: IANA's protocol numbers.
var protocolNames = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "51": "ah", "58": "ipv6-icmp", "94": "ipip", "132": "sctp"}

// about adds traffic to a rule.
func (r *firewallRule) about(protocol string, ports []string) {
	protocol = strings.ToLower(protocol)
	protocol = cmp.Or(protocolNames[protocol], protocol)
	if len(ports) == 0 {
		ports = []string{"0-65535"}
	}
	for _, p := range ports {
		low, top, isRange := strings.Cut(p, "-")
		if !isRange {
			top = low
		}
		a, err1 := strconv.Atoi(low)
		b, err2 := strconv.Atoi(top)
		if err1 != nil || err2 != nil {
			a, b, r.unsure = 0, 65535, true
		}
		r.traffic = append(r.traffic, traffic{protocol, a, b})
	}
}

// has reports whether a rule is about traffic, which must not be so wide that it is
// about a part of it only.
func (r *firewallRule) has(t traffic) bool {
	return slices.ContainsFunc(r.traffic, func(own traffic) bool {
		return (own.protocol == "all" || own.protocol == t.protocol) && own.low <= t.low && t.top <= own.top
	})
}

// pieces returns traffic in pieces, each of which a rule is about as a whole or not at
// all: TCP and UDP, and what else an allowance names, but not ICMP.
func pieces(policies []firewallPolicy) []traffic {
	bounds := map[string][]int{"tcp": {0}, "udp": {0}}
	for _, p := range policies {
		for _, r := range p {
			for _, t := range r.traffic {
				if t.protocol != "all" && t.protocol != "icmp" && t.protocol != "ipv6-icmp" {
					bounds[t.protocol] = append(bounds[t.protocol], 0, t.low, t.top+1)
				}
			}
		}
	}
	var all []traffic
	for protocol, starts := range bounds {
		slices.Sort(starts)
		starts = slices.Compact(starts)
		for i, low := range starts {
			top := 65535
			if i+1 < len(starts) {
				top = starts[i+1] - 1
			}
			if low <= top {
				all = append(all, traffic{protocol, low, top})
			}
		}
	}
	slices.SortFunc(all, func(a, b traffic) int {
		return cmp.Or(strings.Compare(a.protocol, b.protocol), cmp.Compare(a.low, b.low))
	})
	return all
}

// admitted returns which of some addresses get in, and by which rules: those that admit many
// by themselves, or else all. Where a rule is unsure it is taken to admit as little as it may
// or, if most, as much.
func admitted(policies []firewallPolicy, t traffic, from []netip.Prefix, most bool) ([]netip.Prefix, []firewallRule) {
	var in []netip.Prefix
	var by, few []firewallRule
	rest := from
	for _, policy := range policies {
		var next []netip.Prefix
		for _, r := range policy {
			if !r.has(t) {
				continue
			}
			sources, doubt := r.sources, r.unsure || r.anySource
			if r.anySource {
				sources = from
			}
			hit := overlap(rest, sources)
			if len(hit) == 0 {
				continue
			}
			switch {
			case r.action == "allow" && (most || !r.unsure):
				if !most {
					hit = overlap(rest, r.sources)
				}
				in, rest = append(in, hit...), without(rest, hit)
				if wide(hit) {
					by = append(by, r)
				} else {
					few = append(few, r)
				}
			case r.action == "allow":
			case r.action == "deny" && !(most && doubt):
				rest = without(rest, hit)
			case r.action == "deny" && !r.unsure:
				rest = without(rest, overlap(rest, r.sources))
			case r.action == "deny":
			case r.action == "goto_next" && !doubt:
				next = append(next, hit...)
				rest = without(rest, hit)
			case most: // what it does is not known; an inspection may let all through
				in, by, rest = append(in, hit...), append(by, r), without(rest, hit)
			default:
				rest = without(rest, hit)
			}
		}
		rest = append(rest, next...)
	}
	if by == nil {
		by = few
	}
	return in, by
}

// wide reports whether addresses are so many of the internet's that they can be nobody's
// own: more than a /8 has of IPv4, or what a /16 has of IPv6.
func wide(addresses []netip.Prefix) bool {
	var set addressSet
	for _, p := range addresses {
		if p.Addr().Is4() {
			set.v4 = append(set.v4, p)
		} else {
			set.v6 = append(set.v6, p)
		}
	}
	return set.publicIPv4() > 1<<24 || set.wideIPv6()
}

// overlap returns the addresses that are in both lists.
func overlap(a, b []netip.Prefix) []netip.Prefix {
	var both []netip.Prefix
	for _, p := range a {
		for _, q := range b {
			if p.Overlaps(q) {
				if p.Bits() < q.Bits() {
					both = append(both, q)
				} else {
					both = append(both, p)
				}
			}
		}
	}
	return both
}

// without returns the addresses of a list that are not in another.
func without(a, b []netip.Prefix) []netip.Prefix {
	var left []netip.Prefix
	for _, p := range a {
		left = append(left, outside(p, b)...)
	}
	return left
}

func outside(p netip.Prefix, b []netip.Prefix) []netip.Prefix {
	for _, q := range b {
		switch {
		case !p.Overlaps(q):
		case q.Bits() <= p.Bits():
			return nil
		default: // halve it, as q is within
			low := netip.PrefixFrom(p.Addr(), p.Bits()+1)
			return append(outside(low, b), outside(upperHalf(p), b)...)
		}
	}
	return []netip.Prefix{p}
}

// upperHalf returns the second half of a block.
func upperHalf(p netip.Prefix) netip.Prefix {
	bytes := p.Addr().AsSlice()
	bytes[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
	addr, _ := netip.AddrFromSlice(bytes)
	return netip.PrefixFrom(addr, p.Bits()+1)
}

// someOf writes a list of ranges as evidence.
func someOf(ranges []string) string {
	if len(ranges) == 0 {
		return "absent: other sources, or any"
	}
	return firstOf(ranges, 10)
}
