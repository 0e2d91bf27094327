package rules

import (
	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var maintenanceWindow = &audit.Rule{
	ID:       "maintenance-window",
	Title:    "Upgrades have a maintenance window",
	Severity: audit.Low,
	Weight:   "Upgrades come without a window, too, but at times that nobody chose.",
	Optional: "Clusters that bear an upgrade at any time need none, and get their patches sooner.",
	Since:    "0.1.0",
	Rationale: `Without a window GKE upgrades the control plane and the nodes at any time. Where
that hurts once, the usual answer is to turn upgrades off or to hold them back for
long; a window in calm hours keeps patches coming.`,
	Checks: `maintenancePolicy.window: dailyMaintenanceWindow, recurringWindow or
recurringMaintenanceWindow pass. None of them fails, also where there are
exclusions. A window section with nothing in it is unknown: it may be of a kind
that came later.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Set a window of at least 48 hours in 32 days", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --maintenance-window-start=2026-01-03T01:00:00Z \
    --maintenance-window-end=2026-01-03T07:00:00Z \
    --maintenance-window-recurrence='FREQ=WEEKLY;BYDAY=SA,SU'`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  maintenance_policy {
    recurring_window {
      start_time = "2026-01-03T01:00:00Z"
      end_time   = "2026-01-03T07:00:00Z"
      recurrence = "FREQ=WEEKLY;BYDAY=SA,SU"
    }
  }
}`,
		Disruption: "None.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Maintenance windows and exclusions", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "maintenancePolicy.window"
		window := c.GetMaintenancePolicy().GetWindow()
		evidence := func(kind, value string) audit.Evidence {
			return audit.Evidence{Resource: c.ResourceName(), Field: field + "." + kind, Value: value}
		}
		switch w := window.GetPolicy().(type) {
		case *containerpb.MaintenanceWindow_DailyMaintenanceWindow:
			return audit.Passf("upgrades wait for a daily window").Because(evidence("dailyMaintenanceWindow.startTime", w.DailyMaintenanceWindow.GetStartTime()))
		case *containerpb.MaintenanceWindow_RecurringWindow:
			return audit.Passf("upgrades wait for a recurring window").Because(evidence("recurringWindow.recurrence", w.RecurringWindow.GetRecurrence()))
		case *containerpb.MaintenanceWindow_RecurringMaintenanceWindow:
			return audit.Passf("upgrades wait for a recurring window").Because(evidence("recurringMaintenanceWindow", "present"))
		}
		if window != nil && len(window.GetMaintenanceExclusions()) == 0 {
			return audit.Unknownf("the maintenance window is of no known kind").Because(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: "{}"})
		}
		return audit.Failf("upgrades may come at any time").Because(audit.Absent(c.ResourceName(), field+".recurringWindow", "no window"))
	}),
}
