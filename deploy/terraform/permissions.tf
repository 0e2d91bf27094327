# What gkeaudit access --role=terraform prints, by profile. A test compares them, and writes
# them: go test ./cmd/gkeaudit -run TestTerraformPermissions -update
locals {
  permissions = {
    all = [
      "cloudasset.assets.searchAllIamPolicies",
      "cloudasset.assets.searchAllResources",
      "compute.networks.getRegionEffectiveFirewalls",
      "compute.networks.list",
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
      "container.clusters.list",
      "iam.roles.list",
      "iam.serviceAccounts.list",
      "resourcemanager.folders.getIamPolicy",
      "resourcemanager.folders.list",
      "resourcemanager.organizations.getIamPolicy",
      "resourcemanager.projects.get",
      "resourcemanager.projects.getIamPolicy",
      "resourcemanager.projects.list",
    ]
    "cis-gke-1.9" = [
      "cloudasset.assets.searchAllResources",
      "compute.networks.getRegionEffectiveFirewalls",
      "compute.networks.list",
      "compute.subnetworks.list",
      "container.clusters.list",
      "resourcemanager.folders.list",
      "resourcemanager.projects.get",
      "resourcemanager.projects.list",
    ]
    "cis-gke-autopilot-1.3" = [
      "cloudasset.assets.searchAllResources",
      "compute.subnetworks.list",
      "container.clusters.list",
      "resourcemanager.folders.list",
      "resourcemanager.projects.get",
      "resourcemanager.projects.list",
    ]
    core = [
      "cloudasset.assets.searchAllResources",
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
      "container.clusters.list",
      "resourcemanager.folders.list",
      "resourcemanager.projects.get",
      "resourcemanager.projects.list",
    ]
    recommended = [
      "cloudasset.assets.searchAllResources",
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
      "container.clusters.list",
      "iam.roles.list",
      "resourcemanager.folders.getIamPolicy",
      "resourcemanager.folders.list",
      "resourcemanager.organizations.getIamPolicy",
      "resourcemanager.projects.get",
      "resourcemanager.projects.getIamPolicy",
      "resourcemanager.projects.list",
    ]
  }

  permissions_project = {
    all = [
      "cloudasset.assets.searchAllIamPolicies",
      "cloudasset.assets.searchAllResources",
      "compute.networks.getRegionEffectiveFirewalls",
      "compute.networks.list",
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
      "container.clusters.list",
      "iam.roles.list",
      "iam.serviceAccounts.list",
      "resourcemanager.projects.get",
      "resourcemanager.projects.getIamPolicy",
    ]
    "cis-gke-1.9" = [
      "compute.networks.getRegionEffectiveFirewalls",
      "compute.networks.list",
      "compute.subnetworks.list",
      "container.clusters.list",
    ]
    "cis-gke-autopilot-1.3" = [
      "compute.subnetworks.list",
      "container.clusters.list",
    ]
    core = [
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
      "container.clusters.list",
    ]
    recommended = [
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
      "container.clusters.list",
      "iam.roles.list",
      "resourcemanager.projects.get",
      "resourcemanager.projects.getIamPolicy",
    ]
  }

  permissions_above = {
    all = [
      "iam.roles.list",
      "resourcemanager.folders.getIamPolicy",
      "resourcemanager.organizations.getIamPolicy",
    ]
    "cis-gke-1.9"           = []
    "cis-gke-autopilot-1.3" = []
    core                    = []
    recommended = [
      "iam.roles.list",
      "resourcemanager.folders.getIamPolicy",
      "resourcemanager.organizations.getIamPolicy",
    ]
  }

  permissions_networks = {
    all = [
      "compute.networks.getRegionEffectiveFirewalls",
      "compute.networks.list",
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
    ]
    "cis-gke-1.9" = [
      "compute.networks.getRegionEffectiveFirewalls",
      "compute.networks.list",
      "compute.subnetworks.list",
    ]
    "cis-gke-autopilot-1.3" = [
      "compute.subnetworks.list",
    ]
    core = [
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
    ]
    recommended = [
      "compute.routers.list",
      "compute.routes.list",
      "compute.subnetworks.list",
    ]
  }
}
