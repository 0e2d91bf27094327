package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var privateNodes = &audit.Rule{
	ID:       "private-nodes",
	Title:    "Nodes have no external IP addresses",
	Severity: audit.High,
	Weight:   "One firewall rule that is too wide, such as those of the default network, lets the whole internet attack the nodes.",
	Since:    "0.1.0",
	Rationale: `A node with an external IP address can be reached from the internet as soon as
a firewall rule allows it, by mistake or not: the kubelet, SSH and every
NodePort and host port are then one rule away from everybody. It also sends its
traffic from an address of its own, past any Cloud NAT gateway and its logs.`,
	Checks: `Each node pool by itself, and the cluster where it makes node pools by its own
defaults (Autopilot, node auto-provisioning). The first of these fields that is
set decides: the node pool's networkConfig.enablePrivateNodes, the cluster's
networkConfig.defaultEnablePrivateNodes, the deprecated
privateClusterConfig.enablePrivateNodes. If none is set, nodes are public. Node
pools without nodes count, because they grow. Only external IPv4 addresses are
judged; the finding says so where the subnetwork hands out external IPv6
addresses.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{For: audit.StandardPool, Title: "Make the node pool private", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --enable-private-nodes`},
			{For: audit.AutoProvisioning, Title: "Make node pools private from now on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-private-nodes`},
			{For: audit.AutopilotCluster, Title: "Move all workloads to private nodes", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-private-nodes`},
		},
		Terraform: `resource "google_container_node_pool" "pool" {
  # name = {pool}
  network_config {
    enable_private_nodes = true
  }
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}
  private_cluster_config {
    enable_private_nodes = true # the default for new node pools
  }
}`,
		Disruption: `First turn on Private Google Access and see to egress (Cloud NAT or a proxy);
without them image pulls fail. The node pool's nodes are expected to be made
anew, with its upgrade strategy. On Autopilot all workloads are moved to other nodes.
The cluster's default leaves existing node pools of a Standard cluster alone.
Clusters whose control plane uses VPC peering cannot be changed: make a new one.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Customize your network isolation", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
		{Title: "NodeNetworkConfig in the GKE API reference", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools#NodeNetworkConfig"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.5"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.4.4"},
		{Framework: audit.SCC, ID: "PRIVATE_CLUSTER_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enablePrivateNodes"},
	},
	Uses: []audit.Data{audit.Subnetworks},
	Check: audit.EachNodeSource(func(s *audit.Input, n audit.NodeSource) audit.Verdict {
		privacy := n.Privacy()
		if privacy.Private {
			note, because := externalIPv6(s, n)
			return audit.Passf("%s no external IPv4 addresses", whose(n, "have", "get")).
				Noting(privacy.Note, note).Because(privacy.Evidence...).Because(because...)
		}
		v := audit.Failf("%s external IP addresses", whose(n, "get", "get"))
		if n.Pool == nil && n.Cluster.Autopilot() {
			// cloud.google.com/private-node=true in a workload's node selector
			// makes its nodes private; the GKE API does not show it.
			v = v.Noting("a workload may select private nodes, which the API does not show")
		}
		return v.Noting(privacy.Note).Because(privacy.Evidence...)
	}),
}

// whose begins a message on the nodes of a source: those of a node pool are there,
// those by the cluster's defaults are to come.
func whose(n audit.NodeSource, has, willHave string) string {
	switch {
	case n.Pool != nil:
		return "nodes " + has
	case n.Cluster.Autopilot():
		return "new nodes " + willHave
	}
	return "new auto-provisioned node pools " + willHave
}

// externalIPv6 says whether the nodes' subnetwork hands out external IPv6
// addresses. What GKE then gives to private nodes is not documented.
func externalIPv6(s *audit.Input, n audit.NodeSource) (string, []audit.Evidence) {
	six := ipv6AccessOf(s, n)
	switch {
	case six.external:
		subnetwork := six.evidence[len(six.evidence)-1].Resource
		return "its subnetwork " + audit.LastSegment(subnetwork) + " gives external IPv6 addresses, which are not judged", six.evidence
	case six.unknown != "":
		return "whether its subnetwork gives external IPv6 addresses is unknown: " + six.unknown, six.evidence
	}
	return "", nil
}

// An ipv6Access says whether the subnetwork of nodes gives them external IPv6 addresses.
type ipv6Access struct {
	dualStack bool // of the cluster
	external  bool
	unknown   string     // why that is not known
	gap       *audit.Gap // that is to blame for it
	evidence  []audit.Evidence
}

// ipv6AccessOf finds it out. The interfaces of nodes inherit ipv6AccessType from their
// subnetwork; the cluster's field of that name is for a subnetwork that is created with
// the cluster. Source: NetworkInterface in the Compute Engine API reference;
// IPAllocationPolicy in the GKE API reference.
func ipv6AccessOf(in *audit.Input, n audit.NodeSource) ipv6Access {
	policy := n.Cluster.GetIpAllocationPolicy()
	stack := policy.GetStackType()
	a := ipv6Access{dualStack: stack == containerpb.StackType_IPV4_IPV6}
	// Without a stack type the cluster has IPv4 alone, unless it has an access type.
	if stack == containerpb.StackType_IPV4 || stack == containerpb.StackType_STACK_TYPE_UNSPECIFIED && policy.GetIpv6AccessType() == 0 {
		return a
	}
	if !audit.EnumKnown(stack) {
		a.evidence = append(a.evidence, audit.Evidence{Resource: n.Cluster.ResourceName(), Field: "ipAllocationPolicy.stackType", Value: audit.EnumName(policy, stack)})
	}
	if access := policy.GetIpv6AccessType(); !audit.EnumKnown(access) {
		a.evidence = append(a.evidence, audit.Evidence{Resource: n.Cluster.ResourceName(), Field: "ipAllocationPolicy.ipv6AccessType", Value: audit.EnumName(policy, access)})
	}
	const field = "ipv6AccessType"
	name, ok := n.Subnetwork()
	if !ok {
		a.unknown = "no subnetwork is named"
		return a
	}
	subnetwork, gap := in.Subnetwork(name)
	access := subnetwork.GetIpv6AccessType()
	switch {
	case gap != nil:
		a.gap, a.unknown = gap, gap.String()
	case subnetwork == nil:
		a.unknown = "project " + name.Project + " does not list it"
	case access == "EXTERNAL", access == "INTERNAL":
		a.external = access == "EXTERNAL"
		a.evidence = append(a.evidence, audit.Evidence{Resource: name.String(), Field: field, Value: access})
	case access != "":
		a.unknown = field + " has the value " + access + ", which this version of gkeaudit does not know"
		a.evidence = append(a.evidence, audit.Evidence{Resource: name.String(), Field: field, Value: access})
	case subnetwork.GetStackType() == "IPV4_ONLY":
		a.evidence = append(a.evidence, audit.Evidence{Resource: name.String(), Field: "stackType", Value: "IPV4_ONLY"})
	default:
		a.unknown = "the API response does not include its ipv6AccessType"
		a.evidence = append(a.evidence, audit.Absent(name.String(), field, "not known"))
		if stack := subnetwork.GetStackType(); stack != "" {
			a.evidence = append(a.evidence, audit.Evidence{Resource: name.String(), Field: "stackType", Value: stack})
		}
	}
	return a
}
