package main

import (
	"os"
	"path/filepath"
	"testing"

	"gkeaudit/report"
)

// TestStalePages removes the pages that an earlier report of the same name had, where the
// new one is small enough for one page, and nothing else.
func TestStalePages(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "review.projects")
	stale, other := filepath.Join(folder, "shop-prod.0123456789ab.html"), filepath.Join(folder, "notes.html")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{stale, other} {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"review.html", "alone.html"} {
		if err := (&program{}).putPages(&report.Report{}, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("the old page is still there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}
