package report_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gohtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"
)

// gfm renders as GitHub does before it takes out what it does not allow.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(gohtml.WithUnsafe()))

// TestMarkdown renders reports as GitHub does and looks at what came of them.
func TestMarkdown(t *testing.T) {
	each(t, func(t *testing.T, name string, r *report.Report) {
		for what, r := range map[string]*report.Report{"as it is": r, "reviewed": eventful(r, ""), "hostile": eventful(r, evil), "severe": eventful(r, "").LeavingOut(audit.Critical)} {
			t.Run(what, func(t *testing.T) {
				shown := checkMarkdown(t, r, write(t, r, ".md"))
				if whole := wholeOf(r); !maps.Equal(shown, whole) {
					t.Errorf("it shows %v, and the report has %v", shown, whole)
				}
			})
		}
	})
}

// evil does harm wherever it is taken for anything but text.
const evil = "\x1b[2J\u202e\u0085<script>alert(1)</script><!-- [a](https://evil.example) | `x` \\| ![](y)\n# @everyone #1 GH-2 octo/cat#3 :tada: www.evil.example https://evil.example me@evil.example $x$ </details></table>\n\n```\n=1+1 👩‍👩‍👧 漢字 e\u0301\u0301"

// eventful returns a report with waivers and a baseline, with some text in all that people
// write.
func eventful(r *report.Report, text string) *report.Report {
	all := *r
	all.Findings = report.Findings{}
	all.Summary.Failing = maps.Clone(r.Summary.Failing)
	waiver := func(id, expires, state, broad string, findings int) report.Waiver {
		return report.Waiver{ID: id + text, Rule: "*" + text, Resource: "projects/*" + text, Owner: "team-platform@example.com" + text, Reason: "moved by spring" + text,
			Ticket: "OPS-12" + text, Expires: expires, State: state, Broad: broad, Findings: findings}
	}
	all.Waivers = []report.Waiver{
		waiver("w-active", "2027-03-31", report.WaiverActive, "", 1),
		waiver("w-broad", "2027-03-31", report.WaiverActive, "it fits every rule"+text, 0),
		waiver("w-ends", "2026-11-12", report.WaiverActive, "", 1),
		waiver("w-expired", "2026-10-01", report.WaiverExpired, "", 2),
		waiver("w-unused", "2027-03-31", report.WaiverUnused, "", 0),
	}
	all.Baseline = &report.Baseline{Name: "last.json" + text, Version: "1.1.0" + text, StartedAt: r.StartedAt.AddDate(0, -3, 0), Notes: []string{"rule cloud-nat is another" + text}}
	i, passes := 0, 0
	for f := range r.Findings.All() {
		if f.Status == audit.Fail || f.Status == audit.Unknown {
			f.Change = audit.Change(audit.Changes[i%len(audit.Changes)])
			n := &all.Baseline.Counts
			*map[audit.Change]*int{audit.Appeared: &n.New, audit.Same: &n.Unchanged, audit.Altered: &n.Changed, audit.NotComparable: &n.Incomparable}[f.Change]++
			if f.Change != audit.Appeared {
				f.FirstSeen = r.StartedAt.AddDate(0, -3, -i)
			}
			if f.Change == audit.Altered {
				f.Was = "severity low" + text
			}
			if f.Status == audit.Fail && i%3 == 1 {
				f.Waiver = all.Waivers[i%2*2].ID
				all.Summary.Fail--
				all.Summary.Waived++
				all.Summary.Failing[f.Severity.String()]--
			}
			i++
		} else if passes++; f.Status == audit.Pass && passes%2 == 1 {
			was := f
			was.Status, was.Change, was.Message = audit.Fail, audit.Mended, "it was otherwise"+text
			all.Baseline.Resolved = append(all.Baseline.Resolved, was)
			all.Baseline.Counts.Resolved++
		}
		all.Findings.Add(f)
	}
	return &all
}

// TestMarkdownGolden compares a report with waivers and a baseline.
func TestMarkdownGolden(t *testing.T) {
	r := eventful(load(t, filepath.Join(folder, "review.json")), "")
	for _, extension := range []string{".md", ".80.txt", ".200.txt", ".color.txt"} {
		golden(t, filepath.Join(folder, "reviewed"+extension), write(t, r, extension))
	}
}

// TestMarkdownShortened writes reports at many lengths. None is longer than it may be, all
// are sound, and what is shown and what is said to be left out make the whole.
func TestMarkdownShortened(t *testing.T) {
	all := sample(t)
	all.Benchmarks = rules.BenchmarksOf("cis-gke-1.9") // of which not all rules are applied
	for i := range 30 {
		all.Scope.Projects = append(all.Scope.Projects, fmt.Sprintf("empty-%02d", i))
	}
	for name, r := range map[string]*report.Report{
		"sample":  eventful(all, ""),
		"hostile": eventful(load(t, filepath.Join(folder, "hostile.json")), evil),
	} {
		t.Run(name, func(t *testing.T) {
			full := write(t, r, ".md")
			whole := wholeOf(r)
			for n := report.LeastMarkdown; n < len(full)+500; n += 500 + n/25 {
				checkShortened(t, r, n, full, whole)
			}
			for _, n := range []int{len(full) - 1, len(full), len(full) + 1} {
				checkShortened(t, r, n, full, whole)
			}
			if t.Failed() {
				return
			}
			if err := r.WriteMarkdown(&bytes.Buffer{}, report.MarkdownOptions{MaxBytes: 100}); err == nil {
				t.Error("100 bytes are enough")
			}
		})
	}
}

func checkShortened(t *testing.T, r *report.Report, n int, full []byte, whole map[string]int) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteMarkdown(&b, report.MarkdownOptions{MaxBytes: n, Whole: []string{"all.html"}}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > n {
		t.Errorf("%d bytes in a report of at most %d", b.Len(), n)
	}
	if n >= len(full) {
		if !bytes.Equal(b.Bytes(), full) {
			t.Errorf("with %d bytes it is not the whole, which has %d", n, len(full))
		}
		return
	}
	text := b.String()
	for _, always := range []string{"\n> **" + r.Verdict(), "Left out: ", "The whole is in `all.html`", "| **UNKNOWN** | " + strconv.Itoa(r.Summary.Unknown) + " |", "| Complete | "} {
		if !strings.Contains(text, always) {
			t.Errorf("with %d bytes it does not say %q", n, always)
		}
	}
	shown := checkMarkdown(t, r, b.Bytes())
	left := leftOut(t, text)
	sum := maps.Clone(shown)
	for what, n := range left {
		sum[what] += n
	}
	maps.DeleteFunc(sum, func(_ string, n int) bool { return n == 0 })
	if !maps.Equal(sum, whole) {
		t.Errorf("with %d bytes it shows %v and leaves out %v, and the whole is %v", n, shown, left, whole)
	}
	open := 0
	for what, n := range left {
		if strings.HasPrefix(what, "FAIL") || strings.HasPrefix(what, "UNKNOWN") {
			open += n
		}
	}
	if open > 0 && shown["PASS"]+shown["NOT APPLICABLE"] > 0 {
		t.Errorf("with %d bytes it leaves out %d open findings and shows what passes", n, open)
	}
	for i, name := range audit.Severities[1:] {
		for _, status := range []string{"FAIL ", "UNKNOWN "} {
			if left[status+name] > 0 && shown[status+audit.Severities[i]] > 0 {
				t.Errorf("with %d bytes it leaves out what is %s and shows what is %s", n, name, audit.Severities[i])
			}
		}
	}
}

// noteWords are how a shortened report says what is left out.
var noteWords = regexp.MustCompile(`(\d+) (FAIL|UNKNOWN|WAIVED) \(([^)]*)\)|(\d+) (PASS|NOT APPLICABLE|resolved|reasons? why|gaps?\b|recommendations?)|the counts of (\d+) (rule|cluster)|the evidence of (\d+) finding`)

func leftOut(t *testing.T, text string) map[string]int {
	t.Helper()
	_, note, _ := strings.Cut(text, "Left out: ")
	note, _, _ = strings.Cut(note, "\n")
	left := map[string]int{}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%q in %q is no number", s, note)
		}
		return n
	}
	for _, m := range noteWords.FindAllStringSubmatch(note, -1) {
		switch {
		case m[1] != "":
			total := 0
			for _, part := range strings.Split(m[3], ", ") {
				n, severity, _ := strings.Cut(part, " ")
				left[m[2]+" "+severity] += number(n)
				total += number(n)
			}
			if total != number(m[1]) {
				t.Errorf("%s is not the sum of its parts", m[0])
			}
		case m[4] != "":
			left[strings.TrimSuffix(strings.Fields(m[5])[0], "s")+map[bool]string{true: " APPLICABLE"}[m[5] == "NOT APPLICABLE"]] += number(m[4])
		case m[6] != "":
			left[m[7]+" counts"] += number(m[6])
		}
	}
	delete(left, "PAS")
	return left
}

// wholeOf counts what a report has to show.
func wholeOf(r *report.Report) map[string]int {
	n := map[string]int{}
	open := map[string]bool{}
	causes := map[string]bool{}
	for f := range r.Findings.All() {
		switch {
		case f.Status == audit.Pass:
			n["PASS"]++
			continue
		case f.Status == audit.NotApplicable:
			n["NOT APPLICABLE"]++
			continue
		case f.Waiver != "":
			n["WAIVED "+f.Severity.String()]++
		default:
			n[strings.ToUpper(f.Status.String())+" "+f.Severity.String()]++
		}
		open[f.Rule] = true
		if f.Undecided || f.Status == audit.Unknown && !slices.ContainsFunc(r.Gaps, func(g audit.Gap) bool {
			return slices.ContainsFunc(f.Evidence, func(e audit.Evidence) bool { return e.Resource == g.Resource })
		}) {
			causes["undecided"] = true
		}
	}
	for _, g := range r.Gaps {
		causes[cmp.Or(g.Permission, g.Message+g.Code+g.Reason)] = true
	}
	n["rule counts"], n["cluster counts"], n["gap"], n["reason"] = len(open), len(r.Clusters), len(r.Gaps), len(causes)
	if r.Baseline != nil {
		n["resolved"] = len(r.Baseline.Resolved)
	}
	for _, b := range r.Benchmarks {
		n["recommendation"] += len(b.Recommendations)
	}
	maps.DeleteFunc(n, func(_ string, n int) bool { return n == 0 })
	return n
}

var (
	ourAnchor = regexp.MustCompile(`^(not-evaluated|rule-[a-z0-9-]+|cluster-[0-9a-f]{12})$`)
	linked    = regexp.MustCompile(`@[A-Za-z0-9]|#[0-9]|GH-[0-9]|:([a-z_+-][a-z0-9_+-]*|100|1234):|https?://|www\.`)
	elements  = strings.Fields("html head body h1 h2 h3 a blockquote p strong em code pre table thead tbody tr th td details summary ul li br hr")
)

// checkMarkdown reads what Markdown is rendered to, and returns what it lists. Every row of
// a table has as many cells as its head, folds are closed, links lead somewhere, and no
// value made markup or what GitHub would make a link or a picture of.
func checkMarkdown(t *testing.T, r *report.Report, source []byte) map[string]int {
	t.Helper()
	var page bytes.Buffer
	if err := gfm.Convert(source, &page); err != nil {
		t.Fatal(err)
	}
	if n, m := bytes.Count(page.Bytes(), []byte("<details>")), bytes.Count(page.Bytes(), []byte("</details>")); n != m {
		t.Errorf("%d folds are opened and %d closed", n, m)
	}
	doc, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	severities := map[string]string{}
	references := map[string]bool{}
	for _, rule := range r.Rules {
		severities[rule.ID] = rule.Severity.String()
		for _, ref := range rule.References {
			references[ref.URL] = true
		}
	}
	anchors, links, shown := map[string]bool{}, []string{}, map[string]int{}
	heading, trs, titles := "", 0, 0
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode:
			if n.Data != " " {
				t.Errorf("a comment: %s", n.Data)
			}
			continue
		case html.TextNode:
			if n.Parent.Data != "code" && linked.MatchString(n.Data) {
				t.Errorf("GitHub makes a link or a picture of %q", n.Data)
			}
			if n.Parent.Data == "p" && strings.HasPrefix(n.Data, "|") {
				t.Errorf("a broken table: %q", n.Data)
			}
			continue
		case html.ElementNode:
		default:
			continue
		}
		if !slices.Contains(elements, n.Data) {
			t.Errorf("an element %s", n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case n.Data == "a" && a.Key == "name" && ourAnchor.MatchString(a.Val):
				if anchors[a.Val] {
					t.Errorf("anchor %s is there twice", a.Val)
				}
				anchors[a.Val] = true
			case n.Data == "a" && a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				links = append(links, a.Val[1:])
			case n.Data == "a" && a.Key == "href" && references[a.Val]:
			case n.Data == "code" && (a.Val == "language-sh" || a.Val == "language-terraform"):
			case (n.Data == "td" || n.Data == "th") && a.Key == "style" && a.Val == "text-align:right":
			default:
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
		switch n.Data {
		case "h1", "h2", "h3", "details", "table", "blockquote":
			if n.Parent.Data != "body" && (n.Data != "table" || n.Parent.Data != "details") {
				t.Errorf("%s stands in %s", n.Data, n.Parent.Data)
			}
			if n.Data == "h2" || n.Data == "h3" {
				heading = content(n)
			}
			if n.Data == "table" {
				countRows(t, n, severities[heading], shown)
			}
			if n.Data == "h1" {
				titles++
			}
		case "tr":
			trs++
		}
	}
	for _, link := range links {
		if !anchors[link] {
			t.Errorf("#%s leads nowhere", link)
		}
	}
	if lines := tableLines(source); lines != trs {
		t.Errorf("%d lines look like rows of tables, and %d are", lines, trs)
	}
	if titles != 1 {
		t.Errorf("%d first headings", titles)
	}
	return shown
}

func content(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// countRows counts what the rows of a table are about.
func countRows(t *testing.T, table *html.Node, severity string, shown map[string]int) {
	t.Helper()
	var rows [][]string
	for tr := range table.Descendants() {
		if tr.Data != "tr" {
			continue
		}
		var cells []string
		for td := range tr.ChildNodes() {
			if td.Data == "th" || td.Data == "td" {
				cells = append(cells, content(td))
			}
		}
		rows = append(rows, cells)
	}
	head := rows[0]
	for _, row := range rows[1:] {
		if len(row) != len(head) {
			t.Errorf("a row of %d cells in a table of %d: %q", len(row), len(head), row)
		}
		switch strings.Join(head[:min(2, len(head))], "|") {
		case "Status|Cluster":
			// What is left out of a shortened report is counted by status, which is the same.
			shown[strings.Replace(row[0], "UNDECIDED", "UNKNOWN", 1)+" "+severity]++
		case "Status|Rule":
			shown[row[0]]++
		case "Rule|Severity":
			shown["rule counts"]++
		case "Cluster|critical":
			shown["cluster counts"]++
		case "What|Why":
			shown["gap"]++
		case "Why|Where":
			shown["reason"]++
		case "Was, and is|Severity":
			shown["resolved"]++
		case "|Recommendation":
			shown["recommendation"]++
		}
	}
}

// tableLines counts the lines that begin a row, those of heads but not the lines below
// them, outside of code.
func tableLines(source []byte) int {
	n, code := 0, false
	for line := range strings.Lines(string(source)) {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if !code && strings.HasPrefix(line, "| ") {
			n++
		}
	}
	return n
}

// TestMarkdownTime proves that a shortened report takes time in proportion to the estate.
func TestMarkdownTime(t *testing.T) {
	least := func(clusters int) time.Duration {
		r := estate(t, clusters)
		best := time.Hour
		for range 4 {
			start := time.Now()
			if err := r.WriteMarkdown(&bytes.Buffer{}, report.MarkdownOptions{MaxBytes: 65_000}); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	few, many := least(50), least(400)
	t.Logf("50 clusters %v, 400 clusters %v", few, many)
	if many > 8*4*few {
		t.Errorf("8 times the clusters take %.0f times as long", float64(many)/float64(few))
	}
}

// estate makes an estate of many clusters of the sample's first.
func estate(t *testing.T, clusters int) *report.Report {
	t.Helper()
	r := *sample(t)
	var findings []audit.Finding
	for f := range r.Findings.All() {
		findings = append(findings, f)
	}
	all := r.Clusters
	r.Clusters, r.Findings, r.Summary = nil, report.Findings{}, report.Summary{Failing: map[string]int{}, Clusters: clusters, Gaps: len(r.Gaps), Projects: len(r.Scope.Projects)}
	for i := range clusters {
		c := all[i%len(all)]
		was := c.Name
		c.Project = fmt.Sprintf("project-%06d", i)
		c.Name = "projects/" + c.Project + "/locations/" + c.Location + "/clusters/" + audit.LastSegment(was)
		r.Clusters = append(r.Clusters, c)
		for _, f := range findings {
			if f.Cluster != was {
				continue
			}
			f.Cluster, f.Resource = c.Name, strings.Replace(f.Resource, was, c.Name, 1)
			r.Findings.Add(f)
			switch f.Status {
			case audit.Fail:
				r.Summary.Fail++
				r.Summary.Failing[f.Severity.String()]++
			case audit.Unknown:
				r.Summary.Unknown++
			case audit.Pass:
				r.Summary.Pass++
			case audit.NotApplicable:
				r.Summary.NotApplicable++
			}
		}
	}
	return &r
}

// sample returns the report of the sample estate by the recommended rules.
func sample(t *testing.T) *report.Report {
	t.Helper()
	text, err := os.ReadFile("../cmd/gkeaudit/demo.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := audit.ReadSnapshotStrict(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	all, start := rules.In("recommended"), time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	return report.New(s, all, audit.Judge(audit.NewInput(s), all), report.Options{Version: "1.2.3", StartedAt: start, Now: func() time.Time { return start }})
}
