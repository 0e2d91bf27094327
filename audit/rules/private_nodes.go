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
addresses.`,
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
	if n.Cluster.GetIpAllocationPolicy().GetStackType() != containerpb.StackType_IPV4_IPV6 {
		return "", nil
	}
	name, ok := n.Subnetwork()
	if !ok {
		return "whether its subnetwork gives external IPv6 addresses is unknown: no subnetwork is named", nil
	}
	subnetwork, gap := s.Subnetwork(name)
	switch {
	case gap != nil:
		return "whether its subnetwork gives external IPv6 addresses is unknown: " + gap.String(), nil
	case subnetwork == nil:
		return "whether its subnetwork gives external IPv6 addresses is unknown: project " + name.Project + " does not list it", nil
	case subnetwork.GetIpv6AccessType() == "EXTERNAL":
		return "its subnetwork " + name.ID + " gives external IPv6 addresses, which are not judged",
			[]audit.Evidence{{Resource: name.String(), Field: "ipv6AccessType", Value: "EXTERNAL"}}
	}
	return "", nil
}
