# A whole organization by several tasks, with alerts.
terraform {
  required_version = ">= 1.9, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.9, < 9.0"
    }
  }
}

provider "google" {
  project = "shop-audit"
  region  = "europe-west4"
}

# The module turns on what it needs itself; the channel is made before it.
resource "google_project_service" "monitoring" {
  project            = "shop-audit"
  service            = "monitoring.googleapis.com"
  disable_on_destroy = false
}

resource "google_monitoring_notification_channel" "security" {
  display_name = "Security"
  type         = "email"

  labels = {
    email_address = "security@example.com"
  }

  depends_on = [google_project_service.monitoring]
}

# From a repository of your own the source is that of gkeaudit, at a tag:
# git::https://HOST/PATH.git//deploy/terraform?ref=TAG
module "gkeaudit" {
  source = "../.."

  project = "shop-audit"
  region  = "europe-west4"
  scope   = "organizations/123456789012"
  image   = "europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit:v0.1.0"

  tasks            = 8
  parallelism      = 4
  exclude_projects = ["sandbox-*"]
  readers          = ["group:security@example.com"]

  alert_severity        = "high"
  notification_channels = [google_monitoring_notification_channel.security.name]

  labels = {
    team = "platform"
  }
}

output "reports" {
  description = "Where the reports are."
  value       = module.gkeaudit.reports
}
