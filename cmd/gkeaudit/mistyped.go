package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// mistyped looks for the command that arguments name, before their flags are read: those
// of a command that there is not would all be unknown. It returns the command at which it
// found a mistake.
func mistyped(cmd *cobra.Command, args []string) (*cobra.Command, error) {
	cmd.InitDefaultHelpCmd()
	for len(args) > 0 && cmd.HasSubCommands() {
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		word := args[0]
		args = args[1:]
		if sub := commandOf(cmd, word); sub != nil {
			cmd = sub
			continue
		}
		switch {
		case strings.HasPrefix(word, "__"): // of shell completion
			return cmd, nil
		case !strings.HasPrefix(word, "-"):
			return cmd, noCommand(cmd, word)
		case word == "--":
			return cmd, nil
		case flagOf(cmd, word) == nil:
			return cmd, misplaced(cmd, word, args)
		}
	}
	return cmd, nil
}

// misplaced says what is wrong with a flag that a command with sub-commands has not, as
// far as what follows the flag tells; nil if it does not.
func misplaced(cmd *cobra.Command, flag string, rest []string) error {
	hint := "Run " + cmd.CommandPath() + " --help for the commands."
	first := ""
	for _, word := range rest {
		if strings.HasPrefix(word, "-") {
			continue
		}
		if sub := commandOf(cmd, word); sub != nil {
			return refuse(hint, "flags come after the command: %s %s", sub.CommandPath(), flag)
		}
		first = cmp.Or(first, word)
	}
	var owners []string
	for _, sub := range cmd.Commands() {
		if flagOf(sub, flag) != nil {
			owners = append(owners, sub.CommandPath())
		}
	}
	switch {
	case first != "" && nearest(first, commandNames(cmd)) != "":
		return noCommand(cmd, first)
	case owners != nil:
		name, _, _ := strings.Cut(flag, "=")
		return refuse(hint, "the command is missing: %s is a flag of %s", name, strings.Join(owners, " and "))
	case first != "":
		return noCommand(cmd, first)
	}
	return nil
}

// commandOf returns a sub-command by its name; nil if there is none.
func commandOf(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range cmd.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c
		}
	}
	return nil
}

// flagOf returns the flag of a command that an argument sets; nil if there is none.
func flagOf(cmd *cobra.Command, arg string) *pflag.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if strings.HasPrefix(arg, "--") {
		return cmd.Flags().Lookup(name)
	}
	if name == "" {
		return nil
	}
	return cmd.Flags().ShorthandLookup(name[:1])
}
