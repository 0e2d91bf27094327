package rules

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gkeaudit/audit"
)

var nodeFirewallOpenIngress = &audit.Rule{
	ID:       "node-firewall-open-ingress",
	Title:    "No firewall rule lets the internet reach the nodes",
	Severity: audit.High,
	Weight:   "One weak key or one flaw in SSH, the kubelet or a NodePort is enough to take a node from anywhere.",
	Optional: "It takes one more permission in each project that owns a network, and one more call for each network and region in use.",
	Since:    "0.1.0",
	Rationale: `A node with an external address is as open as the firewall leaves it. A rule for
everybody on port 22, on the kubelet's 10250 or on the range of NodePorts shows
them to every scanner on the internet; the rules that come with a default network
do so for SSH and RDP. What should be reached goes through a load balancer.`,
	Checks: `What is in force on the cluster's network in its region: VPC firewall rules, and
hierarchical, global and regional firewall policies, in the order in which they are
evaluated (networkFirewallPolicyEnforcementOrder of the network), by priority,
denials and goto_next included, for each node pool by its network tags, its service
account and the network. The account "default" is NUMBER-compute@developer.gserviceaccount.com
of the cluster's project, where the number is known. Let in are the addresses that are left for a port; more
than a /8 has of IPv4, or what a /16 has of IPv6, in one range or several, is the
internet and fails. ICMP is not looked at. IPv6 counts where the cluster is dual-stack
(ipAllocationPolicy.stackType) and the subnetwork of the nodes has ipv6AccessType
EXTERNAL: interfaces inherit it. The cluster's own ipv6AccessType is for a subnetwork
that is created with the cluster, and does not count.

Nodes without external addresses are not applicable. A node pool in a subnetwork of
another network is judged by that one. Rules of the form that GKE makes for Services of
type LoadBalancer (k8s-fw-*, k8s2-*, for named ports and the tags that GKE alone gives)
and policies of Google's services are assumed to be meant, and are not counted; the
message names those that are open. Where the answer depends on what the API does
not tell, such as the tag that GKE gives a cluster's nodes, address groups, secure
tags, destinations or an inspection, it is unknown.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "If a firewall rule of the network is named: narrow it to those who need it (GKE's own rules, gke-* and k8s-*, must stay; 35.235.240.0/20 is Identity-Aware Proxy, for SSH)", Commands: `gcloud compute firewall-rules update RULE --project={host} \
    --source-ranges=35.235.240.0/20`},
			{Title: "Or delete it", Before: "Check in the logs of the rule that nothing needs it: who came in by it is kept out at once. Do not delete the rules of GKE.", Commands: `gcloud compute firewall-rules delete RULE --project={host}`},
			{Title: "If a rule of a network firewall policy is named: narrow it there (--firewall-policy-region={region} for a regional one)", Commands: `gcloud compute network-firewall-policies rules update PRIORITY --project={host} \
    --firewall-policy=POLICY --global-firewall-policy \
    --src-ip-ranges=35.235.240.0/20`},
			{Title: "If a rule of a hierarchical firewall policy is named: narrow it in the organization or folder", Commands: `gcloud compute firewall-policies rules update PRIORITY \
    --firewall-policy=POLICY --organization=ORGANIZATION \
    --src-ip-ranges=35.235.240.0/20`},
		},
		Terraform: `resource "google_compute_firewall" "ssh" {
  # network = {network}, project = {host}
  source_ranges = ["35.235.240.0/20"] # Identity-Aware Proxy
  # for a rule of a firewall policy: match.src_ip_ranges of
  # google_compute_network_firewall_policy_rule or google_compute_firewall_policy_rule
}`,
		Disruption: `Who came in by the rule is kept out, at once. Look at the rule's logs or at Firewall
Insights first. Do not deny the internet before GKE's own rules instead: theirs have
priority 1000, or 999, and a denial above them cuts off the control plane, health
checks and load balancers, too.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Evaluation order for firewall policies and rules", URL: "https://docs.cloud.google.com/firewall/docs/firewall-policies-rule-eval-order"},
		{Title: "NetworkInterface in the Compute Engine API reference", URL: "https://docs.cloud.google.com/compute/docs/reference/rest/v1/instances"},
		{Title: "Automatically created firewall rules", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.6"},
		{Framework: audit.SCC, ID: "OPEN_FIREWALL"},
		{Framework: audit.SCC, ID: "OPEN_SSH_PORT"},
		{Framework: audit.SCC, ID: "OPEN_RDP_PORT"},
	},
	Needs: []audit.Data{audit.Firewalls, audit.Subnetworks},
	Uses:  []audit.Data{audit.Networks},
	Check: audit.EachNodeSource(judgeIngress),
}

func judgeIngress(in *audit.Input, n audit.NodeSource) audit.Verdict { return judgeIngressTo(in, n) }

// judgeIngressTo judges whether the internet reaches nodes on some traffic, each piece of which
// is a single port; none is all traffic.
func judgeIngressTo(in *audit.Input, n audit.NodeSource, only ...traffic) audit.Verdict {
	private := n.Privacy()
	six := ipv6AccessOf(in, n)
	sure, maybe := internetOf(n, six)
	if maybe == nil {
		return audit.NotApplicablef("nodes have no external addresses; the internet comes to them through load balancers alone").
			Noting(private.Note).Because(private.Evidence...).Because(six.evidence...)
	}
	name, v, ok := networkOfNodes(in, n)
	if !ok {
		return v
	}
	region := audit.RegionOf(n.Cluster.GetLocation())
	force, gap := in.EffectiveFirewalls(name, region)
	if gap != nil {
		return audit.Hidden(gap)
	}
	resource := "projects/" + name.Project + "/regions/" + region + "/networks/" + name.ID + "/effectiveFirewalls"
	f, key := audit.Memo(in.Snapshot, firewallKey{resource}, func() *firewall { return firewallOf(in, name, resource, force) }).on(in, n)
	network, networkGap := in.Network(name)
	order := network.GetNetworkFirewallPolicyEnforcementOrder()
	if network != nil {
		order = cmp.Or(order, "AFTER_CLASSIC_FIREWALL") // the API's default
	}
	judge := func(internet []netip.Prefix) audit.Verdict {
		return audit.Memo(in.Snapshot, ingressKey{resource, key, fmt.Sprint(internet, only)}, func() audit.Verdict {
			return f.openTo(internet, order, only).verdict(f, only)
		})
	}
	v = judge(maybe)
	if v.Status == audit.Fail && len(sure) < len(maybe) {
		if sure != nil {
			v = judge(sure)
		}
		if v.Status != audit.Fail || sure == nil {
			v = judge(maybe)
			v.Status = audit.Unknown
			v = v.Noting("by IPv6, and whether the nodes have external IPv6 addresses is not known")
			if six.gap != nil {
				v = audit.Hidden(six.gap).Noting(v.Message).Because(v.Evidence...)
			} else if six.unknown != "" {
				v = v.Noting("their subnetwork: " + six.unknown)
			}
		}
	}
	if v.Status == audit.Unknown && order != "" && order != "AFTER_CLASSIC_FIREWALL" && order != "BEFORE_CLASSIC_FIREWALL" {
		v = v.Because(audit.Evidence{Resource: name.String(), Field: "networkFirewallPolicyEnforcementOrder", Value: order})
	}
	if v.Status == audit.Unknown && networkGap != nil {
		hidden := audit.Hidden(networkGap)
		v = v.Noting("the order of evaluation is not known: " + hidden.Message).Because(hidden.Evidence...)
		v.Unread = true
	}
	var names []string
	var later []audit.Evidence
	for _, r := range f.notCounted {
		if only == nil || slices.ContainsFunc(only, r.has) {
			names, later = append(names, r.name), append(later, r.later...)
		}
	}
	switch {
	case names == nil || v.Status == audit.Fail:
	case only == nil:
		v = v.Noting("not counted, and assumed to be made by Google for Services or for itself: " + firstOf(names, 3))
	default: // what is asked is too narrow for a Service to be likely
		v.Status, v.Message = audit.Unknown, fmt.Sprintf("whether the internet reaches nodes on %s depends on whether Google made %s", portsOf(only), firstOf(names, 3))
		v = v.Because(later...)
	}
	return v.Because(audit.Evidence{Resource: resource, Field: "firewalls, firewallPolicys",
		Value: fmt.Sprintf("%d rules, %d policies", len(force.GetFirewalls()), len(force.GetFirewallPolicys()))}).Because(private.Evidence...).Because(six.evidence...)
}

// The keys that firewalls and verdicts on them are kept by.
type (
	firewallKey struct{ resource string }
	ingressKey  struct{ resource, applied, question string }
)

// internetOf returns the addresses of the internet that nodes have an external address
// for, and those that they may have one for, too.
func internetOf(n audit.NodeSource, six ipv6Access) (sure, maybe []netip.Prefix) {
	private := n.Privacy().Private
	if !private {
		sure = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	}
	maybe = slices.Clone(sure)
	if !six.external && six.unknown == "" {
		return sure, maybe
	}
	ipv6 := netip.MustParsePrefix("2000::/3")
	// What GKE gives to private nodes in a subnetwork with external addresses is not
	// documented.
	if six.dualStack && six.external && !private {
		sure = append(sure, ipv6)
	}
	return sure, append(maybe, ipv6)
}

// networkOfNodes returns the network of nodes, or why it is not known: that of their
// subnetwork, which need not be the cluster's.
func networkOfNodes(in *audit.Input, n audit.NodeSource) (audit.NetworkName, audit.Verdict, bool) {
	own, named := audit.ParseSubnetwork(n.Cluster.GetNetworkConfig().GetSubnetwork())
	if name, ok := n.Subnetwork(); ok && (!named || name != own) {
		return networkOf(in, n.Cluster, name)
	}
	network, ok := n.Cluster.Network()
	if !ok {
		return network, unnamedNetwork(n.Cluster), false
	}
	return network, audit.Verdict{}, true
}

// An openness says what the internet reaches.
type openness struct {
	sure, maybe []traffic // in order
	by, perhaps []firewallRule
}

// openTo finds out what some addresses reach of some traffic; none is all traffic. An empty
// enforcement order is not known.
func (f *firewall) openTo(internet []netip.Prefix, enforcement string, only []traffic) openness {
	var o openness
	orders := f.orders(enforcement)
	if only == nil {
		only = pieces(orders[0])
	}
	for _, t := range only {
		sure, maybe := true, false
		for _, policies := range orders {
			in, by := admitted(policies, t, internet, false)
			if sure = sure && wide(in); wide(in) {
				o.by = append(o.by, by...)
			}
			if in, by = admitted(policies, t, internet, true); wide(in) {
				maybe = true
				o.perhaps = append(o.perhaps, by...)
			}
		}
		if sure {
			o.sure = append(o.sure, t)
		}
		if maybe {
			o.maybe = append(o.maybe, t)
		}
	}
	return o
}

func (o openness) verdict(f *firewall, only []traffic) audit.Verdict {
	names := func(rules []firewallRule) (names []string, because []audit.Evidence) {
		for _, r := range rules {
			if !slices.Contains(names, r.name) {
				names, because = append(names, r.name), append(because, r.evidence)
			}
		}
		return names, because
	}
	switch {
	case f.unknown != "":
		return audit.Unknownf("what the internet reaches cannot be told: %s", f.unknown)
	case o.maybe == nil && only != nil:
		return audit.Passf("no firewall rule lets the internet reach the nodes on %s", portsOf(only))
	case o.maybe == nil:
		return audit.Passf("no firewall rule lets the internet reach the nodes")
	case o.sure != nil:
		by, because := names(o.by)
		return audit.Failf("the internet reaches nodes on %s by %s", portsOf(o.sure), firstOf(by, 3)).Because(because...)
	}
	by, because := names(o.perhaps)
	return audit.Unknownf("the internet may reach nodes on %s by %s, which depends on what the API does not tell", portsOf(o.maybe), firstOf(by, 3)).Because(because...).Because(f.later()...)
}

// wellKnown are ports of nodes that should be nobody's but the cluster's own.
var wellKnown = []struct {
	low, top int
	name     string
}{{22, 22, "SSH"}, {3389, 3389, "RDP"}, {10250, 10250, "kubelet"}, {10255, 10255, "kubelet read-only"}, {30000, 32767, "NodePorts"}}

// portsOf names traffic for a message: neighbouring pieces as one, and what is known to
// listen on nodes.
func portsOf(pieces []traffic) string {
	var merged []traffic
	for _, t := range pieces {
		if n := len(merged); n > 0 && merged[n-1].protocol == t.protocol && merged[n-1].top+1 == t.low {
			merged[n-1].top = t.top
			continue
		}
		merged = append(merged, t)
	}
	var names []string
	for _, t := range merged {
		name := fmt.Sprintf("%s:%d-%d", t.protocol, t.low, t.top)
		switch {
		case t.low == 0 && t.top == 65535:
			name = t.protocol
		case t.low == t.top:
			name = fmt.Sprintf("%s:%d", t.protocol, t.low)
		}
		var known []string
		for _, w := range wellKnown {
			if t.protocol == "tcp" && t.low <= w.top && w.low <= t.top {
				known = append(known, w.name)
			}
		}
		if known != nil {
			name += " (" + strings.Join(known, ", ") + ")"
		}
		names = append(names, name)
	}
	return firstOf(names, 5)
}

// firstOf joins names, the first ones if they are many.
func firstOf(names []string, most int) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
