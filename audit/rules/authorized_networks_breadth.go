package rules

import "gkeaudit/audit"

var authorizedNetworksBreadth = &audit.Rule{
	ID:       "authorized-networks-breadth",
	Title:    "Authorized networks admit few public addresses",
	Severity: audit.Medium,
	Weight:   "The list still keeps most of the internet out; each address that is allowed without need is one more place from which a leaked credential works.",
	Since:    "0.1.0",
	Rationale: `A list of authorized networks is worth as much as it leaves out. Whole ranges of a
provider, or of a company that has since given some back, admit machines that
nobody in the house knows, and nobody notices when one of them tries.`,
	Checks: `The authorized networks of a control plane with a public IP endpoint. All blocks
together may hold as many public IPv4 addresses as the parameter
authorizedNetworksBreadth says, 65,536 (2^16) if nothing is laid down; overlaps are
counted once and private and reserved ranges not at all. More fails, as does any
list that holds every address. IPv6 ranges are not counted; as many addresses as a
/16 has, or more, are unknown, as is a block that cannot be read. Without a public endpoint, or
with authorized networks off, it does not apply: that is for authorized-networks.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Name the networks that need it, and no more (the list is replaced as a whole)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-master-authorized-networks --master-authorized-networks=CIDR,CIDR`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  master_authorized_networks_config {
    cidr_blocks {
      cidr_block   = "CIDR"
      display_name = "office"
    }
  }
}`,
		Disruption: "No restart. Callers that are missing from the new list are locked out at once.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Add authorized networks for control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks"},
	},
	Reads: []audit.Parameter{audit.AuthorizedNetworksBreadth},
	Check: audit.EachCluster(func(in *audit.Input, c *audit.Cluster) audit.Verdict {
		if v, none := noPublicList(c); none {
			return v
		}
		networks, field := authorizedNetworksOf(c)
		most := in.Parameters.AuthorizedNetworksBreadth
		v := judgeBlocks(c.ResourceName(), field, networks.GetCidrBlocks(), most)
		if v.Status == audit.Fail {
			v = v.Noting("at most " + count(most, "public IPv4 address is", "public IPv4 addresses are") + " to be")
		}
		return v
	}),
}
