package report_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/tools/txtar"
)

// TestReplacements runs what a report gives to paste with a stand-in for gcloud: the calls are
// those that are written down, and the same from Markdown and from HTML.
func TestReplacements(t *testing.T) {
	const name = "../testdata/fixes/pools.txtar"
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := audit.ReadSnapshotStrict(bytes.NewReader(archive.Files[0].Data))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(rules.All, func(r *audit.Rule) bool { return r.ID == "node-secure-boot" })
	applied := []*audit.Rule{rules.All[i]}
	r := report.New(s, applied, audit.Judge(audit.NewInput(s), applied), report.Options{
		Version: "1.2.3", StartedAt: s.Time, Now: func() time.Time { return s.Time },
	})

	var markdown, page bytes.Buffer
	if err := r.WriteMarkdown(&markdown, report.MarkdownOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)\n```$").FindAllStringSubmatch(markdown.String(), -1) {
		blocks = append(blocks, m[1])
	}
	calls := created(t, blocks)
	if diff := cmp.Diff(calls, created(t, pasteable(t, page.Bytes()))); diff != "" {
		t.Errorf("what is pasted from HTML differs (-Markdown +HTML):\n%s", diff)
	}
	var left strings.Builder
	for _, p := range r.Replacements {
		fmt.Fprintf(&left, "%s: %s\n", audit.LastSegment(p.NodePool), strings.Join(p.LeftOut, " "))
	}
	for i, got := range []string{strings.Join(calls, "\n\n") + "\n", left.String()} {
		want := &archive.Files[1+i]
		if diff := cmp.Diff(string(want.Data), got); diff != "" {
			t.Errorf("%s differ (-want +got):\n%s", want.Name, diff)
		}
		want.Data = []byte(got)
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pasteable are the blocks of a page that are to be copied.
func pasteable(t *testing.T, page []byte) []string {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "pre" {
			var b strings.Builder
			for in := range n.Descendants() {
				if in.Type == html.TextNode {
					b.WriteString(in.Data)
				}
			}
			all = append(all, b.String())
		}
	}
	return all
}

// created are the calls of gcloud that create node pools, each once.
func created(t *testing.T, blocks []string) []string {
	t.Helper()
	var calls []string
	for _, block := range blocks {
		if !strings.HasPrefix(block, "gcloud container node-pools create ") || strings.Contains(block, " NEW_NODE_POOL ") {
			continue
		}
		cmd := exec.Command("bash", "-c", `gcloud() { printf '%s\0' "$@" >>calls; }`+"\n"+block)
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%v: %s\n%s", err, out, block)
		}
		noted, err := os.ReadFile(filepath.Join(cmd.Dir, "calls"))
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(cmd.Dir); err != nil || len(entries) != 1 {
			t.Errorf("it did more than to call gcloud: %v %v\n%s", entries, err, block)
		}
		var lines []string
		for arg := range strings.SplitSeq(strings.TrimSuffix(string(noted), "\x00"), "\x00") {
			lines = append(lines, fmt.Sprintf("%q", arg))
		}
		calls = append(calls, strings.Join(lines, "\n"))
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// TestReadReplacements refuses files whose replacements are not what commands may be made of.
func TestReadReplacements(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{`"newName":"private-pool-2"`, `"newName":"private-pool-2;id"`},
		{`"newName":"private-pool-2"`, `"newName":""`},
		{`"--enable-autorepair"`, `"--enable-autorepair\n"`},
		{`"--enable-autorepair"`, `"--enable-autorepair;id"`},
		{`"--enable-autorepair"`, `"id"`},
		{`{"nodePool":"projects/shop-prod/`, `{"nodePool":"projects/other/`},
	} {
		r := load(t, "../cmd/gkeaudit/demo.json")
		var b bytes.Buffer
		if err := r.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		changed := bytes.Replace(b.Bytes(), []byte(c.from), []byte(c.to), 1)
		if bytes.Equal(changed, b.Bytes()) {
			t.Fatalf("the report has no %s", c.from)
		}
		if _, err := report.Read(bytes.NewReader(changed)); err == nil || !strings.Contains(err.Error(), "replacements[") {
			t.Errorf("%s was read: %v", c.to, err)
		}
	}
}
