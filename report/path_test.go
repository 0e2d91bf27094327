package report_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/tools/txtar"
)

// TestReadPaths reads reports with one thing wrong in their pictures.
func TestReadPaths(t *testing.T) {
	const till, lake = `"projects/shop-prod/locations/europe-west1-b/clusters/till"`, `"projects/shop-data/locations/europe-west4/clusters/lake"`
	text := string(write(t, load(t, filepath.Join(folder, "review.json")), ".report.json"))
	for _, test := range []struct{ from, to, want string }{
		{`"state":"exposing"`, `"later":[],"state":"exposing"`, ""}, // a field of a later version
		{`"state":"exposing"`, `"state":"fine"`, `ways[0]: there is no state "fine"`},
		{`"state":"exposing"`, `"stale":"exposing"`, `ways[0]: there is no state ""`},
		{`"word":"nodes have external addresses"`, `"word":""`, `ways[0] does not say why`},
		{`"kind":"internet"`, `"kind":"moon"`, `no known kind`},
		{`{"id":"internet"`, `{"id":"control-plane"`, `has no ID or one that is there twice`},
		{`"from":"internet"`, `"from":"moon"`, `there is no node "moon"`},
		{`"to":"control-plane"`, `"to":""`, `there is no node ""`},
		{`"via":["`, `"via":["x","`, `there is no node "x"`},
		{`"least":1,`, `"least":7,`, `a count that is none`},
		{`{"clusters":[` + till, `{"clusters":["projects/shop-prod/locations/europe-west1-b/clusters/other"`, `is not in the report`},
		{`{"clusters":[` + till, `{"clusters":[` + till + `,` + till, `is drawn twice`},
		{`{"clusters":[` + till, `{"clusters":[` + lake + `,` + till, `is out of order`},
		{`{"clusters":[` + till, `{"clusters":[`, `has no cluster`},
		{`"networkPaths": [`, `"networkPaths": {}, "others": [`, `networkPaths: it is not a list`},
	} {
		if !strings.Contains(text, test.from) {
			t.Fatalf("the report has no %s", test.from)
		}
		_, err := report.Read(strings.NewReader(strings.Replace(text, test.from, test.to, 1)))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("with %s: got error %v, want %q", test.to, err, test.want)
		}
	}

	r := *load(t, filepath.Join(folder, "review.json"))
	same := r.NetworkPaths[0]
	same.Clusters = r.NetworkPaths[1].Clusters
	r.NetworkPaths = []audit.NetworkPath{r.NetworkPaths[0], same}
	if _, err := report.Read(bytes.NewReader(write(t, &r, ".report.json"))); err == nil || !strings.Contains(err.Error(), "two pictures that say the same") {
		t.Errorf("with a picture in two parts: got error %v", err)
	}
	r.NetworkPaths = nil // as earlier versions wrote reports
	back, err := report.Read(bytes.NewReader(write(t, &r, ".report.json")))
	if err != nil {
		t.Fatal(err)
	}
	for _, extension := range []string{".html", ".md"} {
		if bytes.Contains(write(t, back, extension), []byte("Network paths")) {
			t.Errorf("%s has a section on network paths, and there are none", extension)
		}
	}
}

// TestPictures looks at every picture of a page: it has a name and a description that it
// points to, and as many labels as ways.
func TestPictures(t *testing.T) {
	each(t, func(t *testing.T, name string, r *report.Report) { testPictures(t, r) })
}

// TestPicturesOfCases does so with the snapshots that show each kind of way.
func TestPicturesOfCases(t *testing.T) {
	files, err := filepath.Glob("../testdata/paths/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if strings.HasSuffix(f.Name, ".json") {
				t.Run(f.Name, func(t *testing.T) {
					name := filepath.Join(t.TempDir(), f.Name)
					if err := os.WriteFile(name, f.Data, 0o644); err != nil {
						t.Fatal(err)
					}
					testPictures(t, load(t, name))
				})
			}
		}
	}
}

func testPictures(t *testing.T, r *report.Report) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(write(t, r, ".html")))
	if err != nil {
		t.Fatal(err)
	}
	pictures, ways, labels, words := 0, 0, 0, 0
	for _, p := range r.NetworkPaths {
		ways += len(p.Ways)
	}
	ids := map[string]string{}
	for n := range doc.Descendants() {
		if id := attribute(n, "id"); id != "" {
			ids[id] = n.Data
		}
	}
	for n := range doc.Descendants() {
		class := attribute(n, "class")
		switch {
		case n.Data == "svg" && class == "network":
			pictures++
			title, desc, _ := strings.Cut(attribute(n, "aria-labelledby"), " ")
			if attribute(n, "role") != "img" || ids[title] != "title" || ids[desc] != "desc" {
				t.Errorf("a picture has role %q and is labelled by a %q and a %q", attribute(n, "role"), ids[title], ids[desc])
			}
			if in := n.Parent; attribute(in, "tabindex") != "0" || attribute(in, "aria-label") == "" {
				t.Error("a picture that is scrolled cannot be reached by the keyboard")
			}
			testGeometry(t, n)
		case n.Data == "g" && strings.HasPrefix(class, "label "):
			labels++
		case n.Data == "b" && strings.HasPrefix(class, "state ") && slices.ContainsFunc(slices.Collect(n.Ancestors()), isPath):
			words++
		}
	}
	if pictures != len(r.NetworkPaths) || labels != ways || words != ways {
		t.Errorf("%d pictures, %d labels and %d sentences; want %d pictures of %d ways", pictures, labels, words, len(r.NetworkPaths), ways)
	}
}

func isPath(n *html.Node) bool { return n.Data == "article" && attribute(n, "class") == "path" }

// testGeometry checks that boxes and labels lie within their picture and not on each other,
// and that each has room for its lines.
func testGeometry(t *testing.T, picture *html.Node) {
	t.Helper()
	number := func(n *html.Node, key string) int {
		i, err := strconv.Atoi(attribute(n, key))
		if err != nil {
			t.Errorf("%s of a %s: %v", key, n.Data, err)
		}
		return i
	}
	var width, height int
	if _, err := fmt.Sscanf(attribute(picture, "viewBox"), "0 0 %d %d", &width, &height); err != nil {
		t.Fatal(err)
	}
	var all []image.Rectangle
	for n := range picture.Descendants() {
		if n.Data != "rect" || attribute(n, "class") == "zone" {
			continue
		}
		r := image.Rect(0, 0, number(n, "width"), number(n, "height")).Add(image.Pt(number(n, "x"), number(n, "y")))
		if !r.In(image.Rect(0, 0, width, height)) {
			t.Errorf("a box at %v is not within %d and %d", r, width, height)
		}
		for _, other := range all {
			if r.Overlaps(other) {
				t.Errorf("boxes at %v and %v overlap", r, other)
			}
		}
		all = append(all, r)
		for text := range n.NextSibling.Descendants() {
			if text.Data == "text" && (number(text, "y") > r.Dy()-4 || number(text, "y") < 12) {
				t.Errorf("the text at %s is not within a box of height %d", attribute(text, "y"), r.Dy())
			}
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestPathsInAnyOrder adds the pictures of a report to others in any order.
func TestPathsInAnyOrder(t *testing.T) {
	paths := load(t, "../cmd/gkeaudit/demo.json").NetworkPaths
	again := func(name string) []audit.NetworkPath { // the same shapes of other clusters
		var others []audit.NetworkPath
		for _, p := range paths {
			p.Clusters = []string{p.Clusters[0] + name}
			p.Nodes = append([]audit.PathNode{}, p.Nodes...)
			for i := range p.Nodes {
				if p.Nodes[i].Kind == audit.PathSubnet {
					p.Nodes[i].Name += name
				}
			}
			others = append(others, p)
		}
		return others
	}
	lists := [][]audit.NetworkPath{paths, again("-a"), again("-b")}
	var first []audit.NetworkPath
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		var all audit.NetworkPaths
		for _, i := range order {
			for _, p := range lists[i] {
				all.Add(p)
			}
		}
		if got := all.All(); first == nil {
			first = got
		} else if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("in the order %v pictures differ (-first +this):\n%s", order, diff)
		}
	}
	if len(first) != len(paths) {
		t.Errorf("%d pictures of three times %d", len(first), len(paths))
	}
	for _, n := range first[0].Nodes {
		if n.Kind == audit.PathSubnet && n.Name != "" {
			t.Errorf("different subnetworks are called %q", n.Name)
		}
	}
}
