# The schedule has an account of its own, that may start this one job and nothing else.
resource "google_service_account" "schedule" {
  count = var.schedule == null ? 0 : 1

  project      = var.project
  account_id   = "${var.name}-schedule"
  display_name = "Starts the job ${var.name}"

  depends_on = [google_project_service.api]
}

resource "google_cloud_run_v2_job_iam_member" "schedule" {
  count = var.schedule == null ? 0 : 1

  project  = var.project
  location = google_cloud_run_v2_job.audit.location
  name     = google_cloud_run_v2_job.audit.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.schedule[0].email}"
}

resource "google_cloud_scheduler_job" "audit" {
  count = var.schedule == null ? 0 : 1

  project          = var.project
  region           = coalesce(var.schedule_region, var.region)
  name             = var.name
  description      = "Starts the job ${var.name}"
  schedule         = var.schedule
  time_zone        = var.time_zone
  attempt_deadline = "180s" # for the start of the job, not for its end

  retry_config {
    retry_count = 3
  }

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.audit.id}:run"

    # An access token, as the target is one of Google's APIs; an identity token is refused.
    oauth_token {
      service_account_email = google_service_account.schedule[0].email
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }

  depends_on = [google_project_service.api, google_cloud_run_v2_job_iam_member.schedule]
}
