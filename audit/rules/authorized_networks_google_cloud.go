package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var authorizedNetworksGoogleCloud = &audit.Rule{
	ID:       "authorized-networks-google-cloud",
	Title:    "Authorized networks do not admit Google Cloud's public addresses",
	Severity: audit.Medium,
	Weight:   "It takes the network layer away from anyone who rents a virtual machine in Google Cloud; credentials are still needed.",
	Since:    "0.1.0",
	Rationale: `With this access on, every public address of Google Cloud reaches the control plane's
public endpoint, whatever the list says: the virtual machines of all other
customers, and services such as Cloud Run that anybody can run code in. It is on
unless it was turned off.`,
	Checks: `gcpPublicCidrsAccessEnabled of the authorized networks of a control plane with a
public IP endpoint. False passes and true fails. Where the field is absent, a
control plane on VPC peering (privateClusterConfig.peeringName) keeps those
addresses out and passes; of any other it is assumed that it admits them, which is
unknown. Without a public endpoint, or with authorized networks off, it does not
apply.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Keep Google Cloud's addresses out; the list stays as it is", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-google-cloud-access`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false
    # beside the cidr_blocks that are there
  }
}`,
		Disruption: `No restart. What calls the public endpoint from Google Cloud, such as a build or a
deployment on Cloud Build or Cloud Run, is locked out unless its address is in the
list or it uses the DNS endpoint.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Add authorized networks for control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks"},
		{Title: "Harden your cluster's security: restrict control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#restrict_control_plane_access"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict { return judgeGoogleCloudAccess(c) }),
}

// judgeGoogleCloudAccess judges whether the authorized networks admit addresses of Google Cloud
// to the public endpoint. It does not apply without a public endpoint or authorized networks.
func judgeGoogleCloudAccess(c *audit.Cluster) audit.Verdict {
	if v, none := noPublicList(c); none {
		return v
	}
	networks, field := authorizedNetworksOf(c)
	name, field := c.ResourceName(), field+".gcpPublicCidrsAccessEnabled"
	if on := networks.GcpPublicCidrsAccessEnabled; on != nil {
		evidence := audit.Evidence{Resource: name, Field: field, Value: strconv.FormatBool(*on)}
		if *on {
			return audit.Failf("all of Google Cloud's public addresses are admitted, other customers' VMs among them").Because(evidence)
		}
		return audit.Passf("Google Cloud's public addresses are not admitted").Because(evidence)
	}
	// Control planes on VPC peering keep Google Cloud out unless told otherwise; all others
	// let it in.
	if peering := c.GetPrivateClusterConfig().GetPeeringName(); peering != "" {
		return audit.Passf("Google Cloud's public addresses are not admitted, the default of control planes on VPC peering").Because(
			audit.Absent(name, field, "Google Cloud's addresses are not admitted by a control plane on VPC peering"),
			audit.Evidence{Resource: name, Field: "privateClusterConfig.peeringName", Value: peering})
	}
	return audit.Unknownf("the API does not say whether Google Cloud's public addresses are admitted; it is assumed that they are").Because(
		audit.Absent(name, field, "Google Cloud's addresses are assumed to be admitted"))
}
