package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// repositoryFile reads a file at the top of the repository.
func repositoryFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBuildsAgree holds the ways to build what is shipped against each other: one
// program, whether it comes as an archive or in an image, and whoever builds that.
func TestBuildsAgree(t *testing.T) {
	type build struct {
		Main                string
		Env, Flags, Ldflags []string
	}
	var release struct {
		Builds []struct {
			build  `yaml:",inline"`
			GOOS   []string `yaml:"goos"`
			GOARCH []string `yaml:"goarch"`
		}
		Archives []struct{ Files []struct{ Src string } }
		Kos      []struct {
			Image     string `yaml:"base_image"`
			User      string
			Labels    map[string]string
			Platforms []string
		}
	}
	var ko struct {
		Image  string `yaml:"defaultBaseImage"`
		Builds []build
	}
	for name, into := range map[string]any{".goreleaser.yaml": &release, ".ko.yaml": &ko} {
		if err := yaml.Unmarshal([]byte(repositoryFile(t, name)), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	docker := repositoryFile(t, "Dockerfile")
	want := build{"./cmd/gkeaudit", []string{"CGO_ENABLED=0"}, []string{"-trimpath"}, []string{"-s -w"}}
	if len(release.Builds) != 1 || len(ko.Builds) != 1 || len(release.Kos) != 1 {
		t.Fatalf("there are %d, %d builds and %d images, want one each", len(release.Builds), len(ko.Builds), len(release.Kos))
	}
	if diff := cmp.Diff(want, release.Builds[0].build); diff != "" {
		t.Errorf(".goreleaser.yaml builds otherwise:\n%s", diff)
	}
	if diff := cmp.Diff(want, ko.Builds[0]); diff != "" {
		t.Errorf(".ko.yaml builds otherwise:\n%s", diff)
	}
	if run := "\nRUN " + want.Env[0] + " go build " + want.Flags[0] + ` -ldflags="` + want.Ldflags[0] + `" -o gkeaudit ` + want.Main + "\n"; !strings.Contains(docker, run) {
		t.Errorf("the Dockerfile does not build by%s", run)
	}
	if diff := cmp.Diff([]string{"linux", "darwin", "windows"}, release.Builds[0].GOOS); diff != "" {
		t.Errorf("systems:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"amd64", "arm64"}, release.Builds[0].GOARCH); diff != "" {
		t.Errorf("processors:\n%s", diff)
	}
	image := release.Kos[0]
	if image.Image != ko.Image {
		t.Errorf("images are based on %s and %s", image.Image, ko.Image)
	}
	if !strings.Contains(docker, "\nUSER "+image.User+"\n") {
		t.Errorf("the Dockerfile has another user than %s", image.User)
	}
	labels := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^LABEL ([a-z.]+)="(.*)"$`).FindAllStringSubmatch(docker, -1) {
		labels[m[1]] = m[2]
	}
	for _, name := range []string{"title", "description", "licenses"} {
		name = "org.opencontainers.image." + name
		if labels[name] == "" || image.Labels[name] != labels[name] {
			t.Errorf("label %s is %q and %q", name, labels[name], image.Labels[name])
		}
	}
	for _, f := range release.Archives[0].Files {
		if strings.HasPrefix(f.Src, ".release/") { // what .ci/release-files writes
			continue
		}
		repositoryFile(t, f.Src)
	}
}

// TestDockerignore keeps files that git knows in what images are built from: without
// one of them Go would record that there were changes.
func TestDockerignore(t *testing.T) {
	var want []string
	for line := range strings.Lines(repositoryFile(t, ".gitignore")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "/") {
			line = "**/" + line // a name in any folder, which Docker has to be told
		}
		want = append(want, line)
	}
	var got []string
	for line := range strings.Lines(repositoryFile(t, ".dockerignore")) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf(".dockerignore does not ignore what .gitignore does (-want +got):\n%s", diff)
	}
}

// TestGoOfImage keeps the image from being built by a Go that go.mod refuses, and from one
// that is not said exactly, so that a build can be repeated.
func TestGoOfImage(t *testing.T) {
	from := regexp.MustCompile(`(?m)^FROM golang:(1\.\d+)\.\d+ AS build$`).FindStringSubmatch(repositoryFile(t, "Dockerfile"))
	mod := regexp.MustCompile(`(?m)^go (1\.\d+)\.\d+$`).FindStringSubmatch(repositoryFile(t, "go.mod"))
	if from == nil || mod == nil || from[1] != mod[1] {
		t.Errorf("the image is built by Go %q, and go.mod asks for %q", from, mod)
	}
}

// TestDependencies compares the table in CONTRIBUTING.md with go.mod, and what it says
// is in the binary with what is imported.
func TestDependencies(t *testing.T) {
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\s*([a-z][^\s()]*/\S+) v\S+$`).FindAllStringSubmatch(repositoryFile(t, "go.mod"), -1) {
		want = append(want, m[1])
	}
	var imported []string
	for _, folder := range []string{"audit", "audit/rules", "cmd/gkeaudit", "gcp", "report"} {
		for _, imports := range importsOf(t, folder) {
			imported = append(imported, imports...)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (yes|no) \\| \\S.* \\|$").FindAllStringSubmatch(repositoryFile(t, "CONTRIBUTING.md"), -1) {
		got = append(got, m[1])
		inBinary := slices.ContainsFunc(imported, func(p string) bool { return p == m[1] || strings.HasPrefix(p, m[1]+"/") })
		if inBinary != (m[2] == "yes") {
			t.Errorf("CONTRIBUTING.md says whether %s is in the binary: %s, and that is %v", m[1], m[2], inBinary)
		}
	}
	if len(want) == 0 {
		t.Error("go.mod requires nothing, and that cannot be")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("CONTRIBUTING.md does not list what go.mod requires (-go.mod +table):\n%s", diff)
	}
}

// TestChangelog keeps the form that tools read, with what is not released yet on top.
func TestChangelog(t *testing.T) {
	heading := regexp.MustCompile(`^(# Changelog|## \[Unreleased\]|## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d|### (Added|Changed|Deprecated|Removed|Fixed|Security))$`)
	var headings []string
	for line := range strings.Lines(repositoryFile(t, "CHANGELOG.md")) {
		if strings.HasPrefix(line, "#") {
			headings = append(headings, strings.TrimSpace(line))
			if !heading.MatchString(strings.TrimSpace(line)) {
				t.Errorf("a heading of another form: %s", line)
			}
		}
	}
	if len(headings) < 2 || headings[1] != "## [Unreleased]" {
		t.Errorf("the first headings are %q, want Unreleased on top", headings)
	}
}

// TestLicense holds the licence against what labels say of it.
func TestLicense(t *testing.T) {
	license := repositoryFile(t, "LICENSE")
	for _, want := range []string{"Apache License\n", "Version 2.0, January 2004", "END OF TERMS AND CONDITIONS", "Copyright 2026 The gkeaudit authors"} {
		if !strings.Contains(license, want) {
			t.Errorf("LICENSE has no %q", want)
		}
	}
	if n := strings.Count(license, "\n"); n < 190 {
		t.Errorf("LICENSE has %d lines, so it is not whole", n)
	}
}
