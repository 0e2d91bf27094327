terraform {
  required_version = ">= 1.9, < 2.0" # conditions on a variable may name another from 1.9 on

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.9, < 9.0"
    }
  }
}
