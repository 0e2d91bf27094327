output "job" {
  description = "The name of the Cloud Run job: gcloud run jobs execute NAME starts it by hand."
  value       = google_cloud_run_v2_job.audit.name
}

output "service_account" {
  description = "The e-mail address of the account that the job reads as."
  value       = google_service_account.job.email
}

output "permissions" {
  description = "The permissions that the job has on what it audits."
  value       = local.scope_kind == "projects" ? local.permissions_project[var.profile] : local.permissions[var.profile]
}

output "arguments" {
  description = "What the job runs."
  value       = local.arguments
}

output "bucket" {
  description = "The bucket of the reports."
  value       = google_storage_bucket.reports.name
}

output "reports" {
  description = "Where the reports are: of each execution EXECUTION.html and EXECUTION.json.gz."
  value       = "gs://${google_storage_bucket.reports.name}/reports/"
}
