package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Gap is something that could not be read, and why.
type Gap struct {
	// Project is the project whose data is missing; empty if what is missing are
	// projects, is of a folder or an organization, or is a predefined role.
	Project string `json:"project"`

	// Resource is what is missing. Its last segment is the kind of resource,
	// what stands before it the scope, but for a role's:
	//
	//	projects/P/locations/-/clusters        every cluster of the project
	//	projects/P/locations/L/clusters        those in one zone or region
	//	projects/P/aggregated/subnetworks      those of all regions
	//	projects/P/regions/R/subnetworks       those of one region
	//	projects/P/aggregated/routers
	//	projects/P/regions/R/routers
	//	projects/P/global/routes
	//	projects/P/global/networks
	//	projects/P/regions/R/networks/N/effectiveFirewalls
	//	projects/P/locations/L/serverConfig    the versions that GKE offers there, to any project
	//	folders/F/projects                     the projects of a folder
	//	folders/F/folders                      its folders, and all that is below
	//	organizations/O/projects
	//	organizations/O/folders
	//	projects/P/ancestry                    the folders and the organization above it
	//	projects/P/number                      its number
	//	projects/P/iamPolicy                   its allow policy
	//	folders/F/iamPolicy
	//	organizations/O/iamPolicy
	//	projects/P/roles                       its custom roles
	//	organizations/O/roles
	//	roles/R                                a predefined role
	//	projects/P/serviceAccounts
	//	projects/P/serviceAccountPolicies      who may use them
	//	projects/P/serviceAccountKeys
	Resource string `json:"resource"`

	// Operation is the API method that was to read it, as Google's
	// documentation names it: "compute.subnetworks.aggregatedList".
	Operation string `json:"operation"`

	// Code is the canonical status code: "PERMISSION_DENIED", "UNAVAILABLE".
	// See google.rpc.Code.
	Code string `json:"code"`

	// Reason is what the API gives as the reason, in the API's own spelling:
	// "IAM_PERMISSION_DENIED", "SERVICE_DISABLED", "MISSING_ZONE". Empty if it
	// gave none.
	Reason string `json:"reason"`

	// Permission is the IAM permission that is missing; empty if the cause is
	// another.
	Permission string `json:"permission"`

	// Message says what happened in words.
	Message string `json:"message"`
}

// aboveProjects reports whether what is missing is of a folder or an organization.
func (g *Gap) aboveProjects() bool {
	return strings.HasPrefix(g.Resource, "folders/") || strings.HasPrefix(g.Resource, "organizations/")
}

// hidesRole reports whether what is missing is a predefined role.
func (g *Gap) hidesRole() bool { return strings.HasPrefix(g.Resource, "roles/") }

// dataOf are the kinds of data by the last segments of gaps' resources.
var dataOf = map[string][]Data{
	"clusters":               {Clusters}, // or OtherClusters, see Snapshot.For
	"subnetworks":            {Subnetworks},
	"routers":                {Routers},
	"routes":                 {Routes},
	"networks":               {Networks},
	"effectiveFirewalls":     {Firewalls},
	"serverConfig":           {ServerConfigs},
	"ancestry":               {IAMPolicies},
	"iamPolicy":              {IAMPolicies},
	"number":                 {IAMPolicies, ServiceAccounts},
	"roles":                  {Roles},
	"serviceAccounts":        {ServiceAccounts},
	"serviceAccountPolicies": {ServiceAccountPolicies},
	"serviceAccountKeys":     {ServiceAccountKeys},
}

// Hides reports whether what is missing is, or may be, of one of some kinds of data.
func (g *Gap) Hides(data []Data) bool {
	if g.hidesRole() {
		return slices.Contains(data, Roles)
	}
	kinds, ok := dataOf[LastSegment(g.Resource)]
	return !ok || slices.ContainsFunc(kinds, func(d Data) bool { return slices.Contains(data, d) })
}

// HidesProjects reports whether what is missing are projects.
func (g *Gap) HidesProjects() bool {
	kind := LastSegment(g.Resource)
	return g.aboveProjects() && (kind == "projects" || kind == "folders")
}

// hidesIAM reports whether what is missing has to do with who may do what.
func (g *Gap) hidesIAM() bool {
	switch LastSegment(g.Resource) {
	case "ancestry", "number", "iamPolicy", "roles", "serviceAccounts", "serviceAccountPolicies", "serviceAccountKeys":
		return true
	}
	return false
}

// hidesServerConfig reports whether what is missing are the versions that GKE offers in a
// location.
func (g *Gap) hidesServerConfig() bool { return strings.HasSuffix(g.Resource, "/serverConfig") }

// String says in one line what is missing and what would help.
func (g *Gap) String() string {
	if g.Permission != "" {
		return fmt.Sprintf("%s could not be read (missing permission %s)", g.Resource, g.Permission)
	}
	if g.Reason != "" {
		return fmt.Sprintf("%s could not be read (%s)", g.Resource, g.Reason)
	}
	return fmt.Sprintf("%s could not be read (%s)", g.Resource, g.Code)
}

// Reasons of gaps that are ours: nothing was asked, so no API answered.
const (
	ReasonNotRead     = "NOT_IN_SNAPSHOT"
	ReasonMissingZone = "MISSING_ZONE"
)

// DistinctGaps puts gaps in order, by project, resource and operation, and drops
// those that differ from another in their message alone: one is enough for what
// each page of a list says, or a list that was read twice.
func DistinctGaps(gaps []Gap) []Gap {
	gaps = slices.Clone(gaps)
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(compareCauses(a, b), strings.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(gaps, func(a, b Gap) bool { return compareCauses(a, b) == 0 })
}

// compareCauses orders gaps by all but the words of their messages.
func compareCauses(a, b Gap) int {
	return cmp.Or(
		strings.Compare(a.Project, b.Project),
		strings.Compare(a.Resource, b.Resource),
		strings.Compare(a.Operation, b.Operation),
		strings.Compare(a.Code, b.Code),
		strings.Compare(a.Reason, b.Reason),
		strings.Compare(a.Permission, b.Permission),
	)
}
