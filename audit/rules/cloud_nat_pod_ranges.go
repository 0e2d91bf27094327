package rules

import (
	"strings"

	"gkeaudit/audit"
)

var cloudNATPodRanges = &audit.Rule{
	ID:       "cloud-nat-pod-ranges",
	Title:    "Cloud NAT serves the pods of private nodes, too",
	Severity: audit.Low,
	Weight:   "It exposes nothing; Pods lose their way out the day that masquerading is turned off.",
	Since:    "0.1.0",
	Rationale: `Where Cloud NAT serves the nodes' range alone, pods reach the internet because nodes
put their own address in place of the pod's. An ip-masq-agent configuration or an
egress policy inside of the cluster can end that, and then packets of pods are
dropped. Google advises to serve both ranges.`,
	Checks: `Each subnetwork of private nodes that a Public NAT gateway serves. The secondary range
that pods take their addresses from (the node pool's networkConfig.podRange, else
the cluster's ipAllocationPolicy.clusterSecondaryRangeName) must be served as well,
by the same gateway or by another one. It does not apply where no gateway serves the
subnetwork, which is for cloud-nat, nor to routes-based clusters, whose pods have no
range in the subnetwork.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Let a gateway serve all ranges of the subnetwork (the list is replaced, so name all that it serves)", Commands: `gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --nat-custom-subnet-ip-ranges=OTHERS,{subnetwork}:ALL`},
		},
		Terraform: `resource "google_compute_router_nat" "nat" {
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = "projects/{host}/regions/{region}/subnetworks/{subnetwork}"
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
}`,
		Disruption: `None for connections that are there. Without dynamic port allocation every node then
takes 1,024 ports at least: see that the addresses suffice (cloud-nat-ports).`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Cloud NAT and other Google Cloud products: GKE", URL: "https://docs.cloud.google.com/nat/docs/nat-product-interactions"},
		{Title: "Configure an IP masquerade agent", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/ip-masquerade-agent"},
	},
	Needs: []audit.Data{audit.Routers},
	Uses:  []audit.Data{audit.Subnetworks},
	Check: audit.EachPrivateSubnetwork(func(in *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork) audit.Verdict {
		nat, hidden, ok := servingNAT(in, c, sn)
		if !ok && !nat.CoversAny() {
			return hidden
		}
		if len(sn.PodRanges()) == 0 {
			const field = "ipAllocationPolicy.clusterSecondaryRangeName"
			if c.GetIpAllocationPolicy().GetUseIpAliases() {
				return audit.Unknownf("the cluster does not name the range of its pods").Because(audit.Absent(c.ResourceName(), field, "the pods' range is not known"))
			}
			return audit.NotApplicablef("the cluster is routes-based: its pods have no range in the subnetwork").Because(audit.Absent(c.ResourceName(), field, "no range for pods"))
		}
		var missing []string
		for _, r := range sn.PodRanges() {
			if len(nat.Pods[r]) == 0 {
				missing = append(missing, r)
			}
		}
		switch {
		case missing == nil:
			return audit.Passf("Cloud NAT serves the pods' range %s", strings.Join(sn.PodRanges(), ", ")).Because(nat.Evidence...)
		case !ok:
			return hidden
		}
		v := audit.Failf("no Cloud NAT gateway serves the pods' range %s", strings.Join(missing, ", ")).Because(nat.Evidence...)
		if c.GetNetworkConfig().GetDefaultSnatStatus().GetDisabled() {
			return v.Noting("pods are not masqueraded").Because(
				audit.Evidence{Resource: c.ResourceName(), Field: "networkConfig.defaultSnatStatus.disabled", Value: "true"})
		}
		return v.Noting("pods rely on being masqueraded")
	}),
}
