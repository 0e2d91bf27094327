package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var secretsEncryption = &audit.Rule{
	ID:       "secrets-encryption",
	Title:    "Kubernetes Secrets are encrypted with a key in Cloud KMS",
	Severity: audit.Medium,
	Weight:   "It takes away the layer that protects Secrets in the cluster's database or a copy of it, past the API and Google's own encryption.",
	Since:    "0.1.0",
	Rationale: `Google encrypts the disks of the control plane, but in the cluster's database
Secrets are plain text: a copy of the database gives away every one. Encrypted
with a key of your own they are of no use without that key, whose every use is
logged and which you can take away.`,
	Checks: `databaseEncryption.state is what is wanted, .currentState what is. ENCRYPTED and
ALL_OBJECTS_ENCRYPTION_ENABLED are good, if a key is named (keyName) and the current
state is one of the two; in old answers, which have no current state, .state was
both, and decides. DECRYPTED fails, and so does a current state that is
pending, an error or DECRYPTED. No state, no key or an unknown value is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Make a key, and let GKE use it (PROJECT_NUMBER is that of the cluster's project)", Commands: `gcloud kms keyrings create gke --location={region} --project={project} &&
gcloud kms keys create secrets --keyring=gke --location={region} \
    --purpose=encryption --project={project} &&
gcloud kms keys add-iam-policy-binding secrets --keyring=gke \
    --location={region} --project={project} \
    --member=serviceAccount:service-PROJECT_NUMBER@container-engine-robot.{agent-domain} \
    --role=roles/cloudkms.cryptoKeyEncrypterDecrypter`},
			{Title: "Encrypt with it", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --database-encryption-key=projects/{project}/locations/{region}/keyRings/gke/cryptoKeys/secrets`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  database_encryption {
    state    = "ENCRYPTED"
    key_name = google_kms_crypto_key.secrets.id
  }
}`,
		Disruption: `The control plane is updated; workloads go on. From then on the cluster depends on
the key: disabled or destroyed, Secrets cannot be read and the cluster does not
recover.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Encrypt secrets at the application layer", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/encrypting-secrets"},
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.3.1"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.3.1"},
		{Framework: audit.SCC, ID: "CLUSTER_SECRETS_ENCRYPTION_DISABLED"},
		{Framework: audit.OrgPolicy, ID: "container.managed.enableSecretsEncryption"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "databaseEncryption.state"
		name, encryption := c.ResourceName(), c.GetDatabaseEncryption()
		state := encryption.GetState()
		wanted := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(encryption, state)}
		switch state {
		case containerpb.DatabaseEncryption_DECRYPTED:
			return audit.Failf("Secrets are not encrypted with a key of your own").Because(wanted)
		case containerpb.DatabaseEncryption_ENCRYPTED, containerpb.DatabaseEncryption_ALL_OBJECTS_ENCRYPTION_ENABLED:
			return judgeEncryption(c).Because(wanted)
		case containerpb.DatabaseEncryption_UNKNOWN:
			return audit.Unknownf("whether Secrets are encrypted is not said").Because(audit.Absent(name, field, "the answer is not whole"))
		}
		return audit.UnknownValue(wanted)
	}),
}

// judgeEncryption judges how far encryption is where it is wanted.
func judgeEncryption(c *audit.Cluster) audit.Verdict {
	const (
		field    = "databaseEncryption.currentState"
		keyField = "databaseEncryption.keyName"
	)
	name, encryption := c.ResourceName(), c.GetDatabaseEncryption()
	current := audit.Evidence{Resource: name, Field: field, Value: audit.EnumName(encryption, encryption.GetCurrentState())}
	if encryption.CurrentState == nil {
		current = audit.Absent(name, field, "databaseEncryption.state holds")
	}
	key := audit.Evidence{Resource: name, Field: keyField, Value: encryption.GetKeyName()}
	if key.Value == "" {
		return audit.Unknownf("Secrets are to be encrypted, but no key is named").Because(
			audit.Absent(name, keyField, "whose key is used is not known"), current)
	}
	because := []audit.Evidence{current, key}
	if encryption.CurrentState == nil {
		return audit.Passf("Secrets are encrypted with %s", key.Value).Noting("by an old answer, which gives no current state").Because(because...)
	}
	switch state := encryption.GetCurrentState(); state {
	case containerpb.DatabaseEncryption_CURRENT_STATE_ENCRYPTED,
		containerpb.DatabaseEncryption_CURRENT_STATE_ALL_OBJECTS_ENCRYPTION_ENABLED:
		return audit.Passf("Secrets are encrypted with %s", key.Value).Because(because...)
	case containerpb.DatabaseEncryption_CURRENT_STATE_ENCRYPTION_PENDING,
		containerpb.DatabaseEncryption_CURRENT_STATE_ALL_OBJECTS_ENCRYPTION_PENDING:
		return audit.Failf("encryption is under way, and not all Secrets are encrypted with %s yet", key.Value).Because(because...)
	case containerpb.DatabaseEncryption_CURRENT_STATE_ENCRYPTION_ERROR,
		containerpb.DatabaseEncryption_CURRENT_STATE_ALL_OBJECTS_ENCRYPTION_ERROR:
		return audit.Failf("encryption with %s met an error", key.Value).Because(because...)
	case containerpb.DatabaseEncryption_CURRENT_STATE_DECRYPTED,
		containerpb.DatabaseEncryption_CURRENT_STATE_DECRYPTION_PENDING,
		containerpb.DatabaseEncryption_CURRENT_STATE_DECRYPTION_ERROR:
		return audit.Failf("Secrets are to be encrypted, but are not: their state is %s", state).Because(because...)
	case containerpb.DatabaseEncryption_CURRENT_STATE_UNSPECIFIED:
		return audit.Unknownf("the API response does not say whether Secrets are encrypted").Because(because...)
	default:
		return audit.UnknownValue(current).Because(key)
	}
}
