package audit_test

import (
	"testing"

	"gkeaudit/audit"
)

func TestVersions(t *testing.T) {
	ascending := []string{"1.9", "1.9.7-gke.3", "1.10.0-gke.1", "1.26.3-gke.999", "1.26.4-gke.500", "1.26.4-gke.1400", "1.26.10-gke.1", "1.33.4-gke.1172000", "2.0"}
	var last audit.Version
	for _, s := range ascending {
		v, ok := audit.ParseVersion(s)
		if !ok {
			t.Fatalf("%s is no version", s)
		}
		if v.Compare(last) <= 0 || last.AtLeast(v) || !v.AtLeast(last) || !v.AtLeast(v) {
			t.Errorf("%s is not after %s", v, last)
		}
		last = v
	}
	for _, s := range []string{"", "latest", "-", "1", "1.", "1.33.x", "v1.33.4", "1.33.4-gke", "1.33.4-alpha.1", "1.33.4-gke.1172000 ", "1.99999999999999999999"} {
		if v, ok := audit.ParseVersion(s); ok {
			t.Errorf("%q is %s", s, v)
		}
	}
}
