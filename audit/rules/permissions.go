package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// A permissionSet are the permissions that a rule looks for in roles.
type permissionSet struct {
	rank     map[string]int // by permission; the lowest is named
	suffixes []string       // of others
	except   []string       // that have such a suffix and are not meant
}

func newPermissionSet(lists ...[]string) *permissionSet {
	set := &permissionSet{rank: map[string]int{}}
	for _, p := range slices.Concat(lists...) {
		if _, ok := set.rank[p]; !ok {
			set.rank[p] = len(set.rank)
		}
	}
	return set
}

// first returns the permission among some that is first in the set; empty if none is.
func (set *permissionSet) first(permissions []string) string {
	found, best := "", len(set.rank)+1
	for _, p := range permissions {
		rank, ok := set.rank[p]
		if !ok && set.alike(p) {
			rank, ok = len(set.rank), true
		}
		if ok && rank < best {
			found, best = p, rank
		}
	}
	return found
}

// alike reports whether a permission is meant by its suffix.
func (set *permissionSet) alike(permission string) bool {
	return slices.ContainsFunc(set.suffixes, func(suffix string) bool { return strings.HasSuffix(permission, suffix) }) &&
		!slices.Contains(set.except, permission)
}

// A holding says whether a role grants what a rule looks for.
type holding struct {
	permission string     // that it grants; empty if none
	unclear    string     // for a message, why what it grants is not known; empty if it is
	gap        *audit.Gap // that hides the role
}

// String says for a message which permission decided; nothing if none did.
func (h holding) String() string {
	if h.permission == "" {
		return ""
	}
	return " (with " + h.permission + ")"
}

// in adds to evidence, if a permission of a role decided, that it did.
func (h holding) in(role string, evidence ...audit.Evidence) []audit.Evidence {
	if h.permission != "" {
		evidence = append(evidence, audit.Evidence{Resource: role, Field: "includedPermissions", Value: h.permission})
	}
	return evidence
}

// holdingOf looks for permissions in a role, predefined or custom: by what it grants, and
// not by its name. A custom role that is gone, deleted or disabled grants nothing.
func holdingOf(in *audit.Input, role string, set *permissionSet) holding {
	type key struct {
		role string
		set  *permissionSet
	}
	return audit.Memo(in.Snapshot, key{role, set}, func() holding {
		r, gap := in.Role(role)
		switch {
		case r == nil:
			return holding{gap: gap}
		case r.Missing:
			return holding{unclear: ", a role that the IAM API does not know"}
		case !r.Listed():
			return holding{unclear: ", a role of which the IAM API lists no permissions"}
		}
		return holding{permission: set.first(r.Granted())}
	})
}

// The permissions are named in the IAM documentation, on the page of their service,
// https://docs.cloud.google.com/iam/docs/roles-permissions/SERVICE. Where each list says
// more is what they are enough for.
//
// What is not there is either enough for nothing, such as run.jobs.run, which starts a job
// as it is, or only together with one that is: iam.serviceAccounts.actAs for
// cloudtasks.tasks.create, compute.instances.create or compute.instanceGroupManagers.update
// for compute.instanceTemplates.create, clouddeploy.releases.create for
// clouddeploy.targets.create, as a release keeps a snapshot of its pipeline's targets,
// container.roleBindings.create for container.roles.bind. What takes two that are not there
// is in combinations.
var (
	// actAsPermissions are those by which one becomes a service account: runs something as
	// it, gets tokens or signatures of it, or makes a key. Source: Roles for service
	// account authentication, https://docs.cloud.google.com/iam/docs/service-account-permissions,
	// and for API keys Manage API keys, https://docs.cloud.google.com/docs/authentication/api-keys.
	actAsPermissions = []string{
		"iam.serviceAccounts.actAs",
		"iam.serviceAccounts.getAccessToken",
		"iam.serviceAccountKeys.create",
		"iam.serviceAccounts.signBlob",
		"iam.serviceAccounts.signJwt",
		"iam.serviceAccounts.getOpenIdToken",
		"iam.serviceAccounts.implicitDelegation",
		"iam.serviceAccounts.setIamPolicy",
		"iam.serviceAccountApiKeyBindings.create",
	}

	// grantPermissions are those by which one grants oneself the former. Source: Manage
	// access to projects, folders, and organizations,
	// https://docs.cloud.google.com/iam/docs/granting-changing-revoking-access.
	grantPermissions = []string{
		"resourcemanager.projects.setIamPolicy",
		"resourcemanager.folders.setIamPolicy",
		"resourcemanager.organizations.setIamPolicy",
	}

	// identityPermissions make or take identities in other ways, or lift what limits one.
	// Sources: Create and manage custom roles,
	// https://docs.cloud.google.com/iam/docs/creating-custom-roles; Deny access,
	// https://docs.cloud.google.com/iam/docs/deny-access; Principal access boundary policies,
	// https://docs.cloud.google.com/iam/docs/principal-access-boundary-policies; Workload Identity Federation,
	// https://docs.cloud.google.com/iam/docs/workload-identity-federation; HMAC keys,
	// https://docs.cloud.google.com/storage/docs/authentication/hmackeys; Using Organization
	// Policy, https://docs.cloud.google.com/resource-manager/docs/organization-policy/using-constraints.
	identityPermissions = []string{
		"iam.roles.update",
		"iam.denypolicies.delete",
		"iam.denypolicies.update",
		"iam.principalaccessboundarypolicies.delete",
		"iam.principalaccessboundarypolicies.update",
		"iam.googleapis.com/workforcePoolProviders.create",
		"iam.googleapis.com/workforcePoolProviders.update",
		"iam.googleapis.com/workloadIdentityPoolManagedIdentities.setAttestationRules",
		"iam.googleapis.com/workloadIdentityPoolProviders.create",
		"iam.googleapis.com/workloadIdentityPoolProviders.update",
		"storage.hmacKeys.create",
		"cloudbuild.repositories.accessReadWriteToken",
		"developerconnect.gitRepositoryLinks.fetchReadWriteToken",
		"firebaseauth.users.createSession",
		"firebaseauth.users.update",
		"orgpolicy.policies.create",
		"orgpolicy.policies.delete",
		"orgpolicy.policies.update",
		"orgpolicy.policy.set",
		"dns.changes.create",
		"dns.responsePolicyRules.create",
		"dns.responsePolicyRules.update",
	}

	// runPermissions run code on what has a service account, or change what it runs.
	// Sources: Attach service accounts to resources,
	// https://docs.cloud.google.com/iam/docs/attach-service-accounts; Execute jobs (with
	// overrides), https://docs.cloud.google.com/run/docs/execute/jobs; About OS Login,
	// https://docs.cloud.google.com/compute/docs/oslogin; About patch jobs and OS policies,
	// https://docs.cloud.google.com/compute/vm-manager/docs/overview; Deployment Manager
	// access control, https://docs.cloud.google.com/deployment-manager/docs/access-control;
	// Create a workstation, https://docs.cloud.google.com/workstations/docs/create-workstation.
	runPermissions = []string{
		"compute.instances.create",
		"compute.instances.setMetadata",
		"compute.instances.setServiceAccount",
		"compute.instances.update",
		"compute.instances.osAdminLogin",
		"compute.instances.osLogin",
		"compute.projects.setCommonInstanceMetadata",
		"compute.instanceGroupManagers.create",
		"compute.instanceGroupManagers.update",
		"osconfig.guestPolicies.create",
		"osconfig.guestPolicies.update",
		"osconfig.osPolicyAssignments.create",
		"osconfig.osPolicyAssignments.update",
		"osconfig.patchDeployments.create",
		"osconfig.patchDeployments.update",
		"osconfig.patchJobs.exec",
		"osconfig.policyOrchestrators.create",
		"osconfig.policyOrchestrators.update",
		"run.services.create",
		"run.services.update",
		"run.jobs.create",
		"run.jobs.update",
		"run.jobs.runWithOverrides",
		"run.workerpools.create",
		"run.workerpools.update",
		"run.instances.create",
		"run.instances.update",
		"run.instances.sshRoot",
		"run.jobs.sshRoot",
		"run.services.sshRoot",
		"run.workerpools.sshRoot",
		"cloudfunctions.functions.create",
		"cloudfunctions.functions.update",
		"cloudfunctions.functions.sourceCodeSet",
		"appengine.versions.create",
		"appengine.instances.enableDebug",
		"firebaseapphosting.builds.create",
		"cloudbuild.builds.create",
		"cloudbuild.builds.update",
		"clouddeploy.releases.create",
		"clouddeploy.targets.update",
		"deploymentmanager.deployments.create",
		"deploymentmanager.deployments.update",
		"config.deployments.create",
		"config.deployments.update",
		"config.previews.create",
		"cloudscheduler.jobs.create",
		"cloudscheduler.jobs.update",
		"workflows.workflows.create",
		"workflows.workflows.update",
		"batch.jobs.create",
		"lifesciences.workflows.run",
		"composer.environments.create",
		"composer.environments.update",
		"composer.environments.executeAirflowCommand",
		"dataflow.jobs.create",
		"dataflow.jobs.updateContents",
		"datapipelines.pipelines.create",
		"datapipelines.pipelines.update",
		"dataproc.batches.create",
		"dataproc.clusters.create",
		"dataproc.clusters.update",
		"dataproc.sessions.create",
		"dataproc.workflowTemplates.instantiateInline",
		"datafusion.instances.create",
		"datafusion.instances.update",
		"datafusion.namespaces.provisionCredential",
		"datafusion.namespaces.setServiceAccount",
		"datafusion.pipelines.create",
		"datafusion.pipelines.update",
		"dataform.workflowInvocations.create",
		"dataplex.tasks.create",
		"dataplex.tasks.update",
		"notebooks.executions.create",
		"notebooks.instances.create",
		"notebooks.instances.update",
		"notebooks.runtimes.create",
		"notebooks.runtimes.update",
		"notebooks.schedules.create",
		"aiplatform.customJobs.create",
		"aiplatform.endpoints.deploy",
		"aiplatform.hyperparameterTuningJobs.create",
		"aiplatform.notebookExecutionJobs.create",
		"aiplatform.notebookRuntimes.assign",
		"aiplatform.persistentResources.create",
		"aiplatform.pipelineJobs.create",
		"aiplatform.reasoningEngines.create",
		"aiplatform.reasoningEngines.update",
		"aiplatform.schedules.create",
		"aiplatform.trainingPipelines.create",
		"ml.jobs.create",
		"ml.versions.create",
		"tpu.nodes.create",
		"workstations.workstationConfigs.create",
		"workstations.workstationConfigs.update",
		"workstations.workstations.create", // who creates one may use it
		"workstations.workstations.use",
		"apigee.deployments.create",
		"krmapihosting.krmApiHosts.create",
		"artifactregistry.repositories.uploadArtifacts", // what clusters and others run
	}

	// clusterPermissions get at pods, at secrets or at rights in clusters. Sources: Create
	// IAM allow policies, https://docs.cloud.google.com/kubernetes-engine/docs/how-to/iam, as
	// IAM's permissions are those of RBAC there, and Role Based Access Control Good
	// Practices, https://kubernetes.io/docs/concepts/security/rbac-good-practices/.
	clusterPermissions = []string{
		"container.clusters.create",
		"container.clusters.update",
		"container.clusters.impersonate",
		"container.secrets.get",
		"container.secrets.list",
		"container.secrets.update",
		"container.serviceAccounts.createToken",
		"container.pods.attach",
		"container.pods.create",
		"container.pods.exec",
		"container.pods.portForward",
		"container.pods.proxy",
		"container.pods.update",
		"container.nodes.proxy",
		"container.services.proxy",
		"container.cronJobs.create",
		"container.cronJobs.update",
		"container.daemonSets.create",
		"container.daemonSets.update",
		"container.deployments.create",
		"container.deployments.update",
		"container.jobs.create",
		"container.jobs.update",
		"container.replicaSets.create",
		"container.replicaSets.update",
		"container.replicationControllers.create",
		"container.replicationControllers.update",
		"container.statefulSets.create",
		"container.statefulSets.update",
		"container.clusterRoleBindings.create",
		"container.clusterRoleBindings.update",
		"container.roleBindings.create",
		"container.roleBindings.update",
		"container.apiServices.create",
		"container.apiServices.update",
		"container.mutatingWebhookConfigurations.create",
		"container.mutatingWebhookConfigurations.update",
		"container.validatingWebhookConfigurations.create",
		"container.validatingWebhookConfigurations.update",
		"edgecontainer.clusters.generateOfflineCredential",
		"gkebackup.restores.create",
		"gkehub.features.create",
		"gkehub.features.update",
		"gkehub.rbacrolebindings.create",
		"gkehub.rbacrolebindings.update",
	}

	// dataPermissions read, change or destroy what a project stores. Those of objects in
	// Cloud Storage that only read are among readingPermissions. Sources: the pages on
	// access control of each service, such as
	// https://docs.cloud.google.com/secret-manager/docs/access-control,
	// https://docs.cloud.google.com/storage/docs/access-control/iam-permissions,
	// https://docs.cloud.google.com/bigtable/docs/access-control,
	// https://docs.cloud.google.com/spanner/docs/iam and
	// https://docs.cloud.google.com/healthcare-api/docs/access-control; for Realtime Database
	// https://firebase.google.com/docs/projects/iam/permissions, and for Redis
	// https://docs.cloud.google.com/memorystore/docs/redis/managing-auth.
	dataPermissions = []string{
		"secretmanager.versions.access",
		"secretmanager.versions.destroy",
		"secretmanager.secrets.delete",
		"parametermanager.parameterVersions.render",
		"cloudkms.cryptoKeyVersions.destroy",
		"storage.objects.delete",
		"storage.buckets.update", // its lifecycle deletes objects
		"storagetransfer.jobs.create",
		"storagetransfer.jobs.update",
		"bigquery.tables.getData",
		"bigquery.tables.export",
		"bigquery.tables.updateData",
		"bigtable.tables.readRows",
		"bigtable.tables.mutateRows",
		"bigtable.authorizedViews.readRows",
		"bigtable.authorizedViews.mutateRows",
		"bigtable.logicalViews.readRows",
		"bigtable.materializedViews.readRows",
		"datastore.entities.get",
		"datastore.entities.create",
		"datastore.entities.update",
		"datastore.entities.delete",
		"datastore.backups.restoreDatabase",
		"datastore.databases.bulkDelete",
		"datastore.databases.clone",
		"datastore.userCreds.create",
		"datastore.userCreds.update",
		"firebasedatabase.instances.get", // its data, too
		"firebasedatabase.instances.update",
		"firebasedataconnect.services.executeGraphql",
		"firebasedataconnect.services.executeGraphqlRead",
		"firebaserules.releases.create",
		"firebaserules.releases.update",
		"spanner.databases.read",
		"spanner.databases.select",
		"spanner.databases.write",
		"spanner.databases.beginPartitionedDmlTransaction",
		"spanner.databases.updateDdl",
		"cloudsql.instances.clone",
		"cloudsql.instances.executeSql", // as the account's own user of the database
		"cloudsql.instances.import",
		"cloudsql.instances.restoreBackup",
		"cloudsql.instances.update",
		"cloudsql.users.create",
		"cloudsql.users.update",
		"alloydb.users.create",
		"alloydb.users.update",
		"redis.instances.getAuthString",
		"healthcare.fhirResources.get",
		"healthcare.fhirResources.create",
		"healthcare.fhirResources.update",
		"healthcare.fhirResources.patch",
		"healthcare.fhirResources.delete",
		"healthcare.fhirResources.purge",
		"healthcare.fhirStores.searchResources",
		"healthcare.fhirStores.export",
		"healthcare.fhirStores.import",
		"healthcare.fhirStores.rollback",
		"healthcare.fhirStores.bulkDelete",
		"healthcare.fhirStores.delete",
		"healthcare.dicomStores.dicomWebRead",
		"healthcare.dicomStores.dicomWebWrite",
		"healthcare.dicomStores.dicomWebUpdate",
		"healthcare.dicomStores.dicomWebDelete",
		"healthcare.dicomStores.export",
		"healthcare.dicomStores.import",
		"healthcare.dicomStores.delete",
		"healthcare.hl7V2Messages.get",
		"healthcare.hl7V2Messages.create",
		"healthcare.hl7V2Messages.update",
		"healthcare.hl7V2Messages.delete",
		"healthcare.hl7V2Stores.export",
		"healthcare.hl7V2Stores.import",
		"healthcare.hl7V2Stores.rollback",
		"healthcare.hl7V2Stores.delete",
		"netapp.volumes.export",
		"run.instances.sshRead",
		"run.jobs.sshRead",
		"run.services.sshRead",
		"run.workerpools.sshRead",
		"compute.disks.delete",
		"artifactregistry.repositories.deleteArtifacts",
		"logging.logs.delete",
		"logging.sinks.create",
		"logging.sinks.delete",
		"logging.sinks.update",
		"resourcemanager.projects.delete",
		"resourcemanager.projects.move",
		"serviceusage.services.disable",
		"apikeys.keys.getKeyString",
		"edgecontainer.serviceaccounts.generatekey",
	}

	// broadSuffixes are of permissions that are alike in many services: who grants roles on
	// a resource gives them to others or itself, and what a service stores is gone or
	// elsewhere with what holds it.
	broadSuffixes = []string{
		".setIamPolicy",
		".setZoneIamPolicy",
		".backups.delete",
		".buckets.delete",
		".clusters.delete",
		".clusters.export",
		".databases.delete",
		".databases.drop",
		".databases.export",
		".databases.import",
		".datasets.delete",
		".instances.delete",
		".instances.export",
		".snapshots.delete",
		".tables.delete",
		".volumes.delete",
	}

	// storesNothing are permissions with such a suffix that destroy nothing: they stop
	// instances whose disks are ephemeral, or delete buckets that are empty. A snapshot of
	// Pub/Sub is not among them: the messages that it retains are dropped with it. Sources:
	// Method: apps.services.versions.instances.delete, in the App Engine Admin API reference;
	// Configure ephemeral disk for services,
	// https://docs.cloud.google.com/run/docs/configuring/services/ephemeral-disk; Buckets:
	// delete, in the JSON API reference of Cloud Storage; Method: projects.snapshots.delete,
	// https://docs.cloud.google.com/pubsub/docs/reference/rest/v1/projects.snapshots/delete.
	storesNothing = []string{
		"appengine.instances.delete",
		"run.instances.delete",
		"storage.buckets.delete",
	}

	// readingPermissions read at large, too, and nodes may have been given them for a
	// reason: images of the older Container Registry lie in Cloud Storage. Sources: CIS
	// Google Kubernetes Engine Benchmark, Minimize cluster access to read-only; for log views
	// Configure log views, https://docs.cloud.google.com/logging/docs/logs-views.
	readingPermissions = []string{
		"storage.objects.get",
		"pubsub.subscriptions.consume",
		"managedkafka.clusters.connect",
		"logging.privateLogEntries.list",
		"logging.logEntries.list",
		"logging.logEntries.download",
		"logging.views.access",
	}
)

var (
	// broad is what nodes have no use for.
	broad = broadPermissions()

	// reading is what is noted of nodes' roles.
	reading = newPermissionSet(readingPermissions)

	// actingAs is what lets members of a service account's policy become the account,
	// and actingAsAny what lets those of the policy of a project, or above, become any.
	actingAs    = newPermissionSet(actAsPermissions)
	actingAsAny = newPermissionSet(actAsPermissions, grantPermissions)
)

func broadPermissions() *permissionSet {
	set := newPermissionSet(actAsPermissions, grantPermissions, identityPermissions, runPermissions, clusterPermissions, dataPermissions)
	set.suffixes, set.except = broadSuffixes, storesNothing
	return set
}

// A combination is enough for what nodes have no use for if an account has a permission of
// each set, which may come by different roles.
type combination struct {
	does *permissionSet
	with *permissionSet // without which the other changes nothing
}

// combinations are those of permissions that are enough for nothing alone.
var combinations = []combination{
	// Jobs run on clusters: who may not use one runs nothing. Source: Dataproc permissions
	// and IAM roles, https://docs.cloud.google.com/dataproc/docs/concepts/iam/iam.
	combine("dataproc.jobs.create", "dataproc.clusters.use"),

	// A certificate is issued for a request. Source: Role Based Access Control Good
	// Practices, https://kubernetes.io/docs/concepts/security/rbac-good-practices/.
	combine("container.certificateSigningRequests.approve", "container.certificateSigningRequests.create"),

	// The verb escalate allows what is put into a role that one may change anyway. Source:
	// Using RBAC Authorization, https://kubernetes.io/docs/reference/access-authn-authz/rbac/.
	combine("container.clusterRoles.escalate", "container.clusterRoles.create", "container.clusterRoles.update"),
	combine("container.roles.escalate", "container.roles.create", "container.roles.update"),

	// Deleting a policy binding takes permissions on both the policy and what it is bound
	// to. Source: Remove principal access boundary policies,
	// https://docs.cloud.google.com/iam/docs/principal-access-boundary-policies-remove.
	combine("iam.principalaccessboundarypolicies.unbind",
		"resourcemanager.projects.deletePolicyBinding",
		"resourcemanager.folders.deletePolicyBinding",
		"resourcemanager.organizations.deletePolicyBinding",
		"iam.googleapis.com/workforcePools.deletePolicyBinding",
		"iam.googleapis.com/workspacePools.deletePolicyBinding",
		"iam.workloadIdentityPools.deletePolicyBinding"),
}

func combine(does string, with ...string) combination {
	return combination{newPermissionSet([]string{does}), newPermissionSet(with)}
}
