# One project, audited where the job runs. It is in an organization whose policies are
# inherited, and read.
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
  project = "shop-prod"
  region  = "europe-west4"
}

# From a repository of your own the source is that of gkeaudit, at a tag:
# git::https://HOST/PATH.git//deploy/terraform?ref=TAG
module "gkeaudit" {
  source = "../.."

  project      = "shop-prod"
  region       = "europe-west4"
  scope        = "projects/shop-prod"
  organization = "123456789012"
  image        = "europe-west4-docker.pkg.dev/shop-prod/tools/gkeaudit:v0.1.0"
}

output "reports" {
  description = "Where the reports are."
  value       = module.gkeaudit.reports
}
