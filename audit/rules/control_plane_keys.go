package rules

import (
	"strings"

	"gkeaudit/audit"
)

var controlPlaneKeys = &audit.Rule{
	ID:       "control-plane-keys",
	Title:    "The control plane uses certificate authorities and keys of your own",
	Severity: audit.Low,
	Weight:   "Google keeps these keys well; keys of your own help only against misuse at Google.",
	Optional: "It is for those whose rules demand it: Google offers it to eligible customers only, and keys and authorities cost and have to be looked after.",
	Since:    "0.1.0",
	Rationale: `Whoever holds the keys that sign certificates and service account tokens can be
anybody in the cluster. Google makes and keeps them. With authorities in
Certificate Authority Service and keys in Cloud KMS, every signature is logged in
your project, and you can take the keys away.`,
	Checks: `All of userManagedKeysConfig: clusterCa, aggregationCa, etcdApiCa, etcdPeerCa,
serviceAccountSigningKeys, serviceAccountVerificationKeys,
controlPlaneDiskEncryptionKey and gkeopsEtcdBackupEncryptionKey. Any that is absent
is Google's, and fails.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create another cluster with them, and move the workloads", Commands: `gcloud container clusters create {new-cluster} \
    --location={location} --project={project} \
    --cluster-ca=CA_POOL --aggregation-ca=CA_POOL \
    --etcd-api-ca=CA_POOL --etcd-peer-ca=CA_POOL \
    --service-account-signing-keys=KEY_VERSION \
    --service-account-verification-keys=KEY_VERSION \
    --control-plane-disk-encryption-key=KEY \
    --gkeops-etcd-backup-encryption-key=KEY`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # in place of {cluster}
  user_managed_keys_config {
    cluster_ca                        = "CA_POOL"
    aggregation_ca                    = "CA_POOL"
    etcd_api_ca                       = "CA_POOL"
    etcd_peer_ca                      = "CA_POOL"
    service_account_signing_keys      = ["KEY_VERSION"]
    service_account_verification_keys = ["KEY_VERSION"]
    control_plane_disk_encryption_key = "KEY"
    gkeops_etcd_backup_encryption_key = "KEY"
  }
}`,
		Disruption: `They are set for good when the cluster is made. From then on the cluster depends on
them: a key or an authority that is disabled stops it.`,
		Recreates: audit.RecreatesCluster,
	},
	References: []audit.Reference{
		{Title: "Run your own certificate authorities and keys in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/tutorials/run-your-own-cas-keys"},
		{Title: "About GKE control plane authority", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/about-control-plane-authority"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		keys := c.GetUserManagedKeysConfig()
		var missing []string
		var own, absent []audit.Evidence
		for _, k := range []struct{ field, value string }{
			{"clusterCa", keys.GetClusterCa()},
			{"aggregationCa", keys.GetAggregationCa()},
			{"etcdApiCa", keys.GetEtcdApiCa()},
			{"etcdPeerCa", keys.GetEtcdPeerCa()},
			{"serviceAccountSigningKeys", strings.Join(keys.GetServiceAccountSigningKeys(), ", ")},
			{"serviceAccountVerificationKeys", strings.Join(keys.GetServiceAccountVerificationKeys(), ", ")},
			{"controlPlaneDiskEncryptionKey", keys.GetControlPlaneDiskEncryptionKey()},
			{"gkeopsEtcdBackupEncryptionKey", keys.GetGkeopsEtcdBackupEncryptionKey()},
		} {
			field := "userManagedKeysConfig." + k.field
			if k.value == "" {
				missing = append(missing, k.field)
				absent = append(absent, audit.Absent(c.ResourceName(), field, "Google's"))
			} else {
				own = append(own, audit.Evidence{Resource: c.ResourceName(), Field: field, Value: k.value})
			}
		}
		switch {
		case len(missing) == 0:
			return audit.Passf("certificate authorities and keys are your own").Because(own...)
		case len(own) == 0:
			evidence := audit.Absent(c.ResourceName(), "userManagedKeysConfig", "all are Google's")
			if keys != nil {
				evidence.Value = "{}"
			}
			return audit.Failf("certificate authorities and keys are Google's").Because(evidence)
		}
		return audit.Failf("not all authorities and keys are your own: %s are Google's", strings.Join(missing, ", ")).Because(absent...)
	}),
}
