package rules

import "gkeaudit/audit"

var cloudNATEndpointIndependentMapping = &audit.Rule{
	ID:       "cloud-nat-endpoint-independent-mapping",
	Title:    "Cloud NAT maps each connection by its endpoint",
	Severity: audit.Low,
	Weight:   "It costs connections under load and exposes nothing.",
	Optional: "Some peer-to-peer protocols (STUN, WebRTC) ask for endpoint-independent mapping.",
	Since:    "0.1.0",
	Rationale: `With endpoint-independent mapping, a source address and port keeps one external port
for all destinations. Two sources that meet there conflict, and packets are
dropped although ports are free. It also rules out dynamic port allocation, which
lets busy nodes have more ports than idle ones.`,
	Checks: `enableEndpointIndependentMapping of each Public NAT gateway that serves private nodes
of the cluster. True fails; false passes, as does absent, which means off.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn endpoint-independent mapping off", Commands: `gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --no-enable-endpoint-independent-mapping`},
		},
		Terraform: `resource "google_compute_router_nat" "nat" {
  # name = {gateway}, router = {router}
  enable_endpoint_independent_mapping = false
}`,
		Disruption: "Existing connections may break. See to it at a quiet time.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "IP addresses and ports", URL: "https://docs.cloud.google.com/nat/docs/ports-and-addresses"},
		{Title: "Troubleshoot Cloud NAT", URL: "https://docs.cloud.google.com/nat/docs/troubleshooting"},
	},
	Needs: []audit.Data{audit.Routers},
	Uses:  []audit.Data{audit.Subnetworks},
	Check: eachGateway(func(_ *audit.Input, g audit.NATGateway) audit.Verdict {
		const field = "enableEndpointIndependentMapping"
		on := g.EnableEndpointIndependentMapping
		switch {
		case on == nil:
			return audit.Passf("endpoint-independent mapping is off").Because(g.Absent(field, "off"))
		case *on:
			return audit.Failf("endpoint-independent mapping is on").Because(g.Evidence(field, "true"))
		}
		return audit.Passf("endpoint-independent mapping is off").Because(g.Evidence(field, "false"))
	}),
}
