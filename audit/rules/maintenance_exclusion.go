package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var maintenanceExclusion = &audit.Rule{
	ID:       "maintenance-exclusion",
	Title:    "No maintenance exclusion holds patches back",
	Severity: audit.Medium,
	Weight:   "While it lasts a published hole stays open, but it has an end and was set on purpose.",
	Optional: "A freeze for a few busy days is sound practice, and fails here while it lasts.",
	Since:    "0.1.0",
	Rationale: `An exclusion of scope NO_UPGRADES keeps all upgrades away, patches for the control
plane and the nodes among them; NO_MINOR_OR_NODE_UPGRADES keeps those for nodes
away. They are meant for days and are made to last for months, one after another,
while holes become known. NO_MINOR_UPGRADES lets patches through.`,
	Checks: `maintenancePolicy.window.maintenanceExclusions that are in force at the time of the
audit: startTime has passed, and endTime has not. A scope of NO_UPGRADES, which
is also what an absent scope means, and NO_MINOR_OR_NODE_UPGRADES fail;
NO_MINOR_UPGRADES passes. Exclusions that are over or to come pass. One without a
start or an end is unknown if its scope would fail.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Remove the exclusion, or make it one that lets patches through", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --remove-maintenance-exclusion=NAME
gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --add-maintenance-exclusion-name=NAME \
    --add-maintenance-exclusion-scope=no_minor_upgrades \
    --add-maintenance-exclusion-end=2026-12-31T00:00:00Z`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  maintenance_policy {
    maintenance_exclusion {
      exclusion_name = "freeze"
      start_time     = "2026-12-01T00:00:00Z"
      end_time       = "2026-12-31T00:00:00Z"
      exclusion_options {
        scope = "NO_MINOR_UPGRADES"
      }
    }
  }
}`,
		Disruption: "None at once. Upgrades that were held back come in the next maintenance window.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Maintenance windows and exclusions", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions"},
	},
	Check: audit.EachCluster(judgeExclusions),
}

func judgeExclusions(in *audit.Input, c *audit.Cluster) audit.Verdict {
	const field = "maintenancePolicy.window.maintenanceExclusions"
	exclusions := c.GetMaintenancePolicy().GetWindow().GetMaintenanceExclusions()
	if len(exclusions) == 0 {
		return audit.Passf("there are no maintenance exclusions").Because(audit.Absent(c.ResourceName(), field, "no exclusions"))
	}
	var failed, undecided []string
	var evidence []audit.Evidence
	for _, name := range slices.Sorted(maps.Keys(exclusions)) {
		x := exclusions[name]
		scope := x.GetMaintenanceExclusionOptions().GetScope()
		start, end := x.GetStartTime(), x.GetEndTime()
		about := fmt.Sprintf("%s (%s)", name, scope)
		value := scope.String()
		switch {
		case scope == containerpb.MaintenanceExclusionOptions_NO_MINOR_UPGRADES:
		case scope != containerpb.MaintenanceExclusionOptions_NO_UPGRADES && scope != containerpb.MaintenanceExclusionOptions_NO_MINOR_OR_NODE_UPGRADES:
			undecided = append(undecided, about)
		case start == nil || end == nil || in.Time.IsZero():
			undecided = append(undecided, about)
		case !in.Time.Before(start.AsTime()) && in.Time.Before(end.AsTime()):
			failed = append(failed, about+" until "+end.AsTime().Format("2006-01-02"))
		}
		if start != nil && end != nil {
			value += " from " + start.AsTime().Format("2006-01-02 15:04") + " to " + end.AsTime().Format("2006-01-02 15:04")
		}
		evidence = append(evidence, audit.Evidence{Resource: c.ResourceName(), Field: field + "." + name, Value: value})
	}
	switch {
	case failed != nil:
		return audit.Failf("patches are held back by %s", strings.Join(failed, ", ")).Because(evidence...)
	case undecided != nil:
		return audit.Unknownf("whether patches are held back by %s cannot be told", strings.Join(undecided, ", ")).Because(evidence...)
	}
	return audit.Passf("no maintenance exclusion holds patches back now").Because(evidence...)
}
