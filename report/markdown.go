package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gkeaudit/audit"
)

// MarkdownOptions say how long a report in Markdown may get.
type MarkdownOptions struct {
	// MaxBytes is how long; 0 for as long as it is. What is over is left out, and
	// counted.
	MaxBytes int

	// Whole names files that hold what is left out.
	Whole []string
}

// LeastMarkdown is the least that a report in Markdown can be shortened to, in bytes: the
// verdict, what is missing, and the counts.
const LeastMarkdown = 4000

// WriteMarkdown writes the report in GitHub Flavored Markdown.
func (r *Report) WriteMarkdown(w io.Writer, o MarkdownOptions) error {
	m := &markdown{
		draft:    draft{w: w, limit: o.MaxBytes, cut: leastRank + 1},
		Report:   r,
		overview: r.overview(),
		waivers:  r.waiversByID(),
		advice:   r.advice(),
		clusters: map[string]Cluster{},
	}
	for _, c := range r.Clusters {
		m.clusters[c.Name] = c
	}
	var listed [4]int
	for _, c := range m.overview.clusters {
		for status, n := range c.counts {
			listed[status] += n
		}
	}
	m.left = r.omits(listed, m.changed(-1), m.undecided)
	m.first()
	m.causeTable()
	m.waiverTable("Waivers to look at", waiverRows, true)
	m.ruleTable()
	m.clusterTable()
	m.ruleSections()
	m.resolvedTable()
	m.networkPaths()
	m.clusterSections()
	for _, b := range r.Benchmarks {
		m.benchmark(b)
	}
	m.gapTable()
	m.waiverTable("Other waivers", allWaiverRows, false)
	m.add(always, fmt.Sprintf("---\n\nMade by gkeaudit, %s to %s.\n", stamp(r.StartedAt), stamp(r.FinishedAt)))
	return m.finish(func(t leftovers) string { return shortened(o, t) })
}

// A markdown is a report in Markdown that is being written.
type markdown struct {
	draft
	*Report
	*overview
	left     omitted
	waivers  map[string]Waiver
	advice   *advice
	clusters map[string]Cluster
}

// shortened says what is left out, and where it is.
func shortened(o MarkdownOptions, t leftovers) string {
	const most, longest = 3, 300
	var files []string
	for _, name := range o.Whole {
		if code := markdownCode(name); len(code) <= longest && len(files) < most {
			files = append(files, code)
		}
	}
	where := "`gkeaudit report REPORT.json --format=markdown --max-bytes=0` writes the whole from the JSON report of this audit"
	if files != nil {
		where = "The whole is in " + strings.Join(files, ", ") + "; `--max-bytes=0` writes it here, too"
	}
	return fmt.Sprintf("> [!NOTE]\n> **This report is shortened to %d bytes.** Left out: %s. %s.\n\n", o.MaxBytes, leftOut(t), where)
}

func alert(r *Report) string {
	switch {
	case r.Summary.Fail > 0:
		return "CAUTION"
	case !r.Complete || r.Summary.Unknown > 0:
		return "WARNING"
	}
	return "TIP"
}

func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05 UTC") }

// first writes what is never left out.
func (m *markdown) first() {
	title := "# GKE audit"
	if m.Interrupted {
		title += ": interrupted"
	}
	m.add(always, title+"\n\n")
	m.add(always, fmt.Sprintf("> [!%s]\n> **%s**\n\n", alert(m.Report), markdownText(m.Verdict())))
	if !m.Complete {
		m.add(always, "> [!WARNING]\n> "+m.incomplete()+"\n\n")
	}
	m.note()
	m.counts()
	m.scope()
}

// incomplete says what is missing.
func (m *markdown) incomplete() string {
	what := "**Not everything could be read.**"
	if n := m.Summary.Unread(); n > 0 {
		what = fmt.Sprintf("**Not everything could be judged: %s UNKNOWN, neither passed nor failed.**", count(n, "finding is", "findings are"))
	}
	if n := m.Summary.Gaps; n > 0 {
		what += fmt.Sprintf(" %s data or clusters.", count(n, "gap hides", "gaps hide"))
	}
	if n := len(m.Scope.Missing); n > 0 {
		what += fmt.Sprintf(" %s missing from this report.", count(n, "part is", "parts are"))
	}
	return what + " " + link("not-evaluated", "What could not be evaluated") + " says why, and what to grant."
}

// counts writes how many findings there are, and what has changed.
func (m *markdown) counts() {
	head, line := "| Findings | Now |", "|---|---:|"
	if m.Baseline != nil {
		head += " New | Changed | Incomparable | Unchanged | Resolved |"
		line += "---:|---:|---:|---:|---:|"
	}
	var rows []string
	row := func(what string, n int, by audit.Severity, listed bool) {
		text := fmt.Sprintf("| %s | %d |", what, n)
		if m.Baseline != nil {
			for _, change := range []audit.Change{audit.Appeared, audit.Altered, audit.NotComparable, audit.Same} {
				text += " " + changeCount("+", m.changes[by][change], change == audit.Appeared, listed) + " |"
			}
			text += " " + changeCount("-", m.resolved[by], true, listed) + " |"
		}
		rows = append(rows, text)
	}
	s, least := m.Summary, m.Scope.least()
	for i := len(audit.Severities) - 1; i >= 0; i-- {
		severity := audit.Severity(i + 1)
		row("**FAIL**, "+severity.String(), s.Failing[severity.String()], severity, severity >= least)
	}
	row("**UNKNOWN**", s.Unknown, 0, s.LeftOut == 0)
	if s.Waived > 0 || len(m.Waivers) > 0 {
		row("**WAIVED**", s.Waived, -1, s.LeftOut == 0)
	}
	blank := ""
	if m.Baseline != nil {
		blank = strings.Repeat(" |", 5)
	}
	if s.Undecided > 0 {
		rows = append(rows, fmt.Sprintf("| of the UNKNOWN, UNDECIDED | %d |%s", s.Undecided, blank))
	}
	rows = append(rows, fmt.Sprintf("| PASS | %d |%s", s.Pass, blank), fmt.Sprintf("| NOT APPLICABLE | %d |%s", s.NotApplicable, blank))
	m.add(always, head+"\n"+line+"\n"+strings.Join(rows, "\n")+"\n\n")
	if s.LeftOut > 0 {
		m.add(always, fmt.Sprintf("Counted and not listed: %s below severity %s.\n\n", count(s.LeftOut, "finding", "findings"), m.Scope.LeastSeverity))
	}
}

// changeCount writes how many findings have changed, where they are listed.
func changeCount(sign string, n int, signed, listed bool) string {
	switch {
	case !listed:
		return "?"
	case n == 0 || !signed:
		sign = ""
	}
	return fmt.Sprintf("%s%d", sign, n)
}

// listed is how many projects are named before the rest is in a fold, and how many
// clusters and resolved findings come before other things where not all is shown.
const listed = 20

// some is how many findings of each rule come before other things where not all is shown.
const some = 10

// scope writes what was audited.
func (m *markdown) scope() {
	m.within(table("| | |", "|---|---|", ""), func() {
		row := func(r rank, what, text string) {
			of := counted{}
			if r > always {
				of = counted{ofScope, 1}
			}
			m.count(r, of, func() string { return "| " + what + " | " + text + " |\n" })
		}
		s, sc := m.Summary, m.Scope
		row(always, "Projects", s.Coverage())
		row(always, "Clusters", fmt.Sprint(s.Clusters))
		row(always, "Data read", stamp(sc.ReadAt))
		complete := "yes"
		if !m.Complete {
			complete = "**no**: " + markdownText(m.Incompleteness())
		}
		row(always, "Complete", complete)
		if sh := sc.Shard; sh != nil {
			row(always, "Shard", fmt.Sprintf("%s: %d of %s", sh, s.Projects, count(sh.Projects, "project", "projects")))
		}
		if n := len(sc.Projects); n > listed {
			row(scopeRows, "Project IDs", markdownCells(sc.Projects[:listed])+fmt.Sprintf(" and %d more", n-listed))
		} else if n > 0 {
			row(scopeRows, "Project IDs", markdownCells(sc.Projects))
		}
		if found := m.Found(); found != "" {
			row(scopeRows, "Found", markdownText(strings.Join(strings.Fields(found+". "+m.Unlisted()+" "+sc.Discovery.Note), " ")))
		}
		for _, only := range []struct {
			what  string
			names []string
		}{
			{"Without projects", sc.ExcludeProjects}, {"Without folders", sc.ExcludeFolders},
			{"Only locations", sc.Locations}, {"Only clusters", sc.Scope.Clusters},
		} {
			if len(only.names) > 0 {
				row(scopeRows, only.what, markdownCells(only.names))
			}
		}
		if facts := m.Settings.Facts(); facts != nil {
			row(scopeRows, "Rules", markdownText(strings.Join(facts, "; ")))
		}
		if b := m.Baseline; b != nil {
			row(scopeRows, "Compared with", fmt.Sprintf("%s, an audit of %s by %s %s", markdownCell(b.Name), stamp(b.StartedAt), toolName, markdownText(b.Version)))
		}
		row(scopeRows, "Made by", m.Tool.Name+" "+markdownText(m.Tool.Version))
	})
	if names := m.Scope.Projects; len(names) > listed {
		m.fold(fmt.Sprintf("All %d projects", len(names)), "", func() {
			m.within(frame{after: "\n", rows: "projects"}, func() {
				for _, name := range names {
					m.count(gapRows, counted{ofScope, 1}, func() string { return "- " + markdownCode(name) + "\n" })
				}
			})
		})
	}
}

// table is a frame for rows. Some may be left out, which it says if they have a name.
func table(head, line, rows string) frame {
	return frame{before: head + "\n" + line + "\n", after: "\n", rows: rows}
}

// section is a frame for what a heading is of. The anchor may be empty.
func section(level int, anchor, title, text string) frame {
	name := ""
	if anchor != "" {
		name = `<a name="` + anchor + `"></a>`
	}
	return frame{anchor: anchor, before: strings.Repeat("#", level) + " " + name + title + "\n\n" + text}
}

// fold has details around what a function adds. GitHub wants blank lines around Markdown
// in it, and takes no Markdown for the summary.
func (m *markdown) fold(summary, rows string, add func()) {
	m.within(frame{before: "<details><summary>" + summary + "</summary>\n\n", after: "</details>\n\n"}, func() {
		m.within(frame{rows: rows}, add)
	})
}

func (m *markdown) causeTable() {
	about := "UNKNOWN is neither passed nor failed. A finding may have several reasons. UNDECIDED is what is unknown although everything was read."
	m.within(section(2, "not-evaluated", "What could not be evaluated", about+"\n\n"), func() {
		m.within(table("| Why | Where | UNKNOWN | Rules | Clusters |", "|---|---|---:|---:|---:|", "reasons"), func() {
			for i, c := range m.causes {
				if (c.why == undecided || c.why == notInSnapshot) && c.findings == 0 {
					continue
				}
				r := causeRows
				if i >= listed { // they are not to push out what fails
					r = gapRows
				}
				m.count(r, counted{ofCauses, 1}, func() string {
					why := markdownText(c.why)
					if c.permission != "" {
						why = "missing permission " + markdownCell(c.permission)
					}
					if c.clustersIn {
						why += ", which may hide clusters"
					}
					row := "| " + why + " | " + someCells(c.places) + " |"
					for _, n := range []int{c.findings, len(c.rules), len(c.clusters)} {
						row += " " + plainAtLeast(n, m.left.unknown) + " |"
					}
					return row + "\n"
				})
			}
		})
		if n := m.left.unknown; n > 0 {
			m.count(causeRows, counted{}, func() string {
				return fmt.Sprintf("%s below severity %s left out, and counted with no reason here.\n\n", count(n, "UNKNOWN finding", "UNKNOWN findings"), m.Scope.LeastSeverity+map[bool]string{true: " is", false: " are"}[n == 1])
			})
		}
		m.within(table("| Missing from this report |", "|---|", "parts"), func() {
			for _, part := range m.Scope.Missing {
				m.count(causeRows, counted{ofScope, 1}, func() string { return "| " + markdownText(part) + " |\n" })
			}
		})
	})
}

// someCells names the first few.
func someCells(names []string) string {
	const most = 5
	if len(names) <= most {
		return markdownCells(names)
	}
	return markdownCells(names[:most]) + fmt.Sprintf(" and %d more", len(names)-most)
}

// waiverTable writes the waivers that somebody should look at, or the others.
func (m *markdown) waiverTable(title string, r rank, toLookAt bool) {
	m.within(section(2, "", title, ""), func() {
		m.within(table("| Waiver | Rule | Resource | Findings | Owner | Ticket | Reason | ID |", "|---|---|---|---:|---|---|---|---|", "waivers"), func() {
			shown := 0
			for _, w := range m.listedWaivers() {
				if m.waits(w) != toLookAt {
					continue
				}
				if shown++; shown > listed { // they are not to push out what fails
					r = allWaiverRows
				}
				m.count(r, counted{ofWaivers, 1}, func() string {
					return fmt.Sprintf("| %s | %s | %s | %d | %s | %s | %s | %s |\n", markdownText(m.waiverState(w)), markdownCell(w.Rule), markdownCell(w.Resource), w.Findings,
						markdownText(w.Owner), markdownText(w.Ticket), markdownText(w.Reason), markdownCell(w.ID))
				})
			}
		})
	})
}

func (m *markdown) ruleTable() {
	head, line := "| Rule | Severity | What ought to hold | Clusters | FAIL | UNKNOWN |", "|---|---|---|---:|---:|---:|"
	if m.Summary.Waived > 0 {
		head, line = head+" WAIVED |", line+"---:|"
	}
	if m.Baseline != nil {
		head, line = head+" New |", line+"---:|"
	}
	about := "Worst severity first, and then by the number of clusters that fail."
	if m.left.all > 0 {
		about += fmt.Sprintf(" Rules below severity %s are left out.", m.Scope.LeastSeverity)
	}
	m.within(section(2, "", "Rules that expose most", about+"\n\n"), func() {
		m.within(table(head, line, "rules"), func() {
			for _, t := range m.rules {
				m.count(ruleRows, counted{ofRules, 1}, func() string {
					row := fmt.Sprintf("| %s | %s | %s | %d | %d | %d |", link(ruleAnchor(t.ID), markdownText(t.ID)), t.Severity, markdownText(t.Title), t.clusters, t.fails, len(t.open)-t.fails)
					if m.Summary.Waived > 0 {
						row += fmt.Sprintf(" %d |", len(t.waived))
					}
					if m.Baseline != nil {
						row += fmt.Sprintf(" %d |", t.fresh)
					}
					return row + "\n"
				})
			}
		})
	})
}

func (m *markdown) clusterTable() {
	head, line := "| Cluster | critical | high | medium | low | UNKNOWN |", "|---|---:|---:|---:|---:|---:|"
	if m.Summary.Waived > 0 {
		head, line = head+" WAIVED |", line+"---:|"
	}
	about, left := "", m.left
	if left.all > 0 {
		about = fmt.Sprintf("? and + stand for what is below severity %s, which is left out.\n\n", m.Scope.LeastSeverity)
	}
	m.within(section(2, "", "Clusters", about), func() {
		m.within(table(head+" PASS | NOT APPLICABLE |", line+"---:|---:|", "clusters"), func() {
			for i, t := range m.overview.clusters {
				r := clusterRows
				if i >= listed {
					r = moreClusterRows
				}
				m.count(r, counted{ofClusters, 1}, func() string {
					row := fmt.Sprintf("| %s |", m.clusterLink(t.Name))
					for i := len(t.failing) - 1; i >= 0; i-- {
						row += " " + plainAtLeast(t.failing[i], left.failing[i+1]) + " |"
					}
					row += " " + plainAtLeast(t.unknown, left.unknown) + " |"
					if m.Summary.Waived > 0 {
						row += " " + plainAtLeast(t.waived, left.waived) + " |"
					}
					return row + " " + plainAtLeast(t.counts[audit.Pass], left.pass) + " | " + plainAtLeast(t.counts[audit.NotApplicable], left.notApplicable) + " |\n"
				})
			}
		})
	})
}

// clusterLink leads to a cluster, in a table.
func (m *markdown) clusterLink(name string) string {
	return link(clusterAnchor(name), markdownCell(m.shortCluster(name)))
}

// shortCluster names a cluster by project, location and its own name.
func (m *markdown) shortCluster(name string) string {
	c := m.clusters[name]
	return c.Project + "/" + c.Location + "/" + strings.TrimPrefix(name, "projects/"+c.Project+"/locations/"+c.Location+"/clusters/")
}

// ruleSections writes the findings that fail or are unknown, rule by rule, and how to mend
// them.
func (m *markdown) ruleSections() {
	m.within(section(2, "", "Findings", ""), func() {
		for _, t := range m.rules {
			counts := fmt.Sprintf("%d FAIL in %s, %d UNKNOWN", t.fails, count(t.clusters, "cluster", "clusters"), len(t.open)-t.fails)
			if len(t.waived) > 0 {
				counts += fmt.Sprintf(", %d WAIVED", len(t.waived))
			}
			m.within(section(3, ruleAnchor(t.ID), markdownText(t.ID), fmt.Sprintf("**%s.** Severity: %s. %s.\n\n", markdownText(t.Title), t.Severity, counts)), func() {
				m.findingTable(t)
				m.fix(t)
				m.evidence(t)
				m.about(t.Rule)
			})
		}
	})
}

func (m *markdown) findingTable(t *ruleFindings) {
	head, line := "| Status | Cluster | Resource | What is |", "|---|---|---|---|"
	if m.Baseline != nil {
		head, line = head+" Change |", line+"---|"
	}
	row := func(f audit.Finding, status, what string) string {
		text := fmt.Sprintf("| %s | %s | %s | %s |", status, m.clusterLink(f.Cluster), markdownText(shortResource(f)), what)
		if m.Baseline != nil {
			change := changeText(f)
			if f.Change == audit.Appeared {
				change = "**" + change + "**"
			}
			if f.Was != "" {
				change += "<br>was: " + markdownText(f.Was)
			}
			text += " " + change + " |"
		}
		return text + "\n"
	}
	m.within(table(head, line, "findings"), func() {
		for i, f := range t.open {
			status, of, r := "**FAIL**", failing, openRows[f.Severity]
			if i >= some {
				r = moreRows[f.Severity]
			}
			if f.Status == audit.Unknown {
				status, of = statusWord(f), unknowns
			}
			m.count(r, counted{of + leftKind(f.Severity) - 1, 1}, func() string { return row(f, status, markdownText(f.Message)) })
		}
		for _, f := range t.waived {
			m.count(waivedRows, counted{waivedOnes + leftKind(f.Severity) - 1, 1}, func() string {
				return row(f, "**WAIVED**", markdownText(f.Message)+"<br>"+markdownText(waivedBy(m.waivers[f.Waiver])))
			})
		}
	})
}

// fix writes how to mend a rule's findings: with the names of a few in place.
func (m *markdown) fix(t *ruleFindings) {
	const few = 3
	var commands []command
	if t.fails > 0 {
		commands = m.commands(t)
	}
	m.fold("Why, and how to mend it", "", func() {
		m.count(fixes[t.Severity], counted{ofFixes, 1}, func() string {
			var b strings.Builder
			fmt.Fprintf(&b, "%s\n\n", flowing(t.Rationale))
			fmt.Fprintf(&b, "*What mending it disrupts:* %s Recreates: %s.\n\n", flowing(t.Remediation.Disruption), recreations[t.Remediation.Recreates])
			terraform := general(terraformText(t.Remediation))
			switch {
			case len(commands) == 1:
				b.WriteString(commands[0].text("With gcloud"))
				terraform = terraformFor(t.Remediation, commands[0].first, m.clusters[commands[0].first.Cluster])
			case 1 < len(commands) && len(commands) <= few:
				for _, c := range commands {
					b.WriteString(c.text("With gcloud, for " + m.subject(c.first)))
				}
			default:
				b.WriteString(command{gcloud: gcloudMarkdown(gcloudSteps(t.Remediation.Gcloud))}.text("With gcloud"))
			}
			fmt.Fprintf(&b, "With Terraform:\n\n```terraform\n%s\n```\n\n", terraform)
			for _, ref := range t.References {
				fmt.Fprintf(&b, "- [%s](%s)\n", markdownText(ref.Title), ref.URL)
			}
			return b.String() + "\n"
		})
	})
	if len(commands) <= few {
		return
	}
	m.fold(fmt.Sprintf("Commands with the names in place (%d)", len(commands)), "commands", func() {
		for _, c := range commands {
			m.count(evidences[t.Severity], counted{ofCommands, c.findings}, func() string { return c.text("For " + m.subject(c.first)) })
		}
	})
}

// A command mends one or more findings.
type command struct {
	gcloud   string
	first    audit.Finding
	findings int
}

// subject names what a finding is about, in running text.
func (m *markdown) subject(f audit.Finding) string {
	return markdownCode(m.shortCluster(f.Cluster)) + ", " + markdownText(shortResource(f))
}

func (c command) text(title string) string {
	return title + ":\n\n" + c.gcloud
}

// gcloudMarkdown writes steps, each with a block to copy.
func gcloudMarkdown(steps []gcloudStep) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s\n\n```sh\n%s\n```\n\n", flowing(s.Says), s.Commands)
	}
	return b.String()
}

// commands returns what mends the findings of a rule that fail, each once.
func (m *markdown) commands(t *ruleFindings) []command {
	var all []command
	known := map[string]int{}
	for _, f := range t.open[:t.fails] {
		text := gcloudMarkdown(m.advice.gcloud(t.Remediation.Gcloud, f, m.clusters[f.Cluster]))
		if text == "" {
			text = gcloudMarkdown(gcloudSteps(t.Remediation.Gcloud))
		}
		i, ok := known[text]
		if !ok {
			i = len(all)
			known[text] = i
			all = append(all, command{gcloud: text, first: f})
		}
		all[i].findings++
	}
	return all
}

func (m *markdown) evidence(t *ruleFindings) {
	findings := slices.Concat(t.open, t.waived)
	m.fold(fmt.Sprintf("Evidence (%d)", len(findings)), "", func() {
		m.within(table("| Cluster | Resource | Field | Value | Finding |", "|---|---|---|---|---|", "findings"), func() {
			for _, f := range findings {
				m.count(evidences[f.Severity], counted{ofEvidence, 1}, func() string {
					var b strings.Builder
					id := markdownCode(f.ID())
					if len(f.Evidence) == 0 {
						fmt.Fprintf(&b, "| %s | %s | | | %s |\n", m.clusterLink(f.Cluster), markdownText(shortResource(f)), id)
					}
					for _, e := range f.Evidence {
						resource := markdownText(shortResource(f))
						if e.Resource != f.Resource {
							resource = markdownCell(e.Resource)
						}
						fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.clusterLink(f.Cluster), resource, markdownCell(e.Field), markdownCell(e.Value), id)
						id = ""
					}
					return b.String()
				})
			}
		})
	})
}

// about writes what else there is to know of a rule.
func (m *markdown) about(r *audit.Rule) {
	m.fold("About this rule", "", func() {
		m.passage(aboutRules, counted{ofAbouts, 1}, func(w *markdownWriter) {
			w.line("*Why %s:* %s\n", r.Severity, flowing(r.Weight))
			if r.Optional != "" {
				w.line("*Not among the recommended rules:* %s\n", flowing(r.Optional))
			}
			if r.Obsolete != "" {
				w.line("*Obsolete, and not among the recommended rules:* %s\n", flowing(r.Obsolete))
			}
			w.line("*What is checked:* %s\n\n*Permissions it needs:* %s\n", flowing(r.Checks), w.codes(r.Permissions))
			if len(r.Controls) > 0 {
				w.line("*What others call it:* %s.\n", w.text(strings.Join(controls(r.Controls), "; ")))
			}
		})
	})
}

// passage adds what is written line by line, as one piece.
func (m *markdown) passage(r rank, of counted, write func(*markdownWriter)) {
	m.count(r, of, func() string {
		var b strings.Builder
		write(&markdownWriter{w: &b})
		return b.String()
	})
}

// resolvedTable writes what was open in the baseline and is no more, and what cannot be
// compared.
func (m *markdown) resolvedTable() {
	if m.Baseline == nil {
		return
	}
	m.within(section(2, "", "Since the baseline", ""), func() {
		m.count(waiverRows, counted{ofScope, 1}, func() string { return markdownText(m.Baseline.Line()) + "\n\n" })
		m.within(table("| Not compared with the baseline |", "|---|", "notes"), func() {
			for _, note := range m.Baseline.Notes {
				m.count(waiverRows, counted{ofScope, 1}, func() string { return "| " + markdownText(note) + " |\n" })
			}
		})
		m.within(table("| Was, and is | Severity | Rule | Cluster | Resource | What was |", "|---|---|---|---|---|---|", "resolved findings"), func() {
			for i, f := range m.Baseline.Resolved {
				r := resolvedRows
				if i >= listed {
					r = moreResolvedRows
				}
				m.count(r, counted{resolvedOnes, 1}, func() string {
					cluster := markdownCell(f.Cluster)
					if _, ok := m.clusters[f.Cluster]; ok {
						cluster = m.clusterLink(f.Cluster)
					}
					return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", resolvedText(f), f.Severity, markdownText(f.Rule), cluster, markdownText(shortResource(f)), markdownText(f.Message))
				})
			}
		})
	})
}

// clusterSections writes the clusters with their open findings, which are explained above,
// and what passes and does not apply.
func (m *markdown) clusterSections() {
	m.within(section(2, "", "Cluster by cluster", ""), func() {
		for g := range m.groups() {
			m.within(section(3, clusterAnchor(g.Cluster.Name), markdownCode(g.Cluster.Name), ""), func() { m.cluster(g) })
		}
	})
}

// clusterAnchor names a cluster's place in the text: the same in every report.
func clusterAnchor(cluster string) string {
	sum := sha256.Sum256([]byte(cluster))
	return "cluster-" + hex.EncodeToString(sum[:6])
}

func (m *markdown) cluster(g group) {
	m.count(clusterLists, counted{ofLists, 1}, func() string { return "GKE " + markdownText(clusterLine(g.Cluster)) + "\n\n" })
	m.within(table("| Status | Severity | Rule | Resource |", "|---|---|---|---|", "findings"), func() {
		for _, f := range g.Findings {
			if f.Status != audit.Fail && f.Status != audit.Unknown {
				continue
			}
			m.count(clusterLists, counted{}, func() string {
				return fmt.Sprintf("| %s | %s | %s | %s |\n", statusWord(f), f.Severity, link(ruleAnchor(f.Rule), markdownText(f.Rule)), markdownText(shortResource(f)))
			})
		}
	})
	settled := slices.DeleteFunc(g.Findings, func(f audit.Finding) bool { return f.Status == audit.Fail || f.Status == audit.Unknown })
	m.fold(settledCounts(g), "", func() {
		m.within(table("| Status | Rule | Resource | What is | Evidence |", "|---|---|---|---|---|", "findings"), func() {
			for _, f := range settled {
				r, of := passRows, passing
				if f.Status == audit.NotApplicable {
					r, of = notApplicableRows, notApplicable
				}
				m.count(r, counted{of, 1}, func() string {
					var evidence []string
					for _, e := range f.Evidence {
						evidence = append(evidence, markdownCell(evidenceLine(e, f.Resource)))
					}
					return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", statusWord(f), markdownText(f.Rule), markdownText(shortResource(f)), markdownText(f.Message), strings.Join(evidence, "<br>"))
				})
			}
		})
	})
}

// statusWord writes a status as a word that stands out without colour.
func statusWord(f audit.Finding) string {
	switch {
	case f.Waiver != "":
		return "**WAIVED**"
	case f.Status == audit.Fail:
		return "**FAIL**"
	case f.Status == audit.Unknown:
		return "**" + verdictWord(f) + "**"
	case f.Status == audit.Pass:
		return "PASS"
	}
	return "NOT APPLICABLE"
}

func (m *markdown) benchmark(b audit.Benchmark) {
	rows := m.benchmarkRows(b)
	m.within(section(2, "", markdownText(string(b.Framework)), ""), func() {
		m.add(recommendationRows, m.benchmarkCounts(b, rows)+".\n\n")
		m.fold("Recommendation by recommendation", "", func() {
			m.within(table("| | Recommendation | Level | Assessment | Result | Rules |", "|---|---|---:|---|---|---|", "recommendations"), func() {
				for _, row := range rows {
					m.count(recommendationRows, counted{ofRecommendations, 1}, func() string {
						return fmt.Sprintf("| %s | %s | %d | %s | %s | %s |\n", markdownText(row.ID), markdownText(row.Title), row.Level, row.Assessment(), markdownText(row.Result), m.ruleLinks(row.Rules))
					})
				}
			})
		})
	})
}

func (m *markdown) ruleLinks(ids []string) string {
	var links []string
	for _, id := range ids {
		label := markdownText(id)
		if slices.ContainsFunc(m.rules, func(t *ruleFindings) bool { return t.ID == id }) {
			label = link(ruleAnchor(id), label)
		}
		links = append(links, label)
	}
	return strings.Join(links, ", ")
}

func (m *markdown) gapTable() {
	m.within(section(2, "", "Could not be read", ""), func() {
		m.fold(count(len(m.Gaps), "gap", "gaps"), "", func() {
			m.within(table("| What | Why | Missing permission |", "|---|---|---|", "gaps"), func() {
				for _, g := range m.Gaps {
					m.count(gapRows, counted{ofGaps, 1}, func() string {
						why := g.Code
						if g.Reason != "" {
							why += ", " + g.Reason
						}
						return fmt.Sprintf("| %s | %s | %s |\n", markdownCell(g.Resource), markdownText(g.Message+" ("+why+")"), markdownCell(g.Permission))
					})
				}
			})
		})
	})
}
