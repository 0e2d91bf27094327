package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long: `Prints the version, the commit that it was built from, and what it was built with and
for: what a report of a mistake in gkeaudit should say.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprint(p.stdout, about(info))
			return err
		},
	}
}

// version returns the version of the program, as Go recorded it in the binary.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf returns the version of what was built: of a release its number, of another
// commit Go's pseudo-version, with +dirty if there were changes. Where Go recorded none,
// it is "devel", with the commit if that is known.
func versionOf(info *debug.BuildInfo) string {
	if info == nil {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return strings.TrimPrefix(v, "v")
	}
	commit, modified := setting(info, "vcs.revision"), setting(info, "vcs.modified")
	if len(commit) < 12 {
		return "devel"
	}
	v := "devel-" + commit[:12]
	if modified == "true" {
		v += "+dirty"
	}
	return v
}

// dayOf returns the day of the commit that was built, or "" where Go recorded none.
func dayOf(info *debug.BuildInfo) string {
	if info == nil {
		return ""
	}
	day, _, _ := strings.Cut(setting(info, "vcs.time"), "T")
	return day
}

// about says on its first line the version, and below that where it comes from.
func about(info *debug.BuildInfo) string {
	if info == nil {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	commit := setting(info, "vcs.revision")
	switch {
	case commit == "" && versionOf(info) == "devel":
		commit = "not recorded: built without git's data"
	case commit == "":
		commit = "that of module version " + info.Main.Version
	default:
		commit += " of " + setting(info, "vcs.time")
		if setting(info, "vcs.modified") == "true" {
			commit += ", with changes"
		}
	}
	return fmt.Sprintf("gkeaudit %s\ncommit   %s\nbuilt    with %s for %s/%s\n", versionOf(info), commit, info.GoVersion, runtime.GOOS, runtime.GOARCH)
}

// setting returns what Go recorded of a build under a key, or "".
func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
