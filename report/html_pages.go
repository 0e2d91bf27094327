package report

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// MostOnPage is how many clusters a report in HTML has at most on one page. A longer one
// is a page for each project, and an index.
const MostOnPage = 5000

// A Page is a file of a report in HTML.
type Page struct {
	// Path is the file's, relative to that of the index, with slashes; empty for the
	// index itself.
	Path string

	Write func(io.Writer) error
}

// A projectPage is a project in the index.
type projectPage struct {
	Project, Path     string // no path for a project without clusters
	Clusters          int
	Failing           [audit.Critical + 1]int
	Unknown, Waived   int
	Gaps              int
	first, afterwards int // its clusters among the report's
}

// Numbers are the project's findings that fail, worst first, then those that are unknown
// and those that are waived.
func (p projectPage) Numbers() []int {
	return []int{p.Failing[audit.Critical], p.Failing[audit.High], p.Failing[audit.Medium], p.Failing[audit.Low], p.Unknown, p.Waived}
}

// Pages returns the files of the report in HTML, of which the index is called name: only
// that if the report has no more clusters than most, and otherwise those of the projects
// first, in a folder beside it, so that an index never leads to what is not there.
func (r *Report) Pages(name string, most int) []Page {
	if len(r.Clusters) <= most {
		return []Page{{Write: r.WriteHTML}}
	}
	survey := r.surveyed(false)
	left := survey.omitted(r)
	projects := r.projectPages(survey, PagesFolder(name))
	var pages []Page
	for _, p := range projects {
		if p.Path != "" {
			pages = append(pages, Page{p.Path, func(w io.Writer) error {
				part := r.project(p)
				part.Complete = part.Complete && left.unread == 0 // they may be of this project
				return part.writePage(w, part.surveyed(true), left, nil, "../"+name)
			}})
		}
	}
	return append(pages, Page{"", func(w io.Writer) error {
		return r.withoutPage(projects).writePage(w, survey, left, projects, "")
	}})
}

// withoutPage returns the report with those findings of the baseline only whose projects
// have no page that would list them.
func (r *Report) withoutPage(projects []projectPage) *Report {
	if r.Baseline == nil {
		return r
	}
	has := map[string]bool{}
	for _, p := range projects {
		has[p.Project] = p.Path != ""
	}
	index, b := *r, *r.Baseline
	b.Resolved = nil
	for _, f := range r.Baseline.Resolved {
		if !has[audit.Segment(f.Cluster, "projects")] {
			b.Resolved = append(b.Resolved, f)
		}
	}
	index.Baseline = &b
	return &index
}

// PagesFolder is the name of the folder beside an index that has the projects' pages.
func PagesFolder(name string) string { return strings.TrimSuffix(name, path.Ext(name)) + ".projects" }

// IsProjectPage reports whether a file in that folder has a name as [Report.Pages] gives
// to a project's page.
func IsProjectPage(name string) bool { return projectPageName.MatchString(name) }

var projectPageName = regexp.MustCompile(`^[a-z0-9-]{1,40}\.[0-9a-f]{12}\.html$`)

// pageName names a project's page: by the project as far as that is harmless in the name of
// a file and in an address, and by a hash of it.
func pageName(project string) string {
	sum := sha256.Sum256([]byte(project))
	plain := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, project)
	return plain[:min(40, len(plain))] + "." + hex.EncodeToString(sum[:6]) + ".html"
}

// projectPages counts by project, the worst first.
func (r *Report) projectPages(s *survey, folder string) []projectPage {
	byID := map[string]*projectPage{}
	of := func(id string) *projectPage {
		if byID[id] == nil {
			byID[id] = &projectPage{Project: id}
		}
		return byID[id]
	}
	for _, id := range r.Scope.Projects {
		of(id)
	}
	for i, c := range s.clusters {
		p := of(c.Project)
		if p.Path == "" {
			p.Path, p.first = folder+"/"+pageName(c.Project), i
		}
		p.afterwards = i + 1
		p.Clusters++
		for severity, n := range c.Failing {
			p.Failing[severity] += n
		}
		p.Unknown += c.Unknown
		p.Waived += c.Waived
	}
	named := r.gapsNamed()
	for _, g := range r.Gaps {
		if p := byID[g.Project]; p != nil {
			p.Gaps++
		}
		for id := range named[g.Resource] {
			if p := byID[id]; p != nil && id != g.Project {
				p.Gaps++
			}
		}
	}
	var all []projectPage
	for _, id := range sortedKeys(byID) {
		all = append(all, *byID[id])
	}
	slices.SortStableFunc(all, func(a, b projectPage) int {
		for i, n := range a.Numbers() {
			if m := b.Numbers()[i]; n != m {
				return m - n
			}
		}
		return 0
	})
	return all
}

// gapsNamed returns, by the resources of gaps, the projects of the clusters whose unknown
// findings name them as what could not be read: those of a host project, say.
func (r *Report) gapsNamed() map[string]map[string]bool {
	named := map[string]map[string]bool{}
	for _, g := range r.Gaps {
		named[g.Resource] = map[string]bool{}
	}
	for f := range r.Findings.All() {
		if f.Status != audit.Unknown {
			continue
		}
		for _, e := range f.Evidence {
			if of := named[e.Resource]; of != nil {
				of[audit.Segment(f.Cluster, "projects")] = true
			}
		}
	}
	return named
}

// project returns the part of the report that is about a project.
func (r *Report) project(p projectPage) *Report {
	part := *r
	part.Scope.Projects, part.Scope.Discovery, part.Scope.Shard = []string{p.Project}, nil, nil
	part.Scope.Missing = nil
	part.Benchmarks = nil
	part.Clusters, part.Findings, part.Gaps, part.Waivers = nil, Findings{}, nil, nil
	for _, c := range r.Clusters[p.first:p.afterwards] {
		if c.Project == p.Project {
			part.Clusters = append(part.Clusters, c)
		}
	}
	part.Summary = noFindings()
	used, named := map[string]bool{}, map[string]bool{}
	for _, c := range part.Clusters {
		for _, f := range r.Findings.of(c.Name) {
			part.Findings.Add(f)
			part.Summary.count(f)
			used[f.Waiver] = true
			if f.Status != audit.Unknown {
				continue
			}
			for _, e := range f.Evidence {
				named[e.Resource] = true
			}
		}
	}
	for _, g := range r.Gaps {
		if g.Project == p.Project || named[g.Resource] { // of a host project, say
			part.Gaps = append(part.Gaps, g)
		}
	}
	for _, w := range r.Waivers {
		if used[w.ID] {
			part.Waivers = append(part.Waivers, w)
		}
	}
	if r.Baseline != nil {
		b := *r.Baseline
		b.Resolved = nil
		for _, f := range r.Baseline.Resolved {
			if audit.Segment(f.Cluster, "projects") == p.Project {
				b.Resolved = append(b.Resolved, f)
			}
		}
		part.Baseline = &b
	}
	read := newCoverage(part.Scope.Projects, part.Gaps)
	for f := range part.Findings.All() {
		read.count(f)
	}
	read.put(&part.Summary)
	part.Summary.Clusters, part.Summary.Gaps = len(part.Clusters), len(part.Gaps)
	part.Complete = part.complete()
	return &part
}
