package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// A Shard is one of several parts of an audit, which together look at every project
// once. Which part a project is in depends on its ID alone, so tasks that find the
// projects by themselves, in whatever order, need not agree on anything.
type Shard struct {
	// Index counts from 0.
	Index int `json:"index"`
	Count int `json:"count"`

	// Projects is how many projects all shards have together, as this one found
	// them.
	Projects int `json:"projects"`

	// Whole tells one set of projects from another: the first bytes, in hexadecimal,
	// of the SHA-256 of all their IDs.
	Whole string `json:"whole"`
}

// mostShards is how many tasks a Cloud Run job may have.
const mostShards = 10000

// String returns the shard as --shard takes it.
func (sh Shard) String() string { return fmt.Sprintf("%d/%d", sh.Index, sh.Count) }

// Has reports whether a project is in the shard: whether the first eight bytes of
// the SHA-256 of its ID, most significant first, are the index modulo the count.
func (sh Shard) Has(project string) bool {
	sum := sha256.Sum256([]byte(project))
	return binary.BigEndian.Uint64(sum[:8])%uint64(sh.Count) == uint64(sh.Index)
}

// Of returns the shard's part of a scope, which may have no project. A nil shard is
// the whole scope.
func (sh *Shard) Of(sc Scope) Scope {
	if sh == nil {
		return sc
	}
	projects := slices.Clone(sc.Projects)
	slices.Sort(projects)
	projects = slices.Compact(projects)
	sum := sha256.Sum256([]byte(strings.Join(projects, "\n")))
	sc.Shard = &Shard{sh.Index, sh.Count, len(projects), hex.EncodeToString(sum[:8])}
	sc.Projects, sc.OtherProjects = []string{}, []string{}
	for _, id := range projects {
		if sh.Has(id) {
			sc.Projects = append(sc.Projects, id)
		} else {
			sc.OtherProjects = append(sc.OtherProjects, id)
		}
	}
	return sc
}

// Holds reports why these cannot be the projects of the shard, or some of them.
func (sh Shard) Holds(projects []string) error {
	if err := sh.Validate(); err != nil {
		return err
	}
	for _, id := range projects {
		if !sh.Has(id) {
			return fmt.Errorf("project %q is not in shard %s", id, sh)
		}
	}
	if len(projects) > sh.Projects {
		return fmt.Errorf("shard %s has %d projects, and all shards together %d", sh, len(projects), sh.Projects)
	}
	return nil
}

// Validate reports whether there is such a shard.
func (sh Shard) Validate() error {
	if sh.Index < 0 || sh.Index >= sh.Count || sh.Count > mostShards {
		return fmt.Errorf("there is no shard %s", sh)
	}
	return nil
}
