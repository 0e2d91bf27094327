package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/compute/apiv1/computepb"
)

var customModeNetwork = &audit.Rule{
	ID:       "custom-mode-network",
	Title:    "The network is in custom mode",
	Severity: audit.Low,
	Weight:   "Ranges that nobody chose conflict with others later, and expose nothing.",
	Optional: "It is about planning of addresses, and takes one more permission in each project that owns a network.",
	Since:    "0.1.0",
	Rationale: `A network in auto mode has a subnetwork in every region, also in those to come, with
ranges that are the same in every such network. They collide when networks are
peered or joined to others, and give a foothold in regions that nobody watches.`,
	Checks: `autoCreateSubnetworks of the VPC network of the cluster: false passes, true fails. A
legacy network is left to legacy-network. Absent is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Switch the network to custom mode", Commands: `gcloud compute networks update {network} --project={host} \
    --switch-to-custom-subnet-mode`},
		},
		Terraform: `resource "google_compute_network" "network" {
  # Switch the network with gcloud first. If you change auto_create_subnetworks instead,
  # Terraform deletes and recreates the network. After the switch, this changes nothing.
  # name = {network}, project = {host}
  auto_create_subnetworks = false
}`,
		Disruption: `None; subnetworks stay as they are and can be deleted where they are unused. It
cannot be undone.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "VPC networks", URL: "https://docs.cloud.google.com/vpc/docs/vpc"},
	},
	Needs: []audit.Data{audit.Networks},
	Check: eachNetwork(func(name string, n *computepb.Network) audit.Verdict {
		mode, evidence, ok := subnetMode(name, n)
		switch {
		case !ok:
			return audit.Unknownf("whether the network is in custom mode is not in the answer").Because(evidence)
		case mode == "legacy":
			return audit.NotApplicablef("a legacy network has no subnetworks").Because(evidence)
		case mode == "auto":
			return audit.Failf("the network is in auto mode, with a subnetwork in every region").Because(evidence)
		}
		return audit.Passf("the network is in custom mode").Because(evidence)
	}),
}
