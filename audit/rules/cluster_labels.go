package rules

import (
	"maps"
	"slices"
	"strings"

	"gkeaudit/audit"
)

var clusterLabels = &audit.Rule{
	ID:       "cluster-labels",
	Title:    "The cluster has labels",
	Severity: audit.Low,
	Weight:   "It gives an attacker nothing; without labels it takes longer to find who owns the cluster.",
	Optional: "Which labels there are to be, if any, is for the owner to say.",
	Since:    "0.1.0",
	Rationale: `Labels tell whose a cluster is, what it is for and who pays. Without them that has
to be asked for first when something is wrong with it.`,
	Checks: `resourceLabels: one or more that do not begin with goog- pass. Those that Google
sets by itself, goog-..., do not count.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Label the cluster", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --update-labels=team=TEAM`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  resource_labels = {
    team = "TEAM"
  }
}`,
		Disruption: `None. Labels are copied to nodes and disks.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Create and manage cluster and node pool labels", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/creating-managing-labels"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "resourceLabels"
		var own, google []string
		for _, key := range slices.Sorted(maps.Keys(c.GetResourceLabels())) {
			if strings.HasPrefix(key, "goog-") {
				google = append(google, key)
			} else {
				own = append(own, key)
			}
		}
		switch {
		case len(own) > 0:
			return audit.Passf("the cluster has labels: %s", shorten(own)).Because(
				audit.Evidence{Resource: c.ResourceName(), Field: field, Value: shorten(own)})
		case len(google) > 0:
			return audit.Failf("the cluster has no labels but Google's").Because(
				audit.Evidence{Resource: c.ResourceName(), Field: field, Value: shorten(google)})
		}
		return audit.Failf("the cluster has no labels").Because(audit.Absent(c.ResourceName(), field, "none"))
	}),
}
