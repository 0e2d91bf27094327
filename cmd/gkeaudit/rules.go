package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
	"gkeaudit/report"

	"github.com/spf13/cobra"
)

func (p *program) rulesCommand() *cobra.Command {
	var format, profile, configFile string
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules",
		Long: `Lists rules: all of them, or those that scan applies with a profile and with a
configuration file. gkeaudit explain RULE says more of one. Profiles are:

` + profileList() + `

Severities are:

` + severityList(),
		Example: `  gkeaudit rules
  gkeaudit rules --profile=recommended
  gkeaudit rules --profile=cis-gke-1.9 --format=json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			chosen := rules.All
			if cmd.Flags().Changed("profile") || configFile != "" {
				c, _, err := p.loadConfig(cmd.Context(), &scanFlags{configFile: configFile})
				if err != nil {
					return err
				}
				if err := c.apply(cmd.Flags()); err != nil {
					return err
				}
				if chosen, _, err = chooseRules(c, cmp.Or(profile, defaultProfile), nil, nil); err != nil {
					return err
				}
			}
			switch format {
			case "table":
				return report.WriteRules(p.stdout, chosen, p.proseWidth())
			case "json":
				e := json.NewEncoder(p.stdout)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(chosen)
			}
			return noFormat(format, []string{"table", "json"})
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "only the rules of this `profile`: "+strings.Join(profileNames(), ", "))
	cmd.Flags().StringVar(&configFile, "config", "", "only the rules that scan applies with this configuration `file`")
	complete(cmd, profileNames(), "profile")
	must(cmd.MarkFlagFilename("config", "yaml", "yml"))
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	must(cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// profileList says in a few words what each profile chooses.
func profileList() string {
	var b strings.Builder
	for _, pr := range rules.Profiles {
		fmt.Fprintf(&b, "    %-22s %s (%d)\n", pr.Name, pr.Title, len(rules.In(pr.Name)))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// severityList says what each severity means, worst first.
func severityList() string {
	const width, indent = 92, 13
	var b strings.Builder
	for s := audit.Critical; s >= audit.Low; s-- {
		line := fmt.Sprintf("    %-9s", s)
		for _, word := range strings.Fields(s.Meaning()) {
			if len(line)+1+len(word) > width {
				b.WriteString(line + "\n")
				line = strings.Repeat(" ", indent)
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (p *program) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE",
		Short: "Explain a rule: why, what is checked, how to mend it",
		Long: `Prints why a rule matters, what exactly is checked, how to make it hold (by gcloud
and by Terraform), what that disrupts, and where to read on.`,
		Example:           "  gkeaudit explain cloud-nat",
		ValidArgsFunction: cobra.FixedCompletions(ruleIDs(), cobra.ShellCompDirectiveNoFileComp),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return refuse("Run gkeaudit rules for the list.", "explain takes the ID of one rule")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := findRule(args[0])
			if err != nil {
				return err
			}
			return report.WriteRule(p.stdout, r, p.proseWidth())
		},
	}
}
