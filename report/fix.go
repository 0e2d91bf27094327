package report

import (
	"regexp"
	"strings"

	"gkeaudit/audit"
)

// placeholders are the names that remediations leave open, and how they are
// written where no name is put in.
var placeholders = map[string]string{
	"{project}":    "PROJECT",
	"{location}":   "LOCATION",
	"{cluster}":    "CLUSTER",
	"{pool}":       "NODE_POOL",
	"{subnetwork}": "SUBNETWORK",
	"{region}":     "REGION",
	"{network}":    "NETWORK",
	"{host}":       "HOST_PROJECT",
}

// plainName is what may be put into a command. Names of Google Cloud's resources
// all look like this; any other stays a placeholder, so that a command that
// somebody copies from a report does nothing that its name smuggled in.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)

// general writes a remediation for no finding in particular.
func general(text string) string {
	for mark, word := range placeholders {
		text = strings.ReplaceAll(text, mark, word)
	}
	return strings.TrimSpace(text)
}

// gcloudSteps writes all steps of a remediation.
func gcloudSteps(steps []audit.Step) string {
	var parts []string
	for _, step := range steps {
		parts = append(parts, "# "+step.Title+":\n"+step.Commands)
	}
	return general(strings.Join(parts, "\n\n"))
}

// gcloudFor writes the steps that fit a finding, with the names in place.
func gcloudFor(steps []audit.Step, f audit.Finding, c Cluster) string {
	names := namesOf(f, c)
	var fitting []audit.Step
	for _, step := range steps {
		if step.For != "" && step.For != subjectOf(f, c) {
			continue
		}
		for mark, name := range names {
			if plainName.MatchString(name) {
				step.Commands = strings.ReplaceAll(step.Commands, mark, name)
			}
		}
		fitting = append(fitting, step)
	}
	return gcloudSteps(fitting)
}

// subjectOf says what kind of thing a finding is about.
func subjectOf(f audit.Finding, c Cluster) audit.Subject {
	switch {
	case c.Mode == "autopilot":
		return audit.AutopilotCluster
	case f.Resource == f.Cluster:
		return audit.AutoProvisioning
	}
	return audit.StandardPool
}

// namesOf returns the names that a finding is about, by placeholder.
func namesOf(f audit.Finding, c Cluster) map[string]string {
	subnetwork := c.Subnetwork
	if audit.Segment(f.Resource, "subnetworks") != "" {
		subnetwork = f.Resource
	}
	return map[string]string{
		"{project}":    audit.Segment(f.Cluster, "projects"),
		"{location}":   audit.Segment(f.Cluster, "locations"),
		"{cluster}":    audit.Segment(f.Cluster, "clusters"),
		"{pool}":       audit.Segment(f.Resource, "nodePools"),
		"{subnetwork}": audit.Segment(subnetwork, "subnetworks"),
		"{region}":     audit.Segment(subnetwork, "regions"),
		"{host}":       audit.Segment(subnetwork, "projects"),
		"{network}":    audit.Segment(c.Network, "networks"),
	}
}
