package rules

import (
	"strings"

	"gkeaudit/audit"
)

var subnetFlowLogs = &audit.Rule{
	ID:       "subnet-flow-logs",
	Title:    "The subnetworks of the nodes have VPC Flow Logs",
	Severity: audit.Low,
	Weight:   "Logs prevent nothing; without them, finding what a compromised Pod has talked to costs more.",
	Optional: "Flow logs cost by volume, and may be collected in another way.",
	Since:    "0.1.0",
	Rationale: `Flow logs are the record of who spoke to whom. After a break-in they tell which
other machines were reached and where data went; without them that is guesswork.`,
	Checks: `logConfig.enable, or the older enableFlowLogs, of each subnetwork that holds nodes of
the cluster. Absent means off; a flowSampling of 0, or a filterExpr of false, logs nothing and fails.
What another filterExpr than true leaves out is not worked out: unknown. Flow log
configurations of the Network Management API, which can turn logs on for a network
or a whole organization, are not read: a failure is about the subnetwork's own
setting, and says so.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn flow logs on", Commands: `gcloud compute networks subnets update {subnetwork} \
    --region={region} --project={host} --enable-flow-logs`},
			{Title: "If a filter drops them: log all", Commands: `gcloud compute networks subnets update {subnetwork} \
    --region={region} --project={host} --logging-filter-expr=true`},
		},
		Terraform: `resource "google_compute_subnetwork" "subnetwork" {
  # name = {subnetwork}, project = {host}
  log_config {
    flow_sampling = 0.5
  }
}`,
		Disruption: "None. Logs are charged by volume; sampling and the interval reduce it.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "VPC Flow Logs", URL: "https://docs.cloud.google.com/vpc/docs/flow-logs"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.1"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.4.1"},
		{Framework: audit.SCC, ID: "FLOW_LOGS_DISABLED"},
	},
	Needs: []audit.Data{audit.Subnetworks},
	Check: func(in *audit.Input, c *audit.Cluster) []audit.Verdict {
		var verdicts []audit.Verdict
		judged := map[string]bool{}
		for _, n := range c.NodeSources() {
			name, ok := n.Subnetwork()
			resource := name.String()
			if !ok {
				resource = ""
			}
			if judged[resource] {
				continue
			}
			judged[resource] = true
			if !ok {
				verdicts = append(verdicts, audit.Unknownf("no subnetwork is named, as on a legacy network").Because(
					audit.Absent(c.ResourceName(), "networkConfig.subnetwork", "the subnetwork is not known")))
				continue
			}
			verdicts = append(verdicts, judgeFlowLogs(in, name).On(resource))
		}
		if verdicts == nil {
			return []audit.Verdict{audit.NoNodes(c)}
		}
		return verdicts
	},
}

func judgeFlowLogs(in *audit.Input, name audit.SubnetworkName) audit.Verdict {
	const field = "logConfig.enable"
	subnetwork, gap := in.Subnetwork(name)
	resource := name.String()
	log := subnetwork.GetLogConfig()
	switch {
	case gap != nil:
		return audit.Hidden(gap)
	case subnetwork == nil:
		return audit.Unknownf("project %s does not list the subnetwork", name.Project).Because(
			audit.Absent(resource, field, "the subnetwork is not in the list of its project"))
	case log.GetEnable() && log.FlowSampling != nil && log.GetFlowSampling() == 0:
		return audit.Failf("flow logs are on, but no packet is sampled").Because(audit.Evidence{Resource: resource, Field: "logConfig.flowSampling", Value: "0"})
	case log.GetEnable() && strings.EqualFold(strings.TrimSpace(log.GetFilterExpr()), "false"):
		return audit.Failf("flow logs are on, but the filter drops all of them").Because(audit.Evidence{Resource: resource, Field: "logConfig.filterExpr", Value: log.GetFilterExpr()})
	case log.GetEnable() && log.GetFilterExpr() != "" && !strings.EqualFold(strings.TrimSpace(log.GetFilterExpr()), "true"):
		return audit.Unknownf("flow logs are on, with a filter, and what it drops is not known").Because(audit.Evidence{Resource: resource, Field: "logConfig.filterExpr", Value: log.GetFilterExpr()})
	case log.GetEnable():
		return audit.Passf("flow logs are on").Because(audit.Evidence{Resource: resource, Field: field, Value: "true"})
	case subnetwork.GetEnableFlowLogs() && (log == nil || log.Enable == nil):
		return audit.Passf("flow logs are on").Because(audit.Evidence{Resource: resource, Field: "enableFlowLogs", Value: "true"})
	}
	evidence := audit.Absent(resource, field, "off")
	if log != nil && log.Enable != nil {
		evidence = audit.Evidence{Resource: resource, Field: field, Value: "false"}
	}
	return audit.Failf("flow logs are off in the subnetwork; configurations of the Network Management API, which might turn them on, are not read").Because(evidence)
}
