package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// A File is a report and the name of the file that it is in.
type File struct {
	Name string
	*Report
}

// Merge makes one report of the shards of an audit, or of audits of different projects.
// All shards together give the report of the whole but for its times. Where some are
// missing, the report says which, and is not complete. What does not belong together is
// an error. What the parts say of a baseline is left out but for when findings were first
// seen: the whole can be compared with it, by [Report.Since].
func Merge(files []File) (*Report, error) {
	first := files[0]
	for i, f := range files[1:] {
		if err := fits(first, f); err != nil {
			return nil, err
		}
		for _, earlier := range files[:i+1] {
			if sh := f.Scope.Shard; sh != nil && sh.Index == earlier.Scope.Shard.Index {
				return nil, fmt.Errorf("shard %s is there twice: %s", sh, names(earlier, f))
			}
		}
	}
	in := map[string]File{}
	for _, f := range files {
		for _, id := range f.Scope.Projects {
			if other, ok := in[id]; ok {
				return nil, fmt.Errorf("project %s is in two reports: %s", id, names(other, f))
			}
			in[id] = f
		}
	}

	if len(files) > 1 {
		files = slices.Clone(files)
		for i := range files {
			files[i].Report = files[i].Report.uncompared()
		}
		first = files[0]
	}
	m := *first.Report
	m.Scope.Projects, m.Scope.Shard, m.Scope.Missing = []string{}, nil, missing(files)
	m.Scope.Discovery = discovery(files)
	m.Summary = noFindings()
	m.Clusters, m.Gaps, m.Replacements = []Cluster{}, []audit.Gap{}, nil
	var findings []*Findings
	var paths audit.NetworkPaths
	var versions []string
	for _, f := range files {
		m.Interrupted = m.Interrupted || f.Interrupted
		for _, path := range f.NetworkPaths {
			paths.Add(path)
		}
		versions = append(versions, strings.Split(f.Tool.Version, ", ")...)
		if f.StartedAt.Before(m.StartedAt) {
			m.StartedAt = f.StartedAt
		}
		if f.FinishedAt.After(m.FinishedAt) {
			m.FinishedAt = f.FinishedAt
		}
		if f.Scope.ReadAt.Before(m.Scope.ReadAt) {
			m.Scope.ReadAt = f.Scope.ReadAt
		}
		m.Scope.Projects = append(m.Scope.Projects, f.Scope.Projects...)
		m.Clusters = append(m.Clusters, f.Clusters...)
		findings = append(findings, &f.Findings)
		m.Gaps = append(m.Gaps, f.Gaps...)
		m.Replacements = append(m.Replacements, f.Replacements...)
		m.Summary.add(f.Summary)
	}
	slices.Sort(versions)
	m.Tool.Version = strings.Join(slices.Compact(versions), ", ")
	slices.Sort(m.Scope.Projects)
	slices.SortFunc(m.Clusters, func(a, b Cluster) int { return strings.Compare(a.Name, b.Name) })
	m.Findings = joined(findings)
	m.Waivers = mergeWaivers(files, m.StartedAt)
	m.NetworkPaths = paths.All()
	sortReplacements(m.Replacements)
	m.Gaps = audit.DistinctGaps(m.Gaps)
	m.Summary.Gaps = len(m.Gaps)
	m.Complete = m.complete()
	return &m, nil
}

// fits reports why two reports are not parts of one.
func fits(a, b File) error {
	sa, sb := a.Scope.Shard, b.Scope.Shard
	switch {
	case (sa == nil) != (sb == nil):
		if sa == nil {
			a, b = b, a
		}
		return fmt.Errorf("a shard cannot be merged with the report of a whole audit: %s is shard %s, %s is not one", a.Name, a.Scope.Shard, b.Name)
	case sa != nil && sa.Count != sb.Count:
		return fmt.Errorf("shards of different counts cannot be merged: %s is shard %s, %s is shard %s", a.Name, sa, b.Name, sb)
	case len(a.Scope.Missing)+len(b.Scope.Missing) > 0:
		if a.Scope.Missing == nil {
			a = b
		}
		return fmt.Errorf("a merged report that has something missing cannot be merged again: %s", a.Name)
	case !same(a.Rules, b.Rules):
		return fmt.Errorf("reports of different rules cannot be merged: %s (%s) and %s (%s)", a.Name, ruleIDs(a), b.Name, ruleIDs(b))
	case !same(a.Settings, b.Settings) || !same(a.Benchmarks, b.Benchmarks):
		return fmt.Errorf("reports of audits by different settings cannot be merged: %s (%s) and %s (%s)", a.Name, strings.Join(a.Settings.Facts(), "; "), b.Name, strings.Join(b.Settings.Facts(), "; "))
	case !same(a.Scope.rest(), b.Scope.rest()):
		return fmt.Errorf("reports of audits that were asked for different things cannot be merged: %s (%s) and %s (%s)", a.Name, a.Scope.rest(), b.Name, b.Scope.rest())
	}
	return nil
}

// rest returns, as JSON, what of a scope has to be the same in all parts of an audit:
// what was asked for, but neither what was found nor when.
func (s Scope) rest() string {
	all := map[string]json.RawMessage{}
	if raw, err := json.Marshal(s); err == nil {
		json.Unmarshal(raw, &all)
	}
	for _, key := range []string{"projects", "shard", "readAt", "missing", "discovery"} {
		delete(all, key)
	}
	raw, _ := json.Marshal(all) // it was read from JSON
	return string(raw)
}

// discovery says how the parts found their projects together. Each shard finds those of
// all, but may have found them in another way, or at a time when there were others.
func discovery(files []File) *audit.Discovery {
	var all *audit.Discovery
	var notes []string
	for _, f := range files {
		d := f.Scope.Discovery
		if d == nil {
			continue
		}
		if all == nil {
			all = &audit.Discovery{}
		}
		all.Methods = append(all.Methods, d.Methods...)
		if d.Note != "" {
			notes = append(notes, d.Note)
		}
		if f.Scope.Shard != nil {
			all.Projects = max(all.Projects, d.Projects)
		} else {
			all.Projects += d.Projects
		}
	}
	if all != nil {
		slices.Sort(all.Methods)
		slices.Sort(notes)
		all.Methods = slices.Compact(all.Methods)
		all.Note = strings.Join(slices.Compact(notes), " ")
	}
	return all
}

func same(a, b any) bool {
	rawA, errA := json.Marshal(a)
	rawB, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(rawA, rawB)
}

func ruleIDs(f File) string {
	var ids []string
	for _, r := range f.Rules {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, ", ")
}

// missing says what the shards lack for the whole.
func missing(files []File) []string {
	if files[0].Scope.Shard == nil {
		return files[0].Scope.Missing // of a single report that was merged before
	}
	var all []string
	there := map[int]bool{}
	projects, fewest, most, same := 0, files[0].Scope.Shard.Projects, 0, true
	for _, f := range files {
		there[f.Scope.Shard.Index] = true
		projects += len(f.Scope.Projects)
		same = same && f.Scope.Shard.Whole == files[0].Scope.Shard.Whole
		fewest, most = min(fewest, f.Scope.Shard.Projects), max(most, f.Scope.Shard.Projects)
	}
	count := files[0].Scope.Shard.Count
	for i := range count {
		if !there[i] {
			all = append(all, "shard "+audit.Shard{Index: i, Count: count}.String())
		}
	}
	switch {
	case fewest < most:
		// Each task finds the projects by itself.
		all = append(all, fmt.Sprintf("perhaps projects: some shards are of %d projects, others of %d", fewest, most))
	case !same:
		all = append(all, "perhaps projects: the shards are not of the same ones")
	case len(files) == count && projects != most:
		all = append(all, fmt.Sprintf("projects: the shards are of %d projects, and have %d", most, projects))
	}
	return all
}

func (s *Summary) add(o Summary) {
	s.Projects += o.Projects
	s.ProjectsPartlyRead += o.ProjectsPartlyRead
	s.ProjectsNotRead += o.ProjectsNotRead
	s.Clusters += o.Clusters
	s.Pass += o.Pass
	s.Fail += o.Fail
	s.Waived += o.Waived
	s.NotApplicable += o.NotApplicable
	s.Unknown += o.Unknown
	s.Undecided += o.Undecided
	s.LeftOut += o.LeftOut
	for name, n := range o.Failing {
		s.Failing[name] += n
	}
}
