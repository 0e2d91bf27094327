package report

import (
	"strings"
	"testing"

	"gkeaudit/audit"
)

// TestFixForComputeClasses looks for the warning that a command turns node
// auto-provisioning on, which a cluster that creates node pools for compute classes alone
// has off.
func TestFixForComputeClasses(t *testing.T) {
	const cluster = "projects/p/locations/europe-west4/clusters/web"
	for _, c := range []struct {
		command, field string
		warns          bool
	}{
		{"gcloud container clusters update {cluster} --enable-autoprovisioning", "autoscaling.autoprovisioned", true},
		{"gcloud container clusters update {cluster} --enable-autoprovisioning", "autoscaling.defaultComputeClassConfig.enabled", true},
		{"gcloud container clusters update {cluster} --enable-autoprovisioning", "autoscaling.enableNodeAutoprovisioning", false},
		{"gcloud container clusters update {cluster} --enable-private-nodes", "autoscaling.autoprovisioned", false},
	} {
		steps := []audit.Step{{For: audit.AutoProvisioning, Title: "Use it", Commands: c.command}}
		f := audit.Finding{Cluster: cluster, Resource: cluster, Evidence: []audit.Evidence{{Resource: cluster, Field: c.field, Value: "true"}}}
		got := gcloudFor(steps, f, Cluster{Name: cluster})
		if warns := strings.Contains(got, "turns it on"); warns != c.warns {
			t.Errorf("%s, %s: the warning is there: %t, want %t:\n%s", c.command, c.field, warns, c.warns, got)
		}
	}
}
