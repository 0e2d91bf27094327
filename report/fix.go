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

	"{account-domain}": audit.AccountDomain("PROJECT"),
	"{agent-domain}":   audit.AgentDomain("PROJECT"),
	"{workload-pool}":  audit.WorkloadPool("PROJECT"),
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

// gcloudSteps writes all steps of a remediation, with what each is for.
func gcloudSteps(steps []audit.Step) string {
	var parts []string
	for _, step := range steps {
		if step.For != "" {
			step.Title += " (" + subjects[step.For] + ")"
		}
		parts = append(parts, "# "+step.Title+":\n"+step.Commands)
	}
	return general(strings.Join(parts, "\n\n"))
}

// gcloudFor writes the steps that fit a finding, with the names in place.
func gcloudFor(steps []audit.Step, f audit.Finding, c Cluster) string {
	names := namesOf(f, c)
	var fitting []audit.Step
	for _, step := range steps {
		if step.For != "" && step.For != subjectOf(f, c) {
			continue
		}
		if strings.Contains(step.Commands, "--enable-autoprovisioning") && slices.ContainsFunc(f.Evidence, audit.ForComputeClasses) {
			step.Title += "; node auto-provisioning is off, and this turns it on, which needs limits (--max-cpu, --max-memory): what the compute class can set, set there instead"
		}
		step.For, step.Commands = "", named(step.Commands, names)
		fitting = append(fitting, step)
	}
	return gcloudSteps(fitting)
}

// terraformFor writes a snippet for a finding, with the names in place.
func terraformFor(snippet string, f audit.Finding, c Cluster) string {
	return general(named(snippet, namesOf(f, c)))
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
	for _, e := range f.Evidence {
		account = cmp.Or(account, audit.Segment(e.Resource, "serviceAccounts"))
	}
	project := audit.Segment(f.Cluster, "projects")
	names := addressesOf(project)
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
	})
	return names
}
