package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var releaseChannel = &audit.Rule{
	ID:       "release-channel",
	Title:    "The cluster is in a release channel",
	Severity: audit.Medium,
	Weight:   "It takes away the layer of patches that come by themselves: nodes need not take them.",
	Since:    "0.1.0",
	Rationale: `In a release channel GKE chooses versions that were tested together, patches the
control plane and the nodes, and keeps both within support. A cluster in none is
upgraded later and can turn node upgrades off, and features such as exclusions
that hold minor versions back are not open to it.`,
	Checks: `releaseChannel.channel. RAPID, REGULAR, STABLE and EXTENDED pass. Absent or
UNSPECIFIED, which is deprecated, means no channel and fails. Autopilot clusters
are always in one.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Enroll the cluster", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --release-channel=regular`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  release_channel {
    channel = "REGULAR"
  }
}`,
		Disruption: `None at once. Node pools get auto-upgrade and auto-repair, and are then upgraded
in maintenance windows; set one first. The cluster's minor version has to be one
that the channel offers.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About release channels", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/release-channels"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.5.4"},
		{Framework: audit.SCC, ID: "RELEASE_CHANNEL_DISABLED"},
	},
	Check: audit.StandardOnly("Autopilot clusters are always in a release channel", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		channel, evidence := channelOf(c)
		switch channel {
		case containerpb.ReleaseChannel_UNSPECIFIED:
			return audit.Failf("the cluster is in no release channel").Because(evidence)
		case containerpb.ReleaseChannel_RAPID, containerpb.ReleaseChannel_REGULAR, containerpb.ReleaseChannel_STABLE, containerpb.ReleaseChannel_EXTENDED:
			return audit.Passf("the cluster is in the %s channel", channel).Because(evidence)
		}
		return audit.UnknownValue(evidence)
	})),
}

// channelOf returns the cluster's release channel, UNSPECIFIED for none.
func channelOf(c *audit.Cluster) (containerpb.ReleaseChannel_Channel, audit.Evidence) {
	const field = "releaseChannel.channel"
	channel := c.GetReleaseChannel().GetChannel()
	if channel == containerpb.ReleaseChannel_UNSPECIFIED { // which the API leaves out
		return channel, audit.Absent(c.ResourceName(), field, "UNSPECIFIED, no channel")
	}
	return channel, audit.Evidence{Resource: c.ResourceName(), Field: field, Value: audit.EnumName(c.GetReleaseChannel(), channel)}
}
