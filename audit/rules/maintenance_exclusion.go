package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var maintenanceExclusion = &audit.Rule{
	ID:       "maintenance-exclusion",
	Title:    "No maintenance exclusion holds patches back",
	Severity: audit.Medium,
	Weight:   "It takes away the layer of patches while it lasts, but it ends, and was set on purpose.",
	Optional: "A freeze for a few busy days is sound practice, and fails here while it lasts.",
	Since:    "0.1.0",
	Rationale: `An exclusion of scope NO_UPGRADES keeps all upgrades away, patches for the control
plane and the nodes among them; NO_MINOR_OR_NODE_UPGRADES keeps those for nodes
away. They are meant for days and are made to last for months, one after another,
while holes become known. NO_MINOR_UPGRADES lets patches through.`,
	Checks: `maintenancePolicy.window.maintenanceExclusions that are in force at the time of the
audit: startTime has passed, and endTime has not. A scope of NO_UPGRADES, which
is also what an absent scope means, and NO_MINOR_OR_NODE_UPGRADES fail;
NO_MINOR_UPGRADES passes. Exclusions that have ended or not begun yet pass, whatever their
scope. Any other with a scope or an endTimeBehavior that this version of gkeaudit does not
know is unknown, and so is one without a start or an end if its scope would fail; one whose endTimeBehavior is
UNTIL_END_OF_SUPPORT needs no end: it lasts as long as the control plane's version is
supported. And maintenancePolicy.exclusionUntilEndOfSupport of each node pool that has
it: in force it fails, enabled without times it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Remove the exclusion", Before: "Check that upgrades may begin in the next maintenance window.", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --remove-maintenance-exclusion=NAME`},
			{Title: "If you still need an exclusion, add one that lets patches through", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --add-maintenance-exclusion-name=NAME \
    --add-maintenance-exclusion-scope=no_minor_upgrades \
    --add-maintenance-exclusion-end=END_TIME`},
			{For: audit.StandardPool, Title: "If the exclusion is the node pool's own, turn it off (needs gcloud 569.0.0 or later)", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} \
    --remove-maintenance-exclusion-until-end-of-support`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  maintenance_policy {
    # The provider takes exclusions only beside a maintenance window: keep yours, or add one.
    maintenance_exclusion {
      exclusion_name = "freeze"
      start_time     = "START_TIME"
      end_time       = "END_TIME"
      exclusion_options {
        scope = "NO_MINOR_UPGRADES"
      }
    }
  }
}

resource "google_container_node_pool" "pool" {
  # name = {pool}
  maintenance_policy {
    exclusion_until_end_of_support {
      enabled = false
    }
  }
}`,
		Disruption: "None at once. Upgrades that were held back come in the next maintenance window.",
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Maintenance windows and exclusions", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions"},
	},
	Check: func(in *audit.Input, c *audit.Cluster) []audit.Verdict {
		verdicts := []audit.Verdict{judgeExclusions(in, c)}
		for _, n := range c.NodeSources() {
			if x := n.Pool.GetMaintenancePolicy().GetExclusionUntilEndOfSupport(); x != nil {
				verdicts = append(verdicts, judgePoolExclusion(in, n, x).On(n.ResourceName()))
			}
		}
		return verdicts
	},
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
		options := x.GetMaintenanceExclusionOptions()
		scope, behavior := options.GetScope(), options.GetEndTimeBehavior()
		untilSupportEnds := behavior == containerpb.MaintenanceExclusionOptions_UNTIL_END_OF_SUPPORT
		start, end := x.GetStartTime(), x.GetEndTime()
		value, ends := audit.EnumName(options, scope), audit.EnumName(options, behavior)
		about := fmt.Sprintf("%s (%s)", name, value)
		over := end != nil && behavior == containerpb.MaintenanceExclusionOptions_END_TIME_BEHAVIOR_UNSPECIFIED && !in.Time.IsZero() && !in.Time.Before(end.AsTime())
		toCome := start != nil && !in.Time.IsZero() && in.Time.Before(start.AsTime())
		switch {
		case over, toCome, scope == containerpb.MaintenanceExclusionOptions_NO_MINOR_UPGRADES:
		case !audit.EnumKnown(scope):
			undecided = append(undecided, fmt.Sprintf("%s, whose scope has the value %s, which this version of gkeaudit does not know,", name, value))
		case start == nil || in.Time.IsZero():
			undecided = append(undecided, about)
		case untilSupportEnds:
			failed = append(failed, about+" until the end of support")
		case !audit.EnumKnown(behavior):
			undecided = append(undecided, fmt.Sprintf("%s, whose endTimeBehavior has the value %s, which this version of gkeaudit does not know,", about, ends))
		case end == nil:
			undecided = append(undecided, about)
		default:
			failed = append(failed, about+" until "+end.AsTime().Format("2006-01-02"))
		}
		if start != nil {
			value += " from " + minuteOf(start)
		}
		if end != nil {
			value += " to " + minuteOf(end)
		}
		if behavior != containerpb.MaintenanceExclusionOptions_END_TIME_BEHAVIOR_UNSPECIFIED {
			value += ", endTimeBehavior " + ends
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

// judgePoolExclusion judges a node pool's own exclusion, which keeps all automatic upgrades
// of its nodes away.
func judgePoolExclusion(in *audit.Input, n audit.NodeSource, x *containerpb.NodePool_ExclusionUntilEndOfSupport) audit.Verdict {
	const field = "maintenancePolicy.exclusionUntilEndOfSupport"
	evidence := []audit.Evidence{plainBool(n.ResourceName(), field+".enabled", x.GetEnabled(), "off")}
	if !x.GetEnabled() {
		return audit.Passf("the node pool has no exclusion of its own").Because(evidence...)
	}
	start, end := x.GetStartTime(), x.GetEndTime()
	if start == nil || end == nil || in.Time.IsZero() {
		return audit.Unknownf("whether the node pool's own exclusion holds patches back now cannot be told").Because(evidence...).
			Because(audit.Absent(n.ResourceName(), field+".startTime and .endTime", "when it is in force is not known"))
	}
	evidence = append(evidence,
		audit.Evidence{Resource: n.ResourceName(), Field: field + ".startTime", Value: minuteOf(start)},
		audit.Evidence{Resource: n.ResourceName(), Field: field + ".endTime", Value: minuteOf(end)})
	if in.Time.Before(start.AsTime()) || !in.Time.Before(end.AsTime()) {
		return audit.Passf("the node pool's own exclusion is not in force now").Because(evidence...)
	}
	return audit.Failf("patches are held back by the node pool's own exclusion, until the end of support (%s)", end.AsTime().Format("2006-01-02")).Because(evidence...)
}

func minuteOf(t *timestamppb.Timestamp) string { return t.AsTime().Format("2006-01-02 15:04") }
