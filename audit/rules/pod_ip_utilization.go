package rules

import (
	"fmt"
	"strconv"

	"gkeaudit/audit"
)

var podIPUtilization = &audit.Rule{
	ID:       "pod-ip-utilization",
	Title:    "Pod ranges have room",
	Severity: audit.Low,
	Weight:   "A full range stops new nodes, and with them upgrades, but opens nothing.",
	Optional: "It is about room to grow more than about security.",
	Since:    "0.1.0",
	Rationale: `Each node takes a block of the pod range for itself. When none is left no node can
be added: neither by the autoscaler, nor by an upgrade, which begins with a new
node, nor by a repair. Patches then wait for somebody to add a range.`,
	Checks: `networkConfig.podIpv4RangeUtilization of each node pool and
ipAllocationPolicy.defaultPodIpv4RangeUtilization of the cluster, each a share of
the range: 0.85 and more fail. Absent is unknown: it may stand for 0, or for an
answer that lacks it. Routes-based clusters have no pod ranges.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Give the cluster one more pod range", Commands: `gcloud container clusters update {cluster} \
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
		Disruption: "None. Existing node pools keep their range; new ones take the new one.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Multi-Pod CIDR", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/multi-pod-cidr"},
	},
	Check: func(_ *audit.Input, c *audit.Cluster) []audit.Verdict {
		// useIpAliases is false, or ipAllocationPolicy absent, on a routes-based cluster.
		if ip := c.GetIpAllocationPolicy(); ip != nil && !ip.GetUseIpAliases() {
			return []audit.Verdict{audit.NotApplicablef("the cluster is routes-based and has no pod ranges").Because(
				audit.Absent(c.ResourceName(), "ipAllocationPolicy.useIpAliases", "routes-based"))}
		}
		verdicts := []audit.Verdict{judgeUtilization(c.ResourceName(), "ipAllocationPolicy.defaultPodIpv4RangeUtilization",
			c.GetIpAllocationPolicy().GetDefaultPodIpv4RangeUtilization())}
		for _, p := range c.NodeSources() {
			if used := p.Pool.GetNetworkConfig().GetPodIpv4RangeUtilization(); used != 0 {
				verdicts = append(verdicts, judgeUtilization(p.ResourceName(), "networkConfig.podIpv4RangeUtilization", used))
			}
		}
		if len(verdicts) > 1 && verdicts[0].Status == audit.Unknown {
			verdicts = verdicts[1:] // the node pools say it all
		}
		return verdicts
	},
}

func judgeUtilization(resource, field string, used float64) audit.Verdict {
	if used <= 0 {
		return audit.Unknownf("how much of the pod range is in use is not in the answer").On(resource).
			Because(audit.Absent(resource, field, "0, or not reported"))
	}
	evidence := audit.Evidence{Resource: resource, Field: field, Value: strconv.FormatFloat(used, 'g', 4, 64)}
	message := fmt.Sprintf("%.0f%% of the pod range is in use", 100*used)
	if used >= 0.85 {
		return audit.Failf("%s", message).On(resource).Because(evidence)
	}
	return audit.Passf("%s", message).On(resource).Because(evidence)
}
