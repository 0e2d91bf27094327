package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

const completionHelp = `Write the script that lets a shell complete commands, flags, rules and profiles.

    gkeaudit completion bash > /etc/bash_completion.d/gkeaudit
    gkeaudit completion zsh > "${fpath[1]}/_gkeaudit"
    gkeaudit completion fish > ~/.config/fish/completions/gkeaudit.fish
    gkeaudit completion powershell >> $PROFILE

A new shell has it. In bash it takes the package bash-completion, in zsh that compinit
is loaded.`

// shells are what completion scripts can be written for.
var shells = []string{"bash", "fish", "powershell", "zsh"}

func (p *program) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Write the completion script of a shell",
		Long:      completionHelp,
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			write := map[string]func(io.Writer) error{
				"bash":       func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
				"fish":       func(w io.Writer) error { return root.GenFishCompletion(w, true) },
				"powershell": root.GenPowerShellCompletionWithDesc,
				"zsh":        root.GenZshCompletion,
			}
			hint := "There are " + strings.Join(shells, ", ") + "."
			switch {
			case len(args) == 0:
				return refuse(hint, "completion needs the name of a shell")
			case len(args) > 1:
				return refuse(hint, "completion takes one shell, and %q is another", args[1])
			case write[args[0]] == nil:
				return refuse(hint, "there is no completion for %q%s", args[0], didYouMean(args[0], shells))
			}
			return write[args[0]](p.stdout)
		},
	}
}
