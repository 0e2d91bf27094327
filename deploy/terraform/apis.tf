# The calls are charged to the project of the job's account, so the APIs have to be on
# there. In an audited project they may be off: where GKE's is, there are no clusters.
resource "google_project_service" "api" {
  for_each = setunion(
    [
      "cloudasset.googleapis.com",
      "cloudresourcemanager.googleapis.com",
      "compute.googleapis.com",
      "container.googleapis.com",
      "iam.googleapis.com",
      "run.googleapis.com",
      "storage.googleapis.com",
    ],
    var.schedule == null ? [] : ["cloudscheduler.googleapis.com"],
    var.alert_severity == null ? [] : ["monitoring.googleapis.com"],
  )

  project            = var.project
  service            = each.key
  disable_on_destroy = false # others may use it
}
