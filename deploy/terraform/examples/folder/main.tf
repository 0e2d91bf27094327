# A folder, with all folders and projects in it. Its role is one of the organization.
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

# From a repository of your own the source is that of gkeaudit, at a tag:
# git::https://HOST/PATH.git//deploy/terraform?ref=TAG
module "gkeaudit" {
  source = "../.."

  project      = "shop-audit"
  region       = "europe-west4"
  scope        = "folders/987654321098"
  organization = "123456789012"
  image        = "europe-west4-docker.pkg.dev/shop-audit/tools/gkeaudit:v0.1.0"

  schedule         = "30 5 * * *"
  time_zone        = "Europe/Amsterdam"
  exclude_projects = ["sandbox-*"]
  readers          = ["group:security@example.com"]
}

output "reports" {
  description = "Where the reports are."
  value       = module.gkeaudit.reports
}
