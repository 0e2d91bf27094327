package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var acceleratedPatchUpgrades = &audit.Rule{
	ID:       "accelerated-patch-upgrades",
	Title:    "Patches are taken as soon as the release channel has them",
	Severity: audit.Low,
	Weight:   "Patches arrive in any case; this brings them some weeks sooner.",
	Optional: "Sooner patches mean more frequent upgrades, which is worth it where patches have a deadline.",
	Since:    "0.1.0",
	Rationale: `GKE offers a patch in a release channel some time before it makes it the target of
automatic upgrades. With accelerated patches the cluster takes it at once, so that
a published hole stays open for a shorter time.`,
	Checks: `gkeAutoUpgradeConfig.patchMode: ACCELERATED passes. Absent or unspecified means
the channel's own pace and fails; in a channel that this version of gkeaudit does not
know it is unknown. A cluster in no release channel is left to release-channel.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Accelerate patches", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --patch-update=accelerated`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  gke_auto_upgrade_config {
    patch_mode = "ACCELERATED"
  }
}`,
		Disruption: "None at once; nodes are replaced more often, within maintenance windows.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
		{Title: "About release channels", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/release-channels"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "gkeAutoUpgradeConfig.patchMode"
		mode := c.GetGkeAutoUpgradeConfig().GetPatchMode()
		channel, evidence := channelOf(c)
		patches := audit.Evidence{Resource: c.ResourceName(), Field: field, Value: audit.EnumName(c.GetGkeAutoUpgradeConfig(), mode)}
		switch {
		case mode == containerpb.GkeAutoUpgradeConfig_ACCELERATED:
			return audit.Passf("patches are accelerated").Because(patches)
		case mode != containerpb.GkeAutoUpgradeConfig_PATCH_MODE_UNSPECIFIED:
			return audit.UnknownValue(patches)
		case channel == containerpb.ReleaseChannel_UNSPECIFIED && !c.Autopilot():
			return audit.NotApplicablef("the cluster is in no release channel").Because(evidence)
		case !audit.EnumKnown(channel):
			return audit.UnknownValue(evidence)
		}
		return audit.Failf("patches come at the channel's own pace").Because(audit.Absent(c.ResourceName(), field, "not accelerated"))
	}),
}
