locals {
  bucket = coalesce(var.bucket, "${replace(replace(var.project, ":", "-"), ".", "-")}-${var.name}-reports")
}

resource "google_storage_bucket" "reports" {
  project                     = var.project
  name                        = local.bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  versioning {
    enabled = true
  }

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    condition {
      age            = var.keep_days
      with_state     = "LIVE"
      matches_prefix = ["reports/", "runs/"] # and not waivers or a configuration
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

  depends_on = [google_project_service.api]
}

# A task that is tried again takes the place of its report, which takes delete; a merge and
# a baseline read. Nothing else: neither policies nor the bucket itself.
resource "google_project_iam_custom_role" "reports" {
  project     = var.project
  role_id     = "${local.role_id}_reports"
  title       = "${var.name}-reports"
  description = "Write gkeaudit's reports, and read them"
  permissions = [
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.get",
    "storage.objects.list",
  ]

  depends_on = [google_project_service.api]
}

resource "google_storage_bucket_iam_member" "job" {
  bucket = google_storage_bucket.reports.name
  role   = google_project_iam_custom_role.reports.name
  member = local.job
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = var.readers

  bucket = google_storage_bucket.reports.name
  role   = "roles/storage.objectViewer"
  member = each.key
}

# By these roles Cloud Storage lets a project's viewers, and by the last its editors, read
# what is in a new bucket. Here they are left to its owners, who could take them anyway.
# Editors may still list reports, and manage the bucket, by legacyBucketOwner: that is left
# as it is, as without it an owner could neither refresh nor destroy what is here.
resource "google_storage_bucket_iam_binding" "legacy" {
  for_each = toset(["legacyBucketReader", "legacyObjectReader", "legacyObjectOwner"])

  bucket  = google_storage_bucket.reports.name
  role    = "roles/storage.${each.key}"
  members = ["projectOwner:${var.project}"]
}
