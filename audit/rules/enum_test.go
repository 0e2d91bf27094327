package rules_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"golang.org/x/tools/txtar"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// later is the name of an enum value that no version of the API has.
const later = "A_LATER_VALUE"

// TestLaterEnumValues sets every enum field of every case to each of its values, and to
// one of a later version of the API. Where the verdict depends on the values that are
// known, it is unknown for the later one, and the finding has the name.
func TestLaterEnumValues(t *testing.T) {
	used := map[string]bool{}
	for _, r := range rules.All {
		t.Run(r.ID, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join(cases, r.ID+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			for i, file := range archive.Files {
				if !strings.HasSuffix(file.Name, ".json") {
					continue
				}
				parameters := audit.DefaultParameters()
				if next := archive.Files[i+1]; strings.HasSuffix(next.Name, ".parameters") {
					if err := json.Unmarshal(next.Data, &parameters); err != nil {
						t.Fatal(err)
					}
				}
				s, err := audit.ReadSnapshotStrict(bytes.NewReader(file.Data))
				if err != nil {
					t.Fatal(err)
				}
				judge := func() map[string]audit.Finding {
					fresh := &audit.Snapshot{Time: s.Time, Scope: s.Scope, Projects: s.Projects, Ancestors: s.Ancestors, Gaps: s.Gaps}
					findings := map[string]audit.Finding{}
					for _, f := range audit.Run(&audit.Input{Snapshot: fresh, Parameters: parameters}, []*audit.Rule{r}) {
						findings[f.Resource] = f
					}
					return findings
				}
				eachMessage(s, func(m protoreflect.Message) {
					for field, values := range enumFields(m) {
						if field.FullName() == "google.container.v1.Cluster.status" {
							values = []string{"RUNNING", "ERROR"} // in other states nothing is judged
						}
						known := map[string]map[audit.Status]bool{}
						for _, v := range values {
							restore := set(m, field, v)
							for resource, f := range judge() {
								if known[resource] == nil {
									known[resource] = map[audit.Status]bool{}
								}
								known[resource][f.Status] = true
							}
							restore()
						}
						restore := set(m, field, later)
						findings := judge()
						restore()
						for resource, statuses := range known {
							if len(statuses) < 2 {
								continue
							}
							f, there := findings[resource]
							if !there { // it is another resource that is unknown then
								f = findings[unknownWith(findings, later)]
							}
							if f.Status == audit.Unknown && has(f, later) || decidesFirst.MatchString(f.Message) {
								continue
							}
							key := r.ID + " " + string(field.FullName())
							if used[key] = true; laterDoesNotMatter[key] == "" {
								t.Errorf("%s: %s: with a later value of %s it is %s: %s\n%v", file.Name, resource, field.FullName(), f.Status, f.Message, f.Evidence)
							}
						}
					}
				})
			}
		})
	}
	for key := range laterDoesNotMatter {
		if !used[key] {
			t.Errorf("%s needs no exception", key)
		}
	}
}

// decidesFirst is in the message of a verdict that is unknown whatever the value.
var decidesFirst = regexp.MustCompile(`could not be read|firewall policy new is of unknown type`)

// laterDoesNotMatter says of a rule and a field why a value that is not known does not
// make the verdict unknown.
var laterDoesNotMatter = map[string]string{
	"cloud-nat google.cloud.compute.v1.RouterBgpPeer.enable":                               "a peer may bring routes unless it is said to be off",
	"private-google-access-route google.cloud.compute.v1.RouterBgpPeer.enable":             "likewise",
	"cloud-nat google.cloud.compute.v1.Warnings.code":                                      "the codes of warnings about next hops begin alike, and others do not count",
	"private-google-access-route google.cloud.compute.v1.Warnings.code":                    "likewise",
	"node-firewall-open-ingress google.cloud.compute.v1.FirewallPolicyRuleSecureTag.state": "which nodes have a tag is not known, unless it is said to have no effect",
}

// has reports whether a finding has a name in its message or its evidence.
func has(f audit.Finding, name string) bool {
	return strings.Contains(f.Message, name) ||
		slices.ContainsFunc(f.Evidence, func(e audit.Evidence) bool { return strings.Contains(e.Value, name) })
}

// unknownWith returns the resource of a finding that is unknown and has a name.
func unknownWith(findings map[string]audit.Finding, name string) string {
	for resource, f := range findings {
		if f.Status == audit.Unknown && has(f, name) {
			return resource
		}
	}
	return ""
}

func eachMessage(s *audit.Snapshot, visit func(protoreflect.Message)) {
	for _, p := range s.Projects {
		within(slices.Concat(p.Clusters, p.OtherClusters), visit)
		within(p.Subnetworks, visit)
		within(p.Routers, visit)
		within(p.Routes, visit)
		within(p.Networks, visit)
		for _, m := range p.EffectiveFirewalls {
			within([]*audit.EffectiveFirewalls{m}, visit)
		}
		for _, m := range p.ServerConfigs {
			messageAndWithin(m.ProtoReflect(), visit)
		}
	}
}

func within[M proto.Message](messages []M, visit func(protoreflect.Message)) {
	for _, m := range messages {
		messageAndWithin(m.ProtoReflect(), visit)
	}
}

func messageAndWithin(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				messageAndWithin(v.Message(), visit)
				return true
			})
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				messageAndWithin(v.List().Get(i).Message(), visit)
			}
		default:
			messageAndWithin(v.Message(), visit)
		}
		return true
	})
}

// enumFields returns the fields of a message that hold enum values, and the names of the
// values. Those of Compute Engine are strings, and the message has the enum beside them.
func enumFields(m protoreflect.Message) map[protoreflect.FieldDescriptor][]string {
	all := map[protoreflect.FieldDescriptor][]string{}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		enum := f.Enum()
		if enum == nil && f.Kind() == protoreflect.StringKind {
			name := []byte(f.JSONName())
			name[0] = bytes.ToUpper(name[:1])[0]
			enum = m.Descriptor().Enums().ByName(protoreflect.Name(name))
		}
		if enum == nil {
			continue
		}
		all[f] = []string{""}
		for j := range enum.Values().Len() {
			if name := string(enum.Values().Get(j).Name()); f.Enum() != nil || !strings.HasPrefix(name, "UNDEFINED_") {
				all[f] = append(all[f], name)
			}
		}
	}
	return all
}

// set sets a field to the value of a name, or a list to that alone; to nothing where the
// name is empty. The function that it returns undoes it.
func set(m protoreflect.Message, f protoreflect.FieldDescriptor, name string) func() {
	before, there, unknown := m.Get(f), m.Has(f), m.GetUnknown()
	m.Clear(f)
	if name != "" {
		var value any = name
		if f.IsList() {
			value = []string{name}
		}
		raw, err := json.Marshal(map[string]any{f.JSONName(): value})
		if err != nil {
			panic(err)
		}
		with := m.New()
		if err := audit.Unmarshal(raw, with.Interface()); err != nil {
			panic(err)
		}
		if with.Has(f) {
			m.Set(f, with.Get(f))
		}
		m.SetUnknown(with.GetUnknown())
	}
	return func() {
		m.Clear(f)
		if there {
			m.Set(f, before)
		}
		m.SetUnknown(unknown)
	}
}
