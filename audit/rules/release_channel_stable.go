package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var releaseChannelStable = &audit.Rule{
	ID:       "release-channel-stable",
	Title:    "The release channel is one for production",
	Severity: audit.Low,
	Weight:   "Versions in the Rapid channel are patched like others; they lack time in use.",
	Optional: "Clusters that are there to try new versions belong in the Rapid channel.",
	Since:    "0.1.0",
	Rationale: `Versions of the Rapid channel are new: they may have faults without a workaround,
and GKE leaves them out of its service level agreement. Regular and Stable get the
same patches for versions that have been in use for weeks or months; Extended
keeps a minor version for longer.`,
	Checks: `releaseChannel.channel. RAPID fails; REGULAR, STABLE and EXTENDED pass. A cluster
in no channel is left to release-channel; an Autopilot cluster, which is always in one, is
unknown if it names none.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Move to the Regular channel", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --release-channel=regular`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  release_channel {
    channel = "REGULAR"
  }
}`,
		Disruption: `None. Versions never go back: where the cluster's is newer than those of the
channel, it waits until the channel has caught up.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "About release channels", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/release-channels"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		channel, evidence := channelOf(c)
		switch channel {
		case containerpb.ReleaseChannel_UNSPECIFIED:
			if c.Autopilot() {
				return audit.Unknownf("Autopilot clusters are always in a release channel, but which one is not said").Because(
					evidence, audit.Evidence{Resource: c.ResourceName(), Field: "autopilot.enabled", Value: "true"})
			}
			return audit.NotApplicablef("the cluster is in no release channel").Because(evidence)
		case containerpb.ReleaseChannel_RAPID:
			return audit.Failf("the cluster is in the RAPID channel").Because(evidence)
		case containerpb.ReleaseChannel_REGULAR, containerpb.ReleaseChannel_STABLE, containerpb.ReleaseChannel_EXTENDED:
			return audit.Passf("the cluster is in the %s channel", channel).Because(evidence)
		}
		return audit.UnknownValue(evidence)
	}),
}
