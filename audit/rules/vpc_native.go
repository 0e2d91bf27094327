package rules

import "gkeaudit/audit"

var vpcNative = &audit.Rule{
	ID:       "vpc-native",
	Title:    "Pods have addresses of the VPC network",
	Severity: audit.Low,
	Weight:   "It opens nothing by itself; private nodes, which it rules out, have a rule of their own.",
	Since:    "0.1.0",
	Rationale: `A routes-based cluster gives pods addresses that the VPC network knows only by
routes. Firewall rules and flow logs then see less of pods, the network's routes run
out, and much of what protects a cluster, such as private nodes and Dataplane V2,
needs a VPC-native cluster.`,
	Checks: `ipAllocationPolicy.useIpAliases: true passes; otherwise the cluster is routes-based
(.useRoutes) and fails. Neither of them, or no ipAllocationPolicy, is unknown.
Autopilot clusters are always VPC-native.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create another cluster that is VPC-native, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} --enable-ip-alias`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  networking_mode = "VPC_NATIVE"
  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }
}`,
		Disruption: `It is set for good when the cluster is made. The subnetwork needs secondary ranges
for pods and services.`,
		Recreates: audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Create a VPC-native cluster", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/alias-ips"},
		{Title: "About VPC-native clusters", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/alias-ips"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.2"},
		{Framework: audit.SCC, ID: "IP_ALIAS_DISABLED"},
	},
	Check: audit.StandardOnly("Autopilot clusters are always VPC-native", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "ipAllocationPolicy.useIpAliases"
		policy := c.GetIpAllocationPolicy()
		switch {
		case policy.GetUseIpAliases():
			return audit.Passf("the cluster is VPC-native").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		case policy.GetUseRoutes():
			return audit.Failf("the cluster is routes-based").Because(
				audit.Evidence{Resource: c.ResourceName(), Field: "ipAllocationPolicy.useRoutes", Value: "true"},
				audit.Absent(c.ResourceName(), field, "false"))
		}
		return audit.Unknownf("where pods have their addresses from is not said").Because(
			audit.Absent(c.ResourceName(), field, "the answer is not whole"))
	})),
}
