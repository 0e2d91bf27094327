package rules

import "gkeaudit/audit"

var clusterDefaultNetwork = &audit.Rule{
	ID:       "cluster-default-network",
	Title:    "The cluster is not on the default network",
	Severity: audit.Low,
	Weight:   "The risk of the default network is its firewall rules, which can be changed and have a rule of their own.",
	Optional: "A network by another name can be as open, and this one can be closed.",
	Since:    "0.1.0",
	Rationale: `The network that comes with a project lets SSH, RDP and ICMP in from everywhere, lets
everything in it reach everything, and has a subnetwork in every region. Whatever
is made without a thought ends up there, next to the cluster.`,
	Checks: `The last part of networkConfig.network, or else network: "default" fails. A network
of that name in another project, as in a Shared VPC, may be somebody's own; it
fails as well, and the message says so. Neither field is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "A cluster cannot change its network: close this one, or create another cluster elsewhere", Before: "Check in the logs of the rules that nothing needs them: who came in by them is kept out at once.", Commands: `gcloud compute firewall-rules delete default-allow-ssh default-allow-rdp \
    --project={host}`},
		},
		Terraform: `resource "google_compute_network" "network" {
  name                    = "NEW_NETWORK"
  auto_create_subnetworks = false
}

resource "google_container_cluster" "cluster" {
  # name = {cluster}
  network = google_compute_network.network.id # makes the cluster anew
}`,
		Disruption: "Another network takes a new cluster, to which workloads are moved.",
		Recreates:  audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "VPC networks", URL: "https://docs.cloud.google.com/vpc/docs/vpc"},
		{Title: "Best practices for GKE networking", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/best-practices/networking"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "DEFAULT_NETWORK"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		evidence := audit.Evidence{Resource: c.ResourceName(), Field: "networkConfig.network", Value: c.GetNetworkConfig().GetNetwork()}
		if evidence.Value == "" {
			evidence.Field, evidence.Value = "network", c.GetNetwork()
		}
		name, named := c.Network()
		switch {
		case evidence.Value == "":
			return unnamedNetwork(c)
		case audit.LastSegment(evidence.Value) != "default":
			return audit.Passf("the cluster is on network %s", audit.LastSegment(evidence.Value)).Because(evidence)
		case named && name.Project != c.Project:
			return audit.Failf("the cluster is on a network named default of project %s, which may be one that comes with a project or not", name.Project).Because(evidence)
		}
		return audit.Failf("the cluster is on the default network").Because(evidence)
	}),
}
