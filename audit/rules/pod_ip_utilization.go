package rules

import (
	"fmt"
	"strconv"
	"strings"

	"gkeaudit/audit"
)

var podIPUtilization = &audit.Rule{
	ID:       "pod-ip-utilization",
	Title:    "Pod ranges have room",
	Severity: audit.Low,
	Weight:   "It exposes nothing; a full range stops new nodes, and with them upgrades.",
	Optional: "It is about room to grow more than about security.",
	Since:    "0.1.0",
	Rationale: `Each node takes a block of the pod range for itself. When none is left no node can
be added: neither by the autoscaler, nor by an upgrade, which begins with a new
node, nor by a repair. Patches then wait for somebody to add a range.`,
	Checks: `networkConfig.podIpv4RangeUtilization of each node pool, and
ipAllocationPolicy.defaultPodIpv4RangeUtilization and
.additionalPodRangesConfig.podRangeInfo[].utilization of the cluster, each a share of
the range: more than 0.8 fails, as in Network Analyzer. Absent is unknown: it may stand for 0, or for an
answer that lacks it; that of a range of the cluster is not missed where a node pool in the
range reports it, or where all node pools are in others. Routes-based clusters
(ipAllocationPolicy.useRoutes) have no pod ranges. Where neither that nor useIpAliases is
set, nor a node pool names a range, it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Give the cluster one more pod range, for node pools made from now on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --additional-pod-ipv4-ranges=RANGE`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  ip_allocation_policy {
    additional_pod_ranges_config {
      pod_range_names = ["RANGE"]
    }
  }
}`,
		Disruption: `No restart. Existing node pools stay in the full range. Recreate those that have to grow in
the new range (--pod-ipv4-range=RANGE).`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "GKE IP address utilization insights", URL: "https://docs.cloud.google.com/network-intelligence-center/docs/network-analyzer/insights/kubernetes-engine/gke-ip-utilization"},
		{Title: "Multi-Pod CIDR", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/multi-pod-cidr"},
	},
	Check: checkPodRanges,
}

// A podRange is a range that pods of a cluster have their addresses from, and the share of it
// that is in use; 0 where it is not reported.
type podRange struct {
	what, field string
	used        float64
}

func checkPodRanges(_ *audit.Input, c *audit.Cluster) []audit.Verdict {
	policy := c.GetIpAllocationPolicy()
	used := map[string]bool{}     // ranges of node pools
	reported := map[string]bool{} // those of them of which one says how much is in use
	var verdicts []audit.Verdict
	for _, n := range c.NodeSources() {
		used[n.PodRange()] = true
		if n.Pool == nil {
			continue
		}
		share := n.Pool.GetNetworkConfig().GetPodIpv4RangeUtilization()
		verdicts = append(verdicts, judgeUtilization(n.ResourceName(), podRange{"the pod range", "networkConfig.podIpv4RangeUtilization", share}))
		if share > 0 {
			reported[n.PodRange()] = true
		}
	}
	own := policy.GetClusterSecondaryRangeName()
	var ranges []podRange
	// The default range is left out where all node pools have others, and where they report it.
	if share := policy.GetDefaultPodIpv4RangeUtilization(); share > 0 || !reported[own] && (used[own] || len(used) == 0) {
		ranges = append(ranges, podRange{"the pod range", "ipAllocationPolicy.defaultPodIpv4RangeUtilization", share})
	}
	for _, info := range policy.GetAdditionalPodRangesConfig().GetPodRangeInfo() {
		if info.GetUtilization() > 0 || !reported[info.GetRangeName()] {
			ranges = append(ranges, podRange{"pod range " + info.GetRangeName(),
				"ipAllocationPolicy.additionalPodRangesConfig.podRangeInfo[" + info.GetRangeName() + "].utilization", info.GetUtilization()})
		}
	}
	aliased := policy.GetUseIpAliases() || c.Autopilot() || len(reported) > 0 || len(policy.GetAdditionalPodRangesConfig().GetPodRangeInfo()) > 0
	for _, p := range c.GetNodePools() {
		aliased = aliased || p.GetNetworkConfig().GetPodRange() != ""
	}
	const field = "ipAllocationPolicy.useIpAliases"
	switch {
	case !aliased && policy.GetUseRoutes():
		return []audit.Verdict{audit.NotApplicablef("the cluster is routes-based and has no pod ranges").Because(
			audit.Evidence{Resource: c.ResourceName(), Field: "ipAllocationPolicy.useRoutes", Value: "true"},
			audit.Absent(c.ResourceName(), field, "false"))}
	case !aliased:
		return []audit.Verdict{audit.Unknownf("where pods have their addresses from is not said").Because(
			audit.Absent(c.ResourceName(), field, "the answer is not whole"))}
	case len(ranges) > 0:
		verdicts = append(verdicts, judgeUtilization(c.ResourceName(), ranges...))
	}
	return verdicts
}

// fullPodRange is the share above which a range counts as full. Source: GKE IP address
// utilization insights, in the Network Analyzer documentation.
const fullPodRange = 0.8

// judgeUtilization judges the ranges of a cluster or a node pool: by those that are full, else
// by those of which nothing is known.
func judgeUtilization(resource string, ranges ...podRange) audit.Verdict {
	var full, unreported, room []string
	var evidence []audit.Evidence
	for _, r := range ranges {
		shares := fmt.Sprintf("%.0f%% of %s", 100*r.used, r.what)
		switch {
		case r.used <= 0:
			unreported = append(unreported, r.what)
			evidence = append(evidence, audit.Absent(resource, r.field, "0, or not reported"))
			continue
		case r.used > fullPodRange:
			if strings.HasPrefix(shares, "80%") { // it is rounded down
				shares = "more than " + shares
			}
			full = append(full, shares)
		default:
			room = append(room, shares)
		}
		evidence = append(evidence, audit.Evidence{Resource: resource, Field: r.field, Value: strconv.FormatFloat(r.used, 'g', 4, 64)})
	}
	inUse := func(shares []string) string {
		if len(shares) == 1 {
			return shares[0] + " is in use"
		}
		return shorten(shares) + " are in use"
	}
	switch {
	case full != nil:
		return audit.Failf("%s", inUse(full)).On(resource).Because(evidence...)
	case unreported != nil:
		return audit.Unknownf("how much of %s is in use is not in the answer", shorten(unreported)).On(resource).Because(evidence...)
	}
	return audit.Passf("%s", inUse(room)).On(resource).Because(evidence...)
}
