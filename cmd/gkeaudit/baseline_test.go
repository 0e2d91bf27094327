package main

import (
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"
)

// TestParametersAreNoChanges audits the same estates by other parameters: whatever the
// rules say otherwise for that is neither new, changed nor resolved.
func TestParametersAreNoChanges(t *testing.T) {
	sample, err := readDemo("incomplete")
	if err != nil {
		t.Fatal(err)
	}
	grouped := estate(t, 8)
	for _, p := range grouped.Projects {
		p.IAMPolicy.Bindings = append(p.IAMPolicy.Bindings, audit.Binding{Role: "roles/owner", Members: []string{"group:people@example.com"}})
	}
	at := func(s *audit.Snapshot, day int, p audit.Parameters) *report.Report {
		started := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
		return report.New(s, rules.All, audit.Judge(&audit.Input{Snapshot: s, Parameters: p}, rules.All), report.Options{
			Version: "1", StartedAt: started, Now: func() time.Time { return started }, Settings: report.Settings{Parameters: p},
		})
	}
	for name, change := range map[string]func(*audit.Parameters){
		"authorizedNetworksBreadth": func(p *audit.Parameters) { p.AuthorizedNetworksBreadth = 1 },
		"allowedLocations":          func(p *audit.Parameters) { p.AllowedLocations = []string{"us-east1"} },
		"nodeServiceAccounts":       func(p *audit.Parameters) { p.NodeServiceAccounts = []string{"none@example.com"} },
		"peopleGroups":              func(p *audit.Parameters) { p.PeopleGroups = []string{"people@example.com"} },
		"airGappedNetworks":         func(p *audit.Parameters) { p.AirGappedNetworks = []string{"projects/*/global/networks/*"} },
	} {
		other := audit.DefaultParameters()
		change(&other)
		told := 0
		for _, s := range []*audit.Snapshot{sample, grouped} {
			then, now := at(s, 1, audit.DefaultParameters()), at(s, 2, other)
			for _, r := range []*report.Report{now.Since(report.File{Name: "then", Report: then}), then.Since(report.File{Name: "now", Report: now})} {
				if n := r.Baseline.Counts; n.New+n.Changed+n.Resolved > 0 {
					t.Errorf("by another %s there are changes: %+v, %v", name, n, r.Baseline.Notes)
				}
				for _, note := range r.Baseline.Notes {
					if strings.Contains(note, "by other parameters: ") {
						told++
					}
				}
			}
		}
		if told == 0 {
			t.Errorf("another %s makes no difference: nothing is tested", name)
		}
	}
}
