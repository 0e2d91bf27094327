package gcp

import (
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
)

// TestPermissions holds the permissions that rules name to those of the operations that
// are called.
func TestPermissions(t *testing.T) {
	for _, d := range audit.AllData() {
		got, want := Permissions([]audit.Data{d}, ""), audit.PermissionsOf([]audit.Data{d})
		if !slices.Equal(got, want) {
			t.Errorf("reading %s takes %v, and rules that need it name %v", d, got, want)
		}
	}
}

// TestNetworkPermissions sees that networks are read by permissions of Compute Engine, and
// nothing else is: by that a role for the host project of a Shared VPC is told.
func TestNetworkPermissions(t *testing.T) {
	for _, d := range audit.AllData() {
		compute := slices.DeleteFunc(Permissions([]audit.Data{d}, DiscoverAuto), func(p string) bool { return !strings.HasPrefix(p, "compute.") })
		if want := permissionsOf(opsFor(onNetworks, []audit.Data{d})); !slices.Equal(compute, want) {
			t.Errorf("reading %s takes %v of Compute Engine, and %v on networks", d, compute, want)
		}
	}
}
