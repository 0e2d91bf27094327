package rules_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"golang.org/x/tools/txtar"
)

// readGap is how messages name what was not read.
var readGap = regexp.MustCompile(`could not be read|(was|were) not read|NOT_IN_SNAPSHOT|missing permission`)

// TestUndecidedWasRead judges the cases of all rules by every rule, whole and without each
// kind of data in turn. What is undecided must not be so for want of what was not read: that
// would make an audit with a gap look complete.
func TestUndecidedWasRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || files == nil {
		t.Fatalf("no cases: %v", err)
	}
	cuts := []func(*audit.Snapshot){
		func(*audit.Snapshot) {},
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.Networks = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.Subnetworks = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.Routers = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.Routes = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.EffectiveFirewalls = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.ServerConfigs = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.IAMPolicy, p.Ancestors = nil, nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.ServiceAccounts = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.ServiceAccountPolicies = nil }) },
		func(s *audit.Snapshot) { each(s, func(p *audit.Project) { p.ServiceAccountKeys = nil }) },
	}
	unread := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			for i, cut := range cuts {
				s, err := audit.ReadSnapshotStrict(bytes.NewReader(f.Data))
				if err != nil {
					t.Fatalf("%s: %s: %v", file, f.Name, err)
				}
				cut(s)
				for _, found := range audit.Run(audit.NewInput(s), rules.All) {
					switch {
					case found.Undecided && readGap.MatchString(found.Message):
						t.Errorf("%s: %s, cut %d: %s is undecided: %s", filepath.Base(file), f.Name, i, found.Rule, found.Message)
					case found.Status == audit.Unknown && !found.Undecided:
						unread++
					}
				}
			}
		}
	}
	if unread == 0 {
		t.Error("nothing was unread")
	}
}

func each(s *audit.Snapshot, change func(*audit.Project)) {
	for _, p := range s.Projects {
		change(p)
	}
}
