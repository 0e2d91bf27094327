package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gkeaudit/report"

	"go.yaml.in/yaml/v3"
)

//go:embed waivers.schema.json
var waiversSchema []byte

const (
	// A file that is longer holds no waivers that somebody has written or reads.
	longestWaiverFile = 1 << 20
	longestWaiverText = 2000 // characters

	// defaultMaxDays is how far ahead a waiver's last day may be: a year.
	defaultMaxDays = 366
	mostMaxDays    = 3660
)

// A waiverFile is what a file of waivers holds.
type waiverFile struct {
	name    string
	text    []byte
	maxDays int
	waivers []report.Waiver // in the order of the file
	lines   []int           // where each begins

	top  *yaml.Node // the mapping that all is in; nil if the file holds nothing
	list *yaml.Node // what waivers is set to; nil if it is not

	problems mistakes
}

// What a file and a waiver may hold.
var (
	waiverFileKeys = []string{"maxDays", "waivers"}
	waiverKeys     = []string{"id", "rule", "resource", "owner", "reason", "ticket", "expires"}
)

// waiverWants says what a waiver has to say.
var waiverWants = map[string]string{
	"rule":     "the ID of the rule, or a glob on IDs, such as private-nodes",
	"resource": "a glob on names, such as projects/shop-prod/locations/*/clusters/web",
	"owner":    "who answers for it, such as team-platform@example.com",
	"reason":   "why what fails is accepted",
	"ticket":   "where that was decided",
	"expires":  "its last day, such as 2027-03-31",
}

// parseWaivers reads a file of waivers on a day. Its error is of type mistakes.
func parseWaivers(name string, text []byte, today time.Time) (*waiverFile, error) {
	f := &waiverFile{name: name, text: text, maxDays: defaultMaxDays}
	f.parse(today)
	if f.problems != nil {
		return nil, f.problems
	}
	return f, nil
}

func (f *waiverFile) wrong(line int, format string, args ...any) {
	place := f.name
	if line > 0 {
		place += ":" + strconv.Itoa(line)
	}
	f.problems = append(f.problems, place+": "+fmt.Sprintf(format, args...))
}

func (f *waiverFile) parse(today time.Time) {
	text := f.text
	switch {
	case len(text) > longestWaiverFile:
		f.wrong(0, "it is longer than %d bytes, and no file of waivers", longestWaiverFile)
		return
	case !utf8.Valid(text):
		f.wrong(0, "it is not UTF-8")
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var root, next yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		return
	} else if err != nil {
		f.problems = yamlMistakes(f.name, text, err)
		return
	}
	if err := d.Decode(&next); err == nil {
		f.wrong(next.Line, "a second YAML document begins; put all waivers into one")
		return
	} else if !errors.Is(err, io.EOF) {
		f.problems = yamlMistakes(f.name, text, err)
		return
	}
	if n := named(&root); n != nil {
		f.wrong(n.Line, "anchors and aliases are not read; write out what they stand for")
		return
	}
	top := root.Content[0]
	if top.Tag == "!!null" {
		return
	}
	if top.Kind != yaml.MappingNode {
		f.wrong(top.Line, "a file of waivers begins with \"waivers:\", and the list is below it")
		return
	}
	f.top = top
	values := f.fields(top, waiverFileKeys, "a file of waivers")
	if n := values["maxDays"]; n != nil {
		days, err := strconv.Atoi(n.Value)
		if n.Tag != "!!int" || !number.MatchString(n.Value) || err != nil || days < 1 || days > mostMaxDays {
			f.wrong(n.Line, "maxDays takes a number of days from 1 to %d", mostMaxDays)
		} else {
			f.maxDays = days
		}
	}
	f.list = values["waivers"]
	switch {
	case f.list == nil || f.list.Tag == "!!null":
		return
	case f.list.Kind != yaml.SequenceNode:
		f.wrong(f.list.Line, "waivers takes a list: each waiver begins with a dash")
		return
	}
	for _, n := range f.list.Content {
		if n.Kind != yaml.MappingNode {
			f.wrong(n.Line, "a waiver has %s", strings.Join(waiverKeys, ", "))
			continue
		}
		f.waiver(n, today)
	}
}

// named returns a node that has an anchor, without which there are no aliases, or is
// merged into another; nil if none is.
func named(n *yaml.Node) *yaml.Node {
	if n.Anchor != "" || n.Tag == "!!merge" {
		return n
	}
	for _, child := range n.Content {
		if found := named(child); found != nil {
			return found
		}
	}
	return nil
}

// fields returns the values of a mapping by their keys, which have to be some of those
// that there are, each once.
func (f *waiverFile) fields(n *yaml.Node, keys []string, what string) map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case !slices.Contains(keys, key.Value) || key.Kind != yaml.ScalarNode:
			f.wrong(key.Line, "%s has no %q%s; it has %s", what, key.Value, didYouMean(key.Value, keys), strings.Join(keys, ", "))
		case values[key.Value] != nil:
			f.wrong(key.Line, "%s is there twice; it is on line %d, too", key.Value, values[key.Value].Line)
		default:
			values[key.Value] = n.Content[i+1]
		}
	}
	return values
}

func (f *waiverFile) waiver(n *yaml.Node, today time.Time) {
	before := len(f.problems)
	values := f.fields(n, waiverKeys, "a waiver")
	texts := map[string]string{}
	for _, key := range waiverKeys {
		v := values[key]
		if v == nil {
			if want := waiverWants[key]; want != "" {
				f.wrong(n.Line, "the waiver has no %s: %s", key, want)
			}
			continue
		}
		text := strings.Join(strings.Fields(v.Value), " ")
		switch {
		case v.Kind == yaml.ScalarNode && key == "expires" && v.Tag == "!!timestamp":
		case v.Kind != yaml.ScalarNode, v.Tag != "!!str" && v.Tag != "!!null":
			f.wrong(v.Line, "%s takes text; put it in quotes", key)
			continue
		case text == "" || v.Tag == "!!null":
			f.wrong(v.Line, "%s is empty; it takes %s", key, waiverWants[key])
			continue
		case utf8.RuneCountInString(text) > longestWaiverText:
			f.wrong(v.Line, "%s is longer than %d characters", key, longestWaiverText)
			continue
		}
		texts[key] = text
		if err := checkWaiverText(key, text, today, f.maxDays); err != nil {
			f.wrong(v.Line, "%s", err)
		}
	}
	w := report.Waiver{
		Rule: texts["rule"], Resource: texts["resource"], Finding: texts["id"],
		Owner: texts["owner"], Reason: texts["reason"], Ticket: texts["ticket"], Expires: texts["expires"],
	}
	if len(f.problems) > before {
		return
	}
	if i := slices.IndexFunc(f.waivers, func(o report.Waiver) bool {
		return o.Rule == w.Rule && o.Resource == w.Resource && o.Finding == w.Finding
	}); i >= 0 {
		f.wrong(n.Line, "the waiver on line %d is for the same; keep one of them", f.lines[i])
		return
	}
	f.waivers, f.lines = append(f.waivers, w), append(f.lines, n.Line)
}

var findingID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// checkWaiverText says what is wrong with a text of a waiver on a day.
func checkWaiverText(key, text string, today time.Time, maxDays int) error {
	const notGlob = `?[]{}\`
	switch key {
	case "id":
		if !findingID.MatchString(text) {
			return fmt.Errorf("%q is not the ID of a finding: 32 digits and letters from a to f; gkeaudit waivers add finds it", text)
		}
	case "rule", "resource":
		if strings.ContainsAny(text, notGlob) {
			return fmt.Errorf("%q is no glob: * stands for any characters but a slash, ** for any, and %s cannot be in it", text, notGlob)
		}
	}
	switch key {
	case "rule":
		if !slices.ContainsFunc(ruleIDs(), func(id string) bool { return report.FitsGlob(text, id) }) {
			return fmt.Errorf("there is no rule %q%s", text, didYouMean(text, ruleIDs()))
		}
	case "resource":
		if !strings.HasPrefix(text, "projects/") && !strings.HasPrefix(text, "*") {
			return fmt.Errorf("%q fits no name: names begin with projects/, and ** stands for any beginning", text)
		}
	case "expires":
		last, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return fmt.Errorf("%q is not a day, such as %s", text, today.UTC().AddDate(0, 3, 0).Format(time.DateOnly))
		}
		if latest := today.UTC().AddDate(0, 0, maxDays); last.After(latest) {
			return fmt.Errorf("%s is more than %d days ahead: the last day may be %s, or maxDays has to allow more", text, maxDays, latest.Format(time.DateOnly))
		}
	}
	return nil
}

// with returns the text of the file with one more waiver at the end of its list. All else
// in it stays as it is.
func (f *waiverFile) with(w report.Waiver, today time.Time) ([]byte, error) {
	item, err := waiverText(w)
	if err != nil {
		return nil, err
	}
	byHand := refuse("Add it by hand:\n"+item, "%s is written in a way that a waiver cannot be added to", f.name)
	lines := strings.SplitAfter(string(f.text), "\n")
	indent, head := "  ", ""
	at := len(lines) // the waiver is put before this line
	switch {
	case f.top == nil || f.list == nil:
		head = "waivers:\n"
	default:
		if len(f.list.Content) > 0 {
			indent = strings.Repeat(" ", f.list.Column-1)
		} else if line, i := lines[f.list.Line-1], f.list.Column-1; f.list.Kind == yaml.SequenceNode {
			if i > len(line) || !strings.HasPrefix(line[i:], "[]") {
				return nil, byHand
			}
			lines[f.list.Line-1] = line[:i] + line[i+len("[]"):]
		}
		for i := 0; i+3 < len(f.top.Content); i += 2 {
			if f.top.Content[i+1] == f.list {
				at = f.top.Content[i+2].Line - 1
			}
		}
		for at < len(lines) && at > f.list.Line && aside(lines[at-1]) {
			at--
		}
	}
	before := strings.Join(lines[:at], "")
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	added := head + indent + strings.ReplaceAll(strings.TrimSuffix(item, "\n"), "\n", "\n"+indent) + "\n"
	text := before + added + strings.Join(lines[at:], "")
	if strings.Contains(string(f.text), "\r\n") {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	}
	// What YAML may hold is more than was thought of here.
	again, err := parseWaivers(f.name, []byte(text), today)
	if err != nil || !slices.Equal(again.waivers, append(slices.Clone(f.waivers), w)) || again.maxDays != f.maxDays {
		return nil, byHand
	}
	return []byte(text), nil
}

// aside reports whether a line is blank or a comment.
func aside(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line[0] == '#'
}

// waiverText writes a waiver as an item of a list.
func waiverText(w report.Waiver) (string, error) {
	type item struct{ ID, Rule, Resource, Owner, Reason, Ticket, Expires string }
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := errors.Join(e.Encode([]item{{w.Finding, w.Rule, w.Resource, w.Owner, w.Reason, w.Ticket, w.Expires}}), e.Close())
	return b.String(), err
}
