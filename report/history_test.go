package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/tools/txtar"
)

// TestHistory draws the history of the reports in each file, which are written as for
// [TestSince] below the dates of their audits, and compares it with the page beside it.
func TestHistory(t *testing.T) {
	files, err := filepath.Glob("../testdata/history/*.txtar")
	if err != nil || files == nil {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := &History{From: "gs://reviews/<b>\x1b/", Skipped: []string{"gs://reviews/<i>\u202e.json: not a gkeaudit report"}}
			for _, f := range archive.Files {
				started, err := time.Parse(time.DateOnly, f.Name)
				if err != nil {
					t.Fatal(err)
				}
				h.Add([]string{f.Name + ".json"}, brief(t, string(f.Data), started))
			}
			var b bytes.Buffer
			if err := h.WriteHTML(&b); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".txtar") + ".html"
			if updating() {
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", golden, diff)
			}
			checkHistoryPage(t, b.String(), h)
		})
	}
}

// checkHistoryPage reads the page as a browser does: nothing in it runs or is fetched, its
// policy lets in its style sheet, links lead somewhere, and all figures are in the table
// and in the chart.
func checkHistoryPage(t *testing.T, page string, h *History) {
	if i := strings.IndexFunc(page, func(c rune) bool { return c != '\n' && unsafe(c) }); i >= 0 {
		t.Errorf("a control character: %q", page[max(0, i-30):i+10])
	}
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, elements, style, policy := map[string]bool{}, map[string]int{}, "", ""
	var links []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		elements[n.Data]++
		if !strings.Contains(" html head meta title style body a header main footer section p h1 h2 h3 dl dt dd div ul li span bdi code table thead tbody tr th td details summary svg desc g path text circle ", " "+n.Data+" ") {
			t.Errorf("an element %s", n.Data)
		}
		if n.Data == "style" {
			style = n.FirstChild.Data
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				if ids[a.Val] {
					t.Errorf("id %q is there twice", a.Val)
				}
				ids[a.Val] = true
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				links = append(links, a.Val[1:])
			case a.Key == "aria-labelledby":
				links = append(links, strings.Fields(a.Val)...)
			case a.Key == "href", a.Key == "src", a.Key == "style", strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			case a.Key == "content" && strings.HasPrefix(a.Val, "default-src"):
				policy = a.Val
			}
		}
	}
	for _, link := range links {
		if !ids[link] {
			t.Errorf("#%s leads nowhere", link)
		}
	}
	sum := sha256.Sum256([]byte(style))
	if want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"; policy != want {
		t.Errorf("policy is %q, want %q", policy, want)
	}
	for _, p := range h.points {
		row := fmt.Sprintf(`>%s</a></th><td class="num">%d</td><td class="num">%d</td><td class="num">%d</td><td class="num">%d</td><td class="num">%d</td>`,
			stamp(p.StartedAt), p.Failing[3], p.Failing[2], p.Failing[1], p.Failing[0], p.Unknown)
		if !strings.Contains(page, row) {
			t.Errorf("the table has no row %s", row)
		}
		for i, name := range audit.Severities {
			if point := fmt.Sprintf("<title>%s: %d, %s</title>", name, p.Failing[i], stamp(p.StartedAt)); !strings.Contains(page, point) {
				t.Errorf("the chart has no %s", point)
			}
		}
		if mark := stamp(p.StartedAt) + ": incomplete</title>"; strings.Contains(page, mark) == p.Complete {
			t.Errorf("complete is %v, and whether the chart has %s is wrong", p.Complete, mark)
		}
	}
	for _, d := range regexp.MustCompile(` [dxy]="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.ContainsAny(d[1], "NIe") {
			t.Errorf("a coordinate is %s", d[1])
		}
	}
}

// TestLabels puts labels of lines that end at the same or nearly the same height apart,
// within the plane.
func TestLabels(t *testing.T) {
	for _, ends := range [][]float64{{292, 292, 292, 292, 292}, {22, 22, 23}, {100, 110, 105, 290, 291}, {50}} {
		c := chart{Top: 22, Bottom: 292}
		for _, y := range ends {
			c.Lines = append(c.Lines, line{EndY: y})
		}
		c.label()
		var at []float64
		for _, l := range c.Lines {
			at = append(at, l.LabelY)
		}
		slices.Sort(at)
		for i, y := range at {
			if y < c.Top || y > c.Bottom || i > 0 && y-at[i-1] < 18 {
				t.Errorf("lines that end at %v have their labels at %v", ends, at)
			}
		}
	}
}

func TestNiceStep(t *testing.T) {
	for most, want := range map[int]int{1: 1, 5: 1, 6: 2, 10: 2, 11: 5, 25: 5, 26: 10, 107: 50, 271000: 100000} {
		if got := niceStep(most); got != want {
			t.Errorf("for at most %d the step is %d, want %d", most, got, want)
		}
	}
}

// TestRuns puts reports in order and shards together.
func TestRuns(t *testing.T) {
	head := func(name, started, shard string, projects ...string) NamedHead {
		h := NamedHead{Name: name, Head: Head{Scope: Scope{Scope: audit.Scope{Projects: projects}}}}
		var err error
		if h.StartedAt, err = time.Parse("2006-01-02 15:04", started); err != nil {
			t.Fatal(err)
		}
		if shard != "" {
			sh := &audit.Shard{Whole: "w"}
			if _, err := fmt.Sscanf(shard, "%d/%d", &sh.Index, &sh.Count); err != nil {
				t.Fatal(err)
			}
			h.Scope.Shard = sh
		}
		return h
	}
	for _, test := range []struct {
		name   string
		heads  []NamedHead
		want   []string // the files of a run each
		passed []string
	}{
		{"in order", []NamedHead{head("b", "2026-02-01 00:00", "", "p"), head("c", "2026-01-01 00:00", "", "p")}, []string{"c", "b"}, nil},
		{"shards", []NamedHead{head("r/1", "2026-01-01 00:02", "1/2", "q"), head("r/0", "2026-01-01 00:01", "0/2", "p")}, []string{"r/0 r/1"}, nil},
		{"two runs in a folder", []NamedHead{head("r/a0", "2026-01-01 00:00", "0/2", "p"), head("r/a1", "2026-01-01 00:01", "1/2", "q"),
			head("r/b1", "2026-01-01 05:00", "1/2", "q"), head("r/b0", "2026-01-01 05:01", "0/2", "p")}, []string{"r/a0 r/a1", "r/b1 r/b0"}, nil},
		{"a shard of another week", []NamedHead{head("r/0", "2026-01-01 00:00", "0/2", "p"), head("r/1", "2026-01-08 00:00", "1/2", "q")}, []string{"r/0", "r/1"}, nil},
		{"shards of two folders", []NamedHead{head("a/0", "2026-01-01 00:00", "0/2", "p"), head("b/1", "2026-01-01 00:00", "1/2", "q")}, []string{"a/0", "b/1"}, nil},
		{"other counts", []NamedHead{head("r/0", "2026-01-01 00:00", "0/2", "p"), head("r/1", "2026-01-01 00:00", "1/3", "q")}, []string{"r/0", "r/1"}, nil},
		{"a copy", []NamedHead{head("a", "2026-01-01 00:00", "", "p"), head("b", "2026-01-01 00:00", "", "p")}, []string{"a"}, []string{"b: of the same audit as a"}},
		{"merged shards", []NamedHead{head("r/0", "2026-01-01 00:00", "0/2", "p"), head("r/1", "2026-01-01 00:01", "1/2", "q"), head("all", "2026-01-01 00:00", "", "p", "q")},
			[]string{"all"}, []string{"r/0: of the same audit as all", "r/1: of the same audit as all"}},
		{"a report for each project", []NamedHead{head("a", "2026-01-01 00:00", "", "p"), head("b", "2026-01-01 00:05", "", "q"),
			head("c", "2026-01-02 00:00", "", "p"), head("d", "2026-01-02 00:06", "", "q")}, []string{"a b", "c d"}, nil},
		{"of projects in part the same", []NamedHead{head("a", "2026-01-01 00:00", "", "p"), head("b", "2026-01-01 00:05", "", "p", "q")}, []string{"a", "b"}, nil},
	} {
		runs, passed := Runs(test.heads)
		var got []string
		for _, r := range runs {
			got = append(got, strings.Join(r.Files(), " "))
		}
		if !slices.Equal(got, test.want) || !slices.Equal(passed, test.passed) {
			t.Errorf("%s: got %q and passed over %q, want %q and %q", test.name, got, passed, test.want, test.passed)
		}
	}
}

// TestHistoryListsTheWorst lists no more than so many findings, and of them the worst.
func TestHistoryListsTheWorst(t *testing.T) {
	var all []audit.Finding
	for i := range 200 {
		all = worst(all, audit.Finding{Rule: fmt.Sprint(i), Severity: audit.Severity(1 + i%4)})
	}
	if len(all) != mostListed {
		t.Fatalf("%d are listed", len(all))
	}
	for i, f := range all {
		if f.Severity != audit.Critical || f.Rule != fmt.Sprint(3+4*i) {
			t.Errorf("at %d is %s of %s", i, f.Rule, f.Severity)
		}
	}
}
