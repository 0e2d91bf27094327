package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"gkeaudit/audit"
	"gkeaudit/gcp"

	"github.com/spf13/cobra"
)

const accessHelp = `Says, before a run, which of the permissions that it needs you have on each project,
folder and organization, and which rules would be unknown without the others. It takes
the flags of scan that say what to audit and by which rules. Projects are found as scan
finds them: with --discovery=auto either way is enough, and it says which one works.

With --role it prints a custom role with exactly the permissions that a run by the
chosen rules needs, for gcloud (yaml) or for Terraform: a role of the organization, or
of a project where projects alone are named. That asks no API. Permissions on buckets
that reports are written to are not among them.

Exit status: 0 if nothing is missing, 3 if something is or could not be found out.`

// roleForms are the forms of a custom role.
var roleForms = []string{"yaml", "terraform"}

var accessFormats = []string{"table", "json"}

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
			if err := p.configure(cmd.Context(), &f, cmd.Flags()); err != nil {
				return err
			}
			if role != "" {
				return p.writeRole(cmd.Context(), role, &f)
			}
			if !slices.Contains(accessFormats, format) {
				return noFormat(format, accessFormats)
			}
			return p.access(cmd.Context(), &f, format)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.define(flags)
	group(cmd, "What to look at")
	ruleFlags(cmd, &f)
	flags.StringVar(&role, "role", "", "print a custom role in this `form`: "+strings.Join(roleForms, ", "))
	flags.StringVar(&format, "format", "table", "the `format` of standard output: "+strings.Join(accessFormats, ", "))
	group(cmd, "What to print")
	callFlags(cmd, &f)
	quietFlag(cmd, &f)
	group(cmd, "Log")
	complete(cmd, roleForms, "role")
	complete(cmd, accessFormats, "format")
	complete(cmd, gcp.Discoveries, "discovery")
	complete(cmd, nil, scopeFlagNames...)
	return cmd
}

func (p *program) access(ctx context.Context, f *scanFlags, format string) error {
	chosen, _, err := chooseRules(f.config, f.profile, f.rules, f.skip)
	if err != nil {
		return err
	}
	if err := p.checkScope(ctx, f, false); err != nil {
		return err
	}
	if err := f.checkCalls(); err != nil {
		return err
	}
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	client, scope, err := p.connect(ctx, f, p.logger(p.defaultLogFormat(), f.quiet))
	if err != nil {
		return err
	}
	stop := p.showProgress(client, f.quiet)
	all := client.Access(ctx, scope, audit.DataOf(chosen), f.discovery)
	stop()
	if len(all) == 0 {
		return refuse("", "--exclude-project leaves no project")
	}
	if format == "json" {
		err = writeAccessJSON(p.stdout, all, chosen)
	} else {
		err = writeAccess(p.stdout, all, chosen, f)
	}
	if err == nil && slices.ContainsFunc(all, func(a gcp.Access) bool { return len(a.Missing) > 0 || a.Unknown != "" }) {
		return &exitError{status: exitIncomplete}
	}
	return err
}

// writeAccessJSON writes what was found out, and for each missing permission the rules
// that are unknown without it.
func writeAccessJSON(w io.Writer, all []gcp.Access, chosen []*audit.Rule) error {
	type access struct {
		gcp.Access
		Hints        []string            `json:"hints,omitempty"` // what to do about what is unknown or refused
		UnknownRules map[string][]string `json:"unknownRules"`
	}
	list := []access{}
	for _, a := range all {
		unknown := map[string][]string{}
		for _, permission := range a.Missing {
			unknown[permission] = unknownWithout(chosen, nil) // of what is below the folder
			if a.Discovery == "" {
				unknown[permission] = unknownWithout(chosen, []string{permission})
			}
		}
		list = append(list, access{a, accessHints(a), unknown})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

// writeAccess says for each resource what is missing and what that leaves unknown.
func writeAccess(w io.Writer, all []gcp.Access, chosen []*audit.Rule, f *scanFlags) error {
	var b strings.Builder
	missing, unknown, hinted := 0, 0, map[string]bool{}
	for _, a := range all {
		name := printable(a.Resource)
		if a.Unknown != "" {
			unknown++
			fmt.Fprintf(&b, "%s: UNKNOWN: %s\n", name, printable(a.Unknown))
		}
		if len(a.Missing) > 0 {
			missing++
			fmt.Fprintf(&b, "%s: MISSING %s\n", name, strings.Join(a.Missing, ", "))
			switch ids := unknownWithout(chosen, a.Missing); {
			case a.Discovery != "":
				b.WriteString("    unknown without: all rules, for the projects that are not found\n")
			case len(ids) > 0:
				fmt.Fprintf(&b, "    unknown without: %s\n", strings.Join(ids, ", "))
			}
		}
		if a.Unknown == "" && len(a.Missing) == 0 {
			fmt.Fprintf(&b, "%s: %s\n", name, allThere(a))
		}
		if a.Refused != "" {
			fmt.Fprintf(&b, "    Cloud Asset Inventory would do as well, and refuses: %s\n", printable(a.Refused))
		}
		for _, hint := range accessHints(a) {
			if !hinted[hint] {
				hinted[hint] = true
				fmt.Fprintf(&b, "    %s\n", printable(oneLine(hint)))
			}
		}
		if len(a.Helpful) > 0 {
			fmt.Fprintf(&b, "    not needed, but its ID could not be read without: %s\n", printable(strings.Join(a.Helpful, ", ")))
		}
	}
	b.WriteString("\n")
	if missing > 0 {
		fmt.Fprintf(&b, "Something is missing on %d of %d. A role with all of it: gkeaudit access --role=yaml%s\n", missing, len(all), f.ruleArguments())
	}
	if unknown > 0 {
		fmt.Fprintf(&b, "Something could not be found out on %d of %d.\n", unknown, len(all))
	}
	if missing+unknown == 0 {
		b.WriteString("Nothing is missing.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// accessHints say what to do about a call that did not tell, or refused, as scan does of the
// same call.
func accessHints(a gcp.Access) []string {
	var hints []string
	if a.UnknownCode == "NOT_FOUND" {
		hints = append(hints, notFoundHint)
	} else if hint := troubleHint(a.UnknownCode, a.Unknown, otherPayer); a.Unknown != "" && hint != "" {
		hints = append(hints, hint)
	}
	if hint := troubleHint("PERMISSION_DENIED", a.Refused, otherPayer); hint != "" {
		hints = append(hints, hint)
	}
	return hints
}

// ruleArguments are the arguments that choose the same rules again.
func (f *scanFlags) ruleArguments() string {
	var b strings.Builder
	if f.profile != defaultProfile {
		b.WriteString(" --profile=" + f.profile)
	}
	for _, id := range f.rules {
		b.WriteString(" --rule=" + id)
	}
	for _, id := range f.skip {
		b.WriteString(" --skip-rule=" + id)
	}
	return b.String()
}

// allThere says which permissions are there, and what they are good for.
func allThere(a gcp.Access) string {
	if len(a.Needed) == 0 {
		return "nothing is needed, as GKE is off there"
	}
	all := "all there (" + strings.Join(a.Needed, ", ") + ")"
	if a.Discovery != "" {
		all += ", to find projects by --discovery=" + a.Discovery
	}
	return all
}

// unknownWithout returns the IDs of the rules that need one of the permissions; nil
// stands for all.
func unknownWithout(chosen []*audit.Rule, missing []string) []string {
	ids := []string{}
	for _, r := range chosen {
		if missing == nil || slices.ContainsFunc(r.Permissions, func(p string) bool { return slices.Contains(missing, p) }) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// roleComment says what the role leaves out on purpose.
const roleComment = `# To write reports to gs://BUCKET, or read them there, grant on the bucket, not with this
# role: storage.objects.create, .delete to replace objects, .get and .list to read.
`

// writeRole prints a custom role with the permissions that a run by the chosen rules
// takes, but for those on the buckets of reports: a role of the organization, or of a
// project where projects alone are named.
func (p *program) writeRole(ctx context.Context, form string, f *scanFlags) error {
	chosen, _, err := chooseRules(f.config, f.profile, f.rules, f.skip)
	if err != nil {
		return err
	}
	if !slices.Contains(gcp.Discoveries, f.discovery) {
		return p.checkScope(ctx, f, false)
	}
	ofProject, way := len(f.projects) > 0 && !f.searches(), f.discovery
	if ofProject {
		way = ""
	}
	permissions, comment := gcp.Permissions(audit.DataOf(chosen), way), roleComment
	if ofProject {
		// A role of a project cannot hold what is granted above it.
		above := func(permission string) bool {
			return strings.HasPrefix(permission, "resourcemanager.folders.") || strings.HasPrefix(permission, "resourcemanager.organizations.")
		}
		if slices.ContainsFunc(permissions, above) {
			comment += "# Policies above the project take a role of the organization: --role without --project.\n"
		}
		permissions = slices.DeleteFunc(permissions, above)
	}
	var b strings.Builder
	switch form {
	case "yaml":
		b.WriteString(comment + "title: gkeaudit\ndescription: Read what gkeaudit audits\nstage: GA\nincludedPermissions:\n")
		for _, permission := range permissions {
			fmt.Fprintf(&b, "- %s\n", permission)
		}
	case "terraform":
		kind, parent := "organization", "org_id      = var.organization"
		if ofProject {
			kind, parent = "project", "project     = var.project"
		}
		fmt.Fprintf(&b, "%sresource \"google_%s_iam_custom_role\" \"gkeaudit\" {\n  %s\n", comment, kind, parent)
		b.WriteString("  role_id     = \"gkeaudit\"\n  title       = \"gkeaudit\"\n  description = \"Read what gkeaudit audits\"\n  permissions = [\n")
		for _, permission := range permissions {
			fmt.Fprintf(&b, "    %q,\n", permission)
		}
		b.WriteString("  ]\n}\n")
	default:
		return refuse("Forms are "+strings.Join(roleForms, ", ")+".", "--role: there is no form %q%s", form, didYouMean(form, roleForms))
	}
	_, err = io.WriteString(p.stdout, b.String())
	return err
}
