resource "google_cloud_run_v2_job" "audit" {
  deletion_protection = false
  labels              = {}
  location            = "europe-west4"
  name                = "gkeaudit"
  project             = "shop-prod"
  depends_on = [
    "google_project_service.api",
    "google_storage_bucket_iam_member.job",
    "google_organization_iam_member.audit",
    "google_folder_iam_member.audit",
    "google_project_iam_member.audit",
    "google_organization_iam_member.above",
    "google_project_iam_member.networks",
  ]
  template {
    parallelism = 1
    task_count  = 1
    template {
      max_retries     = 1
      service_account = "<google_service_account.job.email>"
      timeout         = "1800s"
      containers {
        args = [
          "scan",
          "--project=shop-prod",
          "--profile=recommended",
          "--timeout=29m",
          "--output=gs://shop-prod-gkeaudit-reports/runs/{execution}/{task}.json.gz",
          "--merged=gs://shop-prod-gkeaudit-reports/reports/{execution}.html",
          "--merged=gs://shop-prod-gkeaudit-reports/reports/{execution}.json.gz",
        ]
        image = "europe-west4-docker.pkg.dev/shop-prod/tools/gkeaudit:v0.1.0"
        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }
      }
    }
  }
}
resource "google_cloud_run_v2_job_iam_member" "schedule" "0" {
  location = "<google_cloud_run_v2_job.audit.location>"
  member   = "serviceAccount:<google_service_account.schedule[0].email>"
  name     = "<google_cloud_run_v2_job.audit.name>"
  project  = "shop-prod"
  role     = "roles/run.invoker"
}
resource "google_cloud_scheduler_job" "audit" "0" {
  attempt_deadline = "180s"
  description      = "Starts the job gkeaudit"
  name             = "gkeaudit"
  project          = "shop-prod"
  region           = "europe-west4"
  schedule         = "17 4 * * 1"
  time_zone        = "Etc/UTC"
  depends_on = [
    "google_project_service.api",
    "google_cloud_run_v2_job_iam_member.schedule",
  ]
  retry_config {
    retry_count = 3
  }
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/<google_cloud_run_v2_job.audit.id>:run"
    oauth_token {
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
      service_account_email = "<google_service_account.schedule[0].email>"
    }
  }
}
resource "google_organization_iam_custom_role" "above" "0" {
  description = "Read the policies that gkeaudit's projects inherit"
  org_id      = "123456789012"
  permissions = [
    "iam.roles.list",
    "resourcemanager.folders.getIamPolicy",
    "resourcemanager.organizations.getIamPolicy",
  ]
  role_id    = "gkeaudit_above"
  title      = "gkeaudit-above"
  depends_on = ["google_project_service.api"]
}
resource "google_organization_iam_member" "above" "0" {
  member = "serviceAccount:<google_service_account.job.email>"
  org_id = "123456789012"
  role   = "<google_organization_iam_custom_role.above[0].name>"
}
resource "google_project_iam_custom_role" "audit" "0" {
  description = "Read what gkeaudit audits"
  permissions = [
    "compute.routers.list",
    "compute.routes.list",
    "compute.subnetworks.list",
    "container.clusters.list",
    "iam.roles.list",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
  ]
  project    = "shop-prod"
  role_id    = "gkeaudit"
  title      = "gkeaudit"
  depends_on = ["google_project_service.api"]
}
resource "google_project_iam_custom_role" "reports" {
  description = "Write gkeaudit's reports, and read them"
  permissions = [
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
  ]
  project    = "shop-prod"
  role_id    = "gkeaudit_reports"
  title      = "gkeaudit-reports"
  depends_on = ["google_project_service.api"]
}
resource "google_project_iam_member" "audit" "0" {
  member  = "serviceAccount:<google_service_account.job.email>"
  project = "shop-prod"
  role    = "<google_project_iam_custom_role.audit[0].name>"
}
resource "google_project_service" "api" "cloudasset.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "cloudasset.googleapis.com"
}
resource "google_project_service" "api" "cloudresourcemanager.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "cloudresourcemanager.googleapis.com"
}
resource "google_project_service" "api" "cloudscheduler.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "cloudscheduler.googleapis.com"
}
resource "google_project_service" "api" "compute.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "compute.googleapis.com"
}
resource "google_project_service" "api" "container.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "container.googleapis.com"
}
resource "google_project_service" "api" "iam.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "iam.googleapis.com"
}
resource "google_project_service" "api" "run.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "run.googleapis.com"
}
resource "google_project_service" "api" "storage.googleapis.com" {
  disable_on_destroy = false
  project            = "shop-prod"
  service            = "storage.googleapis.com"
}
resource "google_service_account" "job" {
  account_id   = "gkeaudit"
  display_name = "Audits GKE clusters"
  project      = "shop-prod"
  depends_on   = ["google_project_service.api"]
}
resource "google_service_account" "schedule" "0" {
  account_id   = "gkeaudit-schedule"
  display_name = "Starts the job gkeaudit"
  project      = "shop-prod"
  depends_on   = ["google_project_service.api"]
}
resource "google_storage_bucket" "reports" {
  force_destroy               = false
  labels                      = {}
  location                    = "europe-west4"
  name                        = "shop-prod-gkeaudit-reports"
  project                     = "shop-prod"
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true
  depends_on                  = ["google_project_service.api"]
  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      age = 400
      matches_prefix = [
        "reports/",
        "runs/",
      ]
      with_state = "LIVE"
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}
resource "google_storage_bucket_iam_binding" "legacy" "legacyBucketReader" {
  bucket  = "<google_storage_bucket.reports.name>"
  members = ["projectOwner:shop-prod"]
  role    = "roles/storage.legacyBucketReader"
}
resource "google_storage_bucket_iam_binding" "legacy" "legacyObjectOwner" {
  bucket  = "<google_storage_bucket.reports.name>"
  members = ["projectOwner:shop-prod"]
  role    = "roles/storage.legacyObjectOwner"
}
resource "google_storage_bucket_iam_binding" "legacy" "legacyObjectReader" {
  bucket  = "<google_storage_bucket.reports.name>"
  members = ["projectOwner:shop-prod"]
  role    = "roles/storage.legacyObjectReader"
}
resource "google_storage_bucket_iam_member" "job" {
  bucket = "<google_storage_bucket.reports.name>"
  member = "serviceAccount:<google_service_account.job.email>"
  role   = "<google_project_iam_custom_role.reports.name>"
}
output "arguments" {
  value = [
    "scan",
    "--project=shop-prod",
    "--profile=recommended",
    "--timeout=29m",
    "--output=gs://shop-prod-gkeaudit-reports/runs/{execution}/{task}.json.gz",
    "--merged=gs://shop-prod-gkeaudit-reports/reports/{execution}.html",
    "--merged=gs://shop-prod-gkeaudit-reports/reports/{execution}.json.gz",
  ]
}
output "bucket" {
  value = "<google_storage_bucket.reports.name>"
}
output "job" {
  value = "<google_cloud_run_v2_job.audit.name>"
}
output "permissions" {
  value = [
    "compute.routers.list",
    "compute.routes.list",
    "compute.subnetworks.list",
    "container.clusters.list",
    "iam.roles.list",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
  ]
}
output "reports" {
  value = "gs://<google_storage_bucket.reports.name>/reports/"
}
output "service_account" {
  value = "<google_service_account.job.email>"
}
