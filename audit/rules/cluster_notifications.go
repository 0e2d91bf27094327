package rules

import "gkeaudit/audit"

var clusterNotifications = &audit.Rule{
	ID:       "cluster-notifications",
	Title:    "Cluster notifications go to Pub/Sub",
	Severity: audit.Low,
	Weight:   "It exposes nothing; upgrades and the end of support come as a surprise.",
	Optional: "Many estates learn of upgrades from release notes, the console or logs, and need no topic for each project.",
	Since:    "0.1.0",
	Rationale: `GKE announces upgrades, new versions and security bulletins of a cluster by
messages to a topic. Where nobody gets them, patches wait and upgrades surprise.`,
	Checks: `notificationConfig.pubsub.enabled with a topic passes, false or absent fails. On
without a topic, and no notificationConfig at all, is unknown: whole answers have it.
What the filter lets through is another rule's matter.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create a topic in the cluster's project, if there is none", Commands: `gcloud pubsub topics create gke-notifications --project={project}`},
			{Title: "Send notifications there", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --notification-config=pubsub=ENABLED,pubsub-topic=projects/{project}/topics/gke-notifications`},
		},
		Terraform:  notificationsTerraform,
		Disruption: `None. The topic has to be in the cluster's project.`,
		Recreates:  audit.RecreatesNothing,
	},
	References: notificationReferences,
	Check:      audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict { return judgeNotifications(c) }),
}

const notificationsTerraform = `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  notification_config {
    pubsub {
      enabled = true
      topic   = google_pubsub_topic.gke_notifications.id
    }
  }
}`

var notificationReferences = []audit.Reference{
	{Title: "Receive cluster notifications through Pub/Sub", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/cluster-notifications"},
	{Title: "Cluster notifications", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/cluster-notifications"},
	{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
}

// judgeNotifications judges whether notifications of any kind are sent.
func judgeNotifications(c *audit.Cluster) audit.Verdict {
	const field = "notificationConfig.pubsub"
	name, config := c.ResourceName(), c.GetNotificationConfig()
	on := audit.Evidence{Resource: name, Field: field + ".enabled", Value: "true"}
	switch topic := config.GetPubsub().GetTopic(); {
	case config == nil:
		return audit.Unknownf("whether notifications are sent is not said").Because(audit.Absent(name, "notificationConfig", "the answer is not whole"))
	case !config.GetPubsub().GetEnabled():
		return audit.Failf("no notifications are sent").Because(audit.Absent(name, on.Field, "off, the default"))
	case topic == "":
		return audit.Unknownf("notifications are on, but no topic is named").Because(audit.Absent(name, field+".topic", "where they go is not known"), on)
	default:
		return audit.Passf("notifications go to %s", topic).Because(on, audit.Evidence{Resource: name, Field: field + ".topic", Value: topic})
	}
}
