package report

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// placeholders are the names that remediations leave open, and how they are
// written where no name is put in.
var placeholders = map[string]string{
	"{project}":    "PROJECT",
	"{location}":   "LOCATION",
	"{cluster}":    "CLUSTER",
	"{pool}":       "NODE_POOL",
	"{subnetwork}": "SUBNETWORK",
	"{region}":     "REGION",
	"{network}":    "NETWORK",
	"{host}":       "HOST_PROJECT",
	"{router}":     "ROUTER",
	"{gateway}":    "GATEWAY",
	"{account}":    "SERVICE_ACCOUNT_EMAIL",

	"{account-domain}":  audit.AccountDomain("PROJECT"),
	"{agent-domain}":    audit.AgentDomain("PROJECT"),
	"{workload-pool}":   audit.WorkloadPool("PROJECT"),
	"{account-project}": "ACCOUNT_PROJECT",
	"{new-cluster}":     "NEW_CLUSTER",
	"{nodes-account}":   "NODES_ACCOUNT",
	"{new-pool}":        "NEW_NODE_POOL",
	"{sandbox-pool}":    "NEW_NODE_POOL",
	"{pool-flags}":      oldPoolFlags,
}

// placeholdersIn returns the placeholders as they are written for projects of the same
// universe or domain as one.
func placeholdersIn(project string) map[string]string {
	scope, _, ok := strings.Cut(project, ":")
	if !ok || !plainName.MatchString(project) {
		return placeholders
	}
	words := maps.Clone(placeholders)
	for mark, name := range addressesOf(scope + ":PROJECT") {
		words[mark] = cmp.Or(name, words[mark])
	}
	return words
}

// addressesOf returns what addresses of a project end in, by placeholder.
func addressesOf(project string) map[string]string {
	return map[string]string{
		"{account-domain}": audit.AccountDomain(project),
		"{agent-domain}":   audit.AgentDomain(project),
		"{workload-pool}":  audit.WorkloadPool(project),
	}
}

// usualSandboxPool is what a node pool with GKE Sandbox is called unless another has the name.
const usualSandboxPool = "sandbox"

const oldPoolFlags = "OLD_NODE_POOL_FLAGS"

// plainName is what may be put into a command. Names of Google Cloud's resources
// all look like this; any other stays a placeholder, so that a command that
// somebody copies from a report does nothing that its name smuggled in.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]*$`)

// natField is evidence on a Cloud NAT gateway, by the field of its router.
var natField = regexp.MustCompile(`^nats\[([^\]]+)\]`)

// general writes a remediation for no finding in particular.
func general(text string) string {
	for mark, word := range placeholders {
		text = strings.ReplaceAll(text, mark, word)
	}
	return strings.TrimSpace(text)
}

// subjects say in words what a step is for.
var subjects = map[audit.Subject]string{
	audit.StandardPool:     "Standard node pools",
	audit.AutoProvisioning: "node auto-provisioning",
	audit.AutopilotCluster: "Autopilot",
}

// A gcloudStep is a step as it is shown: what to read first, and what to paste. What is read
// is never a comment of the shell: zsh would run it.
type gcloudStep struct {
	Says     string
	Commands string
}

// What a step says besides its own text, for what its command leaves open.
const (
	addsClusterFlags = "The command sets what this rule needs: add the flags for the other settings of the old cluster, such as its network, version and node pools."
	addsPoolFlags    = "In place of " + oldPoolFlags + " put the flags for the settings of the old node pool: machine type, disk, zones, number of nodes, autoscaling, labels, taints, service account, scopes."
	hasPoolFlags     = "If other rules ask for another node pool in place of this one, too, create one with the flags of all. The other flags are the settings of the old node pool as they were read. Set --num-nodes, which is the initial number of nodes in each zone, to as many as run now."
)

// shown is a step with what it says, and with words for the names that are still open.
func shown(step audit.Step) gcloudStep {
	title := step.Title
	if step.For != "" {
		title += " (" + subjects[step.For] + ")"
	}
	var says []string
	if step.Before != "" {
		says = append(says, step.Before)
	}
	if strings.Contains(step.Commands, "gcloud container clusters create") {
		says = append(says, addsClusterFlags)
	}
	if strings.Contains(step.Commands, "{pool-flags}") {
		says = append(says, addsPoolFlags)
	}
	text := title + ":"
	if len(says) > 0 {
		text = title + ". " + strings.Join(says, " ")
	}
	return gcloudStep{general(text), general(step.Commands)}
}

// gcloudSteps are all steps of a remediation, with what each is for.
func gcloudSteps(steps []audit.Step) []gcloudStep {
	var all []gcloudStep
	for _, step := range steps {
		all = append(all, shown(step))
	}
	return all
}

// stepsText writes steps as plain text.
func stepsText(steps []gcloudStep) string {
	var parts []string
	for _, s := range steps {
		parts = append(parts, s.Says+"\n\n"+s.Commands)
	}
	return strings.Join(parts, "\n\n")
}

// advice puts the names of a report into remediations.
type advice struct {
	replacements map[string]audit.Replacement // by node pool
	clusters     map[[2]string]int            // how many there are, by project and name
}

func (r *Report) advice() *advice {
	x := &advice{map[string]audit.Replacement{}, map[[2]string]int{}}
	for _, p := range r.Replacements {
		x.replacements[p.NodePool] = p
	}
	for _, c := range r.Clusters {
		x.clusters[[2]string{c.Project, audit.LastSegment(c.Name)}]++
	}
	return x
}

// gcloud are the steps that fit a finding, with the names in place.
func (x *advice) gcloud(steps []audit.Step, f audit.Finding, c Cluster) []gcloudStep {
	names := namesOf(f, c)
	cluster := audit.Segment(f.Cluster, "clusters")
	names["{new-cluster}"] = audit.FreeName(cluster, audit.LongestCluster,
		func(name string) bool { return x.clusters[[2]string{c.Project, name}] > 0 })
	var replacement audit.Replacement
	if pools := poolsOf(f); len(pools) == 1 {
		names["{pool}"] = audit.LastSegment(pools[0])
		replacement = x.replacements[pools[0]]
		names["{new-pool}"] = replacement.NewName
	}
	var fitting []gcloudStep
	for _, step := range steps {
		if step.For != "" && step.For != subjectOf(f, c) || !changes(step, replacement) {
			continue
		}
		if strings.Contains(step.Commands, "--enable-autoprovisioning") && slices.ContainsFunc(f.Evidence, audit.ForComputeClasses) {
			step.Title += "; node auto-provisioning is off, and this turns it on, which needs limits (--max-cpu, --max-memory): what the compute class can set, set there instead"
		}
		step.For, step.Commands = "", named(step.Commands, names)
		s := shown(step)
		if replacement.NodePool != "" && strings.Contains(step.Commands, "{pool-flags}") {
			// Last, because a value may look like a name that is open.
			s.Commands = withFlags(s.Commands, replacement.Flags)
			s.Says = strings.Replace(s.Says, addsPoolFlags, carries(replacement), 1)
		}
		fitting = append(fitting, s)
	}
	return fitting
}

// changes reports whether a step may change something: one that turns autoscaling of a node
// pool off does not where it is known to be off.
func changes(step audit.Step, r audit.Replacement) bool {
	return !strings.Contains(step.Commands, "--no-enable-autoscaling") || r.NodePool == "" || slices.Contains(r.Flags, "--enable-autoscaling")
}

// carries says what the flags of a replacement are, and what they are not.
func carries(r audit.Replacement) string {
	if len(r.LeftOut) == 0 {
		return hasPoolFlags
	}
	return hasPoolFlags + " No flag carries over these fields of the node pool, so look at what they hold: " + strings.Join(r.LeftOut, ", ") + "."
}

// poolsOf returns the node pools that a finding is about, each once: its resource, or else
// those in its evidence.
func poolsOf(f audit.Finding) []string {
	if audit.Segment(f.Resource, "nodePools") != "" {
		return []string{f.Resource}
	}
	var pools []string
	for _, e := range f.Evidence {
		if audit.Segment(e.Resource, "nodePools") != "" && !slices.Contains(pools, e.Resource) {
			pools = append(pools, e.Resource)
		}
	}
	return pools
}

// flagName is a flag of a command, without what turns it off.
var flagName = regexp.MustCompile(`--(?:no-)?([a-z][a-z0-9-]*)`)

// withFlags puts the flags of a node pool into the command that creates another. The
// command's own flags stay.
func withFlags(commands string, flags []string) string {
	own := map[string]bool{}
	for _, m := range flagName.FindAllStringSubmatch(commands, -1) {
		own[m[1]] = true
	}
	var quoted []string
	for _, f := range flags {
		if m := flagName.FindStringSubmatch(f); m != nil && !own[m[1]] {
			quoted = append(quoted, shellQuote(f))
		}
	}
	return strings.Replace(commands, oldPoolFlags, strings.Join(quoted, " \\\n    "), 1)
}

// plainArgument is what a shell takes as it is.
var plainArgument = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellQuote writes an argument so that a POSIX shell takes it as one word with that value.
func shellQuote(arg string) string {
	if plainArgument.MatchString(arg) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// terraformReplaces begins the Terraform of fixes that recreate something: by default
// Terraform deletes a resource before it creates the one that takes its place. Source: The
// lifecycle meta-argument, in the Terraform documentation.
var terraformReplaces = map[audit.Recreation]string{
	audit.RecreatesNodePool: `# If you edit the old node pool, Terraform deletes it before it creates the new one. Add the
# new one as a resource of its own, with another name, move the pods as with gcloud, and
# remove the old resource in a later change.
`,
	audit.RecreatesCluster: `# If you edit the old cluster, Terraform deletes it before it creates the new one. Add the
# new one as a resource of its own, with another name, move the workloads and their data, and
# remove the old resource in a later change.
`,
}

// terraformText is the snippet of a remediation, with what to know before it is applied.
func terraformText(r audit.Remediation) string { return terraformReplaces[r.Recreates] + r.Terraform }

// terraformFor writes a snippet for a finding, with the names in place.
func terraformFor(r audit.Remediation, f audit.Finding, c Cluster) string {
	return general(named(terraformText(r), namesOf(f, c)))
}

// named puts names in place of their placeholders.
func named(text string, names map[string]string) string {
	for mark, name := range names {
		if plainName.MatchString(name) {
			text = strings.ReplaceAll(text, mark, name)
		}
	}
	return text
}

// subjectOf says what kind of thing a finding is about.
func subjectOf(f audit.Finding, c Cluster) audit.Subject {
	switch {
	case c.Mode == "autopilot":
		return audit.AutopilotCluster
	case f.Resource == f.Cluster:
		return audit.AutoProvisioning
	}
	return audit.StandardPool
}

// namesOf returns the names that a finding is about, by placeholder.
func namesOf(f audit.Finding, c Cluster) map[string]string {
	subnetwork := c.Subnetwork
	if audit.Segment(f.Resource, "subnetworks") != "" {
		subnetwork = f.Resource
	}
	host := cmp.Or(audit.Segment(subnetwork, "projects"), audit.Segment(c.Network, "projects"))
	region := cmp.Or(audit.Segment(subnetwork, "regions"), audit.RegionOf(audit.Segment(f.Cluster, "locations")))
	if audit.Segment(f.Resource, "routers") != "" {
		host, region = audit.Segment(f.Resource, "projects"), audit.Segment(f.Resource, "regions")
	}
	// Of a finding on a subnetwork the evidence names the gateway, if there is one.
	router, gateway := audit.Segment(f.Resource, "routers"), audit.Segment(f.Resource, "nats")
	for _, e := range f.Evidence {
		if nat := natField.FindStringSubmatch(e.Field); router == "" && nat != nil {
			router, gateway = audit.Segment(e.Resource, "routers"), nat[1]
		}
	}
	account := audit.Segment(f.Resource, "serviceAccounts")
	accountProject := ""
	if account != "" {
		accountProject = audit.Segment(f.Resource, "projects")
	}
	for _, e := range f.Evidence {
		account = cmp.Or(account, audit.Segment(e.Resource, "serviceAccounts"))
	}
	project := audit.Segment(f.Cluster, "projects")
	names := addressesOf(project)
	names["{nodes-account}"] = cmp.Or(c.NodesAccount, audit.NodesAccountID(audit.Segment(f.Cluster, "clusters")))
	names["{sandbox-pool}"] = cmp.Or(c.SandboxPool, usualSandboxPool)
	maps.Copy(names, map[string]string{
		"{project}":    project,
		"{location}":   audit.Segment(f.Cluster, "locations"),
		"{cluster}":    audit.Segment(f.Cluster, "clusters"),
		"{pool}":       audit.Segment(f.Resource, "nodePools"),
		"{subnetwork}": audit.Segment(subnetwork, "subnetworks"),
		"{region}":     region,
		"{host}":       host,
		"{network}":    audit.Segment(c.Network, "networks"),
		"{router}":     router,
		"{gateway}":    gateway,
		"{account}":    account,

		"{account-project}": accountProject,
	})
	return names
}
