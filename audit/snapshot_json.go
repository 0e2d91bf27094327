package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/proto"
)

// SnapshotSchema is the name and version of the snapshot format. A reader
// refuses any other.
const SnapshotSchema = "gkeaudit.snapshot/v1"

// ReadSnapshot reads a snapshot in the format that [Snapshot.Write] writes.
// Fields that are not known here are passed over and enum values kept by their names,
// so that a snapshot of a later API can be read; [ReadSnapshotStrict] refuses both.
func ReadSnapshot(r io.Reader) (*Snapshot, error) { return readSnapshot(r, false) }

// ReadSnapshotStrict is ReadSnapshot for files written by hand: a field that is
// not known is an error.
func ReadSnapshotStrict(r io.Reader) (*Snapshot, error) { return readSnapshot(r, true) }

func readSnapshot(r io.Reader, strict bool) (*Snapshot, error) {
	d := snapshotReader{json: newJSONStream(r), strict: strict, texts: map[string]string{}}
	s := &Snapshot{}
	if err := d.read(s); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file ends too early")
		}
		return nil, fmt.Errorf("reading snapshot: %w", err)
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("reading snapshot: %w", err)
	}
	s.nameMissing()
	return s, nil
}

// nameMissing adds a gap for every project in scope whose clusters are neither there
// nor said to be missing.
func (s *Snapshot) nameMissing() {
	for _, p := range s.Projects {
		resource := "projects/" + p.ID + "/locations/-/clusters"
		if p.Clusters == nil && slices.Contains(s.Scope.Projects, p.ID) &&
			!slices.ContainsFunc(s.Gaps, func(g Gap) bool { return g.Resource == resource }) {
			s.Gaps = append(s.Gaps, *notRead(p.ID, resource, "container.projects.locations.clusters.list"))
		}
	}
}

type snapshotReader struct {
	json   *jsonStream
	strict bool
	texts  map[string]string // of policies
}

// read takes one message after the other, so that a large file is never held whole
// next to what is made of it.
func (d *snapshotReader) read(s *Snapshot) error {
	if c, err := d.json.peek(); err != nil {
		return err
	} else if c != '{' {
		return errors.New("not a gkeaudit snapshot: it is not a JSON object")
	}
	var schema string
	if err := d.json.object(func(key string) error {
		switch key {
		case "schema":
			return d.value(key, &schema)
		case "time":
			return d.value(key, &s.Time)
		case "scope":
			return d.value(key, &s.Scope)
		case "gaps":
			return d.value(key, &s.Gaps)
		case "projects":
			_, err := d.json.array(key, func() error {
				p := &Project{}
				s.Projects = append(s.Projects, p)
				if err := d.project(p); err != nil {
					return fmt.Errorf("projects[%d]: %w", len(s.Projects)-1, err)
				}
				return nil
			})
			return err
		case "ancestors":
			_, err := d.json.array(key, func() error {
				a := &Ancestor{}
				s.Ancestors = append(s.Ancestors, a)
				if err := d.value(fmt.Sprintf("ancestors[%d]", len(s.Ancestors)-1), a); err != nil {
					return err
				}
				a.IAMPolicy.Share(d.texts)
				return nil
			})
			return err
		case "roles":
			s.Roles = []Role{}
			_, err := d.json.array(key, func() error {
				r := Role{}
				if err := d.value(fmt.Sprintf("roles[%d]", len(s.Roles)), &r); err != nil {
					return err
				}
				r.Share(d.texts)
				s.Roles = append(s.Roles, r)
				return nil
			})
			return err
		}
		return d.other(key)
	}); err != nil {
		return err
	}
	switch schema {
	case SnapshotSchema:
	case "":
		return fmt.Errorf(`not a gkeaudit snapshot: it has no "schema": %q`, SnapshotSchema)
	default:
		return fmt.Errorf("its schema is %q, and this version of gkeaudit reads %q", schema, SnapshotSchema)
	}
	if _, err := d.json.peek(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end of the snapshot")
	}
	return nil
}

func (d *snapshotReader) project(p *Project) error {
	return d.json.object(func(key string) (err error) {
		switch key {
		case "id":
			return d.value(key, &p.ID)
		case "number":
			return d.value(key, &p.Number)
		case "ancestors":
			return d.value(key, &p.Ancestors)
		case "iamPolicy":
			err = d.value(key, &p.IAMPolicy)
			p.IAMPolicy.Share(d.texts)
		case "customRoles":
			return d.value(key, &p.CustomRoles)
		case "serviceAccounts":
			return d.value(key, &p.ServiceAccounts)
		case "serviceAccountPolicies":
			return d.value(key, &p.ServiceAccountPolicies)
		case "serviceAccountKeys":
			return d.value(key, &p.ServiceAccountKeys)
		case "subnetworkRegions":
			return d.value(key, &p.SubnetworkRegions)
		case "routerRegions":
			return d.value(key, &p.RouterRegions)
		case "clusters":
			p.Clusters, err = messages[containerpb.Cluster](d, key)
		case "otherClusters":
			p.OtherClusters, err = messages[containerpb.Cluster](d, key)
		case "subnetworks":
			p.Subnetworks, err = messages[computepb.Subnetwork](d, key)
		case "routers":
			p.Routers, err = messages[computepb.Router](d, key)
		case "routes":
			p.Routes, err = messages[computepb.Route](d, key)
		case "networks":
			p.Networks, err = messages[computepb.Network](d, key)
		case "effectiveFirewalls":
			p.EffectiveFirewalls, err = messageMap[EffectiveFirewalls](d, key)
		case "serverConfigs":
			p.ServerConfigs, err = messageMap[containerpb.ServerConfig](d, key)
		default:
			return d.other(key)
		}
		return err
	})
}

// value decodes the value of a field that is not an API's message.
func (d *snapshotReader) value(key string, v any) error {
	raw, err := d.json.value()
	if err != nil {
		return err
	}
	j := json.NewDecoder(bytes.NewReader(raw))
	if d.strict {
		j.DisallowUnknownFields()
	}
	if err := j.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if hasNullItem(raw) {
		return fmt.Errorf("%s: null is in a list", key)
	}
	return nil
}

// hasNullItem reports whether a list of a JSON value has null among its items, which
// encoding/json takes for an item without anything in it. protojson refuses it.
func hasNullItem(raw []byte) bool {
	if !bytes.Contains(raw, []byte("null")) { // as nearly always
		return false
	}
	var value any
	return json.Unmarshal(raw, &value) == nil && nullItem(value)
}

func nullItem(value any) bool {
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, func(item any) bool { return item == nil || nullItem(item) })
	case map[string]any:
		for _, field := range value {
			if nullItem(field) {
				return true
			}
		}
	}
	return false
}

// other passes over a field that is not known here.
func (d *snapshotReader) other(key string) error {
	if d.strict {
		return fmt.Errorf("unknown field %q", key)
	}
	raw, err := d.json.value()
	if err == nil && !json.Valid(raw) {
		err = fmt.Errorf("%s: not JSON", key)
	}
	return err
}

// messages decodes a list. No list stays nil, an empty one does not.
func messages[T any, M interface {
	*T
	proto.Message
}](d *snapshotReader, key string) ([]M, error) {
	ms := []M{}
	ok, err := d.json.array(key, func() error {
		m := M(new(T))
		if err := d.message(m); err != nil {
			return fmt.Errorf("%s[%d]: %w", key, len(ms), err)
		}
		ms = append(ms, m)
		return nil
	})
	if !ok {
		return nil, err
	}
	return ms, err
}

// messageMap decodes an object of messages. Null stands for none.
func messageMap[T any, M interface {
	*T
	proto.Message
}](d *snapshotReader, key string) (map[string]M, error) {
	switch c, err := d.json.peek(); {
	case err != nil:
		return nil, err
	case c == 'n':
		return nil, d.json.decode(new(struct{}))
	case c != '{':
		return nil, fmt.Errorf("%s: found %q where '{' should be", key, c)
	}
	ms := map[string]M{}
	err := d.json.object(func(name string) error {
		m := M(new(T))
		if err := d.message(m); err != nil {
			return fmt.Errorf("%s[%q]: %w", key, name, err)
		}
		ms[name] = m
		return nil
	})
	return ms, err
}

// message decodes an API's message.
func (d *snapshotReader) message(m proto.Message) error {
	raw, err := d.json.value()
	if err != nil {
		return err
	}
	decode := Unmarshal
	if d.strict {
		decode = unmarshalStrict
	}
	if err := decode(raw, m); err != nil {
		return errors.New(protoError(err))
	}
	return nil
}

// protoError drops protojson's prefix, whose white space differs between builds.
func protoError(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

// validate checks what rules rely on.
func (s *Snapshot) validate() error {
	projects := map[string]bool{}
	for i, p := range s.Projects {
		if p.ID == "" {
			return fmt.Errorf("projects[%d] has no id", i)
		}
		if projects[p.ID] {
			return fmt.Errorf("project %q is listed twice", p.ID)
		}
		projects[p.ID] = true
		for j, sp := range p.ServiceAccountPolicies {
			if sp.Policy == nil { // an account without one is not listed
				return fmt.Errorf("project %q: serviceAccountPolicies[%d] has no policy", p.ID, j)
			}
		}
		clusters := map[string]bool{}
		for j, c := range slices.Concat(p.Clusters, p.OtherClusters) {
			name := clusterName(p.ID, c)
			if c.GetName() == "" || c.GetLocation() == "" {
				list := "clusters"
				if j >= len(p.Clusters) {
					list, j = "otherClusters", j-len(p.Clusters)
				}
				return fmt.Errorf("project %q: %s[%d] has no name or no location", p.ID, list, j)
			}
			if strings.Contains(c.GetName()+c.GetLocation(), "/") {
				return fmt.Errorf("project %q: cluster %q: a slash is in its name or location", p.ID, name)
			}
			if clusters[name] {
				return fmt.Errorf("cluster %q is listed twice", name)
			}
			clusters[name] = true
			pools := map[string]bool{}
			for _, np := range c.GetNodePools() {
				if np.GetName() == "" || pools[np.GetName()] || strings.Contains(np.GetName(), "/") {
					return fmt.Errorf("cluster %q: node pool %q has no name, a slash in it, or is listed twice", name, np.GetName())
				}
				pools[np.GetName()] = true
			}
		}
	}
	for _, p := range s.Projects {
		if err := p.twice(); err != nil {
			return fmt.Errorf("project %q: %w", p.ID, err)
		}
		if err := p.validateIAM(); err != nil {
			return fmt.Errorf("project %q: %w", p.ID, err)
		}
	}
	if err := s.validateAncestors(); err != nil {
		return err
	}
	roles := map[string]bool{}
	for i, r := range s.Roles {
		if !strings.HasPrefix(r.Name, "roles/") || roles[r.Name] {
			return fmt.Errorf("roles[%d]: %q is not the name of a predefined role, or is listed twice", i, r.Name)
		}
		if err := r.validate(); err != nil {
			return fmt.Errorf("roles[%d]: %w", i, err)
		}
		roles[r.Name] = true
	}
	for i, g := range s.Gaps {
		if g.Resource == "" || g.Project == "" && !g.aboveProjects() && !g.hidesRole() || strings.HasSuffix(g.Resource, "/") {
			return fmt.Errorf("gaps[%d] names no project or no resource", i)
		}
	}
	for _, id := range s.Scope.Projects {
		if !projects[id] {
			return fmt.Errorf("project %q is in scope but not among the projects", id)
		}
	}
	if sh := s.Scope.Shard; sh != nil {
		return sh.Holds(s.Scope.Projects)
	}
	if len(s.Scope.Projects) == 0 && len(s.Scope.roots()) == 0 {
		return errors.New("the scope names no project")
	}
	return nil
}

func (s *Snapshot) validateAncestors() error {
	seen := map[string]bool{}
	for i, a := range s.Ancestors {
		if !ancestorName.MatchString(a.Name) {
			return fmt.Errorf("ancestors[%d]: %q is not the name of a folder or an organization", i, a.Name)
		}
		if seen[a.Name] {
			return fmt.Errorf("%s is listed twice", a.Name)
		}
		seen[a.Name] = true
		if err := cmp.Or(a.IAMPolicy.validate(), validateCustomRoles(a.CustomRoles)); err != nil {
			return fmt.Errorf("%s: %w", a.Name, err)
		}
	}
	for _, p := range s.Projects {
		for _, name := range p.Ancestors {
			if !ancestorName.MatchString(name) {
				return fmt.Errorf("project %q: %q among its ancestors is not the name of a folder or an organization", p.ID, name)
			}
		}
	}
	return nil
}

var ancestorName = regexp.MustCompile(`^(folders|organizations)/[0-9]+$`)

// validateIAM checks what rules rely on of the project's policies, roles and accounts.
func (p *Project) validateIAM() error {
	if err := cmp.Or(p.IAMPolicy.validate(), validateCustomRoles(p.CustomRoles)); err != nil {
		return err
	}
	for i, a := range p.ServiceAccounts {
		if a.Email == "" {
			return fmt.Errorf("serviceAccounts[%d] has no email", i)
		}
	}
	for i, sp := range p.ServiceAccountPolicies {
		if err := sp.Policy.validate(); err != nil {
			return fmt.Errorf("serviceAccountPolicies[%d]: %w", i, err)
		}
	}
	return nil
}

// validate checks a policy; nil, which was not read, is valid.
func (p *Policy) validate() error {
	if p == nil {
		return nil
	}
	for i, b := range p.Bindings {
		if b.Role == "" || slices.Contains(b.Members, "") {
			return fmt.Errorf("iamPolicy.bindings[%d] has no role, or a member without a name", i)
		}
	}
	return nil
}

func validateCustomRoles(roles []Role) error {
	seen := map[string]bool{}
	for i, r := range roles {
		if !IsCustomRole(r.Name) || seen[r.Name] {
			return fmt.Errorf("customRoles[%d]: %q is not the name of a custom role, or is listed twice", i, r.Name)
		}
		if err := r.validate(); err != nil {
			return fmt.Errorf("customRoles[%d]: %w", i, err)
		}
		seen[r.Name] = true
	}
	return nil
}

// validate checks the role's permissions: the API lists each by itself, without wildcards.
func (r *Role) validate() error {
	for _, p := range r.Permissions {
		if p == "" || strings.ContainsAny(p, "* \t\r\n") {
			return fmt.Errorf("%q is not the name of a permission", p)
		}
	}
	return nil
}

// twice finds what is listed twice of the project's networks.
func (p *Project) twice() error {
	seen := map[string]bool{}
	add := func(kind, region, name string) error {
		key := kind + " " + region + "/" + name
		if seen[key] {
			return fmt.Errorf("%s %q of %q is listed twice", kind, name, region)
		}
		seen[key] = true
		return nil
	}
	for _, sn := range p.Subnetworks {
		if err := add("subnetwork", regionOfResource(sn.GetRegion(), sn.GetSelfLink()), sn.GetName()); err != nil {
			return err
		}
	}
	for _, r := range p.Routers {
		if err := add("router", regionOfResource(r.GetRegion(), r.GetSelfLink()), r.GetName()); err != nil {
			return err
		}
	}
	for _, r := range p.Routes {
		if err := add("route", "global", r.GetName()); err != nil {
			return err
		}
	}
	for _, n := range p.Networks {
		if err := add("network", "global", n.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// Write writes the snapshot as JSON, one message of an API on a line. What it
// writes depends on the snapshot alone.
func (s *Snapshot) Write(w io.Writer) error {
	e := &snapshotWriter{w: w}
	e.text("{\n  \"schema\": ")
	e.value(SnapshotSchema)
	e.text(",\n  \"time\": ")
	e.value(s.Time.UTC().Truncate(time.Second))
	e.text(",\n  \"scope\": ")
	e.value(s.Scope)
	e.text(",\n  \"projects\": [")
	for i, p := range s.Projects {
		e.comma(i)
		e.project(p)
	}
	if s.Ancestors != nil {
		e.text("\n  ],\n  \"ancestors\": [")
		for i, a := range s.Ancestors {
			e.comma(i)
			e.text("\n    ")
			e.value(a)
		}
	}
	if s.Roles != nil {
		e.text("\n  ],\n  \"roles\": [")
		for i, r := range s.Roles {
			e.comma(i)
			e.text("\n    ")
			e.value(r)
		}
	}
	e.text("\n  ],\n  \"gaps\": [")
	for i, g := range s.Gaps {
		e.comma(i)
		e.text("\n    ")
		e.value(g)
	}
	e.text("\n  ]\n}\n")
	return e.err
}

// snapshotWriter remembers the first error.
type snapshotWriter struct {
	w   io.Writer
	buf bytes.Buffer
	err error
}

func (e *snapshotWriter) project(p *Project) {
	e.text("\n    {\"id\": ")
	e.value(p.ID)
	writeMessages(e, "clusters", p.Clusters)
	writeMessages(e, "otherClusters", p.OtherClusters)
	writeMessages(e, "subnetworks", p.Subnetworks)
	if p.SubnetworkRegions != nil {
		e.text(",\n     \"subnetworkRegions\": ")
		e.value(p.SubnetworkRegions)
	}
	writeMessages(e, "routers", p.Routers)
	if p.RouterRegions != nil {
		e.text(",\n     \"routerRegions\": ")
		e.value(p.RouterRegions)
	}
	writeMessages(e, "routes", p.Routes)
	writeMessages(e, "networks", p.Networks)
	writeMessageMap(e, "effectiveFirewalls", p.EffectiveFirewalls)
	writeMessageMap(e, "serverConfigs", p.ServerConfigs)
	if p.Number != "" {
		e.text(",\n     \"number\": ")
		e.value(p.Number)
	}
	if p.Ancestors != nil {
		e.text(",\n     \"ancestors\": ")
		e.value(p.Ancestors)
	}
	if p.IAMPolicy != nil {
		e.text(",\n     \"iamPolicy\": ")
		e.value(p.IAMPolicy)
	}
	writeValues(e, "customRoles", p.CustomRoles)
	writeValues(e, "serviceAccounts", p.ServiceAccounts)
	writeValues(e, "serviceAccountPolicies", p.ServiceAccountPolicies)
	writeValues(e, "serviceAccountKeys", p.ServiceAccountKeys)
	e.text("}")
}

func writeValues[T any](e *snapshotWriter, list string, values []T) {
	if values == nil {
		return
	}
	e.text(",\n     \"" + list + "\": [")
	for i, v := range values {
		e.comma(i)
		e.text("\n      ")
		e.value(v)
	}
	e.text("]")
}

func writeMessages[M proto.Message](e *snapshotWriter, list string, ms []M) {
	if ms == nil {
		return
	}
	e.text(",\n     \"" + list + "\": [")
	for i, m := range ms {
		e.comma(i)
		e.text("\n      ")
		e.message(m)
	}
	e.text("]")
}

// writeMessageMap writes messages in the order of their keys.
func writeMessageMap[M proto.Message](e *snapshotWriter, name string, ms map[string]M) {
	if ms == nil {
		return
	}
	e.text(",\n     \"" + name + "\": {")
	for i, key := range slices.Sorted(maps.Keys(ms)) {
		e.comma(i)
		e.text("\n      ")
		e.value(key)
		e.text(": ")
		e.message(ms[key])
	}
	e.text("}")
}

// message writes a message on one line. protojson changes its white space from
// build to build on purpose, hence json.Compact.
func (e *snapshotWriter) message(m proto.Message) {
	if e.err != nil {
		return
	}
	raw, err := Marshal(m)
	if err != nil {
		e.err = err
		return
	}
	e.buf.Reset()
	if e.err = json.Compact(&e.buf, raw); e.err == nil {
		_, e.err = e.w.Write(e.buf.Bytes())
	}
}

func (e *snapshotWriter) value(v any) {
	raw, err := json.Marshal(v)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.text(string(raw))
}

func (e *snapshotWriter) comma(i int) {
	if i > 0 {
		e.text(",")
	}
}

func (e *snapshotWriter) text(s string) {
	if e.err == nil {
		_, e.err = io.WriteString(e.w, s)
	}
}
