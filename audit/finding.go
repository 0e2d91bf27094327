package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Status is the outcome of a rule for one resource.
type Status int

// The statuses. Unknown is the zero value, so what was never decided has not
// passed.
const (
	Unknown       Status = iota // the question could not be answered
	NotApplicable               // the question does not arise
	Pass
	Fail
)

var statusNames = []string{"unknown", "not-applicable", "pass", "fail"}

// String returns the status as reports spell it.
func (s Status) String() string { return statusNames[s] }

// MarshalText writes the status as reports spell it.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Status) UnmarshalText(text []byte) error {
	i := slices.Index(statusNames, string(text))
	if i < 0 {
		return fmt.Errorf("status %q is not one of %s", text, strings.Join(statusNames, ", "))
	}
	*s = Status(i)
	return nil
}

// A Severity says how bad it is when a rule fails.
type Severity int

// The severities, least first.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

// Severities holds the names of the severities, least first.
var Severities = []string{"low", "medium", "high", "critical"}

var meanings = []string{
	"hygiene, resilience, cost, or a response that takes longer; it gives an attacker nothing",
	"it takes away a layer of defense, or hides an attack; the attacker needs something else first",
	"one step, such as a leaked credential, a compromised Pod or a firewall rule that is too wide, gives an attacker much more than that alone would",
	"anyone on the internet can use it now, without credentials or with any Google account, by this setting alone or with the settings that the rule joins",
}

// Meaning says what a severity means: the policy by which rules have theirs. A rule's Weight
// says why that is so for it.
func (s Severity) Meaning() string { return meanings[s-1] }

// String returns the severity as reports spell it.
func (s Severity) String() string { return Severities[s-1] }

// MarshalText writes the severity as reports spell it.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(Severities, string(text))
	if i < 0 {
		return fmt.Errorf("severity %q is not one of %s", text, strings.Join(Severities, ", "))
	}
	*s = Severity(i + 1)
	return nil
}

// Evidence is a field that decided a verdict, and its value.
type Evidence struct {
	// Resource is the name of the resource that has the field.
	Resource string `json:"resource"`

	// Field is the field's path in the resource, as the REST API spells it.
	Field string `json:"field"`

	// Value is what was seen. Where the field was absent it begins with "absent"
	// and says what that means.
	Value string `json:"value"`
}

// Absent returns evidence that a field was not there, and what that means.
func Absent(resource, field, meaning string) Evidence {
	return Evidence{resource, field, "absent: " + meaning}
}

// A Verdict is a judgement on one resource.
type Verdict struct {
	// Resource is the relative name of the judged resource; empty for the
	// cluster itself.
	Resource string

	Status Status

	// Message says what is, as a clause: no capital, no full stop.
	Message string

	// Evidence is what decided, most telling first.
	Evidence []Evidence

	// Unread is true where the verdict is unknown because something could not be read.
	// What is unknown though all was read is undecided; see [Finding.Undecided].
	Unread bool

	// later says that a value that is not known here decided.
	later bool
}

// Passf returns a verdict that all is well.
func Passf(format string, args ...any) Verdict {
	return Verdict{Status: Pass, Message: message(format, args)}
}

// Failf returns a verdict that it is not.
func Failf(format string, args ...any) Verdict {
	return Verdict{Status: Fail, Message: message(format, args)}
}

// NotApplicablef returns a verdict that the question does not arise.
func NotApplicablef(format string, args ...any) Verdict {
	return Verdict{Status: NotApplicable, Message: message(format, args)}
}

// Unknownf returns a verdict that what was read does not decide the question. Where
// something could not be read, see [Hidden].
func Unknownf(format string, args ...any) Verdict {
	return Verdict{Status: Unknown, Message: message(format, args)}
}

// message formats a message. Most have nothing to format, and then all findings of a
// kind share one text: a large estate has millions.
func message(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Hidden returns the verdict on something that gaps hide: unknown, because it could not be
// read. Nil gaps are skipped, and a duplicate is named once. Of many gaps the message names
// some, the evidence all.
func Hidden(gaps ...*Gap) Verdict {
	v := Verdict{Unread: true}
	var messages []string
	for _, g := range gaps {
		if g == nil || slices.Contains(messages, g.String()) {
			continue
		}
		messages = append(messages, g.String())
		value := g.Code
		if g.Reason != "" {
			value += " (" + g.Reason + ")"
		}
		v.Evidence = append(v.Evidence, Evidence{g.Resource, g.Operation, value})
	}
	const most = 3
	if len(messages) > most+1 {
		messages = append(messages[:most], fmt.Sprintf("and %d more", len(messages)-most))
	}
	v.Message = strings.Join(messages, "; ")
	return v
}

// Because adds evidence to a verdict.
func (v Verdict) Because(evidence ...Evidence) Verdict {
	v.Evidence = append(slices.Clip(v.Evidence), evidence...)
	return v
}

// On names the resource that the verdict is about.
func (v Verdict) On(resource string) Verdict {
	v.Resource = resource
	return v
}

// Noting adds notes to the message; empty ones are passed over.
func (v Verdict) Noting(notes ...string) Verdict {
	for _, note := range notes {
		if note != "" {
			v.Message += "; " + note
		}
	}
	return v
}

// A Finding is one rule's verdict on one resource.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Status   Status   `json:"status"`

	// Cluster is the relative name of the cluster that the rule looked at.
	Cluster string `json:"cluster"`

	// Resource is the relative name of the judged resource: the cluster, one of
	// its node pools, a subnetwork.
	Resource string `json:"resource"`

	Message  string     `json:"message"`
	Evidence []Evidence `json:"evidence"`

	// Undecided is true where the status is unknown although all that the rule needs was
	// read: what the API reports does not decide it, and no permission to read would (a
	// right to use the cluster might, and gkeaudit asks for none). False for
	// every other finding, those that are unknown because something could not be read among
	// them.
	Undecided bool `json:"undecided,omitempty"`

	// What follows is not the rule's: it is added to what a report holds, and no rule
	// sees it.

	// Waiver is the ID of the waiver that accepts the finding, which fails; empty if
	// none does.
	Waiver string `json:"waiver,omitempty"`

	// Change is what became of the finding, which fails or is unknown, since the
	// baseline; empty without a baseline. In a list of what is resolved it says how.
	Change Change `json:"change,omitempty"`

	// Was says in words what of the baseline's finding is no more, where Change is
	// Altered; empty otherwise, and where an earlier version of the program compared.
	Was string `json:"was,omitempty"`

	// FirstSeen is when an audit first found what has been found ever since; zero
	// where that is not known.
	FirstSeen time.Time `json:"firstSeen,omitzero"`
}

// A Change is what became of a finding between two audits.
type Change string

// What became of a finding that fails or is unknown now. One that no longer does is
// not among the findings that changed, but resolved.
const (
	Appeared      Change = "new"
	Same          Change = "unchanged"
	Altered       Change = "changed"      // other evidence, message, status or severity
	NotComparable Change = "incomparable" // the audits do not tell: rule, scope or access differ
)

// Changes are the names of changes.
var Changes = []Change{Appeared, Same, Altered, NotComparable}

// What became of a finding that is resolved.
const (
	Mended       Change = "passes"
	Inapplicable Change = "not-applicable"
	ResourceGone Change = "gone"
	ClusterGone  Change = "cluster-gone" // be there another of its name or not
)

// Resolutions are the names of what became of findings that are resolved.
var Resolutions = []Change{Mended, Inapplicable, ResourceGone, ClusterGone}

// ID returns what is the same in every run for the same rule, cluster and resource, and
// differs for others: the first bytes, in hexadecimal, of the SHA-256 of their names. The
// message and the evidence are not in it.
func (f Finding) ID() string {
	names := append(make([]byte, 0, 256), f.Rule...)
	names = append(append(names, 0), f.Cluster...)
	names = append(append(names, 0), f.Resource...)
	sum := sha256.Sum256(names)
	return hex.EncodeToString(sum[:16])
}

// listValue writes a list as an evidence value, cut short where it is long.
func listValue(items []string) string {
	const most = 10
	if len(items) == 0 {
		return "absent: empty"
	}
	if len(items) > most {
		return strings.Join(items[:most], ", ") + fmt.Sprintf(" and %d more", len(items)-most)
	}
	return strings.Join(items, ", ")
}
