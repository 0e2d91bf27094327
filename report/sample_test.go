package report_test

import (
	"time"

	"gkeaudit/audit"
	"gkeaudit/report"
)

// since makes of a report the one that follows an earlier review: of its findings that are
// open some are accepted, some are new, some have changed, and one of the earlier review
// is resolved.
func since(r *report.Report) *report.Report {
	first := time.Date(2026, 8, 3, 8, 0, 0, 0, time.UTC)
	waivers := []report.Waiver{
		{ID: "basic-until-migration", Rule: "private-nodes", Resource: "projects/shop-prod/*", Owner: "team-platform@example.com",
			Reason: "The till moves to a private cluster in November.", Ticket: "SHOP-812", Expires: "2026-11-20", State: report.WaiverActive},
		{ID: "everything-of-2025", Rule: "*", Resource: "projects/shop-*", Owner: "team-platform@example.com",
			Reason: "Taken over from the review of last year.", Ticket: "SHOP-77", Expires: "2026-10-31", State: report.WaiverExpired,
			Broad: "it accepts every rule in several projects"},
		{ID: "old-lake", Rule: "cloud-nat", Resource: "projects/shop-data/locations/europe-west4/clusters/pond", Owner: "team-data@example.com",
			Reason: "The pond is drained by the end of the year.", Ticket: "DATA-4", Expires: "2026-12-31", State: report.WaiverUnused},
	}
	var findings report.Findings
	changes := []audit.Change{audit.Same, audit.Appeared, audit.Altered, audit.Same, audit.NotComparable}
	n := 0
	for f := range r.Findings.All() {
		open := f.Status == audit.Fail || f.Status == audit.Unknown
		if open {
			f.Change = changes[n%len(changes)]
			f.FirstSeen = first
			if f.Change == audit.Appeared {
				f.FirstSeen = r.StartedAt
			}
			if f.Change == audit.Altered {
				f.Was = "waived until 2026-10-31 (SHOP-77)"
			}
			n++
		}
		if f.Rule == "private-nodes" && f.Status == audit.Fail && audit.Segment(f.Cluster, "projects") == "shop-prod" {
			f.Waiver = waivers[0].ID
			waivers[0].Findings++
			r.Summary.Fail--
			r.Summary.Failing[f.Severity.String()]--
			r.Summary.Waived++
		}
		if f.Status == audit.Fail {
			waivers[1].Findings++
		}
		findings.Add(f)
	}
	r.Findings = findings
	r.Waivers = waivers
	till := "projects/shop-prod/locations/europe-west1-b/clusters/till"
	r.Baseline = &report.Baseline{
		Name: "gs://reviews/2026-10.json", Version: "1.2.0", StartedAt: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC),
		Resolved: []audit.Finding{{
			Rule: "legacy-abac", Severity: audit.High, Status: audit.Fail, Cluster: till, Resource: till,
			Message:   "legacy authorization is on",
			Evidence:  []audit.Evidence{{Resource: till, Field: "legacyAbac.enabled", Value: "true"}},
			FirstSeen: first,
		}},
		Notes: []string{"The rule workload-identity was not applied in the earlier review."},
	}
	return r
}
