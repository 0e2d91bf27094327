locals {
  severities = ["critical", "high", "medium", "low"]

  # The line that ends a run has the counts of what fails. A run that ends without one, or
  # that Cloud Run ends, leaves an error.
  alert_on_run = join(" ", [
    "resource.type=\"cloud_run_job\"",
    "AND resource.labels.job_name=\"${var.name}\"",
    "AND (severity>=ERROR OR jsonPayload.complete=false OR",
    join(" OR ", [
      for s in slice(local.severities, 0, index(local.severities, coalesce(var.alert_severity, "low")) + 1) :
      "jsonPayload.summary.${s}>0"
    ]),
    ")",
  ])

  # One that never starts leaves an error with the schedule. A policy on log entries has one
  # condition.
  alert_filter = var.schedule == null ? local.alert_on_run : "(${local.alert_on_run}) OR (resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=\"${var.name}\" AND severity>=ERROR)"
}

resource "google_monitoring_alert_policy" "audit" {
  count = var.alert_severity == null ? 0 : 1

  project               = var.project
  display_name          = "${var.name}: ${var.alert_severity} findings, or no whole audit"
  combiner              = "OR"
  notification_channels = var.notification_channels

  conditions {
    display_name = "The run's outcome"

    condition_matched_log {
      filter = local.alert_filter
    }
  }

  alert_strategy {
    auto_close = "604800s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The reports are in gs://${local.bucket}. The log of the job ${var.name} says what failed, or what could not be read; if it was not started, the log of its schedule says why."
  }

  depends_on = [google_project_service.api]
}
