package audit

import "slices"

// A Benchmark is a list of recommendations that an estate can be held against.
type Benchmark struct {
	Framework Framework `json:"framework"`

	// Recommendations are all of the benchmark's, in its own order.
	Recommendations []Recommendation `json:"recommendations"`
}

// A Recommendation is one entry of a benchmark.
type Recommendation struct {
	ID    string `json:"id"` // the benchmark's own number
	Title string `json:"title"`
	Level int    `json:"level"` // 1 is the base, 2 for where security comes first

	// Automated says that the benchmark has it assessed by a tool; otherwise by hand.
	Automated bool `json:"automated"`

	// Rules are the IDs of the rules that judge it, or part of it; empty if none do.
	Rules []string `json:"rules"`

	// Otherwise says what is needed to judge it, or the rest of it, where rules cannot:
	// "needs the Kubernetes API". Empty if rules judge all of it.
	Otherwise string `json:"otherwise,omitempty"`
}

// Answers reports whether the rule is about a control of a framework.
func (r *Rule) Answers(f Framework, id string) bool {
	return slices.Contains(r.Controls, Control{f, id})
}
