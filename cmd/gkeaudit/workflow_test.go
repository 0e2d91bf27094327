package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ownWorkflow is one of those that this repository runs, as far as tests look at it.
type ownWorkflow struct {
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []struct {
			Name, Uses, Run string
			With            map[string]string
		}
	}
}

// ownWorkflows reads them, by the names of their files.
func ownWorkflows(t *testing.T) map[string]ownWorkflow {
	t.Helper()
	names, err := filepath.Glob("../../.github/workflows/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no workflows: %v", err)
	}
	workflows := map[string]ownWorkflow{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var w ownWorkflow
		if err := yaml.Unmarshal(text, &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		workflows[filepath.Base(name)] = w
	}
	return workflows
}

// TestOwnWorkflows sees that the workflows of this repository may do no more than they
// need, take what others made by its commit or version, and build with the image's Go.
func TestOwnWorkflows(t *testing.T) {
	may := map[string]string{"ci.yaml": "contents: read", "release.yaml": "contents: write, id-token: write, packages: write"}
	action := regexp.MustCompile(`^actions/(checkout|setup-go)@[0-9a-f]{40}$`)
	install := regexp.MustCompile(`go (?:install|run) (\S+)`)
	version := regexp.MustCompile(`^\S+@v\d+\.\d+\.\d+$`)
	image := regexp.MustCompile(`(?m)^FROM golang:(\S+) `).FindStringSubmatch(repositoryFile(t, "Dockerfile"))
	workflows := ownWorkflows(t)
	if len(workflows) != len(may) {
		t.Errorf("there are %d workflows, want %d", len(workflows), len(may))
	}
	for name, w := range workflows {
		if w.Permissions == nil || len(w.Permissions) > 0 || len(w.Jobs) != 1 {
			t.Errorf("%s has permissions %v beside those of its %d jobs", name, w.Permissions, len(w.Jobs))
		}
		for _, job := range w.Jobs {
			var permissions []string
			for _, scope := range []string{"contents", "id-token", "packages"} {
				if access := job.Permissions[scope]; access != "" {
					permissions = append(permissions, scope+": "+access)
				}
			}
			if got := strings.Join(permissions, ", "); got != may[name] || len(permissions) != len(job.Permissions) {
				t.Errorf("%s may %v, want %s", name, job.Permissions, may[name])
			}
			for _, step := range job.Steps {
				if step.Run == "" && !action.MatchString(step.Uses) {
					t.Errorf("%s uses %q", name, step.Uses)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
					t.Errorf("%s leaves credentials in the checkout", name)
				}
				if strings.HasPrefix(step.Uses, "actions/setup-go@") && (image == nil || step.With["go-version"] != image[1] || step.With["cache"] != "false") {
					t.Errorf("%s takes Go %v, and the image is built by %v", name, step.With, image)
				}
				for _, tool := range install.FindAllStringSubmatch(step.Run, -1) {
					if !version.MatchString(tool[1]) {
						t.Errorf("%s installs %s, which has no version", name, tool[1])
					}
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s puts what GitHub says into a command, where it would be run: %s", name, step.Run)
				}
			}
		}
	}
}

// TestSignatures holds the identity that readers are told to ask of a signature against
// the workflow that signs.
func TestSignatures(t *testing.T) {
	page := repositoryFile(t, "SECURITY.md")
	const identity = `--certificate-identity="https://github.com/$REPOSITORY/.github/workflows/release.yaml@refs/tags/$TAG"`
	if got := strings.Count(page, identity); got != 2 || strings.Count(page, "--certificate-identity") != 2 {
		t.Errorf("SECURITY.md asks %d times for %s, want that twice and nothing else", got, identity)
	}
	if _, ok := ownWorkflows(t)["release.yaml"]; !ok {
		t.Error("there is no workflow release.yaml")
	}
	if release := repositoryFile(t, ".github/workflows/release.yaml"); !strings.Contains(release, `tags: ["v*"]`) || !strings.Contains(release, `KO_DOCKER_REPO="ghcr.io/${GITHUB_REPOSITORY,,}"`) {
		t.Errorf("release.yaml does not release tags, or has its images elsewhere:\n%s", release)
	}
}

// TestReleaseNotes runs the step that takes a release's notes from the changelog.
func TestReleaseNotes(t *testing.T) {
	var run string
	for _, job := range ownWorkflows(t)["release.yaml"].Jobs {
		for _, step := range job.Steps {
			if strings.Contains(step.Run, "CHANGELOG.md") {
				run = step.Run
			}
		}
	}
	dir := t.TempDir()
	changelog := "# Changelog\n\n## [Unreleased]\n\n- C\n\n## [1.10.0] - 2027-02-01\n\n### Added\n\n- B\n\n## [1.1.0] - 2027-01-01\n\n- A\n"
	if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(changelog), 0o666); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{
		"v1.10.0":      "### Added\n\n- B",
		"v1.1.0":       "- A",
		"v1.11.0-rc.1": "- C",
		"v1.1":         "CHANGELOG.md says nothing of 1.1",
		"v1.12.0":      "CHANGELOG.md says nothing of 1.12.0",
	} {
		cmd := exec.Command("bash", "-eo", "pipefail", "-c", run)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "GITHUB_REF_NAME=" + tag, "RUNNER_TEMP=" + dir}
		out, err := cmd.CombinedOutput()
		got := string(out)
		if err == nil {
			notes, err := os.ReadFile(filepath.Join(dir, "notes.md"))
			if err != nil {
				t.Fatal(err)
			}
			got = string(notes)
		}
		if strings.TrimSpace(got) != want || (err != nil) != strings.HasPrefix(want, "CHANGELOG.md says") {
			t.Errorf("%s: %v, %q, want %q", tag, err, got, want)
		}
	}
}

// TestGcloudignore keeps .git, which the version is taken from, in what Cloud Build is handed.
func TestGcloudignore(t *testing.T) {
	var patterns []string
	for line := range strings.Lines(repositoryFile(t, ".gcloudignore")) {
		// gcloud reads this one of the comments.
		if line = strings.TrimSpace(line); line != "" && (!strings.HasPrefix(line, "#") || strings.HasPrefix(line, "#!")) {
			patterns = append(patterns, line)
		}
	}
	if got := strings.Join(patterns, " "); got != "#!include:.gitignore" {
		t.Errorf(".gcloudignore leaves out %s", got)
	}
	if regexp.MustCompile(`(?m)^/?\.git`).MatchString(repositoryFile(t, ".gitignore")) {
		t.Error(".gitignore would keep a part of git from Cloud Build")
	}
}
