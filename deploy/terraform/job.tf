locals {
  scope_flags = {
    organizations = "--organization=${local.scope_id}"
    folders       = "--folder=${local.scope_id}"
    projects      = "--project=${local.scope_id}"
  }

  # Each execution has its folder, and each task its object in it, so that one that is tried
  # again takes its own place. The task that ends last writes the page and the report of all.
  arguments = concat(
    [
      "scan",
      local.scope_flags[local.scope_kind],
      "--profile=${var.profile}",
      "--timeout=${var.timeout_minutes - 1}m", # before Cloud Run's, to report what was read
      "--output=gs://${local.bucket}/runs/{execution}/{task}.json.gz",
      "--merged=gs://${local.bucket}/reports/{execution}.html",
      "--merged=gs://${local.bucket}/reports/{execution}.json.gz",
    ],
    [for glob in var.exclude_projects : "--exclude-project=${glob}"],
    var.arguments,
  )
}

resource "google_cloud_run_v2_job" "audit" {
  project             = var.project
  location            = var.region
  name                = var.name
  labels              = var.labels
  deletion_protection = false # it holds nothing: the reports are in the bucket

  template {
    task_count  = var.tasks
    parallelism = min(var.parallelism, var.tasks)

    template {
      service_account = google_service_account.job.email
      max_retries     = var.max_retries
      timeout         = "${var.timeout_minutes * 60}s"
      encryption_key  = var.kms_key

      containers {
        image = var.image
        args  = local.arguments

        resources {
          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }

        dynamic "env" {
          for_each = var.environment

          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  # The first run finds its rights there.
  depends_on = [
    google_project_service.api,
    google_storage_bucket_iam_member.job,
    google_organization_iam_member.audit,
    google_folder_iam_member.audit,
    google_project_iam_member.audit,
    google_organization_iam_member.above,
    google_project_iam_member.networks,
  ]
}
