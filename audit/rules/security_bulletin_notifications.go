package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var securityBulletinNotifications = &audit.Rule{
	ID:       "security-bulletin-notifications",
	Title:    "Security bulletins that concern the cluster are announced",
	Severity: audit.Low,
	Weight:   "It exposes nothing; the response to a published flaw starts later.",
	Since:    "0.1.0",
	Rationale: `GKE can send a message when a security bulletin concerns a cluster, with what is
affected and which version mends it. Without it somebody has to read all bulletins
and compare them with all clusters, and flaws stay open meanwhile.`,
	Checks: `notificationConfig.pubsub.enabled with a topic, and a filter that lets
SECURITY_BULLETIN_EVENT through: no filter and an empty one let all events through.
Off, or another filter, fails. On without a topic, a filter of values that are not
known, and no notificationConfig at all is unknown. Whether anybody reads the topic
is not looked at.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Create a topic in the cluster's project, if there is none", Commands: `gcloud pubsub topics create gke-notifications --project={project}`},
			{Title: "Send notifications there (if the cluster has a topic already, name that one: the command replaces topic and filter)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --notification-config=pubsub=ENABLED,pubsub-topic=projects/{project}/topics/gke-notifications,filter="SecurityBulletinEvent|UpgradeEvent"`},
		},
		Terraform: notificationsTerraform,
		Disruption: `The command replaces the topic and the filter: subscribers of another topic get no
more notifications. The topic has to be in the cluster's project.`,
		Recreates: audit.RecreatesNothing,
	},
	References: notificationReferences,
	Controls: []audit.Control{
		{Framework: audit.OrgPolicy, ID: "container.managed.enableSecurityBulletinNotifications"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		const field = "notificationConfig.pubsub.filter.eventType"
		v := judgeNotifications(c)
		if v.Status != audit.Pass {
			return v
		}
		v.Message = "security bulletins go to " + c.GetNotificationConfig().GetPubsub().GetTopic()
		pubsub := c.GetNotificationConfig().GetPubsub().GetFilter()
		events := pubsub.GetEventType()
		if len(events) == 0 {
			return v.Because(audit.Absent(c.ResourceName(), field, "all events are sent"))
		}
		list, later := audit.EnumNames(pubsub, events)
		filter := audit.Evidence{Resource: c.ResourceName(), Field: field, Value: strings.Join(list, ", ")}
		switch {
		case slices.Contains(events, containerpb.NotificationConfig_SECURITY_BULLETIN_EVENT):
			return v.Because(filter)
		case later != nil:
			unknown := audit.UnknownValue(audit.Evidence{Resource: c.ResourceName(), Field: field, Value: later[0]})
			unknown.Evidence = append([]audit.Evidence{filter}, v.Evidence...)
			return unknown
		case slices.Contains(events, containerpb.NotificationConfig_EVENT_TYPE_UNSPECIFIED):
			return audit.Unknownf("whether the filter of notifications lets security bulletins through is not known").Because(filter).Because(v.Evidence...)
		}
		return audit.Failf("the filter of notifications keeps security bulletins back").Because(filter).Because(v.Evidence...)
	}),
}
