package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"gkeaudit/audit"
)

var kubernetesDataAccessLogs = &audit.Rule{
	ID:       "kubernetes-data-access-logs",
	Title:    "Reading and writing data in the cluster is logged",
	Severity: audit.Low,
	Weight:   "It prevents nothing; after an incident, finding what was read costs more.",
	Optional: "Data Access logs are charged by volume.",
	Since:    "0.1.0",
	Rationale: `Without Data Access audit logs, nothing tells who read a secret or the logs of a pod, or
ran a command in it: the Kubernetes API's reads are among those logs, and they are off
unless an allow policy turns them on.`,
	Checks: `auditConfigs of the allow policies of the cluster's project and of the folders and the
organization above it, which add up. DATA_READ and DATA_WRITE for allServices or for
container.googleapis.com pass; members that are exempt are said. Entries of the
Kubernetes API (k8s.io) are taken to follow container.googleapis.com: that is how Google's
console offers them. One for k8s.io by name is unknown, as its effect is not documented.
Either of the two types missing fails, and where a policy could not be read, is unknown.
A policy that exempts allUsers or allAuthenticatedUsers from a type does not log it,
whatever its other entries say: exemptions of all services and of one add up. Where another
policy logs the type without such an exemption, it is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Write the project's policy to a file, and add the log types to its auditConfigs (if there is an entry for container.googleapis.com, add them to that by hand)", Commands: `gcloud projects get-iam-policy {project} --format=json > policy.json &&
jq '.auditConfigs += [{"service": "container.googleapis.com",
    "auditLogConfigs": [{"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]}]' \
    policy.json > logged.json`},
			{Title: "Put the policy back", Before: "Compare policy.json with logged.json: only auditConfigs may differ, because the command replaces the whole policy.", Commands: `gcloud projects set-iam-policy {project} logged.json`},
		},
		Terraform: `resource "google_project_iam_audit_config" "gke" {
  project = "{project}"
  service = "container.googleapis.com"
  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}`,
		Disruption: `None. The logs are charged by volume, and a busy cluster writes many: exempt its own
components, or filter them at the sink.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "GKE audit policy", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/audit-policy"},
		{Title: "GKE audit logging information", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/audit-logging"},
		{Title: "AuditConfig, whose exempted members have the form of a binding's", URL: "https://docs.cloud.google.com/resource-manager/reference/rest/Shared.Types/AuditConfig"},
		{Title: "Enable Data Access audit logs", URL: "https://docs.cloud.google.com/logging/docs/audit/configure-data-access"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "AUDIT_LOGGING_DISABLED"},
	},
	Needs: []audit.Data{audit.IAMPolicies},
	Check: audit.EachCluster(judgeDataAccessLogs),
}

func judgeDataAccessLogs(in *audit.Input, c *audit.Cluster) audit.Verdict {
	project := "projects/" + c.Project
	policies, gaps := in.Policies(c.Project)
	byName := false
	var exempt []string
	var evidence, later []audit.Evidence
	logs := map[string]*dataAccess{"DATA_READ": {}, "DATA_WRITE": {}}
	for _, p := range policies {
		found := len(evidence)
		on, everyone := map[string]bool{}, map[string][]string{} // by type
		for _, config := range p.AuditConfigs {
			byName = byName || config.Service == "k8s.io"
			if config.Service != "allServices" && config.Service != "container.googleapis.com" && config.Service != "k8s.io" {
				continue
			}
			for _, l := range config.AuditLogConfigs {
				value := "on"
				if len(l.ExemptedMembers) > 0 {
					value += " but for " + shorten(l.ExemptedMembers)
				}
				e := audit.Evidence{Resource: p.Resource, Field: "iamPolicy.auditConfigs[" + config.Service + "]." + l.LogType, Value: value}
				evidence = append(evidence, e)
				switch {
				case config.Service == "k8s.io" || l.LogType == "ADMIN_READ":
				case logs[l.LogType] == nil:
					later = append(later, audit.Evidence{Resource: p.Resource, Field: "iamPolicy.auditConfigs[" + config.Service + "].auditLogConfigs[].logType", Value: cmp.Or(l.LogType, `""`)})
				default:
					on[l.LogType] = true
					exempt = append(exempt, l.ExemptedMembers...)
					everyone[l.LogType] = append(everyone[l.LogType], slices.DeleteFunc(slices.Clone(l.ExemptedMembers), func(m string) bool { return !isPublic(m) })...)
				}
			}
		}
		for t := range on {
			logs[t].add(everyone[t])
		}
		if len(evidence) == found {
			evidence = append(evidence, audit.Absent(p.Resource, "iamPolicy.auditConfigs", "no Data Access audit logs of GKE are turned on there"))
		}
	}
	var lacking, doubtful []string
	for _, t := range slices.Sorted(maps.Keys(logs)) {
		switch l := logs[t]; {
		case l.logged && l.everyone != nil:
			doubtful = append(doubtful, t)
		case l.everyone != nil:
			lacking = append(lacking, t+" ("+strings.Join(l.everyone, ", ")+" exempt)")
		case !l.logged:
			lacking = append(lacking, t)
		}
	}
	var v audit.Verdict
	switch {
	case lacking == nil && doubtful == nil:
		v = audit.Passf("DATA_READ and DATA_WRITE are logged for GKE")
		if exempt != nil {
			slices.Sort(exempt)
			v = v.Noting("not for " + several(slices.Compact(exempt), 3))
		}
		if gaps != nil {
			v = v.Noting("policies that could not be read may exempt others")
		}
	case lacking == nil:
		v = audit.Unknownf("one policy logs %s and another exempts everyone from it; the effect of both together is not documented", strings.Join(doubtful, ", "))
	case gaps != nil:
		v = audit.Hidden(gaps...)
	case byName:
		v = audit.Unknownf("not logged for container.googleapis.com: %s; what an entry for k8s.io does is not documented", strings.Join(lacking, ", "))
	case later != nil:
		v = audit.UnknownValue(later[0])
	default:
		v = audit.Failf("not logged for GKE: %s", strings.Join(lacking, ", "))
	}
	return v.On(project).Because(evidence...)
}

// dataAccess is what policies say of a type of log.
type dataAccess struct {
	logged   bool     // one of them turns it on and exempts not everyone
	everyone []string // those who are everyone, and whom others exempt from it
}

// add adds what a policy says that turns the type on. Exempt are those whom it exempts and
// who are everyone. Exempted members have the form of those of a binding, and those of an
// entry for all services and of one for a service are exempt together. Source: AuditConfig
// and AuditLogConfig in the reference of IAM policies.
func (d *dataAccess) add(exempt []string) {
	if len(exempt) == 0 {
		d.logged = true
		return
	}
	d.everyone = append(d.everyone, exempt...)
	slices.Sort(d.everyone)
	d.everyone = slices.Compact(d.everyone)
}
