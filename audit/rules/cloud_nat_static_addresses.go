package rules

import "gkeaudit/audit"

var cloudNATStaticAddresses = &audit.Rule{
	ID:       "cloud-nat-static-addresses",
	Title:    "Cloud NAT uses addresses that were reserved for it",
	Severity: audit.Low,
	Weight:   "It matters to those who allow the cluster by its addresses, and exposes nothing.",
	Since:    "0.1.0",
	Rationale: `Partners and services that admit a cluster by its address need one that stays. Where
Google allocates addresses, it adds and removes them as nodes come and go: nobody
can say which comes next, and the answer to that is often to admit far more.`,
	Checks: `natIpAllocateOption of each Public NAT gateway that serves private nodes of the
cluster. MANUAL_ONLY passes and AUTO_ONLY fails. A gateway of another or no option,
of which it is not known that it has addresses, is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Reserve addresses and give them to the gateway (as many as cloud-nat-ports counts)", Commands: `gcloud compute addresses create {gateway}-1 {gateway}-2 \
    --region={region} --project={host} &&
gcloud compute routers nats update {gateway} --router={router} \
    --region={region} --project={host} \
    --nat-external-ip-pool={gateway}-1,{gateway}-2`},
		},
		Terraform: `resource "google_compute_address" "nat" {
  count   = 2
  name    = "{gateway}-${count.index + 1}"
  project = "{host}"
  region  = "{region}"
}

resource "google_compute_router_nat" "nat" {
  # name = {gateway}, router = {router}
  nat_ip_allocate_option = "MANUAL_ONLY"
  nat_ips                = google_compute_address.nat[*].self_link
}`,
		Disruption: `Connections through the addresses that Google allocated break, and those addresses
are given up. From then on it is yours to add addresses as nodes grow in number.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "IP addresses and ports", URL: "https://docs.cloud.google.com/nat/docs/ports-and-addresses"},
	},
	Needs: []audit.Data{audit.Routers},
	Uses:  []audit.Data{audit.Subnetworks},
	Check: eachGateway(func(_ *audit.Input, g audit.NATGateway) audit.Verdict {
		evidence := g.Evidence("natIpAllocateOption", g.GetNatIpAllocateOption())
		switch g.GetNatIpAllocateOption() {
		case "MANUAL_ONLY":
			return audit.Passf("%s reserved for the gateway", count(uint64(len(g.UsableAddresses())), "address is", "addresses are")).
				Because(evidence, g.Evidence("natIps", shorten(g.UsableAddresses())))
		case "AUTO_ONLY":
			return audit.Failf("Google allocates the gateway's addresses and may change them").Because(evidence)
		case "":
			evidence = g.Absent("natIpAllocateOption", "it is not known who allocates addresses")
		}
		return audit.Unknownf("how the gateway gets its addresses is not known here").Because(evidence)
	}),
}
