package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// validate checks what the formats, merging and the exit status rely on. A report file
// may have been written or changed by anybody, so what can be counted is counted anew,
// and has to be what the file says.
func (r *Report) validate() error {
	switch {
	case r.Tool.Name != toolName || r.Tool.Version == "":
		return fmt.Errorf("it does not say which version of %s wrote it", toolName)
	case r.StartedAt.IsZero() || r.FinishedAt.IsZero():
		return errors.New("it does not say when the audit ran")
	case r.FinishedAt.Before(r.StartedAt):
		return errors.New("its audit finished before it started")
	}
	for _, check := range []func() error{r.checkScope, r.checkRules, r.checkClusters, r.checkFindings, r.checkWaivers, r.checkGaps, r.checkSummary, r.checkBaseline, r.checkPaths, r.checkReplacements} {
		if err := check(); err != nil {
			return err
		}
	}
	if complete := r.complete(); r.Complete && !complete {
		return errors.New("it is called complete and is not")
	} else if complete && !r.Complete {
		return errors.New("it is called incomplete, and nothing is missing")
	} else if complete && r.Interrupted {
		return errors.New("it is called interrupted, and nothing is missing")
	}
	return nil
}

func (r *Report) checkScope() error {
	sc := r.Scope
	if sc.Projects == nil {
		return errors.New("its scope has no list of projects")
	}
	projects := map[string]bool{}
	for _, id := range sc.Projects {
		if id == "" || projects[id] {
			return fmt.Errorf("project %q of its scope is no project, or is listed twice", id)
		}
		projects[id] = true
	}
	if sc.LeastSeverity != "" && !slices.Contains(audit.Severities, sc.LeastSeverity) {
		return fmt.Errorf("there is no severity %q", sc.LeastSeverity)
	}
	if d := sc.Discovery; d != nil {
		unknown := func(m string) bool { return m != audit.ByAsset && m != audit.ByResourceManager }
		if slices.ContainsFunc(d.Methods, unknown) || d.Projects < 0 || len(sc.Organizations)+len(sc.Folders) == 0 {
			return errors.New("its scope does not say how or where projects were found")
		}
	}
	sh := sc.Shard
	if sh == nil {
		return nil
	}
	if len(sc.Missing) > 0 {
		return errors.New("a shard cannot have other shards missing")
	}
	return sh.Holds(sc.Projects)
}

func (r *Report) checkRules() error {
	for i, rule := range r.Rules {
		if rule == nil || rule.ID == "" || rule.Severity == 0 {
			return fmt.Errorf("rules[%d] has no ID or no severity", i)
		}
		if i > 0 && r.Rules[i-1].ID >= rule.ID {
			return fmt.Errorf("rules[%d], %q, is listed twice or out of order", i, rule.ID)
		}
		if rule.Severity < r.Scope.least() {
			return fmt.Errorf("rules[%d] is below the severity from which on findings are in it", i)
		}
		if err := plainRule(rule); err != nil {
			return fmt.Errorf("rules[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *Report) checkClusters() error {
	projects := map[string]bool{}
	for _, id := range r.Scope.Projects {
		projects[id] = true
	}
	for i, c := range r.Clusters {
		if !projects[c.Project] {
			return fmt.Errorf("clusters[%d], %q, is of no project in scope", i, c.Name)
		}
		id := audit.LastSegment(c.Name)
		if id == "" || c.Location == "" || c.Name != "projects/"+c.Project+"/locations/"+c.Location+"/clusters/"+id || c.NodePools < 0 {
			return fmt.Errorf("clusters[%d], %q, does not have this project and location, or fewer than no node pools", i, c.Name)
		}
		if c.NodesAccount != "" && !audit.IsAccountID(c.NodesAccount) || c.SandboxPool != "" && !audit.IsNodePoolName(c.SandboxPool) {
			return fmt.Errorf("clusters[%d], %q, has a name for an account or a node pool that is not valid", i, c.Name)
		}
		if i > 0 && r.Clusters[i-1].Name >= c.Name {
			return fmt.Errorf("clusters[%d], %q, is listed twice or out of order", i, c.Name)
		}
	}
	return nil
}

// checkFindings checks that each rule has findings on each cluster, each once.
func (r *Report) checkFindings() error {
	rules, clusters := map[string]*audit.Rule{}, map[string]bool{}
	for _, rule := range r.Rules {
		rules[rule.ID] = rule
	}
	for _, c := range r.Clusters {
		clusters[c.Name] = true
	}
	judged := 0
	var last audit.Finding
	i := -1
	for f := range r.Findings.All() {
		i++
		rule := rules[f.Rule]
		if rule == nil || !clusters[f.Cluster] || f.Resource == "" {
			return fmt.Errorf("findings[%d] has no resource, or its rule or its cluster is not in the report", i)
		}
		if f.Severity != rule.Severity {
			return fmt.Errorf("findings[%d] does not have the severity of its rule", i)
		}
		pair := cmp.Or(strings.Compare(last.Cluster, f.Cluster), strings.Compare(last.Rule, f.Rule))
		if order := cmp.Or(pair, strings.Compare(last.Resource, f.Resource)); order == 0 {
			return fmt.Errorf("findings[%d] is there twice: of rule %s on %s", i, f.Rule, f.Resource)
		} else if order > 0 {
			return fmt.Errorf("findings[%d] is out of order: findings are sorted by cluster, rule and resource", i)
		}
		if pair != 0 {
			judged++
		}
		last = f
	}
	if want := len(r.Rules) * len(r.Clusters); judged != want {
		return fmt.Errorf("findings are missing: of %d rules on %d clusters there are those of %d pairs", len(r.Rules), len(r.Clusters), judged)
	}
	return nil
}

// checkReplacements checks that each is of a cluster of the report, and as commands need it.
func (r *Report) checkReplacements() error {
	clusters := map[string]bool{}
	for _, c := range r.Clusters {
		clusters[c.Name] = true
	}
	taken := map[[2]string]bool{}
	for i, p := range r.Replacements {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("replacements[%d]: %w", i, err)
		}
		cluster, _, _ := strings.Cut(p.NodePool, "/nodePools/")
		name := [2]string{cluster, p.NewName}
		switch {
		case !clusters[cluster]:
			return fmt.Errorf("replacements[%d], %q, is of no cluster of the report", i, p.NodePool)
		case i > 0 && r.Replacements[i-1].NodePool >= p.NodePool:
			return fmt.Errorf("replacements[%d], %q, is listed twice or out of order", i, p.NodePool)
		case taken[name]:
			return fmt.Errorf("replacements[%d], %q, has the new name of another", i, p.NodePool)
		}
		taken[name] = true
	}
	return nil
}

func (r *Report) checkGaps() error {
	for i, g := range r.Gaps {
		if g.Resource == "" {
			return fmt.Errorf("gaps[%d] names no resource", i)
		}
	}
	return nil
}

// checkSummary holds the summary against what is in the report. Of findings that were
// left out for their severity nothing else is known; there it has to agree with itself.
func (r *Report) checkSummary() error {
	s, in, least := r.Summary, noFindings(), r.Scope.least()
	read := newCoverage(r.Scope.Projects, r.Gaps)
	for f := range r.Findings.All() {
		in.count(f)
		read.count(f)
	}
	read.put(&in)
	if s.ProjectsPartlyRead+s.ProjectsNotRead == 0 { // earlier versions did not count them
		r.Summary.ProjectsPartlyRead, r.Summary.ProjectsNotRead = in.ProjectsPartlyRead, in.ProjectsNotRead
		s = r.Summary
	}
	for _, c := range []struct {
		name        string
		says, holds int
		leaves      bool // may it count more than what is in the report?
	}{
		{"projects", s.Projects, in.Projects, false},
		{"projectsPartlyRead", s.ProjectsPartlyRead, in.ProjectsPartlyRead, true},
		{"projectsNotRead", s.ProjectsNotRead, in.ProjectsNotRead, false},
		{"clusters", s.Clusters, len(r.Clusters), false},
		{"undecided", s.Undecided, in.Undecided, true},
		{"gaps", s.Gaps, len(r.Gaps), false},
	} {
		if c.says < c.holds || c.says > c.holds && (!c.leaves || least == audit.Low) {
			return disagrees(c.name, c.says, c.holds)
		}
	}
	if s.ProjectsPartlyRead+s.ProjectsNotRead > s.Projects || s.Undecided > s.Unknown {
		return errors.New("its summary does not agree with itself: more projects are not read than there are, or more findings undecided than unknown")
	}
	left, leftFailing := 0, 0
	for _, c := range []struct {
		name        string
		says, holds int
	}{
		{"pass", s.Pass, in.Pass},
		{"fail", s.Fail, in.Fail},
		{"waived", s.Waived, in.Waived},
		{"notApplicable", s.NotApplicable, in.NotApplicable},
		{"unknown", s.Unknown, in.Unknown},
	} {
		if c.says < c.holds || c.says > c.holds && least == audit.Low {
			return disagrees(c.name, c.says, c.holds)
		}
		left += c.says - c.holds
	}
	if s.LeftOut != left {
		return disagrees("leftOut", s.LeftOut, left)
	}
	for i, name := range audit.Severities {
		says, holds := s.Failing[name], in.Failing[name]
		if says < holds || says > holds && audit.Severity(i+1) >= least {
			return disagrees("failing."+name, says, holds)
		}
		leftFailing += says - holds
	}
	if leftFailing != s.Fail-in.Fail || len(s.Failing) != len(audit.Severities) {
		return errors.New("its summary does not agree with itself: fail is not the sum of failing")
	}
	return nil
}

func disagrees(name string, says, holds int) error {
	return fmt.Errorf("its summary does not count what is in it: %s is %d, and should be %d", name, says, holds)
}
