package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gkeaudit/gcp"
	"gkeaudit/report"
)

// putPages writes a report in HTML: one file, or an index and a folder beside it that has
// a page for each project. The index is written last, and not at all where a page is
// missing, so that what it leads to is there.
func (p *program) putPages(r *report.Report, name string) error {
	pages := r.Pages(lastName(name), report.MostOnPage)
	folder := besideOf(name, report.PagesFolder(lastName(name)))
	if len(pages) > 1 && !gcp.IsObject(name) {
		if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("a report of %d clusters is several HTML files, and %s is no place for them: use a regular file", len(r.Clusters), name)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return withoutOp(err)
		}
	}
	written := map[string]bool{}
	for _, page := range pages {
		file := name
		if page.Path != "" {
			file = besideOf(name, page.Path)
			written[path.Base(page.Path)] = true
		}
		if err := p.put(file, 0o644, page.Write); err != nil {
			return err
		}
	}
	if gcp.IsObject(name) {
		return nil
	}
	if info, err := os.Lstat(folder); len(pages) == 1 && (err != nil || !info.IsDir()) {
		return nil // there was never more than one page
	}
	return removeStale(folder, written)
}

// lastName is the name of a file or an object without what stands before it.
func lastName(name string) string {
	if gcp.IsObject(name) {
		return path.Base(name)
	}
	return filepath.Base(name)
}

// besideOf names a file beside another, by a path with slashes.
func besideOf(name, beside string) string {
	if gcp.IsObject(name) {
		return strings.TrimSuffix(name, path.Base(name)) + beside
	}
	return filepath.Join(filepath.Dir(name), filepath.FromSlash(beside))
}

// removeStale removes pages of projects that an earlier report had and this one has not.
// Nothing leads to them any more. Files of other names stay.
func removeStale(folder string, written map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return withoutOp(err)
	}
	var errs []error
	for _, e := range entries {
		if e.Type().IsRegular() && report.IsProjectPage(e.Name()) && !written[e.Name()] {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, withoutOp(err))
			}
		}
	}
	return errors.Join(errs...)
}
