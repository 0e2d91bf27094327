variable "project" {
  description = "The ID of the project that the job, its schedule and the bucket are made in. It need not be one of those that are audited."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project ID has 6 to 30 lower-case letters, digits and dashes, and that of a domain's project DOMAIN: before them. A number will not do: those who own the project are named by its ID."
  }
}

variable "region" {
  description = "The region of the job, its schedule and the bucket, such as europe-west4."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+[0-9]+$", var.region))
    error_message = "A region is named like europe-west4."
  }
}

variable "scope" {
  description = "What is audited, and what the role is granted on: organizations/NUMBER, folders/NUMBER or projects/ID. Of a Shared VPC whose host project is outside, name that by host_projects."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^((organizations|folders)/[1-9][0-9]*|projects/(([a-z0-9][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[1-9][0-9]*))$", var.scope))
    error_message = "The scope is organizations/NUMBER, folders/NUMBER or projects/ID."
  }
}

variable "organization" {
  description = "The number of the organization above the scope, where that is a folder or a project. A folder has no custom roles, so it takes one of the organization. A project without it has the rules about inherited rights unknown, if it is in an organization, and each run ends with 3: name the organization, or choose profile = \"core\", or add --allow-incomplete to arguments."
  type        = string
  default     = null

  validation {
    condition     = var.organization == null || can(regex("^[1-9][0-9]*$", var.organization))
    error_message = "An organization is named by its number."
  }

  validation {
    condition     = var.organization != null || !startswith(var.scope, "folders/")
    error_message = "A folder has no custom roles: name the organization that it is in."
  }

  validation {
    condition     = var.organization == null || !startswith(var.scope, "organizations/")
    error_message = "The scope is an organization already: leave this variable out."
  }
}

variable "host_projects" {
  description = "The host projects of Shared VPCs that clusters of the scope use, if they are not in it: the job gets to read their networks. For an organization leave it out: those are in it."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for p in var.host_projects : can(regex("^(([a-z0-9][a-z0-9.-]*[a-z0-9]:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[1-9][0-9]*)$", p))])
    error_message = "A host project is named by its ID or number."
  }

  validation {
    condition     = length(var.host_projects) == 0 || !startswith(var.scope, "organizations/")
    error_message = "The role of an organization holds in its host projects, too: leave this variable out."
  }
}

variable "image" {
  description = "The container image of gkeaudit in Artifact Registry. By digest (…@sha256:…) it is the same tomorrow."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9.-]+\\.pkg\\.dev/[^ @:]+(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$", var.image))
    error_message = "An image is named like REGION-docker.pkg.dev/PROJECT/REPOSITORY/gkeaudit@sha256:DIGEST."
  }

  validation {
    condition     = can(regex("(@sha256:[0-9a-f]{64}|:[^/]+)$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a digest or at least a version: what latest is changes under the job's feet."
  }
}

variable "name" {
  description = "The name of the job and, with what it is for behind it, of all else. Before it is changed, name the old bucket by the variable bucket: one that has reports is not replaced."
  type        = string
  default     = "gkeaudit"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,19}[a-z0-9]$", var.name))
    error_message = "A name has 6 to 21 lower-case letters, digits and dashes: the job's account is named by it, and the schedule's with -schedule behind it, and an account has 6 to 30."
  }
}

variable "profile" {
  description = "The rules that are applied, which decide the permissions: core, recommended, cis-gke-1.9, cis-gke-autopilot-1.3 or all."
  type        = string
  default     = "recommended"
  nullable    = false

  validation {
    condition     = contains(["core", "recommended", "cis-gke-1.9", "cis-gke-autopilot-1.3", "all"], var.profile)
    error_message = "Profiles are core, recommended, cis-gke-1.9, cis-gke-autopilot-1.3, all."
  }
}

variable "exclude_projects" {
  description = "Globs of projects' IDs or numbers that are left out, such as sandbox-*."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for glob in var.exclude_projects : can(regex("^[a-z0-9.:*?^\\[\\]-]+$", glob))])
    error_message = "A glob of projects has lower-case letters, digits, dashes and * ? [ ]."
  }
}

variable "arguments" {
  description = "Further flags of gkeaudit scan, such as --skip-rule=ID, --allow-incomplete, or --waivers=gs://BUCKET/waivers.yaml for an object in the bucket. What other variables decide is not repeated here."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for a in var.arguments : can(regex("^--[a-z]", a))])
    error_message = "Each is a flag with its value, --flag=value: gkeaudit scan takes no other arguments."
  }

  validation {
    condition     = !anytrue([for a in var.arguments : can(regex("^--(organization|folder|project|profile|exclude-project|timeout|output|merged)(=|$)", a))])
    error_message = "The variables scope, profile, exclude_projects, timeout_minutes and bucket decide --organization, --folder, --project, --profile, --exclude-project, --timeout, --output and --merged."
  }
}

variable "environment" {
  description = "Environment variables of the job."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name)) && !startswith(name, "CLOUD_RUN_")])
    error_message = "Variables are named by letters, digits and underscores; those that begin with CLOUD_RUN_ are Cloud Run's."
  }
}

variable "tasks" {
  description = "How many tasks share the projects among them. One reads a few hundred projects in minutes; several write a report each, to be merged."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.tasks >= 1 && var.tasks <= 1000 && floor(var.tasks) == var.tasks
    error_message = "There are 1 to 1000 tasks."
  }
}

variable "parallelism" {
  description = "How many tasks run at a time; 0 for as many as Cloud Run allows. All share the quotas of the project."
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.parallelism >= 0 && floor(var.parallelism) == var.parallelism
    error_message = "It is a number of tasks, or 0."
  }
}

variable "max_retries" {
  description = "How often a task that failed is tried again. It writes to the same objects again. With --fail-on among the arguments, 0: findings do not go away by trying again."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.max_retries >= 0 && var.max_retries <= 10 && floor(var.max_retries) == var.max_retries
    error_message = "There are 0 to 10 retries."
  }

  validation {
    condition     = var.max_retries == 0 || !anytrue([for a in var.arguments : startswith(a, "--fail-on") && a != "--fail-on=none"])
    error_message = "With --fail-on a task fails for its findings: set max_retries to 0."
  }
}

variable "timeout_minutes" {
  description = "How long one attempt of a task may take. What was read by then is reported as incomplete."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.timeout_minutes >= 2 && var.timeout_minutes <= 10080 && floor(var.timeout_minutes) == var.timeout_minutes
    error_message = "An attempt may take 2 minutes to 168 hours, which are 10080 minutes."
  }
}

variable "schedule" {
  description = "When the job runs, as in a crontab, or like \"every monday 09:00\"; null for by hand only."
  type        = string
  default     = "17 4 * * 1"

  # Of each field, the list of *, numbers, names and ranges, with or without steps; or words.
  validation {
    condition = var.schedule == null || alltrue([
      for i, part in [
        for value in [
          "[0-5]?[0-9]",
          "([01]?[0-9]|2[0-3])",
          "(0?[1-9]|[12][0-9]|3[01])",
          "(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
          "([0-7]|sun|mon|tue|wed|thu|fri|sat)",
        ] : "(\\*|${value}(-${value})?)(/[1-9][0-9]?)?"
      ] : can(regex("^(\\S+ +){${i}}${part}(,${part})*( +\\S+){${4 - i}}$", lower(var.schedule)))
    ]) || can(regex("^(every +([0-9]+ +(min|hour)|day|mon|tue|wed|thu|fri|sat|sun)|[0-9a-z,]+( +[a-z,]+)? +of +[a-z])[a-z0-9:, ]*$", lower(var.schedule)))
    error_message = "A schedule has five fields: minute (0-59), hour (0-23), day (1-31), month (1-12), day of the week (0-7); or it is like \"every 24 hours\" or \"every monday 09:00\"."
  }
}

variable "time_zone" {
  description = "The time zone of the schedule, by its name in the tz database."
  type        = string
  default     = "Etc/UTC"
  nullable    = false

  validation {
    condition     = can(regex("^((Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|Pacific|US)/[A-Z][A-Za-z0-9_+/-]*|[A-Z]{2,3}|(CST6C|EST5E|MST7M|PST8P)DT|Cuba|Egypt|Eire|Greenwich|Hongkong|Iceland|Iran|Israel|Jamaica|Japan|Kwajalein|Libya|Navajo|Poland|Portugal|Singapore|Turkey|Universal|Zulu)$", var.time_zone))
    error_message = "A time zone is named like Europe/Amsterdam."
  }
}

variable "schedule_region" {
  description = "The region of the schedule, if Cloud Scheduler is not in that of the job; null for the same."
  type        = string
  default     = null

  validation {
    condition     = var.schedule_region == null || can(regex("^[a-z]+(-[a-z]+)+[0-9]+$", var.schedule_region))
    error_message = "A region is named like europe-west4."
  }
}

variable "bucket" {
  description = "The name of the bucket of reports; null for that of the project and the job: PROJECT-NAME-reports."
  type        = string
  default     = null

  validation {
    condition     = var.bucket == null || can(regex("^.{3,222}$", var.bucket)) && can(regex("^[a-z0-9][a-z0-9_-]{0,61}[a-z0-9](\\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*$", var.bucket)) && !can(regex("^[0-9]+(\\.[0-9]+){3}$", var.bucket))
    error_message = "A bucket is named by 3 to 63 lower-case letters, digits, dashes and underscores, or by several such parts with dots between them, if you own the domain."
  }

  validation {
    condition     = !can(regex("^goog|google|g00gle", coalesce(var.bucket, "${var.project}-${var.name}")))
    error_message = "Cloud Storage takes no name that begins with goog or has google in it."
  }

  validation {
    condition     = var.bucket != null || can(regex("^.{3,63}$", "${var.project}-${var.name}-reports"))
    error_message = "The name of the project and the job is too long for one of a bucket: name that."
  }
}

variable "kms_key" {
  description = "The key of Cloud KMS that encrypts the reports and the job, projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY; null for Google's. Before it is named here, the service agents of Cloud Storage and Cloud Run in the job's project (service-NUMBER@gs-project-accounts.iam.gserviceaccount.com and service-NUMBER@serverless-robot-prod.iam.gserviceaccount.com) need roles/cloudkms.cryptoKeyEncrypterDecrypter on it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/${var.region}/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "A key is named projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY, and its region is that of the job and the bucket."
  }
}

variable "keep_days" {
  description = "How many days a report is kept: what is below reports/ and runs/ in the bucket. One that was replaced is kept for 30."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.keep_days >= 1 && floor(var.keep_days) == var.keep_days
    error_message = "Reports are kept for a day at least."
  }
}

variable "readers" {
  description = "Who may read the reports, such as group:security@example.com, known before anything is made. A report describes your network: nobody else may, but for the owners of the job's project and those who have a role for Cloud Storage on all of it. Its editors manage the bucket, so they can let themselves in."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for m in var.readers : can(regex("^((user|group|serviceAccount):[^@:\\s]+@[^@:\\s]+\\.[^@:\\s]+|serviceAccount:\\S+\\.svc\\.id\\.goog\\[\\S+/\\S+\\]|domain:[^@:/\\s]+\\.[^@:/\\s]+|principal(Set)?://[^/\\s]+/\\S+)$", m))])
    error_message = "A reader is user:EMAIL, group:EMAIL, serviceAccount:EMAIL, domain:DOMAIN, principal://… or principalSet://…, and never everybody."
  }
}

variable "alert_severity" {
  description = "Alert on findings of this severity or above, on an incomplete audit, on an error, and if the schedule cannot start the job: critical, high, medium or low; null for no alerts."
  type        = string
  default     = null

  validation {
    condition     = var.alert_severity == null || contains(["critical", "high", "medium", "low"], coalesce(var.alert_severity, "none"))
    error_message = "Severities are critical, high, medium, low."
  }
}

variable "notification_channels" {
  description = "Where alerts go: projects/PROJECT/notificationChannels/NUMBER."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for c in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", c))])
    error_message = "A channel is named projects/PROJECT/notificationChannels/NUMBER."
  }

  validation {
    condition     = var.alert_severity == null || length(var.notification_channels) > 0
    error_message = "An alert that has no channel tells nobody: name one, or leave alert_severity out."
  }
}

variable "labels" {
  description = "Labels of the job and the bucket."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for k, v in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", k)) && can(regex("^[a-z0-9_-]{0,63}$", v))])
    error_message = "Labels have lower-case letters, digits, dashes and underscores."
  }
}
