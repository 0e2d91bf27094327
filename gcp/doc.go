// Package gcp finds projects through the Cloud Asset and Resource Manager APIs, and
// reads them through the GKE and Compute Engine APIs into an [audit.Snapshot].
//
// It calls nothing but methods that read. For each project that is audited it makes
// one call, container.projects.locations.clusters.list over all locations; for each
// project that owns a network of those clusters three more,
// compute.subnetworks.aggregatedList, compute.routers.aggregatedList and
// compute.routes.list, each once per run and page. Where rules need it, it calls
// container.projects.locations.getServerConfig once for each location of clusters, in
// one of the projects that have some there, compute.networks.list once for each
// project that owns a network, and
// compute.regionNetworkFirewallPolicies.getEffectiveFirewalls once for each network
// and region in use. Only where an aggregated list fails, as it does when one region
// is down, are the regions in use read one by one. Allow policies, custom roles and
// service accounts are read where they are asked for, of each project, folder and
// organization once. What cannot be read becomes an [audit.Gap]; it never looks like
// an empty list. Secrets are dropped before anything is kept.
package gcp
