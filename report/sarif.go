package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gkeaudit/audit"
)

// What GitHub code scanning takes. Of more than 25,000 results in a run it refuses the
// file, and of those it takes it shows 5,000; which those are is better chosen and said
// here. The bytes are those of the file before it is compressed, where it may have as
// many after.
// https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
const (
	sarifResults = 5_000
	sarifRules   = 25_000
	sarifBytes   = 10_000_000
	sarifTitle   = 1_024  // characters of a rule's short and full description
	sarifText    = 2_000  // characters of a message; they are shown in a list
	sarifHelp    = 20_000 // characters of a rule's help
	sarifNotices = 500    // gaps and missing parts that are listed one by one
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type sarifMessage struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifRule struct {
	ID               string          `json:"id"`
	ShortDescription sarifMessage    `json:"shortDescription"`
	FullDescription  sarifMessage    `json:"fullDescription"`
	Help             sarifMessage    `json:"help"`
	HelpURI          string          `json:"helpUri,omitempty"`
	Default          sarifLevel      `json:"defaultConfiguration"`
	Properties       sarifProperties `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifProperties struct {
	SecuritySeverity string   `json:"security-severity"`
	Precision        string   `json:"precision"`
	Tags             []string `json:"tags"`
}

type sarifResult struct {
	RuleID       string              `json:"ruleId"`
	RuleIndex    int                 `json:"ruleIndex"`
	Kind         string              `json:"kind,omitempty"`
	Level        string              `json:"level,omitempty"`
	Message      sarifMessage        `json:"message"`
	Locations    []sarifLocation     `json:"locations"`
	Fingerprints map[string]string   `json:"partialFingerprints"`
	Baseline     string              `json:"baselineState,omitempty"`
	Suppressions *[]sarifSuppression `json:"suppressions,omitempty"`
	Properties   map[string]any      `json:"properties"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region sarifRegion `json:"region"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

type sarifLogical struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifNotice struct {
	Descriptor struct {
		ID string `json:"id"`
	} `json:"descriptor"`
	Level   string       `json:"level"`
	Message sarifMessage `json:"message"`
}

// WriteSARIF writes what fails, is waived or is unknown as SARIF 2.1.0 for GitHub code
// scanning. What passes or does not apply is not in it: GitHub would take that for an
// alert, too. Where there is more than GitHub takes, the most severe are kept, and a
// notification says how many were not.
func (r *Report) WriteSARIF(w io.Writer) error {
	counted := &countingWriter{w: w}
	j := &jsonWriter{w: counted}
	s := &sarifWriter{Report: r, rules: r.rulesByID(), index: map[string]int{}, waivers: r.waiversByID(), permissions: r.permissions()}
	j.text("{\n")
	j.field("$schema", sarifSchema)
	j.field("version", "2.1.0")
	j.text("  \"runs\": [{\n")
	j.text("  \"tool\": {\"driver\": {\n")
	j.field("name", toolName)
	j.field("version", clean(r.Tool.Version))
	j.text("  \"rules\": [")
	for i, rule := range r.Rules[:min(len(r.Rules), sarifRules)] {
		s.index[rule.ID] = i
		j.next(i, s.rule(rule))
	}
	j.text("\n  ]}},\n")
	j.field("automationDetails", map[string]string{"id": r.sarifCategory()})
	j.field("columnKind", "utf16CodeUnits")
	j.text("  \"results\": [")
	kept, all := s.kept()
	written := 0
	for _, f := range kept {
		if counted.n > sarifBytes {
			break
		}
		if _, declared := s.index[f.Rule]; !declared {
			continue
		}
		j.next(written, s.result(f))
		written++
	}
	j.text("\n  ],\n  \"invocations\": [")
	j.next(0, map[string]any{
		"executionSuccessful":        r.Complete,
		"startTimeUtc":               timestamp(r.StartedAt),
		"endTimeUtc":                 timestamp(r.FinishedAt),
		"toolExecutionNotifications": s.notices(all - written),
	})
	j.text("\n  ]\n  }]\n}\n")
	return j.err
}

// next writes an item of a list on a line of its own.
func (j *jsonWriter) next(i int, v any) {
	if i > 0 {
		j.text(",")
	}
	j.text("\n    ")
	j.value(v)
}

// A countingWriter counts what it writes.
type countingWriter struct {
	w io.Writer
	n int
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}

type sarifWriter struct {
	*Report
	rules       map[string]*audit.Rule
	index       map[string]int
	waivers     map[string]Waiver
	permissions permissions
}

// Levels and scores, by severity. GitHub calls what is over 9.0 critical, 7.0 to 8.9 high
// and 4.0 to 6.9 medium.
var (
	sarifLevels = [...]string{audit.Low: "note", audit.Medium: "warning", audit.High: "error", audit.Critical: "error"}
	sarifScores = [...]string{audit.Low: "2.0", audit.Medium: "5.5", audit.High: "8.0", audit.Critical: "9.5"}
)

func (s *sarifWriter) rule(rule *audit.Rule) sarifRule {
	var text, markdown bytes.Buffer
	// A buffer takes everything.
	_ = WriteRule(&text, rule, 0)
	(&markdownWriter{w: &markdown}).rule(rule)
	short := sarifShort(rule.Title, sarifTitle)
	return sarifRule{
		ID:               rule.ID,
		ShortDescription: sarifMessage{Text: short},
		FullDescription:  sarifMessage{Text: sarifShort(strings.Join(strings.Fields(general(rule.Rationale)), " "), sarifTitle)},
		Help:             sarifMessage{Text: cut(text.String(), sarifHelp), Markdown: sarifMarkdown(markdown.String())},
		HelpURI:          firstReference(rule),
		Default:          sarifLevel{sarifLevels[rule.Severity]},
		Properties: sarifProperties{
			SecuritySeverity: sarifScores[rule.Severity],
			Precision:        "very-high",
			Tags:             []string{"security", "gke", "kubernetes", "google-cloud"},
		},
	}
}

// sarifMarkdown returns Markdown that is not too long, and none where it is: cut short it
// may say something else.
func sarifMarkdown(s string) string {
	if utf8.RuneCountInString(s) > sarifHelp {
		return ""
	}
	return strings.TrimSpace(s)
}

// kept returns the findings that are written, worst first, and how many there are to
// choose from. Findings are millions and those that are kept few, so they are counted
// first.
func (s *sarifWriter) kept() (kept []audit.Finding, all int) {
	var counts [3 * 5]int
	for f := range s.Findings.All() {
		if rank, shown := sarifRank(f); shown {
			counts[rank]++
			all++
		}
	}
	last, room := 0, sarifResults // of the last rank that has room there may be more
	for last < len(counts)-1 && counts[last] <= room {
		room -= counts[last]
		last++
	}
	for f := range s.Findings.All() {
		rank, shown := sarifRank(f)
		if !shown || rank > last {
			continue
		}
		if rank == last {
			if room == 0 {
				continue
			}
			room--
		}
		kept = append(kept, f)
	}
	slices.SortStableFunc(kept, func(a, b audit.Finding) int {
		rankA, _ := sarifRank(a)
		rankB, _ := sarifRank(b)
		return cmp.Compare(rankA, rankB)
	})
	return kept, all
}

// sarifRank says how soon a finding is written, 0 first, and whether it is: by severity,
// what fails before what is unknown, and what is waived after all others.
func sarifRank(f audit.Finding) (rank int, shown bool) {
	below := int(audit.Critical - f.Severity)
	switch state(f) {
	case "fail":
		return 2 * below, true
	case "unknown":
		return 2*below + 1, true
	case "waived":
		return 10 + below, true
	}
	return 0, false
}

func (s *sarifWriter) result(f audit.Finding) sarifResult {
	r := sarifResult{
		RuleID:       f.Rule,
		RuleIndex:    s.index[f.Rule],
		Level:        sarifLevels[f.Severity],
		Message:      sarifMessage{Text: s.message(f)},
		Locations:    []sarifLocation{sarifLocationOf(f)},
		Fingerprints: map[string]string{"primaryLocationLineHash": f.ID(), "gkeaudit/v1": f.ID()},
		Properties:   map[string]any{"status": f.Status, "evidence": sarifEvidence(f)},
	}
	if f.Status == audit.Unknown {
		// A level other than none is for what fails alone. Without one GitHub, which does
		// not look at the kind, takes the rule's: nothing unknown is hidden.
		r.Kind, r.Level = "open", ""
	}
	if f.Undecided {
		r.Properties["undecided"] = true
	}
	if names := s.permissions.of(f); names != "" {
		r.Properties["missingPermission"] = clean(names)
	}
	if s.Baseline != nil {
		// Every result of a run has a state or none has. What cannot be compared is to be
		// looked at, as what is new is.
		r.Baseline = map[audit.Change]string{audit.Same: "unchanged", audit.Altered: "updated"}[f.Change]
		r.Baseline = cmp.Or(r.Baseline, "new")
		r.Properties["change"] = f.Change
		if f.Was != "" {
			r.Properties["was"] = cut(clean(f.Was), sarifTitle)
		}
	}
	if !f.FirstSeen.IsZero() {
		r.Properties["firstSeen"] = timestamp(f.FirstSeen)
	}
	if s.Summary.Waived > 0 { // likewise
		r.Suppressions = &[]sarifSuppression{}
	}
	if f.Waiver != "" && f.Status == audit.Fail {
		reason := clean(f.Waiver)
		if w, ok := s.waivers[f.Waiver]; ok {
			reason = clean(waivedBy(w))
		}
		r.Suppressions = &[]sarifSuppression{{"external", "accepted", sarifShort(reason, sarifText)}}
	}
	return r
}

// message says what fails, in a first sentence of its own: where room is short that is
// all that GitHub shows.
func (s *sarifWriter) message(f audit.Finding) string {
	text := shortResource(f) + ": " + f.Message
	switch state(f) {
	case "unknown":
		text = verdictWord(f) + ": " + text
		if names := s.permissions.of(f); names != "" && !strings.Contains(text, names) {
			text += " (missing permission " + names + ")"
		}
	case "waived":
		text = "WAIVED: " + text
	}
	return sarifShort(text+". In "+f.Cluster+".", sarifText)
}

func sarifEvidence(f audit.Finding) []string {
	const most = 10
	lines := []string{}
	for _, e := range f.Evidence[:min(len(f.Evidence), most)] {
		lines = append(lines, cut(evidenceLine(e, f.Resource), sarifTitle))
	}
	return lines
}

// sarifLocationOf places a finding in a file that is not there: GitHub refuses a file with
// one result that is in none.
func sarifLocationOf(f audit.Finding) sarifLocation {
	l := sarifLocation{
		Physical: sarifPhysical{Region: sarifRegion{1, 1, 1, 2}},
		Logical: []sarifLogical{{
			Name:          clean(audit.LastSegment(f.Resource)),
			QualifiedName: clean(f.Resource),
			Kind:          "resource",
		}},
	}
	segments := strings.Split(clean("gke/"+f.Cluster), "/")
	for i, segment := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(segment), ":", "%3A")
		if strings.Trim(segment, ".") == "" { // to a reader . and .. are other folders
			segments[i] = strings.ReplaceAll(segment, ".", "%2E")
		}
	}
	l.Physical.Artifact.URI = strings.Join(segments, "/")
	return l
}

// sarifMarks are what a message of SARIF takes for a link or a placeholder.
var sarifMarks = regexp.MustCompile(`\]\(|\{\d`)

// sarifShort writes a text as a message that is not too long.
func sarifShort(s string, most int) string {
	s = clean(cut(s, most)) // which may make it longer
	return cut(sarifMarks.ReplaceAllStringFunc(s, func(mark string) string { return mark[:1] + " " + mark[1:] }), most)
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	i, n := 0, 0
	for at := range s {
		if n == most-1 {
			i = at
		}
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// sarifCategory names the audit: GitHub takes an alert for closed when a later file of the
// same category has it no more. The category is the same for the same scope and rules,
// and what follows the last slash is the run.
func (r *Report) sarifCategory() string {
	what := []string{r.Scope.rest(), r.Settings.Profile, strings.Join(r.Settings.Enabled, ","), strings.Join(r.Settings.Disabled, ",")}
	if r.Settings.Profile == "" {
		for _, rule := range r.Rules {
			what = append(what, rule.ID)
		}
	}
	if sh := r.Scope.Shard; sh != nil {
		what = append(what, sh.String())
	}
	if r.Scope.Discovery == nil {
		what = append(what, r.Scope.Projects...)
	}
	return toolName + "/" + idOf(what...)[:12] + "/" + r.StartedAt.UTC().Format("20060102T150405Z")
}

// notices are what a reader has to know besides the results.
func (s *sarifWriter) notices(left int) []sarifNotice {
	notices := []sarifNotice{}
	add := func(id, level, format string, args ...any) {
		n := sarifNotice{Level: level, Message: sarifMessage{Text: sarifShort(fmt.Sprintf(format, args...), sarifText)}}
		n.Descriptor.ID = id
		notices = append(notices, n)
	}
	if left > 0 {
		add("cut", "warning", "%s not in this file, which holds the most severe that code scanning takes. The JSON report has them all.", count(left, "finding is", "findings are"))
	}
	if s.Summary.Unread() > 0 {
		add("unknown", "warning", "%s.", s.Summary.unreadFindings())
	}
	if n := s.Summary.Undecided; n > 0 {
		add("undecided", "note", "%s undecided: what the API reports does not decide them.", count(n, "finding is", "findings are"))
	}
	for i, g := range s.Gaps {
		if i == sarifNotices {
			add("gap", "error", "%s could not be read, too.", count(len(s.Gaps)-i, "other thing", "other things"))
			break
		}
		add("gap", "error", "Could not be read: %s.", gapLine(g))
	}
	for i, part := range s.Scope.Missing {
		if i == sarifNotices {
			add("missing", "error", "%s missing, too.", count(len(s.Scope.Missing)-i, "other part is", "other parts are"))
			break
		}
		add("missing", "error", "Missing from this report: %s.", part)
	}
	if s.Summary.LeftOut > 0 {
		add("cut", "note", "Left out: %s below severity %s.", count(s.Summary.LeftOut, "finding", "findings"), s.Scope.LeastSeverity)
	}
	for i, w := range s.Waivers {
		if i < sarifNotices && w.State != WaiverActive {
			add("waiver", "note", "Waiver %s of %s is %s.", w.ID, w.Owner, w.State)
		}
	}
	if s.Baseline == nil {
		return notices
	}
	for _, note := range s.Baseline.Notes[:min(len(s.Baseline.Notes), sarifNotices)] {
		add("baseline", "note", "%s", note)
	}
	if len(s.Baseline.Resolved) > 0 {
		add("resolved", "note", "%s resolved since the baseline of %s.", count(len(s.Baseline.Resolved), "finding is", "findings are"), stamp(s.Baseline.StartedAt))
	}
	return notices
}
