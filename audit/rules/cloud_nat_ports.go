package rules

import (
	"fmt"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

// Source of the numbers: IP addresses and ports, and Troubleshoot Cloud NAT, in the
// Cloud NAT documentation.
const (
	portsPerAddress = 64512 // of each protocol: 65,536 without the first 1,024
	leastPodPorts   = 1024  // for a VM with an alias range that is served, by static allocation
)

var cloudNATPorts = &audit.Rule{
	ID:       "cloud-nat-ports",
	Title:    "Cloud NAT has ports for all nodes that it may have to serve",
	Severity: audit.Low,
	Weight:   "It exposes nothing; under load, nodes without ports cannot reach the internet.",
	Since:    "0.1.0",
	Rationale: `A gateway with reserved addresses has 64,512 ports of each. When a cluster grows until
they are taken, the next node gets none: its pods run and cannot reach anything
outside. That is the day on which the load is highest.`,
	Checks: `Each Public NAT gateway that serves private nodes of the cluster. With addresses that
Google allocates (AUTO_ONLY) it passes: more are added as nodes need them. With
reserved ones, the ports of all addresses that are not being drained are held
against the nodes that it serves, of all clusters that were read, at their
autoscaling maximum: each takes minPortsPerVm (64 if absent, 32 with dynamic port
allocation), rounded up to a power of two, and at least 1,024 where the gateway
serves the range of its pods without dynamic port allocation. Node pools without
autoscaling count with their initial size. Nodes that GKE makes by itself (Autopilot,
node auto-provisioning) have no maximum to count by, unless their node pool has one
that is not GKE's own (1,000 for each zone). Those count that there are known to be, by
initialNodeCount and currentNodeCount, and fail if they do not fit; where they do, it
does not apply. It is unknown where clusters that could not be read may have nodes there,
where it is not known how many nodes a node pool may have or which gateway serves them,
and where the gateway does not say how it gets its addresses. Clusters of other shards
count, and those that a run was narrowed from. Other VMs, clusters outside of the audit
and nodes that upgrades add for a while (maxSurge) are not counted, nor are addresses
of NAT rules.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Reserve more addresses (name the ones that are there as well)", Commands: `gcloud compute addresses create {gateway}-more \
    --region={region} --project={host} &&
gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --nat-external-ip-pool=OTHERS,{gateway}-more`},
			{Title: "Or give nodes few ports, and more when they need them", Commands: `gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --no-enable-endpoint-independent-mapping \
    --enable-dynamic-port-allocation --min-ports-per-vm=64 --max-ports-per-vm=4096`},
		},
		Terraform: `resource "google_compute_router_nat" "nat" {
  # name = {gateway}, router = {router}
  nat_ips                             = google_compute_address.nat[*].self_link # more of them
  enable_endpoint_independent_mapping = false
  enable_dynamic_port_allocation      = true
  min_ports_per_vm                    = 64
  max_ports_per_vm                    = 4096
}`,
		Disruption: `None for more addresses; partners who admit the cluster by its addresses have to be
told. Changing the port allocation may break connections.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "IP addresses and ports", URL: "https://docs.cloud.google.com/nat/docs/ports-and-addresses"},
		{Title: "Troubleshoot Cloud NAT", URL: "https://docs.cloud.google.com/nat/docs/troubleshooting"},
	},
	Needs: []audit.Data{audit.Routers},
	Uses:  []audit.Data{audit.Subnetworks, audit.OtherClusters},
	Check: eachGateway(judgePorts),
}

func judgePorts(in *audit.Input, g audit.NATGateway) audit.Verdict {
	ports := newNodePorts(g)
	option := g.Evidence("natIpAllocateOption", g.GetNatIpAllocateOption())
	switch g.GetNatIpAllocateOption() {
	case "AUTO_ONLY":
		return audit.Passf("Google adds addresses as nodes need them").Noting(ports.String()).Because(option).Because(ports.evidence...)
	case "MANUAL_ONLY":
	default:
		if option.Value == "" {
			option = g.Absent("natIpAllocateOption", "it is not known who allocates addresses")
		}
		return audit.Unknownf("how the gateway gets its addresses is not known here").Because(option)
	}
	load := in.NATLoad(g)
	has := uint64(len(g.UsableAddresses()))
	needs := ports.addresses(load)
	because := append([]audit.Evidence{option, g.Evidence("natIps", shorten(g.UsableAddresses()))}, ports.evidence...)
	sum := fmt.Sprintf("%s, in %s, take %s of %s ports; the gateway has %s",
		ports.of(load), count(uint64(load.Clusters), "cluster", "clusters"), count(needs, "address", "addresses"), thousands(portsPerAddress), thousands(has))
	var v audit.Verdict
	switch {
	case needs > has:
		v = audit.Failf("%s", sum)
	case load.Gap != nil:
		return audit.Hidden(load.Gap).Noting("it may hide more nodes that the gateway serves", sum).Because(because...)
	case load.UncountedGap != nil:
		return audit.Hidden(load.UncountedGap).Noting(load.Uncounted, sum).Because(because...)
	case load.Uncounted != "":
		v := audit.Unknownf("%s", load.Uncounted).Noting(sum).Because(because...)
		v.Unread = load.Unread
		return v
	case len(load.Unlimited) > 0:
		return audit.NotApplicablef("nodes that GKE makes by itself have no maximum to count by: those of %s", clusterNames(load.Unlimited)).
			Noting("the gateway has "+count(has, "address", "addresses"), ports.String()).
			Because(because...)
	default:
		v = audit.Passf("%s", sum).Noting("other VMs, clusters outside of this audit, and nodes that upgrades add for a while are not counted")
	}
	if load.Fixed {
		v = v.Noting("node pools without autoscaling count with their initial size")
	}
	if len(load.Unlimited) > 0 {
		v = v.Noting("GKE may make more nodes by itself, in " + clusterNames(load.Unlimited))
	}
	if len(g.GetRules()) > 0 {
		v = v.Noting("addresses of its NAT rules are not counted")
	}
	return v.Because(because...)
}

// nodePorts is how many ports a gateway reserves for a node.
type nodePorts struct {
	own      uint64 // for a node whose own address alone is served
	pods     uint64 // for a node whose pods' range is served
	dynamic  bool
	evidence []audit.Evidence
}

func newNodePorts(g audit.NATGateway) nodePorts {
	p := nodePorts{own: 64, dynamic: g.GetEnableDynamicPortAllocation()}
	if p.dynamic {
		p.own = 32
	}
	least := g.Absent("minPortsPerVm", strconv.FormatUint(p.own, 10))
	if n := g.GetMinPortsPerVm(); n > 0 {
		least = g.Evidence("minPortsPerVm", strconv.Itoa(int(n)))
		for p.own = 1; p.own < uint64(n); {
			p.own *= 2
		}
	}
	p.pods = p.own
	dynamic := g.Evidence("enableDynamicPortAllocation", strconv.FormatBool(p.dynamic))
	if g.EnableDynamicPortAllocation == nil {
		dynamic = g.Absent("enableDynamicPortAllocation", "ports are allocated statically")
	}
	if !p.dynamic {
		p.pods = max(p.own, leastPodPorts)
	}
	p.evidence = []audit.Evidence{least, dynamic}
	return p
}

// addresses returns how many addresses it takes for a load. As a rule the ports of an
// address are shared out without a remainder, for there are 63 times 1,024 of them;
// more than 1,024 for a node leave one.
func (p nodePorts) addresses(load audit.NATLoad) uint64 {
	usable := uint64(portsPerAddress)
	if p.own > leastPodPorts && p.own <= usable {
		usable -= usable % p.own
	}
	ports := load.Nodes*p.own + load.PodNodes*p.pods
	return (ports + usable - 1) / usable
}

// of says how many nodes take how many ports.
func (p nodePorts) of(load audit.NATLoad) string {
	each := "each"
	if p.dynamic {
		each = "each to begin with"
	}
	nodes := func(n, ports uint64) string {
		return fmt.Sprintf("%s with %s ports %s", count(n, "node", "nodes"), thousands(ports), each)
	}
	most := "at most "
	if len(load.Unlimited) > 0 {
		most = ""
	}
	switch {
	case p.own == p.pods || load.PodNodes == 0:
		return most + nodes(load.Nodes+load.PodNodes, p.own)
	case load.Nodes == 0:
		return most + nodes(load.PodNodes, p.pods)
	}
	return most + nodes(load.PodNodes, p.pods) + " and " + nodes(load.Nodes, p.own)
}

// String says how many ports a node gets.
func (p nodePorts) String() string {
	switch {
	case p.dynamic:
		return "a node gets " + thousands(p.own) + " ports or more"
	case p.own == p.pods:
		return "a node gets " + thousands(p.own) + " ports"
	}
	return fmt.Sprintf("a node gets %s ports, or %s where the range of its pods is served", thousands(p.own), thousands(p.pods))
}

// clusterNames names some clusters.
func clusterNames(clusters []*audit.Cluster) string {
	const most = 3
	var names []string
	for _, c := range clusters[:min(most, len(clusters))] {
		names = append(names, c.ResourceName())
	}
	if more := len(clusters) - most; more > 0 {
		return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
