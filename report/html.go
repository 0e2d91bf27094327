package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"io"
	"iter"
	"slices"
	"strings"

	"gkeaudit/audit"
)

//go:embed report.html.tmpl
var htmlTemplate string

//go:embed report.css
var htmlStyle string

// htmlPage is the template. Its style sheet is inline, and the page's own policy
// lets in that one by its hash and nothing else: no script, no image, no request.
var htmlPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"clean":       clean,
	"stamp":       stamp,
	"count":       count,
	"general":     general,
	"steps":       gcloudSteps,
	"scope":       scopeTitle,
	"rows":        (*Report).benchmarkRows,
	"answers":     (*Report).benchmarkCounts,
	"split":       func(s Summary) string { return strings.Trim(failingCounts(s), " ()") },
	"waiverState": (*Report).waiverState,
	"waivers":     (*Report).waiverCounts,
	"listed":      (*Report).listedWaivers,
	"clusterLine": clusterLine,
	"resource":    shortResource,
	"gcloud":      func(r *audit.Rule, f audit.Finding, c Cluster) string { return gcloudFor(r.Remediation.Gcloud, f, c) },
	"terraform": func(r *audit.Rule, f audit.Finding, c Cluster) string {
		return terraformFor(r.Remediation.Terraform, f, c)
	},
	"recreates":  func(r *audit.Rule) string { return recreations[r.Remediation.Recreates] },
	"paragraphs": paragraphs,
	"change":     changeText,
	"resolved":   resolvedText,
	"place":      place,
	"legend":     func() []legendEntry { return pathLegend },
}).Parse(htmlTemplate + pathTemplate))

// An htmlReport is what the template sees.
type htmlReport struct {
	*Report
	Style  template.CSS
	Policy string
	State  string        // fail, unknown or pass: the worst there is
	Glance []htmlGroup   // the clusters without their findings, worst first
	Open   []*audit.Rule // the rules that ask for something

	rules map[string]*audit.Rule
}

type htmlGroup struct {
	group
	Anchor                string // the cluster's place in the page
	Open, Waived, Settled []htmlFinding
}

type htmlFinding struct {
	audit.Finding
	Rule     *audit.Rule
	WaivedBy string // who accepts it, and until when; empty if nobody does
}

// WriteHTML writes the report as one page that needs no other file.
func (r *Report) WriteHTML(w io.Writer) error {
	style := strings.TrimSpace(htmlStyle + pathStyle)
	sum := sha256.Sum256([]byte(style))
	page := htmlReport{
		Report: r,
		Style:  template.CSS(style),
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
		State:  map[string]string{"CAUTION": "fail", "WARNING": "unknown", "TIP": "pass"}[alert(r)],
	}
	page.rules = map[string]*audit.Rule{}
	for _, rule := range r.Rules {
		page.rules[rule.ID] = rule
	}
	open := map[string]bool{}
	for g := range r.groups() {
		for _, f := range g.open() {
			open[f.Rule] = true
		}
		g.Findings = nil
		page.Glance = append(page.Glance, htmlGroup{group: g, Anchor: anchor(g.Cluster.Name)})
	}
	slices.SortStableFunc(page.Glance, func(a, b htmlGroup) int {
		return cmp.Or(cmp.Compare(b.Fails(), a.Fails()), cmp.Compare(b.Unknowns(), a.Unknowns()))
	})
	for _, rule := range r.Rules {
		if open[rule.ID] {
			page.Open = append(page.Open, rule)
		}
	}
	return htmlPage.Execute(w, page)
}

// Groups are the clusters with their findings.
func (r htmlReport) Groups() iter.Seq[htmlGroup] {
	waivers := r.waiversByID()
	findings := func(fs []audit.Finding) []htmlFinding {
		var all []htmlFinding
		for _, f := range fs {
			h := htmlFinding{Finding: f, Rule: r.rules[f.Rule]}
			if f.Waiver != "" {
				h.WaivedBy = waivedBy(waivers[f.Waiver])
			}
			all = append(all, h)
		}
		return all
	}
	return func(yield func(htmlGroup) bool) {
		for g := range r.groups() {
			if !yield(htmlGroup{g, anchor(g.Cluster.Name), findings(g.open()), findings(g.waived()), findings(g.settled())}) {
				return
			}
		}
	}
}

// anchor names a cluster's place in the page: the same in every report.
func anchor(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "cluster-" + hex.EncodeToString(sum[:6])
}

// Short is the cluster's own name; Where is what stands before it.
func (g htmlGroup) Short() string {
	return clean(strings.TrimPrefix(g.Cluster.Name, "projects/"+g.Cluster.Project+"/locations/"+g.Cluster.Location+"/clusters/"))
}

// Where is the project and location of the cluster.
func (g htmlGroup) Where() string {
	return clean(g.Cluster.Project + " / " + g.Cluster.Location)
}

// SettledCounts counts what passes and does not apply.
func (g htmlGroup) SettledCounts() string { return settledCounts(g.group) }

// Fails counts the cluster's findings of status fail.
func (g htmlGroup) Fails() int { return g.Counts[audit.Fail] }

// Unknowns counts the cluster's findings of status unknown.
func (g htmlGroup) Unknowns() int { return g.Counts[audit.Unknown] }

// Own reports whether evidence is about the finding's own resource.
func (f htmlFinding) Own(e audit.Evidence) bool { return e.Resource == f.Resource }

// paragraphs splits a rule's text at blank lines.
func paragraphs(text string) []string {
	return strings.Split(strings.TrimSpace(text), "\n\n")
}

// Word is the finding's status in words.
func (f htmlFinding) Word() string {
	if f.Waiver != "" {
		return "waived"
	}
	return strings.ReplaceAll(f.Status.String(), "-", " ")
}

// scopeTitle names what was audited in a few words.
func scopeTitle(r *Report) string {
	ps := r.Scope.Projects
	switch len(ps) {
	case 0:
		return "GKE audit"
	case 1:
		return "GKE audit of " + clean(ps[0])
	}
	return "GKE audit of " + clean(ps[0]) + " and " + count(len(ps)-1, "other project", "other projects")
}
