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

// gcloudFor writes the commands that mend a finding, with the names in place. A
// block of commands, which begins with a comment, is left out where the finding
// is not about what it names: one for node pools where the cluster failed.
func gcloudFor(commands string, f audit.Finding, c Cluster) string {
	names := namesOf(f, c)
	var blocks []string
	for line := range strings.Lines(strings.TrimSpace(commands)) {
		if len(blocks) == 0 || strings.HasPrefix(line, "#") {
			blocks = append(blocks, "")
		}
		blocks[len(blocks)-1] += line
	}
	var b strings.Builder
	for _, block := range blocks {
		if strings.Contains(block, "{pool}") && names["{pool}"] == "" {
			continue
		}
		for mark, name := range names {
			if plainName.MatchString(name) {
				block = strings.ReplaceAll(block, mark, name)
			}
		}
		b.WriteString(block)
	}
	return general(b.String())
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
