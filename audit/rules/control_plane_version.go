package rules

import "gkeaudit/audit"

// controlPlaneVersion returns the version of a cluster's control plane and the
// evidence of it. It reports false where none is given or it cannot be read.
func controlPlaneVersion(c *audit.Cluster) (audit.Version, audit.Evidence, bool) {
	const field = "currentMasterVersion"
	given := c.GetCurrentMasterVersion()
	if given == "" {
		return audit.Version{}, audit.Absent(c.ResourceName(), field, "the version is not known"), false
	}
	version, ok := audit.ParseVersion(given)
	return version, audit.Evidence{Resource: c.ResourceName(), Field: field, Value: given}, ok
}
