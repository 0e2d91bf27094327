package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"gkeaudit/audit/rules"
	"gkeaudit/gcp"

	"github.com/spf13/cobra"
)

const accessHelp = `Says, before a run, which of the permissions that it needs you have on each project,
folder and organization, and which rules would be unknown without the others. It takes
the flags of scan that say what to audit.

With --role it prints a custom role with exactly the permissions that a run needs,
for gcloud (yaml) or for Terraform. That asks no API.

Exit status: 0 if nothing is missing, 3 if something is or could not be found out.`

// roleForms are the forms of a custom role.
var roleForms = []string{"yaml", "terraform"}

func (p *program) accessCommand() *cobra.Command {
	var f scanFlags
	var role, format string
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Say which permissions a run lacks, or print a role for it",
		Long:  accessHelp,
		Example: `  gkeaudit access --project=shop-prod
  gkeaudit access --role=yaml > role.yaml
  gcloud iam roles create gkeaudit --organization=NUMBER --file=role.yaml`,
		Args:    noArguments,
		PreRunE: noEmptyFlags,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if role != "" {
				return p.writeRole(role)
			}
			if format != "table" && format != "json" {
				return refuse("Formats are table, json.", "there is no format %q%s", format, didYouMean(format, []string{"table", "json"}))
			}
			return p.access(cmd, &f, format)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.define(flags)
	group(cmd, "What to look at")
	flags.StringVar(&role, "role", "", "print a custom role in this `form`: "+strings.Join(roleForms, ", "))
	flags.StringVar(&format, "format", "table", "the `format` of standard output: table, json")
	group(cmd, "What to print")
	accountFlags(cmd, &f)
	group(cmd, "Access")
	must(cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(roleForms, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (p *program) access(cmd *cobra.Command, f *scanFlags, format string) error {
	if err := f.scopeFlags.check(false); err != nil {
		return err
	}
	client, scope, err := p.connect(cmd.Context(), f, p.logger(p.defaultLogFormat(), true))
	if err != nil {
		return err
	}
	scope, gaps := client.Discover(cmd.Context(), scope, f.discovery)
	if len(scope.Projects) == 0 && scope.Discovery == nil {
		return refuse("", "--exclude-project leaves no project")
	}
	all := client.Access(cmd.Context(), scope)
	complete := len(gaps) == 0
	for _, a := range all {
		complete = complete && len(a.Missing) == 0 && a.Unknown == ""
	}
	if format == "json" {
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(all)
	} else {
		err = writeAccess(p.stdout, all)
	}
	for _, g := range gaps {
		fmt.Fprintf(p.stderr, "gkeaudit: %s\n", printable(g.String()))
	}
	if err == nil && !complete {
		return &exitError{status: exitIncomplete}
	}
	return err
}

// writeAccess says for each resource what is missing and what that leaves unknown.
func writeAccess(w io.Writer, all []gcp.Access) error {
	var b strings.Builder
	short := 0
	for _, a := range all {
		switch {
		case a.Unknown != "":
			short++
			fmt.Fprintf(&b, "%s: UNKNOWN: %s\n", printable(a.Resource), printable(a.Unknown))
		case len(a.Missing) == 0:
			fmt.Fprintf(&b, "%s: all there (%s)\n", printable(a.Resource), strings.Join(a.Needed, ", "))
		}
		if len(a.Missing) > 0 {
			short++
			fmt.Fprintf(&b, "%s: MISSING %s\n", printable(a.Resource), strings.Join(a.Missing, ", "))
			if ids := unknownWithout(a.Missing); ids != nil {
				fmt.Fprintf(&b, "    unknown without: %s\n", strings.Join(ids, ", "))
			}
		}
	}
	if short == 0 {
		fmt.Fprintf(&b, "\nNothing is missing.\n")
	} else {
		fmt.Fprintf(&b, "\nSomething is missing on %d of %d. A role with all of it: gkeaudit access --role=yaml\n", short, len(all))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// unknownWithout returns the rules that need one of the permissions.
func unknownWithout(missing []string) []string {
	var ids []string
	for _, r := range rules.All {
		if slices.ContainsFunc(r.Permissions, func(p string) bool { return slices.Contains(missing, p) }) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// writeRole prints a custom role with the permissions of everything that may be called.
func (p *program) writeRole(form string) error {
	permissions := gcp.Permissions(true)
	var b strings.Builder
	switch form {
	case "yaml":
		b.WriteString("title: gkeaudit\ndescription: Read what gkeaudit audits\nstage: GA\nincludedPermissions:\n")
		for _, permission := range permissions {
			fmt.Fprintf(&b, "- %s\n", permission)
		}
	case "terraform":
		b.WriteString("resource \"google_organization_iam_custom_role\" \"gkeaudit\" {\n  org_id      = var.organization\n" +
			"  role_id     = \"gkeaudit\"\n  title       = \"gkeaudit\"\n  description = \"Read what gkeaudit audits\"\n  permissions = [\n")
		for _, permission := range permissions {
			fmt.Fprintf(&b, "    %q,\n", permission)
		}
		b.WriteString("  ]\n}\n")
	default:
		return refuse("Forms are "+strings.Join(roleForms, ", ")+".", "--role: there is no form %q%s", form, didYouMean(form, roleForms))
	}
	_, err := io.WriteString(p.stdout, b.String())
	return err
}
