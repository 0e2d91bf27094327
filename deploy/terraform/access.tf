# The job's own account. It has no key and no role but those below. Who may act as accounts
# of the project may act as it.
resource "google_service_account" "job" {
  project      = var.project
  account_id   = var.name
  display_name = "Audits GKE clusters"

  depends_on = [google_project_service.api]
}

locals {
  # By how it begins, which Terraform knows of a folder that is yet to be made, too.
  scope_kind = startswith(var.scope, "folders/") ? "folders" : startswith(var.scope, "projects/") ? "projects" : "organizations"
  scope_id   = split("/", var.scope)[1]
  role_id    = replace(var.name, "-", "_")
  job        = "serviceAccount:${google_service_account.job.email}"

  # The organization that roles are made in; null for a project that is audited alone.
  role_organization = local.scope_kind == "organizations" ? local.scope_id : var.organization

  # What is above the scope is read with a role of its own.
  reads_above = local.scope_kind != "organizations" && var.organization != null && length(local.permissions_above[var.profile]) > 0
}

resource "google_organization_iam_custom_role" "audit" {
  count = local.scope_kind == "projects" ? 0 : 1

  org_id      = local.role_organization
  role_id     = local.role_id
  title       = var.name
  description = "Read what gkeaudit audits"
  permissions = local.permissions[var.profile]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_custom_role" "audit" {
  count = local.scope_kind == "projects" ? 1 : 0

  project     = local.scope_id
  role_id     = local.role_id
  title       = var.name
  description = "Read what gkeaudit audits"
  permissions = local.permissions_project[var.profile]

  depends_on = [google_project_service.api]
}

resource "google_organization_iam_member" "audit" {
  count = local.scope_kind == "organizations" ? 1 : 0

  org_id = local.scope_id
  role   = google_organization_iam_custom_role.audit[0].name
  member = local.job
}

resource "google_folder_iam_member" "audit" {
  count = local.scope_kind == "folders" ? 1 : 0

  folder = var.scope
  role   = google_organization_iam_custom_role.audit[0].name
  member = local.job
}

resource "google_project_iam_member" "audit" {
  count = local.scope_kind == "projects" ? 1 : 0

  project = local.scope_id
  role    = google_project_iam_custom_role.audit[0].name
  member  = local.job
}

# Roles are inherited: who may act on a cluster's nodes is said by the policies of the
# folders and the organization above, too. Of those, this role reads the policies and the
# custom roles that they name, and nothing else.
resource "google_organization_iam_custom_role" "above" {
  count = local.reads_above ? 1 : 0

  org_id      = var.organization
  role_id     = "${local.role_id}_above"
  title       = "${var.name}-above"
  description = "Read the policies that gkeaudit's projects inherit"
  permissions = local.permissions_above[var.profile]

  depends_on = [google_project_service.api]
}

resource "google_organization_iam_member" "above" {
  count = local.reads_above ? 1 : 0

  org_id = var.organization
  role   = google_organization_iam_custom_role.above[0].name
  member = local.job
}

# Clusters in a Shared VPC have their networks in its host project, where a role that is
# made or granted in another does not reach. Of that, this role reads the networks alone.
resource "google_project_iam_custom_role" "networks" {
  for_each = var.host_projects

  project     = each.key
  role_id     = "${local.role_id}_networks"
  title       = "${var.name}-networks"
  description = "Read the networks that gkeaudit's clusters use"
  permissions = local.permissions_networks[var.profile]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "networks" {
  for_each = var.host_projects

  project = each.key
  role    = google_project_iam_custom_role.networks[each.key].name
  member  = local.job
}

# A project in no organization inherits nothing, so this is no more than a warning.
check "inherited_rights" {
  assert {
    condition     = local.scope_kind != "projects" || local.reads_above || length(local.permissions_above[var.profile]) == 0 || contains(var.arguments, "--allow-incomplete")
    error_message = "The project's policies are inherited, too, and this job may not read those above: if the project is in an organization, each run will end with 3. Name that by organization, or choose profile = \"core\", or add --allow-incomplete to arguments."
  }
}
