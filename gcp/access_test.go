package gcp

import (
	"slices"
	"testing"

	"gkeaudit/audit"
)

// TestPermissions holds the permissions that rules name to those of the operations that
// are called.
func TestPermissions(t *testing.T) {
	for _, d := range audit.AllData() {
		got, want := Permissions([]audit.Data{d}, false), audit.PermissionsOf([]audit.Data{d})
		if !slices.Equal(got, want) {
			t.Errorf("reading %s takes %v, and rules that need it name %v", d, got, want)
		}
	}
}
