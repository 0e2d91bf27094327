package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "rewrite golden files")

const folder = "../testdata/report"

// each runs a test on the report of every snapshot in the folder, with the waivers that
// lie beside it, NAME.waivers.json, compared with the earlier one beside it,
// NAME.then.json, if there are such, and on that of the sample estate.
func each(t *testing.T, test func(t *testing.T, name string, r *report.Report)) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../cmd/gkeaudit/demo.json")
	for _, file := range files {
		if strings.HasSuffix(file, ".report.json") || strings.HasSuffix(file, ".waivers.json") || strings.HasSuffix(file, ".then.json") {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			r := load(t, file)
			then := strings.TrimSuffix(file, ".json") + ".then.json"
			if _, err := os.Stat(then); err == nil {
				old := load(t, then)
				old.StartedAt = old.StartedAt.AddDate(0, -1, 0)
				r = r.Since(report.File{Name: "old|`<script>\x1b[31m[x](y) \u202e.json", Report: old})
			}
			test(t, name, r)
		})
	}
}

// eachPage is each, and runs the test on the report that follows an earlier review, too.
func eachPage(t *testing.T, test func(t *testing.T, name string, r *report.Report)) {
	each(t, test)
	t.Run("since", func(t *testing.T) { test(t, "since", since(load(t, filepath.Join(folder, "review.json")))) })
}

func load(t *testing.T, file string) *report.Report {
	t.Helper()
	r := judge(loadSnapshot(t, file))
	if waivers := loadWaivers(t, strings.TrimSuffix(file, ".json")+".waivers.json"); waivers != nil {
		var err error
		if r, err = r.Waiving(waivers); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func loadSnapshot(t *testing.T, file string) *audit.Snapshot {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := audit.ReadSnapshotStrict(f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judge makes the report of a snapshot on 2 November 2026.
func judge(s *audit.Snapshot) *report.Report {
	start := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	in := audit.NewInput(s)
	return report.New(s, rules.In("core"), audit.Judge(in, rules.In("core")), report.Options{
		Path:      rules.Paths(in, rules.In("core")),
		Version:   "1.2.3",
		StartedAt: start,
		Now:       func() time.Time { return start.Add(2 * time.Second) },
	})
}

// loadWaivers reads the waivers of a report; nil if it has none.
func loadWaivers(t *testing.T, file string) []report.Waiver {
	t.Helper()
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var waivers []report.Waiver
	if err := json.Unmarshal(text, &waivers); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return waivers
}

// formats are the golden files of each report.
var formats = map[string]func(r *report.Report, w io.Writer) error{
	".report.json": func(r *report.Report, w io.Writer) error { return r.WriteJSON(w) },
	".md":          func(r *report.Report, w io.Writer) error { return r.WriteMarkdown(w, report.MarkdownOptions{}) },
	".html":        func(r *report.Report, w io.Writer) error { return r.WriteHTML(w) },
	".sarif":       func(r *report.Report, w io.Writer) error { return r.WriteSARIF(w) },
	".xml":         func(r *report.Report, w io.Writer) error { return r.WriteJUnit(w) },
	".csv":         func(r *report.Report, w io.Writer) error { return r.WriteCSV(w) },
	".ocsf.jsonl":  func(r *report.Report, w io.Writer) error { return r.WriteOCSF(w) },
	".ndjson":      func(r *report.Report, w io.Writer) error { return r.WriteNDJSON(w) },
	".80.txt": func(r *report.Report, w io.Writer) error {
		return r.WriteTable(w, report.TableOptions{Width: 80})
	},
	".200.txt": func(r *report.Report, w io.Writer) error {
		return r.WriteTable(w, report.TableOptions{Width: 200, Verbose: true})
	},
	".color.txt": func(r *report.Report, w io.Writer) error {
		return r.WriteTable(w, report.TableOptions{Width: 100, Color: true})
	},
}

func write(t *testing.T, r *report.Report, extension string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := formats[extension](r, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	eachPage(t, func(t *testing.T, name string, r *report.Report) {
		if name == "demo" {
			return // judged by the other tests; it is there to be looked at
		}
		for extension := range formats {
			if name == "since" && extension != ".html" {
				continue
			}
			golden(t, filepath.Join(folder, name+extension), write(t, r, extension))
		}
	})
}

// golden compares what was written with a golden file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

func TestJSONFitsSchema(t *testing.T) {
	f, err := os.Open("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	document, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	// The published schema lets fields be added. The program must not add any
	// that it does not describe.
	forbidOthers(document)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("report.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, name string, r *report.Report) {
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, r, ".report.json")))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); err != nil {
			t.Error(err)
		}
	})
}

// forbidOthers forbids fields that a schema does not describe.
func forbidOthers(schema any) {
	switch node := schema.(type) {
	case map[string]any:
		if _, ok := node["properties"].(map[string]any); ok {
			node["additionalProperties"] = false
		}
		for _, child := range node {
			forbidOthers(child)
		}
	case []any:
		for _, child := range node {
			forbidOthers(child)
		}
	}
}

var ours = regexp.MustCompile("\x1b\\[[0-9;]*m") // the table's own colours

// TestNoControls looks for anything that a terminal might obey or that changes how
// text is read, in every format.
func TestNoControls(t *testing.T) {
	each(t, func(t *testing.T, name string, r *report.Report) {
		for extension := range formats {
			out := write(t, r, extension)
			if extension == ".color.txt" {
				out = ours.ReplaceAll(out, nil)
			}
			if extension == ".csv" {
				out = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
			}
			for i, c := range string(out) {
				if c != '\n' && dangerous(c) {
					t.Errorf("%s has %U at byte %d: %q", extension, c, i, around(out, i))
				}
			}
		}
	})
}

// dangerous reports whether a terminal might obey a character, or it changes how text is
// read.
func dangerous(c rune) bool {
	return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp)
}

// TestColorsChangeNothing takes the colours out of a coloured table: what is left is
// the table without.
func TestColorsChangeNothing(t *testing.T) {
	colors := regexp.MustCompile("\x1b\\[[0-9;]*m")
	each(t, func(t *testing.T, name string, r *report.Report) {
		var plain bytes.Buffer
		if err := r.WriteTable(&plain, report.TableOptions{Width: 100}); err != nil {
			t.Fatal(err)
		}
		colored := colors.ReplaceAllString(string(write(t, r, ".color.txt")), "")
		if diff := cmp.Diff(plain.String(), colored); diff != "" {
			t.Errorf("differs (-plain +coloured):\n%s", diff)
		}
	})
}

// TestHostileColors proves that a value cannot bring colours of its own: all of
// the escapes in a coloured table are those that the table writes.
func TestHostileColors(t *testing.T) {
	r := load(t, filepath.Join(folder, "hostile.json"))
	out := string(write(t, r, ".color.txt"))
	if n, m := strings.Count(out, "\x1b["), strings.Count(out, "\x1b[0m"); n != 2*m {
		t.Errorf("%d escapes begin and %d end colours", n-m, m)
	}
	if !strings.Contains(out, `\x1b[2J`) {
		t.Error("the hostile name is not shown")
	}
}

func around(b []byte, i int) []byte { return b[max(0, i-30):min(len(b), i+30)] }

// TestHTML reads the page as a browser does: nothing in it runs but its one script,
// nothing is fetched, its policy fits its style sheet and its script, IDs are unique, and
// each cluster, rule and finding that is open has its place.
func TestHTML(t *testing.T) {
	eachPage(t, func(t *testing.T, name string, r *report.Report) {
		doc, err := html.Parse(bytes.NewReader(write(t, r, ".html")))
		if err != nil {
			t.Fatal(err)
		}
		ids, style, script, policy := map[string]bool{}, "", "", ""
		var links []string
		var walk func(n *html.Node)
		walk = func(n *html.Node) {
			if n.Type == html.ElementNode {
				if !strings.Contains(" html head meta title style script body a header nav main footer section article p br h1 h2 h3 h4 dl dt dd div ul ol li b i small span bdi time code var pre table caption thead tbody tr th td details summary label input select option button svg symbol use path circle rect g text tspan desc ", " "+n.Data+" ") {
					t.Errorf("an element %s", n.Data)
				}
				switch n.Data {
				case "style":
					style = n.FirstChild.Data
				case "script":
					if script != "" {
						t.Error("a second script")
					}
					script = n.FirstChild.Data
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
					case a.Key == "href" && !strings.HasPrefix(a.Val, "https://docs.cloud.google.com/"):
						t.Errorf("a link to %s", a.Val)
					case a.Key == "src", a.Key == "srcset", a.Key == "style", strings.HasPrefix(a.Key, "on"):
						t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
					case a.Key == "content" && strings.HasPrefix(a.Val, "default-src"):
						policy = a.Val
					}
				}
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				walk(c)
			}
		}
		walk(doc)
		for _, c := range r.Clusters {
			if !ids[hashed("c", c.Name)] {
				t.Errorf("%s has no place", c.Name)
			}
		}
		for _, rule := range r.Rules {
			if !ids["rule-"+rule.ID] {
				t.Errorf("%s has no place", rule.ID)
			}
		}
		for f := range r.Findings.All() {
			if !ids["f"+f.ID()[:12]] {
				t.Errorf("finding %s, %s of %s, has no place", f.ID(), f.Rule, f.Resource)
			}
		}
		for _, link := range links {
			if !ids[link] {
				t.Errorf("#%s leads nowhere", link)
			}
		}
		hash := func(text string) string {
			sum := sha256.Sum256([]byte(text))
			return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		want := "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) + "; base-uri 'none'; form-action 'none'"
		if policy != want {
			t.Errorf("policy is %q, want %q", policy, want)
		}
	})
}

func hashed(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + hex.EncodeToString(sum[:5])
}

// TestFixNamesOnlyPlainNames proves that a command in a report holds no name that
// a shell might read as more than a word.
func TestFixNamesOnlyPlainNames(t *testing.T) {
	page := string(write(t, load(t, filepath.Join(folder, "hostile.json")), ".html"))
	for _, block := range regexp.MustCompile(`(?s)<pre><code>(.*?)</code>`).FindAllStringSubmatch(page, -1) {
		for _, bad := range []string{"reboot", "rm -rf", "alert", "everyone"} {
			if strings.Contains(block[1], bad) {
				t.Errorf("a command has %q:\n%s", bad, block[1])
			}
		}
	}
	page = string(write(t, load(t, filepath.Join(folder, "review.json")), ".html"))
	if !strings.Contains(page, "gcloud container node-pools update default-pool --cluster=till \\\n    --location=europe-west1-b --project=shop-prod --enable-private-nodes") {
		t.Error("the command that mends the node pool does not name it")
	}
}

// TestCatalogue compares the catalogue of rules with the rules.
func TestCatalogue(t *testing.T) {
	const file = "../audit/rules/README.md"
	var b bytes.Buffer
	if err := report.WriteCatalogue(&b, rules.All); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s is not what the rules say (-file +rules); go test ./report -update writes it:\n%s", file, diff)
	}
}

// TestIncompleteVerdict has gaps that are of no project in scope: the verdict still says what
// the audit lacks.
func TestIncompleteVerdict(t *testing.T) {
	s := loadSnapshot(t, "../testdata/report/good.json")
	s.Gaps = []audit.Gap{{Resource: "roles/editor", Operation: "iam.roles.get", Code: "UNAVAILABLE", Message: "no"}}
	const want = "; the audit is incomplete: 1 gap."
	if got := judge(s).Verdict(); !strings.HasSuffix(got, want) {
		t.Errorf("got verdict %q, want one that ends with %q", got, want)
	}
}
