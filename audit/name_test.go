package audit_test

import (
	"testing"

	"gkeaudit/audit"
)

func TestRegionOf(t *testing.T) {
	for location, want := range map[string]string{
		"europe-west4":            "europe-west4",
		"europe-west4-a":          "europe-west4",
		"europe-west12":           "europe-west12",
		"europe-west12-c":         "europe-west12",
		"northamerica-northeast1": "northamerica-northeast1",
		"us-central1-ai1a":        "us-central1",
		"us-south1-ai1b":          "us-south1",

		// Cloud de Confiance by S3NS, and Google Cloud Dedicated in Berlin.
		"u-france-east1":         "u-france-east1",
		"u-france-east1-a":       "u-france-east1",
		"u-france-east1-c":       "u-france-east1",
		"u-germany-northeast1":   "u-germany-northeast1",
		"u-germany-northeast1-a": "u-germany-northeast1",

		// Neither regions nor zones.
		"-":         "-",
		"":          "",
		"us":        "us",
		"global":    "global",
		"a-b-c":     "a-b-c",
		"somewhere": "somewhere",
	} {
		if got := audit.RegionOf(location); got != want {
			t.Errorf("the region of %q is %q, want %q", location, got, want)
		}
	}
}
