package report

import (
	"cmp"
	"io"
	"strings"

	"gkeaudit/audit"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework that events are of.
const ocsfVersion = "1.8.0"

// An ocsfEvent is a Compliance Finding, class 2003 of category 2.
// https://schema.ocsf.io/1.8.0/classes/compliance_finding
type ocsfEvent struct {
	ActivityID   int              `json:"activity_id"`
	ActivityName string           `json:"activity_name"`
	CategoryUID  int              `json:"category_uid"`
	CategoryName string           `json:"category_name"`
	ClassUID     int              `json:"class_uid"`
	ClassName    string           `json:"class_name"`
	TypeUID      int              `json:"type_uid"`
	Time         int64            `json:"time"`
	SeverityID   int              `json:"severity_id"`
	Severity     string           `json:"severity"`
	StatusID     int              `json:"status_id,omitempty"`
	Status       string           `json:"status,omitempty"`
	StatusDetail string           `json:"status_detail,omitempty"`
	Message      string           `json:"message"`
	Metadata     ocsfMetadata     `json:"metadata"`
	Cloud        ocsfCloud        `json:"cloud"`
	FindingInfo  ocsfFinding      `json:"finding_info"`
	Compliance   ocsfCompliance   `json:"compliance"`
	Resources    []ocsfResource   `json:"resources,omitempty"`
	Remediation  *ocsfRemediation `json:"remediation,omitempty"`
	Evidences    []ocsfEvidence   `json:"evidences,omitempty"`
	Unmapped     *ocsfUnmapped    `json:"unmapped,omitempty"`
}

type ocsfMetadata struct {
	Version  string      `json:"version"`
	Profiles []string    `json:"profiles"`
	Product  ocsfProduct `json:"product"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version"`
}

type ocsfCloud struct {
	Provider string       `json:"provider"`
	Account  *ocsfAccount `json:"account,omitempty"`
	Region   string       `json:"region,omitempty"`
}

type ocsfAccount struct {
	UID    string `json:"uid"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfFinding struct {
	UID       string        `json:"uid"`
	Title     string        `json:"title"`
	Analytic  *ocsfAnalytic `json:"analytic,omitempty"`
	FirstSeen int64         `json:"first_seen_time,omitempty"`
	LastSeen  int64         `json:"last_seen_time"`
}

type ocsfAnalytic struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	TypeID int    `json:"type_id"`
	Type   string `json:"type"`
}

type ocsfCompliance struct {
	Control      string   `json:"control,omitempty"`
	Standards    []string `json:"standards"`
	Requirements []string `json:"requirements,omitempty"`
	StatusID     int      `json:"status_id"`
	Status       string   `json:"status"`
	StatusCode   string   `json:"status_code"`
	StatusDetail string   `json:"status_detail"`
}

type ocsfResource struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Region string `json:"region,omitempty"`
}

type ocsfRemediation struct {
	Desc       string   `json:"desc"`
	References []string `json:"references,omitempty"`
}

type ocsfEvidence struct {
	Data ocsfData `json:"data"`
}

type ocsfData struct {
	Resource string `json:"resource"`
	Field    string `json:"field"`
	Value    string `json:"value"`
}

// ocsfUnmapped is what the class has no place for.
type ocsfUnmapped struct {
	Kind       string `json:"kind"`
	Change     string `json:"change,omitempty"`
	Was        string `json:"was,omitempty"`
	Waiver     string `json:"waiver,omitempty"`
	Permission string `json:"missing_permission,omitempty"`
	Complete   bool   `json:"audit_complete"`
}

// The numbers of severities, and the words for them.
var ocsfSeverities = [...]struct {
	id   int
	name string
}{
	0:              {0, "Unknown"},
	audit.Low:      {2, "Low"},
	audit.Medium:   {3, "Medium"},
	audit.High:     {4, "High"},
	audit.Critical: {5, "Critical"},
}

// WriteOCSF writes the report as OCSF Compliance Findings in JSON, one event on a line:
// one for each finding, for each thing that could not be read, and for each finding of the
// baseline that is resolved.
func (r *Report) WriteOCSF(w io.Writer) error {
	j := &jsonWriter{w: w}
	clusters := make(map[string]Cluster, len(r.Clusters))
	for _, c := range r.Clusters {
		clusters[c.Name] = c
	}
	x, resolved := r.advice(), map[string]bool{}
	if r.Baseline != nil {
		for _, f := range r.Baseline.Resolved {
			resolved[f.ID()] = true
		}
	}
	for row := range r.rows() {
		switch {
		case row.kind == "resolved" && !resolved[row.id]:
			continue // what became of it has been said
		case row.kind == "finding" && resolved[row.id]:
			delete(resolved, row.id)
			j.value(ocsfOf(row, x, clusters[row.finding.Cluster], true))
		default:
			j.value(ocsfOf(row, x, clusters[row.finding.Cluster], row.kind == "resolved"))
		}
		j.text("\n")
		if j.err != nil {
			break
		}
	}
	return j.err
}

// ocsfOf makes an event of a row, which is resolved or not.
func ocsfOf(r *row, x *advice, c Cluster, resolved bool) *ocsfEvent {
	f := r.finding
	e := &ocsfEvent{
		CategoryUID: 2, CategoryName: "Findings", ClassUID: 2003, ClassName: "Compliance Finding",
		Time:    r.FinishedAt.UnixMilli(),
		Message: clean(ocsfMessage(r)),
		Metadata: ocsfMetadata{ocsfVersion, []string{"cloud"}, ocsfProduct{
			toolName, toolName, clean(r.Tool.Version),
		}},
		Cloud:       ocsfCloud{Provider: "GCP", Region: clean(audit.RegionOf(audit.Segment(f.Cluster, "locations")))},
		FindingInfo: ocsfFinding{UID: r.id, Title: clean(r.title()), LastSeen: r.Scope.ReadAt.UnixMilli()},
		Compliance:  ocsfCompliance{Control: clean(f.Rule), StatusCode: r.status, StatusDetail: clean(r.message)},
		Unmapped:    &ocsfUnmapped{r.kind, clean(string(f.Change)), clean(f.Was), clean(f.Waiver), clean(r.permission), r.Complete},
	}
	if r.project != "" {
		e.Cloud.Account = &ocsfAccount{clean(r.project), 11, "GCP Project"}
	}
	if !f.FirstSeen.IsZero() {
		e.FindingInfo.FirstSeen = f.FirstSeen.UnixMilli()
	}
	e.setStatus(r, resolved)
	e.setRule(r.rule)
	if f.Resource != "" {
		e.Resources = append(e.Resources, ocsfResourceOf(f.Resource))
	}
	if f.Cluster != "" && f.Resource != f.Cluster {
		e.Resources = append(e.Resources, ocsfResourceOf(f.Cluster))
	}
	for _, ev := range f.Evidence {
		e.Evidences = append(e.Evidences, ocsfEvidence{ocsfData{clean(ev.Resource), clean(ev.Field), clean(ev.Value)}})
	}
	if r.rule != nil && (r.status == "fail" || r.status == "waived") {
		e.Remediation = &ocsfRemediation{ocsfCommands(r.rule, x, f, c), referencesOf(r.rule)}
	}
	return e
}

// setStatus says where the event and what it is about stand. What is unknown is a warning,
// which the class has for what could not be judged for want of information.
func (e *ocsfEvent) setStatus(r *row, resolved bool) {
	severity := ocsfSeverities[0]
	if r.rule != nil {
		severity = ocsfSeverities[r.finding.Severity]
	}
	switch r.status {
	case "fail":
		e.Compliance.StatusID, e.Compliance.Status = 3, "Fail"
		e.StatusID, e.Status = 1, "New"
	case "waived":
		e.Compliance.StatusID, e.Compliance.Status = 3, "Fail"
		e.StatusID, e.Status = 3, "Suppressed"
		e.StatusDetail = clean(r.finding.Waiver)
		if r.waiver.ID != "" {
			e.StatusDetail = clean(waivedBy(r.waiver))
		}
	case "unknown":
		e.Compliance.StatusID, e.Compliance.Status = 2, "Warning"
		e.StatusID, e.Status = 1, "New"
	case "pass":
		e.Compliance.StatusID, e.Compliance.Status = 1, "Pass"
		severity.id, severity.name = 1, "Informational"
	default: // not applicable, or resolved by being there no more
		e.Compliance.StatusID, e.Compliance.Status = 99, "Not Applicable"
		if r.status == "resolved" {
			e.Compliance.Status = "Resolved"
		}
		severity.id, severity.name = 1, "Informational"
	}
	e.SeverityID, e.Severity = severity.id, severity.name
	e.ActivityID, e.ActivityName = 1, "Create"
	switch {
	case resolved:
		e.ActivityID, e.ActivityName = 3, "Close"
		e.StatusID, e.Status = 4, "Resolved"
	case r.finding.Change == audit.Same, r.finding.Change == audit.Altered:
		e.ActivityID, e.ActivityName = 2, "Update"
	}
	e.TypeUID = 100*e.ClassUID + e.ActivityID
}

// setRule says what is judged, and by which standards. The rules are a standard of their
// own: the class wants one of every event.
func (e *ocsfEvent) setRule(rule *audit.Rule) {
	e.Compliance.Standards = []string{toolName}
	if rule == nil {
		return
	}
	e.FindingInfo.Analytic = &ocsfAnalytic{clean(rule.ID), clean(rule.Title), 1, "Rule"}
	for _, c := range rule.Controls {
		name := clean(string(c.Framework))
		if last := e.Compliance.Standards; last[len(last)-1] != name {
			e.Compliance.Standards = append(e.Compliance.Standards, name)
		}
	}
	for _, name := range controlNames(rule) {
		e.Compliance.Requirements = append(e.Compliance.Requirements, clean(name))
	}
}

func ocsfMessage(r *row) string {
	word := strings.ToUpper(strings.ReplaceAll(r.status, "-", " "))
	if r.rule == nil {
		return word + ": " + strings.TrimSpace(r.finding.Resource+" "+r.message)
	}
	return word + ": " + shortResource(r.finding) + ": " + r.message
}

func referencesOf(rule *audit.Rule) []string {
	urls := make([]string, len(rule.References))
	for i, ref := range rule.References {
		urls[i] = ref.URL
	}
	return urls
}

// ocsfCommands are the commands that mend a finding, line by line.
func ocsfCommands(rule *audit.Rule, x *advice, f audit.Finding, c Cluster) string {
	lines := strings.Split(stepsText(x.gcloud(rule.Remediation.Gcloud, f, c)), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// ocsfResourceOf describes a resource by its name.
func ocsfResourceOf(name string) ocsfResource {
	segments := strings.Split(name, "/")
	r := ocsfResource{UID: clean(name), Name: clean(segments[len(segments)-1]), Type: "project"}
	switch n := len(segments); {
	case n > 2 && n%2 == 0:
		r.Type = cmp.Or(clean(strings.TrimSuffix(segments[n-2], "s")), "resource")
	case n > 2: // all of a kind
		r.Type = cmp.Or(r.Name, "resource")
	}
	region := audit.Segment(name, "regions")
	if region == "" {
		region = audit.RegionOf(audit.Segment(name, "locations"))
	}
	r.Region = clean(region)
	return r
}
