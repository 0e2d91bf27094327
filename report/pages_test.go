package report_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/report"

	"golang.org/x/net/html"
)

// TestPages writes a report as an index and a page for each project: every finding is on
// the page of its project, every link between pages leads to one of them, and names of
// files are harmless whatever projects are called.
func TestPages(t *testing.T) {
	eachPage(t, func(t *testing.T, name string, r *report.Report) {
		if len(r.Clusters) == 0 {
			return // there is nothing to divide
		}
		pages := r.Pages("review.html", len(r.Clusters)-1)
		texts := map[string]string{}
		for _, p := range pages {
			var b bytes.Buffer
			if err := p.Write(&b); err != nil {
				t.Fatal(err)
			}
			texts[p.Path] = b.String()
			if folder, file := filepath.Split(p.Path); p.Path != "" && (folder != "review.projects/" || !report.IsProjectPage(file)) {
				t.Errorf("a page is called %q", p.Path)
			}
		}
		if len(texts) != len(pages) || pages[len(pages)-1].Path != "" {
			t.Errorf("%d of %d pages have names of their own, and the last is %q, want the index", len(texts), len(pages), pages[len(pages)-1].Path)
		}
		for f := range r.Findings.All() {
			found := 0
			for path, text := range texts {
				if strings.Contains(text, "id=f"+f.ID()[:12]) {
					found++
					if path == "" {
						t.Errorf("finding %s is in the index", f.ID())
					}
				}
			}
			if found != 1 {
				t.Errorf("finding %s is on %d pages", f.ID(), found)
			}
		}
		for path, text := range texts {
			ids, links := linksOf(t, text)
			for _, link := range links {
				switch {
				case strings.HasPrefix(link, "#"):
					if !ids[link[1:]] {
						t.Errorf("%q of page %q leads nowhere", link, path)
					}
				case strings.HasPrefix(link, "https://"):
				case path == "" && texts[link] != "", path != "" && link == "../review.html":
				default:
					t.Errorf("page %q has a link to %q", path, link)
				}
			}
		}
	})
}

// linksOf returns the IDs and the addresses on a page.
func linksOf(t *testing.T, page string) (ids map[string]bool, links []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids = map[string]bool{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				ids[a.Val] = true
			case "href":
				links = append(links, a.Val)
			}
		}
	}
	return ids, links
}

// TestCompact writes the report of so many clusters that their commands are said once for
// each rule: alike findings are one, with words in place of the names that differ, and each
// has its place in both views.
func TestCompact(t *testing.T) {
	r := load(t, filepath.Join(folder, "review.json"))
	var findings report.Findings
	var clusters []report.Cluster
	const n = 700
	for i := range n {
		for _, c := range r.Clusters {
			project := fmt.Sprintf("%s-%03d", c.Project, i)
			name := strings.Replace(c.Name, c.Project, project, 1)
			for f := range r.Findings.All() {
				if f.Cluster != c.Name {
					continue
				}
				within := func(s string) string {
					return strings.ReplaceAll(s, "projects/"+c.Project+"/", "projects/"+project+"/")
				}
				var evidence []audit.Evidence
				for _, e := range f.Evidence {
					evidence = append(evidence, audit.Evidence{Resource: within(e.Resource), Field: e.Field, Value: within(e.Value)})
				}
				f.Cluster, f.Resource, f.Evidence = name, within(f.Resource), evidence
				findings.Add(f)
			}
			c.Name, c.Project = name, project
			clusters = append(clusters, c)
		}
	}
	// By name: all of the first cluster, then all of the second.
	r.Clusters, r.Findings = nil, report.Findings{}
	for _, first := range []string{"shop-data-", "shop-prod-"} {
		for _, c := range clusters {
			if strings.HasPrefix(c.Project, first) {
				r.Clusters = append(r.Clusters, c)
			}
		}
		for f := range findings.All() {
			if strings.HasPrefix(f.Cluster, "projects/"+first) {
				r.Findings.Add(f)
			}
		}
	}
	page := string(write(t, r, ".html"))
	if got := strings.Count(page, `<div class="kind `); got != 4 {
		t.Errorf("%d kinds of findings, want one for each of the four that are open in one of two clusters", got)
	}
	if got := strings.Count(page, "id=f"); got != 4*n {
		t.Errorf("%d findings have places, want %d", got, 4*n)
	}
	if got := strings.Count(page, `class="fix"`); got != 3 {
		t.Errorf("commands are there %d times, want once for each of the three kinds that fail", got)
	}
	ids, links := linksOf(t, page)
	to := map[string]int{}
	for _, link := range links {
		if link[0] == '#' && !ids[link[1:]] {
			t.Errorf("%s leads nowhere", link)
		}
		to[link]++
	}
	for id := range ids {
		if strings.HasPrefix(id, "f") && len(id) == 13 && to["#"+id] != 1 {
			t.Errorf("%d links lead to finding %s, want that of its cluster", to["#"+id], id)
		}
	}
	if !strings.Contains(page, "PROJECT and CLUSTER stand for") {
		t.Error("no word stands for the projects that differ")
	}
}
