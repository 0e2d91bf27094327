package audit

import (
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// onlyGKESets are the fields of a node pool that another does not take over.
var onlyGKESets = setOf(`name selfLink version instanceGroupUrls status statusMessage conditions podIpv4CidrSize updateInfo
	etag kubeletCertInfo management.upgradeOptions networkConfig.createPodRange networkConfig.podIpv4CidrBlock
	networkConfig.podIpv4RangeUtilization config.effectiveCgroupMode`)

// TestNothingIsLost sets each field of a node pool alone, also to a value that is not known: a
// flag carries it over, or it is named.
func TestNothingIsLost(t *testing.T) {
	base := settingsOf(&containerpb.NodePool{})
	eachField(&containerpb.NodePool{}, "", func(path string, p *containerpb.NodePool) {
		s := settingsOf(p)
		if i := slices.IndexFunc(s.flags, func(flag string) bool { return strings.Contains(flag, "999") }); i >= 0 {
			t.Errorf("%s has a value that is not known, and a flag: %s", path, s.flags[i])
		}
		if !slices.Equal(s.flags, base.flags) || p.GetUpgradeSettings().GetStrategy() == containerpb.NodePoolUpdateStrategy_SURGE {
			return // surge upgrades are the default
		}
		if !slices.ContainsFunc(s.left, func(field string) bool { return path == field || strings.HasPrefix(path, field+".") }) {
			t.Errorf("the new node pool loses %s of %v: no flag sets it, and the settings left out, %q, do not have it", path, p, s.left)
		}
	})
}

func settingsOf(p *containerpb.NodePool) poolSettings {
	s := poolSettings{flags: []string{}}
	s.read(&Cluster{Cluster: &containerpb.Cluster{}}, p)
	return s
}

// eachField calls with node pools each of which has one field set, but for the switch beside
// it, which is on. The path of the field is that of [settled].
func eachField(root *containerpb.NodePool, prefix string, with func(string, *containerpb.NodePool)) {
	walk(root.ProtoReflect(), prefix, func(path string) { with(path, proto.CloneOf(root)) })
}

func walk(m protoreflect.Message, prefix string, visit func(path string)) {
	fields := m.Descriptor().Fields()
	enabled := fields.ByName("enabled")
	for i := range fields.Len() {
		f := fields.Get(i)
		path := prefix + f.JSONName()
		if onlyGKESets[path] {
			continue
		}
		if enabled != nil && enabled.Kind() == protoreflect.BoolKind {
			m.Set(enabled, protoreflect.ValueOfBool(true))
		}
		switch {
		case f.IsMap():
			m.Mutable(f).Map().Set(protoreflect.ValueOfString("key").MapKey(), protoreflect.ValueOfString("value"))
			visit(path)
		case f.IsList() && f.Message() != nil:
			walk(m.Mutable(f).List().AppendMutable().Message(), path+".", visit)
		case f.IsList():
			m.Mutable(f).List().Append(values(f)[0])
			visit(path)
		case f.Message() != nil:
			walk(m.Mutable(f).Message(), path+".", visit)
		default:
			for _, v := range values(f) {
				m.Set(f, v)
				visit(path)
			}
		}
		m.Clear(f)
	}
}

// values are some of a field. Of an enumeration they are all, and one that is not known.
func values(f protoreflect.FieldDescriptor) []protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return []protoreflect.Value{protoreflect.ValueOfBool(true)}
	case protoreflect.EnumKind:
		all := []protoreflect.Value{protoreflect.ValueOfEnum(999)}
		for i := 1; i < f.Enum().Values().Len(); i++ {
			all = append(all, protoreflect.ValueOfEnum(f.Enum().Values().Get(i).Number()))
		}
		return all
	case protoreflect.StringKind:
		return []protoreflect.Value{protoreflect.ValueOfString("odd")}
	case protoreflect.Int32Kind:
		return []protoreflect.Value{protoreflect.ValueOfInt32(7)}
	case protoreflect.Int64Kind:
		return []protoreflect.Value{protoreflect.ValueOfInt64(7)}
	case protoreflect.FloatKind:
		return []protoreflect.Value{protoreflect.ValueOfFloat32(0.5)}
	}
	panic("no value for " + f.Kind().String())
}
