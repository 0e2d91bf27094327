package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// A collection is what a cluster says of the logs or the metrics that it sends to
// Google Cloud.
type collection struct {
	what string // "logs", "metrics"

	// Components are those that they are collected of. They are not known where the
	// cluster does not say, as in answers from before there were components; then
	// there is but the service.
	componentsField string
	components      []string
	later           []string // of the components, those that are not known here
	known           bool

	// Service is the older field: "none", or what they are sent to.
	serviceField, service, current string
}

func loggingOf(c *audit.Cluster) collection {
	config := c.GetLoggingConfig().GetComponentConfig()
	components, later := audit.EnumNames(config, config.GetEnableComponents())
	return collection{
		what:            "logs",
		componentsField: "loggingConfig.componentConfig.enableComponents",
		components:      components,
		later:           later,
		known:           config != nil,
		serviceField:    "loggingService",
		service:         c.GetLoggingService(),
		current:         "logging.googleapis.com/kubernetes",
	}
}

func monitoringOf(c *audit.Cluster) collection {
	config := c.GetMonitoringConfig().GetComponentConfig()
	components, later := audit.EnumNames(config, config.GetEnableComponents())
	return collection{
		what:            "metrics",
		componentsField: "monitoringConfig.componentConfig.enableComponents",
		components:      components,
		later:           later,
		known:           config != nil,
		serviceField:    "monitoringService",
		service:         c.GetMonitoringService(),
		current:         "monitoring.googleapis.com/kubernetes",
	}
}

// judgeSystem judges whether anything is collected of the system components.
func (l collection) judgeSystem(c *audit.Cluster) audit.Verdict {
	switch {
	case l.known && slices.Contains(l.components, "SYSTEM_COMPONENTS"):
		return audit.Passf("%s of the system components are collected", l.what).Because(l.evidence(c)...)
	case l.known && l.later != nil:
		return l.unknown(c)
	case l.known && len(l.components) > 0:
		return audit.Failf("%s of the system components are not collected", l.what).Because(l.evidence(c)...)
	case l.known || l.service == "none":
		return audit.Failf("no %s are collected", l.what).Because(l.evidence(c)...)
	case l.service == l.current:
		return audit.Passf("%s are collected, by the older field, which names no components", l.what).Because(l.evidence(c)...)
	}
	return audit.Unknownf("whether %s are collected is not said", l.what).Because(l.evidence(c)...)
}

// unknown is the verdict where a component that is not known here may be the one in
// question.
func (l collection) unknown(c *audit.Cluster) audit.Verdict {
	v := audit.UnknownValue(audit.Evidence{Resource: c.ResourceName(), Field: l.componentsField, Value: l.later[0]})
	v.Evidence = l.evidence(c)
	return v
}

func (l collection) evidence(c *audit.Cluster) []audit.Evidence {
	name := c.ResourceName()
	switch {
	case len(l.components) > 0:
		return []audit.Evidence{{Resource: name, Field: l.componentsField, Value: strings.Join(l.components, ", ")}}
	case l.known:
		return []audit.Evidence{audit.Absent(name, l.componentsField, "nothing is collected")}
	}
	service := audit.Evidence{Resource: name, Field: l.serviceField, Value: l.service}
	if l.service == "" {
		service = audit.Absent(name, l.serviceField, "the answer is not whole")
	}
	return []audit.Evidence{audit.Absent(name, l.componentsField, l.serviceField+" holds"), service}
}
