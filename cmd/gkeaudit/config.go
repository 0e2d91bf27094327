package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/gcp"
	"gkeaudit/report"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// configName is the configuration file that is found in the working directory.
const configName = "gkeaudit.yaml"

//go:embed template.yaml
var configTemplate []byte

//go:embed gkeaudit.schema.json
var configSchema []byte

// A config is what a configuration file holds. All of it can be left out.
type config struct {
	Scope struct {
		Projects        []string `yaml:"projects"`
		Folders         []string `yaml:"folders"`
		Organizations   []string `yaml:"organizations"`
		ExcludeProjects []string `yaml:"excludeProjects"`
		ExcludeFolders  []string `yaml:"excludeFolders"`
		Discovery       string   `yaml:"discovery"`
		Locations       []string `yaml:"locations"`
		Clusters        []string `yaml:"clusters"`
	} `yaml:"scope"`

	Profile string `yaml:"profile"`
	Rules   struct {
		Enable  []string `yaml:"enable"`
		Disable []string `yaml:"disable"`
	} `yaml:"rules"`
	Severities map[string]string `yaml:"severities"`
	Parameters audit.Parameters  `yaml:"parameters"`

	Waivers  string `yaml:"waivers"`
	Baseline string `yaml:"baseline"`

	Outputs  []string `yaml:"outputs"`
	MaxBytes *uint64  `yaml:"maxBytes"`
	FailOn   string   `yaml:"failOn"`

	root *yaml.Node // of the file: where its values are
}

// parseConfig reads a configuration file. Its error is of type mistakes.
func parseConfig(name string, text []byte) (*config, error) {
	c := &config{Parameters: audit.DefaultParameters()}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	v := configChecker{name: name, root: new(yaml.Node)}
	var typeErr *yaml.TypeError
	if err := d.Decode(c); errors.As(err, &typeErr) {
		v.mistakes = yamlMistakes(name, text, err) // all else is decoded
	} else if err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlMistakes(name, text, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, mistakes{name + ": it holds more than one YAML document"}
	}
	if err := yaml.Unmarshal(text, v.root); err != nil {
		return nil, yamlMistakes(name, text, err)
	}
	v.settle()
	v.scalars(v.root, "")
	v.settle()
	v.config(c)
	c.root = v.root
	if v.mistakes == nil {
		return c, nil
	}
	slices.SortStableFunc(v.mistakes, func(a, b string) int { return cmp.Compare(v.lineOf(a), v.lineOf(b)) })
	return c, slices.Compact(v.mistakes)
}

// mistakes are what is wrong with a file, each with its place.
type mistakes []string

func (m mistakes) Error() string {
	if len(m) == 1 {
		return m[0]
	}
	return fmt.Sprintf("%s (and %d more)", m[0], len(m)-1)
}

// listMistakes lists what is wrong with a file, if that is the error.
func (p *program) listMistakes(err error) bool {
	var all mistakes
	if !errors.As(err, &all) {
		return false
	}
	for _, mistake := range all {
		fmt.Fprintf(p.stderr, "gkeaudit: %s\n", printable(mistake))
	}
	return true
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknownField = regexp.MustCompile(`^field (.*) not found in type (.*)$`)
	wrongType    = regexp.MustCompile("^cannot unmarshal (?:!!\\w+ )?(?:`(.*)` )?into (.*)$")
)

// yamlMistakes says in our words what YAML's decoder finds wrong with a text, and where.
func yamlMistakes(name string, text []byte, err error) mistakes {
	var typeErr *yaml.TypeError
	if !errors.As(err, &typeErr) {
		return mistakes{yamlMistake(name, text, err.Error())}
	}
	var all mistakes
	for _, e := range typeErr.Errors {
		all = append(all, yamlMistake(name, text, e))
	}
	return all
}

func yamlMistake(name string, text []byte, message string) string {
	m := yamlLine.FindStringSubmatch(message)
	if m == nil {
		m = []string{"", "1", strings.TrimPrefix(message, "yaml: ")} // it names no line if it is the first
		if !strings.HasPrefix(m[2], "found ") {
			return name + ": " + m[2]
		}
	}
	place := name + ":" + m[1]
	if f := unknownField.FindStringSubmatch(m[2]); f != nil {
		if slices.Contains(configSettings, f[1]) {
			return fmt.Sprintf("%s: the setting %q does not belong here", place, f[1])
		}
		return fmt.Sprintf("%s: there is no setting %q%s", place, f[1], didYouMean(f[1], configSettings))
	}
	if f := wrongType.FindStringSubmatch(m[2]); f != nil {
		wants := map[string]string{"uint64": "a whole number", "string": "a text", "[]string": "a list"}[f[2]]
		if wants == "" {
			wants = "settings of its own"
		}
		return fmt.Sprintf("%s: this takes %s", place, wants)
	}
	// A tab looks like spaces, and the line may be the one before.
	noToken := strings.HasPrefix(m[2], "found character that cannot start any token")
	if n, _ := strconv.Atoi(m[1]); noToken || strings.HasPrefix(m[2], "found a tab") {
		for i, line := range strings.Split(string(text), "\n") {
			indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			if (i+1 == n || i == n) && strings.Contains(indent, "\t") {
				return fmt.Sprintf("%s:%d: the line is indented with a tab; YAML takes spaces alone", name, i+1)
			}
		}
	}
	if noToken {
		return place + ": no value begins with this character; put it in quotes"
	}
	return place + ": " + m[2]
}

// configSettings are the names of all settings.
var configSettings = []string{
	"scope", "projects", "folders", "organizations", "excludeProjects", "excludeFolders", "discovery", "locations", "clusters",
	"profile", "rules", "enable", "disable", "severities",
	"parameters", "authorizedNetworksBreadth", "allowedLocations", "nodeServiceAccounts", "peopleGroups", "airGappedNetworks",
	"waivers", "outputs", "baseline", "maxBytes", "failOn",
}

// A configChecker checks the values of a configuration file, and remembers what is wrong.
type configChecker struct {
	name     string
	root     *yaml.Node
	mistakes mistakes
	settled  []int // lines of which no more needs to be said
}

// settle says that the lines which have mistakes now have been told enough of: a value
// that is of another type is not among the right ones either.
func (v *configChecker) settle() {
	for _, mistake := range v.mistakes {
		v.settled = append(v.settled, v.lineOf(mistake))
	}
}

// lineOf returns the line of a mistake; 0 if it has none.
func (v *configChecker) lineOf(mistake string) int {
	digits, _, _ := strings.Cut(strings.TrimPrefix(mistake, v.name+":"), ":")
	line, _ := strconv.Atoi(digits)
	return line
}

func (v *configChecker) wrong(line int, format string, args ...any) {
	if !slices.Contains(v.settled, line) {
		v.mistakes = append(v.mistakes, fmt.Sprintf("%s:%d: %s", v.name, line, fmt.Sprintf(format, args...)))
	}
}

// check holds the value at a path to be right.
func (v *configChecker) check(ok bool, path []string, format string, args ...any) {
	if !ok {
		v.wrong(lineAt(v.root, path), format, args...)
	}
}

// each checks the values of a list.
func (v *configChecker) each(values []string, ok func(string) bool, message func(string) string, path ...string) {
	for _, value := range values {
		v.check(ok(value), append(path, value), "%s", message(value))
	}
}

// lineAt finds the line of a value by the keys that lead to it. An item of a list is its
// own key.
func lineAt(n *yaml.Node, path []string) int {
	line := n.Line
	for n.Kind == yaml.DocumentNode || n.Kind == yaml.AliasNode {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		} else {
			n = n.Content[0]
		}
	}
	if len(path) == 0 {
		return line
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == path[0] {
				return lineAt(n.Content[i+1], path[1:])
			}
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if item.Value == path[0] {
				return lineAt(item, path[1:])
			}
		}
	}
	return line
}

// scalars checks that values are of the kinds that the schema asks for: YAML would take
// a number for a text, half a number for a whole one, and nothing at all for either.
func (v *configChecker) scalars(n *yaml.Node, key string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			v.scalars(n.Content[i+1], n.Content[i].Value)
		}
	case yaml.ScalarNode:
		whole := n.Tag == "!!int" && number.MatchString(n.Value)
		ok := n.Tag == "!!str" && n.Value != ""
		switch key {
		case "authorizedNetworksBreadth", "maxBytes":
			ok = whole && (n.Value == "0" || n.Value[0] != '0')
		case "folders", "organizations":
			ok = ok || whole
		case "":
			ok = ok || n.Tag == "!!null" // an empty file
		}
		if !ok {
			v.wrong(n.Line, "%s takes %s", cmp.Or(key, "a configuration"), map[bool]string{true: "a whole number, in digits", false: "text; put it in quotes"}[key == "authorizedNetworksBreadth" || key == "maxBytes"])
		}
	default:
		for _, item := range n.Content {
			v.scalars(item, key)
		}
	}
}

func (v *configChecker) config(c *config) {
	v.each(c.Scope.Projects, func(id string) bool { return strings.HasPrefix(id, "@") || projectID.MatchString(id) },
		func(id string) string { return fmt.Sprintf("%q is not a project ID%s", id, meant(id)) }, "scope", "projects")
	isNumber := func(kind string) func(string) bool {
		return func(n string) bool { return number.MatchString(strings.TrimPrefix(n, kind)) }
	}
	v.each(c.Scope.Folders, isNumber("folders/"), func(n string) string { return fmt.Sprintf("%q is not the number of a folder", n) }, "scope", "folders")
	v.each(c.Scope.Organizations, isNumber("organizations/"), func(n string) string { return fmt.Sprintf("%q is not the number of an organization", n) }, "scope", "organizations")
	notGlob := func(g string) string { return fmt.Sprintf("%q is not a glob", g) }
	v.each(c.Scope.ExcludeProjects, isGlob, notGlob, "scope", "excludeProjects")
	v.each(c.Scope.ExcludeFolders, isGlob, notGlob, "scope", "excludeFolders")
	v.oneOf(c.Scope.Discovery, gcp.Discoveries, "way to find projects", "scope", "discovery")
	notLocation := func(l string) string { return fmt.Sprintf("%q is not a region or zone%s", l, meantLocation(l)) }
	v.each(c.Scope.Locations, isLocation, notLocation, "scope", "locations")

	v.oneOf(c.Profile, profileNames(), "profile", "profile")
	isRule := func(id string) bool { return slices.Contains(ruleIDs(), id) }
	noRule := func(id string) string { return fmt.Sprintf("there is no rule %q%s", id, didYouMean(id, ruleIDs())) }
	v.each(c.Rules.Enable, isRule, noRule, "rules", "enable")
	v.each(c.Rules.Disable, isRule, noRule, "rules", "disable")
	for _, id := range c.Rules.Disable {
		v.check(!slices.Contains(c.Rules.Enable, id), []string{"rules", "disable", id}, "rule %s is both enabled and disabled", id)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Severities)) {
		severity := c.Severities[id]
		v.check(isRule(id), []string{"severities", id}, "%s", noRule(id))
		v.check(slices.Contains(audit.Severities, severity), []string{"severities", id}, "there is no severity %q%s; severities are %s",
			severity, didYouMean(severity, audit.Severities), strings.Join(audit.Severities, ", "))
	}

	v.each(c.Parameters.AllowedLocations, isLocation, notLocation, "parameters", "allowedLocations")
	v.each(c.Parameters.NodeServiceAccounts, isGlob, notGlob, "parameters", "nodeServiceAccounts")
	v.each(c.Parameters.PeopleGroups, isGlob, notGlob, "parameters", "peopleGroups")
	v.each(c.Parameters.AirGappedNetworks, func(g string) bool { return isGlob(g) && networkGlob.MatchString(g) }, func(g string) string {
		return fmt.Sprintf("%q is not the name of a network: projects/PROJECT/global/networks/NETWORK, where * stands for any characters but a slash", g)
	}, "parameters", "airGappedNetworks")
	if _, err := parseThreshold(c.FailOn); err != nil {
		v.check(false, []string{"failOn"}, "%s", strings.TrimPrefix(err.Error(), "--fail-on: "))
	}
	v.check(c.MaxBytes == nil || *c.MaxBytes == 0 || *c.MaxBytes >= report.LeastMarkdown && *c.MaxBytes <= 1<<31-1, []string{"maxBytes"},
		"maxBytes is neither 0 nor %d or more", report.LeastMarkdown)
	v.each(c.Outputs, func(name string) bool {
		ext, _ := extension(name)
		return extensions[ext] != "" || checkPlace(name) != nil // that is told later, as of a flag
	},
		func(name string) string {
			return fmt.Sprintf("the format of output %q is not known by its extension: %s", name, extensionNames)
		}, "outputs")
}

func (v *configChecker) oneOf(value string, values []string, what string, path ...string) {
	v.check(value == "" || slices.Contains(values, value), path, "there is no %s %q%s; there are %s", what, value, didYouMean(value, values), strings.Join(values, ", "))
}

var (
	// A region of another universe has one word more, such as u-germany-northeast1 of Google
	// Cloud Dedicated.
	location    = regexp.MustCompile(`^[a-z]+(-[a-z]+)+[0-9]+(-[a-z0-9]+)?$`)
	networkGlob = regexp.MustCompile(`^projects/[^/]+/global/networks/[^/]+$`)
)

func isLocation(s string) bool { return location.MatchString(s) }

// meantLocation asks for the region or zone that was most likely meant, if there is one.
func meantLocation(s string) string {
	near := dashBeforeDigits.ReplaceAllString(strings.ToLower(s), "$1")
	if !isLocation(near) {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

var dashBeforeDigits = regexp.MustCompile(`-([0-9])`)

func isGlob(s string) bool {
	_, err := path.Match(s, "")
	return s != "" && err == nil
}

// loadConfig reads the configuration file or object that is named, or else the file in
// the working directory. Without either it returns an empty configuration and no name.
func (p *program) loadConfig(ctx context.Context, f *scanFlags) (*config, string, error) {
	name := f.configFile
	if err := p.openStorage(ctx, f, p.logger(p.defaultLogFormat(), f.quiet), []string{name}); err != nil {
		return nil, "", err
	}
	var text []byte
	err := p.read(ctx, cmp.Or(name, configName), func(r io.Reader) (err error) {
		text, err = io.ReadAll(r)
		return err
	})
	switch {
	case name == "" && errors.Is(err, fs.ErrNotExist) && !isLink(configName):
		c, err := parseConfig(configName, nil)
		return c, "", err
	case errors.Is(err, fs.ErrNotExist):
		return nil, "", refuse("gkeaudit config init "+cmp.Or(name, configName)+" writes one to begin with.", "reading the configuration: %w", err)
	case err != nil:
		return nil, "", refuse(readHint(ctx, err, ""), "reading the configuration: %w", err)
	}
	name = cmp.Or(name, configName)
	c, err := parseConfig(name, text)
	if err != nil {
		return nil, "", refuse(configHint, "%w", err)
	}
	return c, name, nil
}

const configHint = "gkeaudit config check lists all that is wrong with a configuration file, gkeaudit config schema what it may hold."

// isLink reports whether there is a symbolic link of a name, be it to a file that is there
// or not.
func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// apply gives flags that are not given on the command line the values of the
// configuration. Whoever names a scope there gets that scope alone.
func (c *config) apply(flags *pflag.FlagSet) error {
	scoped := slices.ContainsFunc([]string{"project", "folder", "organization", "demo", "snapshot"}, flags.Changed)
	settings := []struct {
		flag   string
		scope  bool
		values []string
	}{
		{"project", true, c.Scope.Projects},
		{"folder", true, c.Scope.Folders},
		{"organization", true, c.Scope.Organizations},
		{"exclude-project", true, c.Scope.ExcludeProjects},
		{"exclude-folder", true, c.Scope.ExcludeFolders},
		{"discovery", true, one(c.Scope.Discovery)},
		{"location", true, c.Scope.Locations},
		{"cluster", true, c.Scope.Clusters},
		{"profile", false, one(c.Profile)},
		{"waivers", false, one(c.Waivers)},
		{"output", false, c.Outputs},
		{"baseline", false, one(c.Baseline)},
		{"max-bytes", false, c.maxBytes()},
		{"fail-on", false, one(c.FailOn)},
	}
	for _, s := range settings {
		if flags.Lookup(s.flag) == nil || flags.Changed(s.flag) || s.scope && scoped {
			continue
		}
		for _, value := range s.values {
			if err := flags.Set(s.flag, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNamed looks at the files that a configuration names, as scan would with it. Its
// error is of type mistakes. It returns the objects that it did not look at.
func (p *program) checkNamed(ctx context.Context, name string, c *config) (unseen []string, err error) {
	v := configChecker{name: name, root: c.root}
	wrong := func(err error, path ...string) {
		if err != nil {
			v.wrong(lineAt(v.root, path), "%s", err)
		}
	}
	// look reports whether a file is to be looked at.
	look := func(file string) bool {
		if gcp.IsObject(file) {
			unseen = append(unseen, file)
		}
		return !gcp.IsObject(file)
	}
	f, pl := &scanFlags{configFile: name}, &plan{started: p.now(), outputs: []output{{}}}
	f.projects = c.Scope.Projects
	for _, id := range f.projects {
		file, isFile := strings.CutPrefix(id, "@")
		if !isFile || !look(file) {
			continue
		}
		_, bad, err := p.readProjects(ctx, f, file)
		wrong(err, "scope", "projects", id)
		for _, mistake := range bad {
			wrong(errors.New(mistake), "scope", "projects", id)
		}
	}
	if c.Waivers != "" {
		if f.waivers, err = p.expand(c.Waivers, nil, pl.started); err == nil {
			err = checkPlace(f.waivers)
		}
		if err == nil && look(f.waivers) {
			_, err = p.readWaivers(ctx, f.waivers, pl.started)
		}
		var inside mistakes
		if errors.As(err, &inside) {
			v.mistakes = append(v.mistakes, inside...)
		} else {
			wrong(err, "waivers", c.Waivers)
		}
	}
	if c.Baseline != "" {
		if pl.baseline, err = p.expand(c.Baseline, nil, pl.started); err == nil {
			err = checkBaseline(pl)
		}
		if err == nil && look(pl.baseline) {
			err = p.tryBaseline(ctx, pl)
		}
		wrong(err, "baseline", c.Baseline)
	}
	for _, name := range c.Outputs {
		file, err := p.expandOutput(name, f, nil, pl.started)
		if err == nil && name != "-" {
			look(file)
			err = pl.addOutput(f, file)
		}
		wrong(err, "outputs", name)
	}
	if v.mistakes == nil {
		return unseen, nil
	}
	return nil, v.mistakes
}

func (c *config) maxBytes() []string {
	if c.MaxBytes == nil {
		return nil
	}
	return []string{strconv.FormatUint(*c.MaxBytes, 10)}
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func profileNames() []string {
	var names []string
	for _, p := range rules.Profiles {
		names = append(names, p.Name)
	}
	return names
}

func (p *program) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Write or check a configuration file",
		Long: `A configuration file holds what an audit should be told every time: its scope, its
profile and rules, their severities and parameters, and where reports go. It is found
by its name, gkeaudit.yaml, in the working directory, or named by --config. Flags win
over it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "init [FILE]",
			Short: "Write a commented configuration file",
			Long: `Writes a configuration file in which everything is explained and nothing but the
profile is set: gkeaudit.yaml, or the given one; - is standard output. A file that is
there is left alone.`,
			Example: "  gkeaudit config init",
			Args:    atMostOne,
			RunE: func(cmd *cobra.Command, args []string) error {
				name := append(args, configName)[0]
				if name == "-" {
					_, err := p.stdout.Write(configTemplate)
					return err
				}
				if err := checkPlace(name); err != nil {
					return err
				}
				if gcp.IsObject(name) {
					return refuse("Copy it there: gcloud storage cp FILE "+name, "%q is an object, and a configuration is written to a file", name)
				}
				f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
				if errors.Is(err, fs.ErrExist) {
					return refuse("Name another file, or - for standard output.", "%s is there already", name)
				}
				if err != nil {
					return refuse(folderHint(name, err), "%w", withoutOp(err))
				}
				if _, err := f.Write(configTemplate); err != nil {
					return refuse("", "%w", errors.Join(withoutOp(err), f.Close(), os.Remove(name)))
				}
				if err := f.Close(); err != nil {
					return refuse("", "%w", withoutOp(err))
				}
				fmt.Fprintf(p.stderr, "%s is written; gkeaudit config check checks it after you have changed it.\n", name)
				return nil
			},
		},
		&cobra.Command{
			Use:   "check [FILE]",
			Short: "Check a configuration file",
			Long: `Reads a configuration file, gkeaudit.yaml or the given one, and says all that is wrong
with it and where. So it does for the files that the configuration names: lists of
projects, waivers, the baseline, and outputs, whose folders have to be there. Paths are
those of the working directory, as for scan. What is in Cloud Storage is not looked at.`,
			Example: "  gkeaudit config check",
			Args:    atMostOne,
			RunE: func(cmd *cobra.Command, args []string) error {
				c, name, err := p.loadConfig(cmd.Context(), &scanFlags{configFile: append(args, configName)[0]})
				var unseen []string
				if err == nil {
					unseen, err = p.checkNamed(cmd.Context(), name, c)
				}
				if p.listMistakes(err) {
					fmt.Fprintln(p.stderr, "gkeaudit config schema prints what a configuration file may hold.")
					return &exitError{status: exitNoAnswer}
				}
				if err == nil {
					_, err = fmt.Fprintf(p.stdout, "%s has no mistakes.\n", name)
				}
				for _, object := range unseen {
					if err == nil {
						_, err = fmt.Fprintf(p.stdout, "%s is in Cloud Storage, and was not looked at.\n", printable(object))
					}
				}
				return err
			},
		},
		&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of configuration files",
			Long: `Prints the JSON Schema of configuration files. Editors that know YAML complete and
check a file that begins with the line

    # yaml-language-server: $schema=gkeaudit.schema.json`,
			Example: "  gkeaudit config schema > gkeaudit.schema.json",
			Args:    noArguments,
			RunE: func(*cobra.Command, []string) error {
				_, err := p.stdout.Write(configSchema)
				return err
			},
		},
	)
	return cmd
}
