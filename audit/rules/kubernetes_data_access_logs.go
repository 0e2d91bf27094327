package rules

import (
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
Either of the two types missing fails, and where a policy could not be read, is unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Take the project's policy, add the log types to its auditConfigs, and put it back (if there is an entry for container.googleapis.com, add them to that by hand)", Commands: `gcloud projects get-iam-policy {project} --format=json > policy.json
jq '.auditConfigs += [{"service": "container.googleapis.com",
    "auditLogConfigs": [{"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]}]' \
    policy.json > logged.json
gcloud projects set-iam-policy {project} logged.json`},
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
	lacking, byName := []string{"DATA_READ", "DATA_WRITE"}, false
	var exempt []string
	var evidence []audit.Evidence
	for _, p := range policies {
		found := len(evidence)
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
				evidence = append(evidence, audit.Evidence{Resource: p.Resource, Field: "iamPolicy.auditConfigs[" + config.Service + "]." + l.LogType, Value: value})
				if config.Service == "k8s.io" || !strings.HasPrefix(l.LogType, "DATA_") {
					continue
				}
				lacking = slices.DeleteFunc(lacking, func(t string) bool { return t == l.LogType })
				exempt = append(exempt, l.ExemptedMembers...)
			}
		}
		if len(evidence) == found {
			evidence = append(evidence, audit.Absent(p.Resource, "iamPolicy.auditConfigs", "no Data Access audit logs of GKE are turned on there"))
		}
	}
	var v audit.Verdict
	switch {
	case len(lacking) == 0:
		v = audit.Passf("DATA_READ and DATA_WRITE are logged for GKE")
		if exempt != nil {
			slices.Sort(exempt)
			v = v.Noting("not for " + several(slices.Compact(exempt), 3))
		}
	case gaps != nil:
		v = audit.Hidden(gaps...)
	case byName:
		v = audit.Unknownf("not logged for container.googleapis.com: %s; what an entry for k8s.io does is not documented", strings.Join(lacking, ", "))
	default:
		v = audit.Failf("not logged for GKE: %s", strings.Join(lacking, ", "))
	}
	return v.On(project).Because(evidence...)
}
