package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
)

// EndsSoon is how many days before its last a waiver is said to end soon.
const EndsSoon = 30

// A waiver that accepts more findings than this is broad: nobody looks through so many.
const mostWaived = 50

// WaiverID returns the ID of a waiver: the first bytes, in hexadecimal, of the SHA-256 of
// all that it says. So two that have the same ID are the same, in whatever reports.
func (w Waiver) WaiverID() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{w.Rule, w.Resource, w.Finding, w.Owner, w.Reason, w.Ticket, w.Expires}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Fits reports whether the waiver is for a finding, whatever its status and the day. The
// glob on resources has to fit the name of the finding's resource or of its cluster.
func (w Waiver) Fits(f audit.Finding) bool {
	return FitsGlob(w.Rule, f.Rule) && w.fitsResource(&f)
}

func (w *Waiver) fitsResource(f *audit.Finding) bool {
	return (FitsGlob(w.Resource, f.Resource) || FitsGlob(w.Resource, f.Cluster)) && (w.Finding == "" || w.Finding == f.ID())
}

// FitsGlob reports whether a glob fits the whole of a name. In it * stands for any
// characters but a slash, ** for any, and everything else for itself.
func FitsGlob(glob, name string) bool {
	// Most names differ from most globs at once, in what stands before or behind the stars.
	star := strings.IndexByte(glob, '*')
	if star < 0 {
		return glob == name
	}
	if !strings.HasPrefix(name, glob[:star]) || !strings.HasSuffix(name, glob[strings.LastIndexByte(glob, '*')+1:]) {
		return false
	}
	// Where something does not fit, the last star takes one character more. That is
	// enough: what stands before it has fitted as early as it could.
	const none = -1
	g, n := 0, 0
	afterStar, starTo := none, 0 // the glob behind the last *, and where in the name that goes on
	afterDeep, deepTo := none, 0 // likewise for the last **
	for n < len(name) || g < len(glob) {
		switch {
		case strings.HasPrefix(glob[g:], "**"):
			g += len(glob[g:]) - len(strings.TrimLeft(glob[g:], "*"))
			afterDeep, deepTo, afterStar = g, n, none
		case strings.HasPrefix(glob[g:], "*"):
			g++
			afterStar, starTo = g, n
		case g < len(glob) && n < len(name) && glob[g] == name[n]:
			g, n = g+1, n+1
		case afterStar != none && starTo < len(name) && name[starTo] != '/':
			starTo++
			g, n = afterStar, starTo
		case afterDeep != none && deepTo < len(name):
			deepTo++
			g, n, afterStar = afterDeep, deepTo, none
		default:
			return false
		}
	}
	return true
}

// Ended reports whether the last day of the waiver is before a day.
func (w Waiver) Ended(day time.Time) bool { return w.Expires < dayOf(day) }

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// DaysLeft returns how many days the waiver still holds after a day: 0 on its last, and
// less than that once it has expired.
func (w Waiver) DaysLeft(day time.Time) int {
	last, err := time.Parse(time.DateOnly, w.Expires)
	if err != nil {
		return -1 // what is read is checked
	}
	const seconds = 24 * 60 * 60
	return int((last.Unix() - day.Unix()/seconds*seconds) / seconds)
}

// Standing says in a few words how the waiver stands on a day: "expired on 2026-10-31",
// "ends in 3 days, on 2026-11-05", "until 2027-03-31".
func (w Waiver) Standing(day time.Time) string {
	switch left := w.DaysLeft(day); {
	case left < 0:
		return "expired on " + w.Expires
	case left == 0:
		return "ends today, on " + w.Expires
	case left <= EndsSoon:
		return "ends in " + count(left, "day", "days") + ", on " + w.Expires
	}
	return "until " + w.Expires
}

// settle says what has come of a waiver that so many findings fail and fit on a day.
func (w Waiver) settle(day time.Time, findings int) Waiver {
	w.Findings, w.State, w.Broad = findings, WaiverActive, w.Breadth(findings)
	switch {
	case w.Ended(day):
		w.State = WaiverExpired
	case findings == 0:
		w.State = WaiverUnused
	}
	return w
}

// collections are the words in names of resources that are not of anybody's choice.
var collections = strings.NewReplacer("projects/", "/", "locations/", "/", "regions/", "/", "global/", "/", "clusters/", "/", "nodePools/", "/",
	"subnetworks/", "/", "networks/", "/", "serviceAccounts/", "/")

// leastLiteral is how many letters and digits a glob on rules has at least that does not
// fit nearly all of them.
const leastLiteral = 3

// literal returns how many letters and digits a glob has.
func literal(glob string) int {
	n := 0
	for _, r := range glob {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}

// Breadth says why a waiver of so many findings accepts more than one would look through;
// empty if it does not. One that names its finding never does.
func (w Waiver) Breadth(findings int) string {
	if w.Finding != "" {
		return ""
	}
	var parts []string
	switch n := literal(w.Rule); {
	case n == 0:
		parts = append(parts, "it is for every rule")
	case n < leastLiteral && strings.Contains(w.Rule, "*"):
		parts = append(parts, "it is for nearly every rule")
	}
	if literal(collections.Replace(w.Resource)) == 0 {
		parts = append(parts, "it is for every project")
	}
	if findings > mostWaived {
		parts = append(parts, fmt.Sprintf("it is for %d findings", findings))
	}
	return strings.Join(parts, ", and ")
}

// Waiving returns the report with waivers applied to its findings, in place of those that
// were before. A finding that fails, and that a waiver fits which had not expired on the
// day on which the audit began, in UTC, is accepted by the one of them that lasts longest. No other finding is,
// above all none that is unknown. The report itself does not change.
//
// A report that leaves findings out does not tell which of those a waiver is for, so there
// it is an error.
func (r *Report) Waiving(waivers []Waiver) (*Report, error) {
	if r.Summary.LeftOut > 0 {
		return nil, fmt.Errorf("the report leaves out findings below severity %s, so waivers cannot be applied to it", r.Scope.LeastSeverity)
	}
	w := *r
	w.Waivers = slices.Clone(waivers)
	for i := range w.Waivers {
		w.Waivers[i].ID = w.Waivers[i].WaiverID()
	}
	slices.SortFunc(w.Waivers, byID)
	w.Waivers = slices.CompactFunc(w.Waivers, func(a, b Waiver) bool { return a.ID == b.ID })
	fitting, fits, today := fitter(w.Waivers), make([]int, len(w.Waivers)), dayOf(w.StartedAt)
	w.Summary = noFindings()
	w.Summary.Projects, w.Summary.ProjectsPartlyRead, w.Summary.ProjectsNotRead = r.Summary.Projects, r.Summary.ProjectsPartlyRead, r.Summary.ProjectsNotRead
	w.Summary.Clusters, w.Summary.Gaps = r.Summary.Clusters, r.Summary.Gaps
	w.Findings = r.Findings.edited(func(f *audit.Finding) {
		f.Waiver = ""
		last := ""
		if f.Status == audit.Fail {
			for _, i := range fitting(f) {
				fits[i]++
				if lasting := w.Waivers[i].Expires; lasting >= today && lasting > last {
					f.Waiver, last = w.Waivers[i].ID, lasting
				}
			}
		}
		w.Summary.count(*f)
	})
	for i := range w.Waivers {
		w.Waivers[i] = w.Waivers[i].settle(w.StartedAt, fits[i])
	}
	return &w, nil
}

func byID(a, b Waiver) int { return strings.Compare(a.ID, b.ID) }

// fitter returns a function that returns the indices of the waivers which fit a finding.
// It looks once for each rule at the globs on rules.
func fitter(waivers []Waiver) func(*audit.Finding) []int {
	ofRule := map[string][]int{}
	var fit []int
	return func(f *audit.Finding) []int {
		of, known := ofRule[f.Rule]
		if !known {
			for i, w := range waivers {
				if FitsGlob(w.Rule, f.Rule) {
					of = append(of, i)
				}
			}
			ofRule[f.Rule] = of
		}
		fit = fit[:0]
		for _, i := range of {
			if waivers[i].fitsResource(f) {
				fit = append(fit, i)
			}
		}
		return fit
	}
}

// mergeWaivers returns the waivers of all reports, each once, as they stand in all of them
// together on a day.
func mergeWaivers(files []File, day time.Time) []Waiver {
	var all []Waiver
	for _, f := range files {
		all = append(all, f.Waivers...)
	}
	slices.SortStableFunc(all, byID)
	var merged []Waiver
	for _, w := range all {
		if last := len(merged) - 1; last >= 0 && merged[last].ID == w.ID {
			merged[last].Findings += w.Findings
			continue
		}
		merged = append(merged, w)
	}
	for i, w := range merged {
		merged[i] = w.settle(day, w.Findings)
	}
	return merged
}

// checkWaivers checks that waivers are what their IDs say, that they stand as their last
// days and findings have it, and that findings are waived by one that may.
func (r *Report) checkWaivers() error {
	index := map[string]int{}
	for i, w := range r.Waivers {
		if _, err := time.Parse(time.DateOnly, w.Expires); err != nil {
			return fmt.Errorf("waivers[%d] ends on %q, which is no day", i, w.Expires)
		}
		if w.Rule == "" || w.Resource == "" || w.Owner == "" || w.Reason == "" || w.Ticket == "" {
			return fmt.Errorf("waivers[%d] lacks its rule, resource, owner, reason or ticket", i)
		}
		if want := w.WaiverID(); w.ID != want {
			return fmt.Errorf("waivers[%d] has the id %q, and by what it says it is %s", i, w.ID, want)
		}
		if i > 0 && r.Waivers[i-1].ID >= w.ID {
			return fmt.Errorf("waivers[%d], %q, is listed twice or out of order", i, w.ID)
		}
		want := w.settle(r.StartedAt, w.Findings).State
		if w.Ended(r.FinishedAt) { // an earlier version took the day on which the audit ended
			want = cmp.Or(map[string]string{WaiverExpired: WaiverExpired}[w.State], want)
		}
		if w.Findings < 0 || w.State != want {
			return fmt.Errorf("waivers[%d], of %d findings until %s, is called %q, and should be %q", i, w.Findings, w.Expires, w.State, want)
		}
		index[w.ID] = i
	}
	fitting, waived, fits := fitter(r.Waivers), make([]int, len(r.Waivers)), make([]int, len(r.Waivers))
	n := -1
	for f := range r.Findings.All() {
		n++
		if f.Status != audit.Fail {
			if f.Waiver != "" {
				return fmt.Errorf("findings[%d] is waived and does not fail", n)
			}
			continue
		}
		of := fitting(&f)
		for _, i := range of {
			fits[i]++
		}
		if f.Waiver == "" {
			continue
		}
		i, ok := index[f.Waiver]
		if !ok || !slices.Contains(of, i) {
			return fmt.Errorf("findings[%d] is waived by %q, which is none of the waivers or does not fit it", n, f.Waiver)
		}
		if r.Waivers[i].State != WaiverActive {
			return fmt.Errorf("findings[%d] is waived by %q, which is %s", n, f.Waiver, r.Waivers[i].State)
		}
		waived[i]++
	}
	for i, w := range r.Waivers {
		// A waiver that one of the merged reports was not given may fit more of them.
		if w.Findings < waived[i] || w.Findings > fits[i] && r.Summary.LeftOut == 0 {
			return fmt.Errorf("waivers[%d] is of %d findings, and there are %d, of which it accepts %d", i, w.Findings, fits[i], waived[i])
		}
	}
	if r.Summary.Waived > 0 && len(r.Waivers) == 0 {
		return errors.New("findings are waived, and it has no waivers")
	}
	return nil
}

// waivers returns the waivers by their IDs.
func (r *Report) waiversByID() map[string]Waiver {
	all := map[string]Waiver{}
	for _, w := range r.Waivers {
		all[w.ID] = w
	}
	return all
}

// listedWaivers returns the waivers in the order in which they are to be looked at: those
// that have expired, then by their last days.
func (r *Report) listedWaivers() []Waiver {
	return slices.SortedStableFunc(slices.Values(r.Waivers), func(a, b Waiver) int {
		return cmp.Or(strings.Compare(a.Expires, b.Expires), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Resource, b.Resource))
	})
}

// waiverCounts counts the waivers by what has come of them: "3 active (1 ends within 30
// days), 1 expired, 1 unused, 1 broad".
func (r *Report) waiverCounts() string {
	var soon, broad int
	states := map[string]int{}
	for _, w := range r.Waivers {
		states[w.State]++
		if w.State == WaiverActive && w.DaysLeft(r.StartedAt) <= EndsSoon {
			soon++
		}
		if w.Broad != "" {
			broad++
		}
	}
	parts := []string{fmt.Sprintf("%d active", states[WaiverActive])}
	if soon > 0 {
		parts[0] += fmt.Sprintf(" (%s within %d days)", count(soon, "ends", "end"), EndsSoon)
	}
	for _, state := range []string{WaiverExpired, WaiverUnused} {
		if states[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", states[state], state))
		}
	}
	if broad > 0 {
		parts = append(parts, fmt.Sprintf("%d broad", broad))
	}
	return strings.Join(parts, ", ")
}

// waiverState says how a waiver stands in the report: "expired on 2026-10-31", "unused,
// until 2027-03-31".
func (r *Report) waiverState(w Waiver) string {
	state := w.Standing(r.StartedAt)
	switch {
	case w.State == WaiverUnused && !slices.ContainsFunc(r.Rules, func(rule *audit.Rule) bool { return FitsGlob(w.Rule, rule.ID) }):
		state = "unused, for its rules were not applied; " + state
	case w.State == WaiverUnused:
		state = "unused; " + state
	}
	if w.Broad != "" {
		state += "; broad: " + w.Broad
	}
	return state
}

// waivedBy says who accepts a finding and until when.
func waivedBy(w Waiver) string {
	return fmt.Sprintf("waived by %s until %s (%s): %s", w.Owner, w.Expires, w.Ticket, w.Reason)
}
