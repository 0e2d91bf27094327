package rules

import (
	"slices"

	"gkeaudit/audit"
)

// A Profile is a choice of rules.
type Profile struct {
	Name string

	// Title says in a few words what is chosen.
	Title string

	Includes func(*audit.Rule) bool

	// Framework is the benchmark that the profile is of, if it is of one.
	Framework audit.Framework
}

// Profiles are the choices that there are.
var Profiles = []Profile{
	{"core", "the five rules at the heart", func(r *audit.Rule) bool {
		return slices.Contains([]*audit.Rule{authorizedNetworks, cloudNAT, nodeServiceAccount, privateGoogleAccess, privateNodes}, r)
	}, ""},
	{"recommended", "those, their companions, and what Google's hardening guide asks for", func(r *audit.Rule) bool {
		return r.Optional == "" && r.Obsolete == ""
	}, ""},
	{"cis-gke-1.9", "what the CIS GKE Benchmark 1.9.0 asks for", includes(audit.CISGKE19), audit.CISGKE19},
	{"cis-gke-autopilot-1.3", "what the CIS GKE Autopilot Benchmark 1.3.0 asks for", includes(audit.CISGKEAutopilot13), audit.CISGKEAutopilot13},
	{"all", "every rule", func(*audit.Rule) bool { return true }, ""},
}

func includes(f audit.Framework) func(*audit.Rule) bool {
	return func(r *audit.Rule) bool {
		return slices.ContainsFunc(r.Controls, func(c audit.Control) bool { return c.Framework == f })
	}
}

// In returns the rules of a profile in the order of their IDs; none if there is no
// profile of that name.
func In(profile string) []*audit.Rule {
	var chosen []*audit.Rule
	for _, p := range Profiles {
		for _, r := range All {
			if p.Name == profile && p.Includes(r) {
				chosen = append(chosen, r)
			}
		}
	}
	return chosen
}

// BenchmarksOf returns the benchmarks that a profile is of, with the rules that judge
// their recommendations; none for a profile of another kind.
func BenchmarksOf(profile string) []audit.Benchmark {
	var all []audit.Benchmark
	for _, p := range Profiles {
		for _, b := range Benchmarks {
			if p.Name == profile && p.Framework == b.Framework {
				all = append(all, b)
			}
		}
	}
	return all
}
