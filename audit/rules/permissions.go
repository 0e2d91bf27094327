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
}

func newPermissionSet(suffixes []string, lists ...[]string) *permissionSet {
	set := &permissionSet{map[string]int{}, suffixes}
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
		if !ok && slices.ContainsFunc(set.suffixes, func(suffix string) bool { return strings.HasSuffix(p, suffix) }) {
			rank, ok = len(set.rank), true
		}
		if ok && rank < best {
			found, best = p, rank
		}
	}
	return found
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
// cloudtasks.tasks.create.
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
		"iam.policybindings.delete",
		"iam.principalaccessboundarypolicies.delete",
		"iam.principalaccessboundarypolicies.unbind",
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
	// access control, https://docs.cloud.google.com/deployment-manager/docs/access-control.
	runPermissions = []string{
		"compute.instances.create",
		"compute.instances.setMetadata",
		"compute.instances.setServiceAccount",
		"compute.instances.update",
		"compute.instances.osAdminLogin",
		"compute.instances.osLogin",
		"compute.projects.setCommonInstanceMetadata",
		"compute.instanceTemplates.create",
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
		"cloudfunctions.functions.create",
		"cloudfunctions.functions.update",
		"cloudfunctions.functions.sourceCodeSet",
		"appengine.versions.create",
		"appengine.instances.enableDebug",
		"firebaseapphosting.builds.create",
		"cloudbuild.builds.create",
		"cloudbuild.builds.update",
		"clouddeploy.releases.create",
		"clouddeploy.targets.create",
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
		"container.clusterRoles.bind",
		"container.clusterRoles.escalate",
		"container.roles.bind",
		"container.roles.escalate",
		"container.certificateSigningRequests.approve",
		"container.apiServices.create",
		"container.apiServices.update",
		"container.mutatingWebhookConfigurations.create",
		"container.mutatingWebhookConfigurations.update",
		"container.validatingWebhookConfigurations.create",
		"container.validatingWebhookConfigurations.update",
		"gkebackup.restores.create",
		"gkehub.features.create",
		"gkehub.features.update",
		"gkehub.rbacrolebindings.create",
		"gkehub.rbacrolebindings.update",
	}

	// dataPermissions read, change or destroy what a project stores. Those of objects in
	// Cloud Storage that only read are among readingPermissions. Sources: the pages on
	// access control of each service, such as
	// https://docs.cloud.google.com/secret-manager/docs/access-control and
	// https://docs.cloud.google.com/storage/docs/access-control/iam-permissions.
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
		"datastore.entities.get",
		"datastore.entities.create",
		"datastore.entities.update",
		"datastore.entities.delete",
		"datastore.backups.restoreDatabase",
		"datastore.databases.bulkDelete",
		"datastore.databases.clone",
		"datastore.userCreds.create",
		"datastore.userCreds.update",
		"firebaserules.releases.create",
		"firebaserules.releases.update",
		"spanner.databases.read",
		"spanner.databases.select",
		"spanner.databases.write",
		"cloudsql.instances.clone",
		"cloudsql.instances.executeSql", // as the account's own user of the database
		"cloudsql.instances.import",
		"cloudsql.instances.restoreBackup",
		"cloudsql.instances.update",
		"cloudsql.users.create",
		"cloudsql.users.update",
		"alloydb.users.create",
		"alloydb.users.update",
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

	// readingPermissions read at large, too, and nodes may have been given them for a
	// reason: images of the older Container Registry lie in Cloud Storage. Source: CIS
	// Google Kubernetes Engine Benchmark, Minimize cluster access to read-only.
	readingPermissions = []string{
		"storage.objects.get",
		"pubsub.subscriptions.consume",
		"logging.privateLogEntries.list",
		"logging.logEntries.list",
	}
)

var (
	// broad is what nodes have no use for.
	broad = newPermissionSet(broadSuffixes, actAsPermissions, grantPermissions, identityPermissions, runPermissions, clusterPermissions, dataPermissions)

	// reading is what is noted of nodes' roles.
	reading = newPermissionSet(nil, readingPermissions)

	// actingAs is what lets members of a service account's policy become the account,
	// and actingAsAny what lets those of the policy of a project, or above, become any.
	actingAs    = newPermissionSet(nil, actAsPermissions)
	actingAsAny = newPermissionSet(nil, actAsPermissions, grantPermissions)
)

// Jobs run on clusters: who may not use one runs nothing, and the two permissions may come
// by different roles. Source: Dataproc permissions and IAM roles,
// https://docs.cloud.google.com/dataproc/docs/concepts/iam/iam.
var (
	dataprocJobs     = newPermissionSet(nil, []string{"dataproc.jobs.create"})
	dataprocClusters = newPermissionSet(nil, []string{"dataproc.clusters.use"})
)
