package rules

import (
	"slices"

	"gkeaudit/audit"
)

var bootDiskCMEK = &audit.Rule{
	ID:       "boot-disk-cmek",
	Title:    "Boot disks of nodes are encrypted with a key of your own",
	Severity: audit.Low,
	Weight:   "Google encrypts disks in any case; a key of your own adds that you can revoke and audit it.",
	Optional: "Who has to hold the keys is a question of the rules that an estate is under; keys cost money and care.",
	Since:    "0.1.0",
	Rationale: `Boot disks hold images, logs and what pods write to their ephemeral storage. Google
encrypts them with its own keys. Only with a key of your own in Cloud KMS can you say who
uses it, see when, and make the disks unreadable.`,
	Checks: `The config.bootDiskKmsKey of each node pool, and that of
autoscaling.autoprovisioningNodePoolDefaults where the cluster makes node pools by itself
(Autopilot, node auto-provisioning). A key passes, none fails. Whose key it is and how it
is protected is not looked at, nor are persistent disks.` + onNodePools,
	Remediation: audit.Remediation{
		Gcloud: slices.Concat(anotherPool("Create another node pool with a key", "--boot-disk-kms-key="+kmsKey), []audit.Step{
			{For: audit.AutoProvisioning, Title: "Use a key for the node pools that the cluster makes from now on (put your other defaults in the file, too)",
				Commands: otherDefaults("bootDiskKmsKey: " + kmsKey + `\n`)},
			{For: audit.AutopilotCluster, Title: "Create another cluster with a key, and move the workloads", Commands: `gcloud container clusters create-auto {new-cluster} \
    --location={location} --project={project} \
    --boot-disk-kms-key=` + kmsKey},
		}),
		Terraform: `resource "google_container_node_pool" "pool" {
  # in place of {pool}
  node_config {
    boot_disk_kms_key = "` + kmsKey + `"
  }
  # For Autopilot and node auto-provisioning, set the key with gcloud first. If you change
  # boot_disk_kms_key in auto_provisioning_defaults, Terraform deletes and recreates the
  # cluster. Once the cluster has the key, the same value in Terraform changes nothing.
}`,
		Disruption: `The key is set for good when a node pool is made: a new node pool is needed, and pods
move when the old one is drained. The Compute Engine service agent needs
roles/cloudkms.cryptoKeyEncrypterDecrypter on the key. Nodes do not start without it.`,
		Recreates: audit.RecreatesNodePool,
	},
	References: []audit.Reference{
		{Title: "Use customer-managed encryption keys", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/using-cmek"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.9.2"},
		{Framework: audit.SCC, ID: "NODEPOOL_BOOT_CMEK_DISABLED"},
	},
	Check: audit.EachNodeSource(configured(func(_ *audit.Input, n audit.NodeSource) audit.Verdict {
		s, path := settings(n)
		field, key := path+"bootDiskKmsKey", s.GetBootDiskKmsKey()
		if key == "" {
			return audit.Failf("%s boot disks under Google's keys", whose(n, "have", "get")).Because(audit.Absent(n.ResourceName(), field, "no key of your own"))
		}
		return audit.Passf("%s boot disks under a key of your own", whose(n, "have", "get")).Because(audit.Evidence{Resource: n.ResourceName(), Field: field, Value: key})
	})),
}

const kmsKey = "projects/KEY_PROJECT/locations/{region}/keyRings/RING/cryptoKeys/KEY"
