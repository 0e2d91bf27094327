package audit

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// A Version is a version of GKE: "1.33.4-gke.1172000" is Kubernetes 1.33.4 in GKE's build
// 1172000. Source: GKE versioning and support, in the GKE documentation.
type Version struct {
	Major, Minor, Patch, Build int
}

var versionForm = regexp.MustCompile(`^(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:-gke\.(\d{1,9}))?$`)

// ParseVersion reads a version. What is missing of it counts as 0. It reports false
// for what is no version of GKE, such as an alias ("latest") or a nightly build.
func ParseVersion(s string) (Version, bool) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return Version{}, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // 0 where it is missing
	}
	return Version{n[0], n[1], n[2], n[3]}, true
}

// Compare returns -1, 0 or 1 as v is older than, the same as or newer than w.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch), cmp.Compare(v.Build, w.Build))
}

// AtLeast reports whether v is w or newer.
func (v Version) AtLeast(w Version) bool { return v.Compare(w) >= 0 }

// String writes the version as GKE does.
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d-gke.%d", v.Major, v.Minor, v.Patch, v.Build)
}
