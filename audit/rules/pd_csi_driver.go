package rules

import "gkeaudit/audit"

var pdCSIDriver = &audit.Rule{
	ID:       "pd-csi-driver",
	Title:    "GKE looks after the driver for persistent disks",
	Severity: audit.Low,
	Weight:   "It exposes nothing; disks with keys of your own, snapshots and resizing need the driver, and a driver of your own is yours to patch.",
	Optional: "Clusters without persistent disks, or with a driver of their own, do not need it.",
	Since:    "0.1.0",
	Rationale: `The Compute Engine Persistent Disk CSI driver makes the disks of persistent volumes.
GKE installs and patches it where the add-on is on. Without it volumes are not made,
or by a driver that has to be patched by hand.`,
	Checks: `addonsConfig.gcePersistentDiskCsiDriverConfig.enabled: true passes, false, which the
API leaves out, fails. Without addonsConfig it is unknown. On Autopilot it is always
on.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn it on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --update-addons=GcePersistentDiskCsiDriver=ENABLED`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  addons_config {
    gce_persistent_disk_csi_driver_config {
      enabled = true
    }
  }
}`,
		Disruption: `None for running workloads. A driver that was installed by hand has to be removed
first.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Using the Compute Engine persistent disk CSI driver", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/persistent-volumes/gce-pd-csi-driver"},
	},
	Check: audit.StandardOnly("on Autopilot the driver is always on", audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "addonsConfig.gcePersistentDiskCsiDriverConfig.enabled"
		addons := c.GetAddonsConfig()
		switch {
		case addons == nil:
			return audit.Unknownf("whether the driver for persistent disks is on is not said").Because(
				audit.Absent(c.ResourceName(), "addonsConfig", "the answer is not whole"))
		case addons.GetGcePersistentDiskCsiDriverConfig().GetEnabled():
			return audit.Passf("the driver for persistent disks is on").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "true"})
		}
		return audit.Failf("the driver for persistent disks is off").Because(audit.Absent(c.ResourceName(), field, "off"))
	})),
}
