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
      age        = var.keep_days
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

# Who may read the reports: the job and the readers, and nobody whom somebody else has let
# in on the bucket.
resource "google_storage_bucket_iam_binding" "readers" {
  bucket  = google_storage_bucket.reports.name
  role    = "roles/storage.objectViewer"
  members = setunion(var.readers, [local.job])
}

# Cloud Storage lets whoever has the basic roles of a project read its buckets, by these two
# roles on each: here that ends for viewers and editors. What they have besides is left to
# them, to list the reports and, for editors and owners, to manage the bucket, as Terraform
# may be run by one of those.
resource "google_storage_bucket_iam_binding" "legacy_readers" {
  bucket  = google_storage_bucket.reports.name
  role    = "roles/storage.legacyObjectReader"
  members = [local.job]
}

resource "google_storage_bucket_iam_binding" "legacy_owners" {
  bucket  = google_storage_bucket.reports.name
  role    = "roles/storage.legacyObjectOwner"
  members = ["projectOwner:${var.project}"]
}
