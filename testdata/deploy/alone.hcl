resource "google_cloud_run_v2_job" "audit" {
  deletion_protection = false
  labels              = {}
  location            = "europe-west4"
  name                = "gkeaudit"
  project             = "example.com:shop-audit"
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
    parallelism = 0
    task_count  = 3
    template {
      encryption_key  = "projects/shop-keys/locations/europe-west4/keyRings/audit/cryptoKeys/reports"
      max_retries     = 1
      service_account = "<google_service_account.job.email>"
      timeout         = "1800s"
      containers {
        args = [
          "scan",
          "--project=shop-prod",
          "--profile=recommended",
          "--timeout=29m",
          "--output=gs://example-com-shop-audit-gkeaudit-reports/runs/{execution}/{task}.json.gz",
          "--merged=gs://example-com-shop-audit-gkeaudit-reports/reports/{execution}.html",
          "--merged=gs://example-com-shop-audit-gkeaudit-reports/reports/{execution}.json.gz",
          "--allow-incomplete",
        ]
        image = "europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }
        env {
          name  = "GOMEMLIMIT"
          value = "400MiB"
        }
      }
    }
  }
}
resource "google_monitoring_alert_policy" "audit" "0" {
  combiner              = "OR"
  display_name          = "gkeaudit: low findings, or no whole audit"
  notification_channels = ["projects/shop-prod/notificationChannels/1"]
  project               = "example.com:shop-audit"
  depends_on            = ["google_project_service.api"]
  conditions {
    display_name = "The run's outcome"
    condition_matched_log {
      filter = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"gkeaudit\" AND (severity>=ERROR OR jsonPayload.complete=false OR jsonPayload.summary.critical>0 OR jsonPayload.summary.high>0 OR jsonPayload.summary.medium>0 OR jsonPayload.summary.low>0 )"
    }
  }
  alert_strategy {
    auto_close = "604800s"
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    content   = "The reports are in gs://example-com-shop-audit-gkeaudit-reports. The log of the job gkeaudit says what failed, or what could not be read; if it was not started, the log of its schedule says why."
    mime_type = "text/markdown"
  }
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
resource "google_project_iam_custom_role" "networks" "shop-host" {
  description = "Read the networks that gkeaudit's clusters use"
  permissions = [
    "compute.routers.list",
    "compute.routes.list",
    "compute.subnetworks.list",
  ]
  project    = "shop-host"
  role_id    = "gkeaudit_networks"
  title      = "gkeaudit-networks"
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
  project    = "example.com:shop-audit"
  role_id    = "gkeaudit_reports"
  title      = "gkeaudit-reports"
  depends_on = ["google_project_service.api"]
}
resource "google_project_iam_member" "audit" "0" {
  member  = "serviceAccount:<google_service_account.job.email>"
  project = "shop-prod"
  role    = "<google_project_iam_custom_role.audit[0].name>"
}
resource "google_project_iam_member" "networks" "shop-host" {
  member  = "serviceAccount:<google_service_account.job.email>"
  project = "shop-host"
  role    = "<google_project_iam_custom_role.networks[shop-host].name>"
}
resource "google_project_service" "api" "cloudasset.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "cloudasset.googleapis.com"
}
resource "google_project_service" "api" "cloudresourcemanager.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "cloudresourcemanager.googleapis.com"
}
resource "google_project_service" "api" "compute.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "compute.googleapis.com"
}
resource "google_project_service" "api" "container.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "container.googleapis.com"
}
resource "google_project_service" "api" "iam.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "iam.googleapis.com"
}
resource "google_project_service" "api" "monitoring.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "monitoring.googleapis.com"
}
resource "google_project_service" "api" "run.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "run.googleapis.com"
}
resource "google_project_service" "api" "storage.googleapis.com" {
  disable_on_destroy = false
  project            = "example.com:shop-audit"
  service            = "storage.googleapis.com"
}
resource "google_service_account" "job" {
  account_id   = "gkeaudit"
  display_name = "Audits GKE clusters"
  project      = "example.com:shop-audit"
  depends_on   = ["google_project_service.api"]
}
resource "google_storage_bucket" "reports" {
  force_destroy               = false
  labels                      = {}
  location                    = "europe-west4"
  name                        = "example-com-shop-audit-gkeaudit-reports"
  project                     = "example.com:shop-audit"
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true
  depends_on                  = ["google_project_service.api"]
  versioning {
    enabled = true
  }
  encryption {
    default_kms_key_name = "projects/shop-keys/locations/europe-west4/keyRings/audit/cryptoKeys/reports"
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
  members = ["projectOwner:example.com:shop-audit"]
  role    = "roles/storage.legacyBucketReader"
}
resource "google_storage_bucket_iam_binding" "legacy" "legacyObjectOwner" {
  bucket  = "<google_storage_bucket.reports.name>"
  members = ["projectOwner:example.com:shop-audit"]
  role    = "roles/storage.legacyObjectOwner"
}
resource "google_storage_bucket_iam_binding" "legacy" "legacyObjectReader" {
  bucket  = "<google_storage_bucket.reports.name>"
  members = ["projectOwner:example.com:shop-audit"]
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
    "--output=gs://example-com-shop-audit-gkeaudit-reports/runs/{execution}/{task}.json.gz",
    "--merged=gs://example-com-shop-audit-gkeaudit-reports/reports/{execution}.html",
    "--merged=gs://example-com-shop-audit-gkeaudit-reports/reports/{execution}.json.gz",
    "--allow-incomplete",
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
