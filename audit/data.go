package audit

import (
	"maps"
	"slices"
)

// Data is a kind of data that is read of an estate.
type Data string

// The kinds of data.
const (
	Clusters Data = "clusters" // clusters and their node pools

	// OtherClusters are those that count for rules which look at all clusters together,
	// and are not judged: of other shards' projects, and of what a run was narrowed from.
	OtherClusters Data = "otherClusters"

	Subnetworks Data = "subnetworks" // of the projects that own the clusters' networks
	Routers     Data = "routers"     // likewise, with the Cloud NAT gateways on them
	Routes      Data = "routes"      // likewise

	Networks      Data = "networks"      // likewise
	Firewalls     Data = "firewalls"     // what is in force on the clusters' networks, by region
	ServerConfigs Data = "serverConfigs" // the versions that GKE offers, by location of the clusters
	// Of the projects that have clusters, and of those that nodes' service accounts
	// belong to:
	IAMPolicies     Data = "iamPolicies"     // theirs, and those of the folders and organizations above
	Roles           Data = "roles"           // what the roles that policies grant allow
	ServiceAccounts Data = "serviceAccounts" // all

	// Of the projects that nodes' service accounts belong to, as Cloud Asset Inventory
	// knows them:
	ServiceAccountPolicies Data = "serviceAccountPolicies" // who may use a service account
	ServiceAccountKeys     Data = "serviceAccountKeys"     // without the keys themselves
)

// permissions are what it takes to read each kind of data.
var permissions = map[Data][]string{
	Clusters:      {"container.clusters.list"},
	OtherClusters: {"container.clusters.list"},

	Subnetworks: {"compute.subnetworks.list"},
	Routers:     {"compute.routers.list"},
	Routes:      {"compute.routes.list"},

	Networks:      {"compute.networks.list"},
	Firewalls:     {"compute.networks.getRegionEffectiveFirewalls"},
	ServerConfigs: {"container.clusters.list"},
	IAMPolicies: {
		"resourcemanager.projects.get", "resourcemanager.projects.getIamPolicy",
		"resourcemanager.folders.getIamPolicy", "resourcemanager.organizations.getIamPolicy",
	},
	Roles:                  {"iam.roles.list"}, // on what has custom roles; predefined ones need none
	ServiceAccounts:        {"iam.serviceAccounts.list", "resourcemanager.projects.get"},
	ServiceAccountPolicies: {"cloudasset.assets.searchAllIamPolicies"},
	ServiceAccountKeys:     {"cloudasset.assets.searchAllResources"},
}

// Complete fills in what follows from the rest of a rule, and returns it.
func (r *Rule) Complete() *Rule {
	r.Permissions = PermissionsOf(append([]Data{Clusters}, r.Needs...))
	return r
}

// PermissionsOf returns the IAM permissions that it takes to read data, sorted.
func PermissionsOf(data []Data) []string {
	var ps []string
	for _, d := range data {
		ps = append(ps, permissions[d]...)
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

// DataOf returns the data that rules need or use together, the clusters among it,
// sorted.
func DataOf(rules []*Rule) []Data {
	data := []Data{Clusters}
	for _, r := range rules {
		data = append(data, r.Needs...)
		data = append(data, r.Uses...)
	}
	slices.Sort(data)
	return slices.Compact(data)
}

// AllData returns every kind of data, sorted.
func AllData() []Data { return slices.Sorted(maps.Keys(permissions)) }
