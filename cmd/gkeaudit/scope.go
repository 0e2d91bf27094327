package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/gcp"

	"github.com/spf13/pflag"
)

// scopeFlags name the projects to audit.
type scopeFlags struct {
	organizations, folders, projects []string
	excludeProjects, excludeFolders  []string
	discovery                        string
}

func (f *scopeFlags) define(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.organizations, "organization", nil, "audit the projects of the organization with this `number`; repeatable")
	flags.StringArrayVar(&f.folders, "folder", nil, "audit the projects of the folder with this `number`, and of the folders in it; repeatable")
	flags.StringArrayVar(&f.projects, "project", nil, "audit the project with this `ID` or number, or with @FILE those that a file lists, one on a line; repeatable")
	flags.StringArrayVar(&f.excludeProjects, "exclude-project", nil, "leave out projects whose ID or number fits this `glob`, such as 'sandbox-*'; repeatable")
	flags.StringArrayVar(&f.excludeFolders, "exclude-folder", nil, "leave out folders whose number fits this `glob`, with all that is in them; repeatable")
	flags.StringVar(&f.discovery, "discovery", gcp.DiscoverAuto, "the `way` to find projects: auto, asset (Cloud Asset Inventory), resource-manager; auto is asset, and resource-manager where that is refused")
}

// scopeFlagNames are the flags whose values cannot be completed from a list.
var scopeFlagNames = []string{"organization", "folder", "exclude-project", "exclude-folder"}

// named reports whether the flags name anything to audit.
func (f *scopeFlags) named() bool { return f.searches() || len(f.projects) > 0 }

// searches reports whether projects are to be found.
func (f *scopeFlags) searches() bool { return len(f.organizations)+len(f.folders) > 0 }

func (f *scopeFlags) scope() audit.Scope {
	return audit.Scope{
		Organizations:   f.organizations,
		Folders:         f.folders,
		Projects:        f.projects,
		ExcludeProjects: f.excludeProjects,
		ExcludeFolders:  f.excludeFolders,
	}
}

// checkScope brings the flags into one form, reads the files that they name, and refuses
// what makes no sense. Saved is whether a snapshot is audited.
func (p *program) checkScope(ctx context.Context, f *scanFlags, saved bool) error {
	var err error
	if f.organizations, err = numbers("organization", f.organizations); err != nil {
		return err
	}
	if f.folders, err = numbers("folder", f.folders); err != nil {
		return err
	}
	if f.projects, err = p.projectList(ctx, f); err != nil {
		return err
	}
	for i, glob := range f.excludeFolders {
		f.excludeFolders[i] = strings.TrimPrefix(glob, "folders/")
		if !folderGlob.MatchString(f.excludeFolders[i]) {
			return refuse("Folders are excluded by their numbers: gcloud resource-manager folders list", "--exclude-folder %q fits no folder's number", glob)
		}
	}
	for i, glob := range f.excludeProjects {
		f.excludeProjects[i] = strings.TrimPrefix(glob, "projects/")
		if !projectGlob.MatchString(f.excludeProjects[i]) {
			return refuse(globHint, "--exclude-project %q fits no project's ID or number", glob)
		}
		if strings.Trim(glob, "*") == "" {
			return refuse("", "--exclude-project %s leaves no project", glob)
		}
	}
	for _, glob := range slices.Concat(f.excludeProjects, f.excludeFolders) {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return refuse(globHint, "%q is not a glob", glob)
		}
	}
	switch {
	case !slices.Contains(gcp.Discoveries, f.discovery):
		return refuse("Ways are "+strings.Join(gcp.Discoveries, ", ")+".", "--discovery: there is no way %q%s", f.discovery, didYouMean(f.discovery, gcp.Discoveries))
	case saved && (f.searches() || len(f.excludeProjects)+len(f.excludeFolders) > 0 || f.discovery != gcp.DiscoverAuto):
		return refuse("", "--organization, --folder, --exclude-project, --exclude-folder and --discovery go with neither --demo nor --snapshot: only live projects can be found with them")
	case f.discovery != gcp.DiscoverAuto && !f.searches():
		return refuse("", "--discovery is of no use without --organization or --folder: nothing is looked for")
	case len(f.excludeFolders) > 0 && !f.searches():
		return refuse("", "--exclude-folder is of no use without --organization or --folder: no folder is looked into")
	case len(f.excludeProjects) > 0 && !f.named():
		return refuse("", "--exclude-project is of no use without --organization, --folder or --project")
	}
	for _, folder := range f.folders {
		if glob := fitting(f.excludeFolders, folder); glob != "" {
			return refuse("", "--folder %s is excluded by --exclude-folder %s", folder, glob)
		}
	}
	if len(f.projects) > 0 && !f.searches() && !slices.ContainsFunc(f.projects, func(id string) bool { return fitting(f.excludeProjects, id) == "" }) {
		return refuse("", "--exclude-project leaves no project")
	}
	return nil
}

const globHint = "In a glob, * stands for any characters, ? for one, [a-z] for one of a range, [^a-z] for one outside."

var (
	number      = regexp.MustCompile(`^[0-9]+$`)
	folderGlob  = regexp.MustCompile(`^[0-9*?^\[\]-]+$`)
	projectGlob = regexp.MustCompile(`^[a-z0-9.:*?^\[\]-]+$`)
)

// fitting returns the first glob that fits a name, or "".
func fitting(globs []string, name string) string {
	for _, glob := range globs {
		if ok, _ := path.Match(glob, name); ok {
			return glob
		}
	}
	return ""
}

// numbers takes the numbers of organizations or folders, each once; organizations/1 is
// the number 1.
func numbers(kind string, values []string) ([]string, error) {
	hints := map[string]string{
		"organization": "An organization has a number: gcloud organizations list",
		"folder":       "A folder has a number: gcloud resource-manager folders list --organization=NUMBER",
	}
	var all []string
	for _, value := range values {
		n := strings.TrimPrefix(value, kind+"s/")
		if !number.MatchString(n) {
			return nil, refuse(hints[kind], "--%s: %q is not the number of a%s", kind, value, map[string]string{"organization": "n organization", "folder": " folder"}[kind])
		}
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all, nil
}

// projectList checks projects, and puts those that a file lists in the place of @FILE.
// One error names all mistakes.
func (p *program) projectList(ctx context.Context, f *scanFlags) ([]string, error) {
	var all, mistakes []string
	hint := ""
	for _, value := range f.projects {
		file, isFile := strings.CutPrefix(value, "@")
		if isFile {
			listed, wrong, err := p.readProjects(ctx, f, file)
			if err != nil {
				return nil, err
			}
			all = append(all, listed...)
			mistakes = append(mistakes, wrong...)
			if wrong != nil {
				hint = "A file has one project ID on a line; a # begins a comment."
			}
			continue
		}
		all = append(all, value)
		if projectID.MatchString(value) {
			continue
		}
		if _, err := os.Stat(value); err == nil {
			mistakes = append(mistakes, fmt.Sprintf("%q is not a project ID; did you mean %q?", value, "@"+value))
			hint = cmp.Or(hint, "A file of projects is named with an @.")
			continue
		}
		mistakes = append(mistakes, fmt.Sprintf("%q is not a project ID%s", value, meant(value)))
		hint = cmp.Or(hint, projectHint)
	}
	if mistakes == nil {
		return all, nil
	}
	const most = 10
	if n := len(mistakes) - most; n > 0 {
		mistakes = append(mistakes[:most], fmt.Sprintf("and %d more", n))
	}
	return nil, refuse(strings.Join(append(mistakes[1:], hint), "\n"), "%s", mistakes[0])
}

// readProjects reads a file or an object that lists projects, one on a line. Blank lines and what follows
// a # are passed over. It returns the mistakes beside the projects.
func (p *program) readProjects(ctx context.Context, f *scanFlags, file string) (ids, mistakes []string, err error) {
	if file == "" {
		return nil, nil, refuse("", "--project=@ names no file")
	}
	if err := p.openStorage(ctx, f, p.logger(p.defaultLogFormat(), f.quiet), []string{file}); err != nil {
		return nil, nil, err
	}
	var text []byte
	if err := p.read(ctx, file, func(r io.Reader) (err error) {
		text, err = io.ReadAll(r)
		return err
	}); err != nil {
		return nil, nil, refuse(readHint(ctx, err, "Such a file lists projects, one on a line: gcloud projects list --format='value(projectId)' > FILE"), "reading the projects: %w", err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		id := strings.TrimSpace(line)
		switch {
		case id == "":
		case projectID.MatchString(id):
			ids = append(ids, id)
		default:
			mistakes = append(mistakes, fmt.Sprintf("%s:%d: %.60q is not a project ID%s", file, n, id, meant(id)))
		}
	}
	if ids == nil && mistakes == nil {
		return nil, nil, refuse("", "%s names no project", file)
	}
	return ids, mistakes, nil
}

// meant asks for the project ID that is nearest to what was typed, if one is near.
func meant(id string) string {
	near := strings.ToLower(strings.TrimPrefix(id, "projects/"))
	near = strings.Trim(strings.ReplaceAll(near, "_", "-"), `"',;.- `)
	if near == id || !projectID.MatchString(near) {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}
