package rules

import (
	"strconv"
	"strings"

	"gkeaudit/audit"
)

var autopilotPrivilegedAdmission = &audit.Rule{
	ID:       "autopilot-privileged-admission",
	Title:    "No allow-lists but Google's exempt workloads from Autopilot's restrictions",
	Severity: audit.Medium,
	Weight:   "It takes away the layer that keeps privileged Pods off Autopilot nodes, for anyone who can write to the bucket of the allowlist.",
	Optional: "Customers with privileged workloads of their own need such lists, and Google lets them have them on request only.",
	Since:    "0.1.0",
	Rationale: `Autopilot refuses pods with privileges unless an allow-list names them. GKE fetches lists
anew every few minutes, so that a list in a bucket of your own makes all who can write to
the bucket as good as root on the nodes.`,
	Checks: `autopilot.privilegedAdmissionConfig.allowlistPaths. Paths at Cloud Storage (gs://) fail.
Google's own (gke://) pass, and so do none at all, which stands for all of Google's, and a
single empty one, which stands for no lists. Paths of any other form are unknown. A
Standard cluster without paths is not applicable: most of its nodes take privileged pods
without a list.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Allow Google's lists only (needs a current gcloud)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} '--autopilot-privileged-admission=gke://*'`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  autopilot_privileged_admission = ["gke://*"]
}`,
		Disruption: `No restart. Pods that only a removed list allows are refused when they are made anew.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Restrict privileged GKE workloads in organizations", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/privileged-admission-organizations"},
		{Title: "Run privileged workloads in Autopilot", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/run-autopilot-partner-workloads"},
	},
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "container.managed.autopilotPrivilegedAdmission"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "autopilot.privilegedAdmissionConfig.allowlistPaths"
		name, paths := c.ResourceName(), c.GetAutopilot().GetPrivilegedAdmissionConfig().GetAllowlistPaths()
		if len(paths) == 0 {
			if !c.Autopilot() {
				return audit.NotApplicablef("a Standard cluster whose nodes take privileged pods without an allow-list").Because(
					audit.Absent(name, "autopilot.enabled", "a Standard cluster"),
					audit.Absent(name, field, "no allow-lists are set"))
			}
			return audit.Passf("only Google's allow-lists may be used, the default").Because(
				audit.Absent(name, field, "Google's allow-lists may be used"))
		}
		var own, strange []string
		for _, p := range paths {
			switch {
			case strings.HasPrefix(p, "gs://"):
				own = append(own, p)
			case p != "" && !strings.HasPrefix(p, "gke://"):
				strange = append(strange, strconv.Quote(p))
			}
		}
		evidence := audit.Evidence{Resource: name, Field: field, Value: strconv.Quote(shorten(paths))}
		switch {
		case len(own) > 0:
			return audit.Failf("allow-lists for privileged pods are taken from %s", shorten(own)).Because(evidence)
		case len(strange) > 0:
			return audit.Unknownf("paths of allow-lists are not known: %s", shorten(strange)).Because(evidence)
		case strings.Join(paths, "") == "":
			return audit.Passf("no allow-lists for privileged pods may be used").Because(evidence)
		}
		return audit.Passf("only Google's allow-lists may be used").Because(evidence)
	}),
}
