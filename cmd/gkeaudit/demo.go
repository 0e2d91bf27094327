package main

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"

	"gkeaudit/audit"
)

// demoIncomplete is the sample estate as it is read without rights on the project
// partner-net, and demoHost is what is read of that project with them.
//
//go:embed demo.json
var demoIncomplete []byte

//go:embed demo.partner-net.json
var demoHost []byte

// demos are the names of the sample estates.
var demos = []string{"complete", "incomplete"}

// readDemo returns a sample estate.
func readDemo(name string) (*audit.Snapshot, error) {
	s, err := audit.ReadSnapshot(bytes.NewReader(demoIncomplete))
	if err != nil || name == "incomplete" {
		return s, err
	}
	host, err := audit.ReadSnapshot(bytes.NewReader(demoHost))
	if err != nil {
		return nil, err
	}
	p := host.Projects[0]
	i := slices.IndexFunc(s.Projects, func(q *audit.Project) bool { return q.ID == p.ID })
	s.Projects[i] = p
	s.Gaps = slices.DeleteFunc(s.Gaps, func(g audit.Gap) bool { return strings.HasPrefix(g.Resource, "projects/"+p.ID+"/") })
	return s, nil
}
