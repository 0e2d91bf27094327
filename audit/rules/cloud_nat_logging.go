package rules

import "gkeaudit/audit"

var cloudNATLogging = &audit.Rule{
	ID:       "cloud-nat-logging",
	Title:    "Cloud NAT logs the connections that it fails to make",
	Severity: audit.Low,
	Weight:   "It exposes nothing; without logs, finding what went wrong costs more.",
	Since:    "0.1.0",
	Rationale: `A gateway that runs out of ports drops packets, and workloads see time-outs that look
like faults of whatever they call. The log of errors names the node and the
destination. The log of all connections tells, after an incident, what a node
talked to.`,
	Checks: `logConfig of each Public NAT gateway that serves private nodes of the cluster. It
passes with enable true and a filter of ERRORS_ONLY, ALL or none, which means all.
It fails with enable false or absent, and with the filter TRANSLATIONS_ONLY, which
leaves out what was dropped. A filter that is not known here is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Log what the gateway drops (ALL instead of ERRORS_ONLY logs every connection, at a price)", Commands: `gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --enable-logging --log-filter=ERRORS_ONLY`},
		},
		Terraform: `resource "google_compute_router_nat" "nat" {
  # name = {gateway}, router = {router}
  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}`,
		Disruption: "None. Logs are charged for by volume.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Cloud NAT logs and metrics", URL: "https://docs.cloud.google.com/nat/docs/monitoring"},
	},
	Needs: []audit.Data{audit.Routers},
	Uses:  []audit.Data{audit.Subnetworks},
	Check: eachGateway(func(_ *audit.Input, g audit.NATGateway) audit.Verdict {
		log := g.GetLogConfig()
		switch {
		case log == nil || log.Enable == nil:
			return audit.Failf("nothing is logged").Because(g.Absent("logConfig.enable", "logging is off"))
		case !*log.Enable:
			return audit.Failf("nothing is logged").Because(g.Evidence("logConfig.enable", "false"))
		}
		because := []audit.Evidence{g.Evidence("logConfig.enable", "true"), g.Evidence("logConfig.filter", log.GetFilter())}
		switch log.GetFilter() {
		case "":
			because[1] = g.Absent("logConfig.filter", "ALL")
			return audit.Passf("all connections are logged").Because(because...)
		case "ALL":
			return audit.Passf("all connections are logged").Because(because...)
		case "ERRORS_ONLY":
			return audit.Passf("connections that fail are logged").Because(because...)
		case "TRANSLATIONS_ONLY":
			return audit.Failf("only connections that succeed are logged").Because(because...)
		}
		return audit.Unknownf("what is logged by filter %s is not known here", log.GetFilter()).Because(because...)
	}),
}
