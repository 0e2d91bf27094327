package rules

import (
	"strconv"

	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
)

var legacyNetwork = &audit.Rule{
	ID:       "legacy-network",
	Title:    "The network is not a legacy network",
	Severity: audit.Low,
	Weight:   "It opens nothing by itself; private nodes and flow logs, which it rules out, have rules of their own.",
	Optional: "It takes one more permission in each project that owns a network, and legacy networks cannot be made any more.",
	Since:    "0.1.0",
	Rationale: `A legacy network has one range for all regions and no subnetworks. Private nodes,
alias addresses, flow logs, Private Google Access and firewall policies by region
all need subnetworks. No new legacy networks can be made; old ones go on.`,
	Checks: `The VPC network of the cluster (networkConfig.network): an IPv4Range of its own
means legacy and fails; autoCreateSubnetworks, true or false, passes. Neither, and
a network that the cluster does not name with its project, is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "A cluster cannot change its network: create another in a VPC network, and move the workloads", Commands: `gcloud compute networks create NEW_NETWORK --project={host} --subnet-mode=custom &&
gcloud compute networks subnets create NEW_SUBNETWORK --network=NEW_NETWORK \
    --region={region} --project={host} --range=10.0.0.0/20 &&
gcloud container clusters create {new-cluster} --location={location} --project={project} \
    --network=NEW_NETWORK --subnetwork=NEW_SUBNETWORK --enable-ip-alias`},
		},
		Terraform: `resource "google_compute_network" "network" {
  name                    = "NEW_NETWORK"
  auto_create_subnetworks = false
}`,
		Disruption: "A new cluster, to which workloads are moved.",
		Recreates:  audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Legacy networks", URL: "https://docs.cloud.google.com/vpc/docs/legacy"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "LEGACY_NETWORK"},
	},
	Needs: []audit.Data{audit.Networks},
	Check: eachNetwork(func(name string, n *computepb.Network) audit.Verdict {
		if mode, evidence, ok := subnetMode(name, n); !ok {
			return audit.Unknownf("whether it is a legacy network is not in the answer").Because(evidence)
		} else if mode == "legacy" {
			return audit.Failf("it is a legacy network, without subnetworks").Because(evidence)
		} else {
			return audit.Passf("it is a VPC network of %s mode", mode).Because(evidence)
		}
	}),
}

// eachNetwork makes a Check that judges the VPC network of a cluster.
func eachNetwork(judge func(name string, n *computepb.Network) audit.Verdict) func(*audit.Input, *audit.Cluster) []audit.Verdict {
	return audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		name, ok := c.Network()
		if !ok {
			return unnamedNetwork(c)
		}
		n, gap := in.Network(name)
		switch {
		case gap != nil:
			return audit.Hidden(gap).On(name.String())
		case n == nil:
			return audit.Unknownf("project %s does not list the network", name.Project).On(name.String()).Because(
				audit.Absent(name.String(), "name", "the network is not in the list of its project"))
		}
		return judge(name.String(), n).On(name.String())
	})
}

// unnamedNetwork judges a cluster that names no network with a project.
func unnamedNetwork(c *audit.Cluster) audit.Verdict {
	return audit.Unknownf("the cluster does not say which project its network is in").Because(
		audit.Absent(c.ResourceName(), "networkConfig.network", "the network is not known"))
}

// subnetMode returns a network's mode, "legacy", "auto" or "custom", and what says so.
// It reports false where nothing does. Source: Network in the Compute Engine API
// reference.
func subnetMode(name string, n *computepb.Network) (string, audit.Evidence, bool) {
	const field = "autoCreateSubnetworks"
	switch {
	case n.GetIPv4Range() != "":
		return "legacy", audit.Evidence{Resource: name, Field: "IPv4Range", Value: n.GetIPv4Range()}, true
	case n.AutoCreateSubnetworks == nil:
		return "", audit.Absent(name, field, "the mode is not known"), false
	}
	mode := "custom"
	if n.GetAutoCreateSubnetworks() {
		mode = "auto"
	}
	return mode, audit.Evidence{Resource: name, Field: field, Value: strconv.FormatBool(n.GetAutoCreateSubnetworks())}, true
}
