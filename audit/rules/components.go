package rules

import (
	"fmt"
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
	known           bool

	// Service is the older field: "none", or what they are sent to.
	serviceField, service, current string
}

func loggingOf(c *audit.Cluster) collection {
	config := c.GetLoggingConfig().GetComponentConfig()
	return collection{
		what:            "logs",
		componentsField: "loggingConfig.componentConfig.enableComponents",
		components:      enumNames(config.GetEnableComponents()),
		known:           config != nil,
		serviceField:    "loggingService",
		service:         c.GetLoggingService(),
		current:         "logging.googleapis.com/kubernetes",
	}
}

func monitoringOf(c *audit.Cluster) collection {
	config := c.GetMonitoringConfig().GetComponentConfig()
	return collection{
		what:            "metrics",
		componentsField: "monitoringConfig.componentConfig.enableComponents",
		components:      enumNames(config.GetEnableComponents()),
		known:           config != nil,
		serviceField:    "monitoringService",
		service:         c.GetMonitoringService(),
		current:         "monitoring.googleapis.com/kubernetes",
	}
}

// enumNames returns what enum values are called; numbers of those that are not known.
func enumNames[E fmt.Stringer](values []E) []string {
	var ns []string
	for _, v := range values {
		ns = append(ns, v.String())
	}
	return ns
}

// unknownEnum reports whether a name is that of an enum value that is not known.
func unknownEnum(name string) bool { return strings.Trim(name, "0123456789") == "" }

// judgeSystem judges whether anything is collected of the system components.
func (l collection) judgeSystem(c *audit.Cluster) audit.Verdict {
	switch {
	case l.known && slices.Contains(l.components, "SYSTEM_COMPONENTS"):
		return audit.Passf("%s of the system components are collected", l.what).Because(l.evidence(c)...)
	case l.known && slices.ContainsFunc(l.components, unknownEnum):
		return audit.Unknownf("%s are collected of a component that gkeaudit does not know", l.what).Because(l.evidence(c)...)
	case l.known && len(l.components) > 0:
		return audit.Failf("%s of the system components are not collected", l.what).Because(l.evidence(c)...)
	case l.known || l.service == "none":
		return audit.Failf("no %s are collected", l.what).Because(l.evidence(c)...)
	case l.service == l.current:
		return audit.Passf("%s are collected, by the older field, which names no components", l.what).Because(l.evidence(c)...)
	}
	return audit.Unknownf("whether %s are collected is not said", l.what).Because(l.evidence(c)...)
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
