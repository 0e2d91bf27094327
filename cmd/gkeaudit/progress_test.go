package main

import (
	"testing"
	"time"

	"gkeaudit/gcp"
)

func TestProgressLine(t *testing.T) {
	for want, p := range map[string]gcp.Progress{
		"reading clusters of 0 of 300 projects, 0 clusters": {Projects: 300},
		"reading clusters of 142 of 300 projects, 568 clusters, 3 retries; waiting 12s for compute.routes.list of net": {
			Projects: 300, ProjectsDone: 142, Clusters: 568, Retries: 3, Slowest: "compute.routes.list of net", Waiting: 12 * time.Second},
		"finding projects…": {},
		"finding projects…, 1 retry, 2 gaps; waiting 4s for cloudasset.searchAllResources of folders/1": {
			Retries: 1, Gaps: 2, Slowest: "cloudasset.searchAllResources of folders/1", Waiting: 4 * time.Second},
		"reading clusters of 1 of 1 project, 1 cluster": {Projects: 1, ProjectsDone: 1, Clusters: 1},
		"reading networks of 0 of 1 project, 1 cluster": {Projects: 1, ProjectsDone: 1, Clusters: 1, Networks: 1},
		"reading networks of 40 of 290 projects, 1200 clusters, 1 gap": {
			Projects: 300, ProjectsDone: 300, Networks: 290, NetworksDone: 40, Clusters: 1200, Gaps: 1, Slowest: "x", Waiting: time.Second},
	} {
		if got := progressLine(p); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestColors(t *testing.T) {
	for _, test := range []struct {
		isTerminal    bool
		noColor, term string
		want          bool
	}{
		{true, "", "xterm", true},
		{true, "", "", true},
		{false, "", "xterm", false},
		{true, "1", "xterm", false},
		{true, "", "dumb", false},
	} {
		p := &program{getenv: func(name string) string {
			return map[string]string{"NO_COLOR": test.noColor, "TERM": test.term}[name]
		}}
		if got := p.colors(test.isTerminal); got != test.want {
			t.Errorf("terminal %t, NO_COLOR %q, TERM %q: got %t", test.isTerminal, test.noColor, test.term, got)
		}
	}
}
