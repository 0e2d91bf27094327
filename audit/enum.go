package audit

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A message has an enum value as a number, and its JSON has the value's name. A name that
// only a later version of the API knows becomes a number that no API uses: firstLater
// plus a hash of the name. The message keeps the name itself among its unknown fields,
// as field laterField, where Marshal and EnumName find it. There is no table
// of such names outside the messages that have them.
const (
	firstLater = 1 << 30
	laterField = protowire.MaxValidNumber
)

// A laterName is the name of an enum value that is not known here. Its JSON is its number.
type laterName string

func (n laterName) number() protoreflect.EnumNumber {
	h := fnv.New32a()
	h.Write([]byte(n))
	return firstLater + protoreflect.EnumNumber(h.Sum32()%firstLater)
}

// MarshalJSON returns the number, which protojson takes where it would not take the name.
func (n laterName) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, int64(n.number()), 10), nil
}

// EnumName returns the name of an enum value that m has in one of its fields. For a value
// that is not known here it is the name that [Unmarshal] found, or the number if there was
// no name.
func EnumName(m proto.Message, value protoreflect.Enum) string {
	names, _ := EnumNames(m, []protoreflect.Enum{value})
	return names[0]
}

// EnumNames is EnumName for the values of a list. Among unknown are the names of those
// that are not known here.
func EnumNames[E protoreflect.Enum](m proto.Message, values []E) (names, unknown []string) {
	var later map[protoreflect.EnumNumber]string
	for _, value := range values {
		if known := value.Descriptor().Values().ByNumber(value.Number()); known != nil {
			names = append(names, string(known.Name()))
			continue
		}
		if later == nil {
			later = laterNames(m.ProtoReflect())
		}
		name, ok := later[value.Number()]
		switch {
		case !ok:
			name = strconv.Itoa(int(value.Number()))
		case name == "":
			name = `""`
		}
		names, unknown = append(names, name), append(unknown, name)
	}
	return names, unknown
}

// EnumKnown reports whether an enum value has a name in this version of the API.
func EnumKnown(value protoreflect.Enum) bool {
	return value.Descriptor().Values().ByNumber(value.Number()) != nil
}

// UnknownValue returns the verdict on a field that decides and has a value, the
// evidence's, that is not known here.
func UnknownValue(e Evidence) Verdict {
	v := Unknownf("%s has the value %s, which this version of gkeaudit does not know", e.Field, e.Value).Because(e)
	v.later = true
	return v
}

// Unmarshal decodes the JSON of a message that may be of a later version of its API. It
// drops fields that are not known here. It keeps names of enum values that are not known
// here: protojson would drop them, too, and leave the field as if it were absent, which
// often means something.
func Unmarshal(raw []byte, m proto.Message) error {
	options := protojson.UnmarshalOptions{AllowPartial: true}
	if options.Unmarshal(raw, m) == nil { // as nearly always
		return nil
	}
	options.DiscardUnknown = true
	if err := options.Unmarshal(raw, m); err != nil {
		return err
	}
	object, err := jsonObject(raw)
	if err != nil {
		return err
	}
	found := false
	d := m.ProtoReflect().Descriptor()
	eachObject(object, d, nil, func(object map[string]any, d protoreflect.MessageDescriptor, _ protoreflect.Message) {
		eachEnum(object, d, func(enum protoreflect.EnumDescriptor, value any) any {
			if name, ok := value.(string); ok && enum.Values().ByName(protoreflect.Name(name)) == nil {
				found = true
				return laterName(name)
			}
			return value
		})
	})
	if !found {
		return nil
	}
	if raw, err = json.Marshal(object); err != nil {
		return err
	}
	if err := options.Unmarshal(raw, m); err != nil {
		return err
	}
	eachObject(object, d, m.ProtoReflect(), keepNames)
	return nil
}

// laterRead are names that are not known here and that rules know all the same: the API has
// them and the client library does not yet.
var laterRead = []string{"MICROVM"}

// unmarshalStrict decodes a message that has no field or enum value that is not known here,
// but for the names in laterRead.
func unmarshalStrict(raw []byte, m proto.Message) error {
	options := protojson.UnmarshalOptions{AllowPartial: true}
	err := options.Unmarshal(raw, m)
	if err == nil {
		return nil
	}
	object, objectErr := jsonObject(raw)
	if objectErr != nil {
		return err
	}
	eachObject(object, m.ProtoReflect().Descriptor(), nil, func(object map[string]any, d protoreflect.MessageDescriptor, _ protoreflect.Message) {
		eachEnum(object, d, func(_ protoreflect.EnumDescriptor, value any) any {
			if name, ok := value.(string); ok && slices.Contains(laterRead, name) {
				return json.Number("0")
			}
			return value
		})
	})
	if without, marshalErr := json.Marshal(object); marshalErr != nil || options.Unmarshal(without, m) != nil {
		return err
	}
	proto.Reset(m)
	return Unmarshal(raw, m)
}

// keepNames puts the names that are not known here into the message that has them.
func keepNames(object map[string]any, d protoreflect.MessageDescriptor, m protoreflect.Message) {
	names := map[string]bool{}
	eachEnum(object, d, func(_ protoreflect.EnumDescriptor, value any) any {
		if name, ok := value.(laterName); ok {
			names[string(name)] = true
		}
		return value
	})
	unknown := m.GetUnknown()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		unknown = protowire.AppendString(protowire.AppendTag(unknown, laterField, protowire.BytesType), name)
	}
	m.SetUnknown(unknown)
}

// laterNames returns what keepNames put into a message, by number.
func laterNames(m protoreflect.Message) map[protoreflect.EnumNumber]string {
	names := map[protoreflect.EnumNumber]string{}
	for rest := []byte(m.GetUnknown()); len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			break
		}
		rest = rest[n:]
		n = protowire.ConsumeFieldValue(field, kind, rest)
		if n < 0 {
			break
		}
		if field == laterField && kind == protowire.BytesType {
			name, _ := protowire.ConsumeString(rest)
			names[laterName(name).number()] = name
		}
		rest = rest[n:]
	}
	return names
}

// Marshal encodes a message as the JSON that [Unmarshal] decodes, with every name that it
// kept.
func Marshal(m proto.Message) ([]byte, error) {
	raw, err := protojson.MarshalOptions{AllowPartial: true}.Marshal(m)
	if err != nil || !hasLaterNames(m.ProtoReflect()) {
		return raw, err
	}
	object, err := jsonObject(raw)
	if err != nil {
		return nil, err
	}
	eachObject(object, m.ProtoReflect().Descriptor(), m.ProtoReflect(), func(object map[string]any, d protoreflect.MessageDescriptor, m protoreflect.Message) {
		names := laterNames(m)
		eachEnum(object, d, func(_ protoreflect.EnumDescriptor, value any) any {
			if number, ok := value.(json.Number); ok {
				n, _ := strconv.ParseInt(number.String(), 10, 32)
				if name, ok := names[protoreflect.EnumNumber(n)]; ok {
					return name
				}
			}
			return value
		})
	})
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(object)
	return b.Bytes(), err
}

// hasLaterNames reports whether a message, or one within it, has a name from keepNames.
func hasLaterNames(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case found:
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				found = hasLaterNames(v.Message())
				return !found
			})
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := 0; i < v.List().Len() && !found; i++ {
				found = hasLaterNames(v.List().Get(i).Message())
			}
		default:
			found = hasLaterNames(v.Message())
		}
		return !found
	})
	return found
}

func jsonObject(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // floats do not hold all integers
	var object map[string]any
	err := d.Decode(&object)
	return object, err
}

// eachObject calls visit with the JSON of a message and of every message within it. With
// each comes the message itself, unless m is nil.
func eachObject(object map[string]any, d protoreflect.MessageDescriptor, m protoreflect.Message,
	visit func(map[string]any, protoreflect.MessageDescriptor, protoreflect.Message)) {
	if strings.HasPrefix(string(d.FullName()), "google.protobuf.") {
		return // those have JSON forms of their own
	}
	visit(object, d, m)
	for key, value := range object {
		f := fieldOf(d, key)
		if f == nil || f.Message() == nil {
			continue
		}
		within := func(value any, d protoreflect.MessageDescriptor, message func() protoreflect.Message) {
			if object, ok := value.(map[string]any); ok {
				var next protoreflect.Message
				if m != nil {
					next = message()
				}
				eachObject(object, d, next, visit)
			}
		}
		switch value := value.(type) {
		case []any:
			for i, item := range value {
				within(item, f.Message(), func() protoreflect.Message { return m.Get(f).List().Get(i).Message() })
			}
		case map[string]any:
			if !f.IsMap() {
				within(value, f.Message(), func() protoreflect.Message { return m.Get(f).Message() })
				continue
			}
			if f.MapValue().Message() == nil || f.MapKey().Kind() != protoreflect.StringKind {
				continue
			}
			for key, entry := range value {
				within(entry, f.MapValue().Message(), func() protoreflect.Message {
					return m.Get(f).Map().Get(protoreflect.ValueOfString(key).MapKey()).Message()
				})
			}
		}
	}
}

// eachEnum replaces the enum values among the fields of a message's JSON.
func eachEnum(object map[string]any, d protoreflect.MessageDescriptor, replace func(protoreflect.EnumDescriptor, any) any) {
	for key, value := range object {
		f := fieldOf(d, key)
		if f == nil || f.Enum() == nil {
			continue
		}
		if items, ok := value.([]any); ok {
			for i, item := range items {
				items[i] = replace(f.Enum(), item)
			}
			continue
		}
		object[key] = replace(f.Enum(), value)
	}
}

// fieldOf returns the field that a key of a message's JSON names; nil if there is none.
func fieldOf(d protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if f := d.Fields().ByJSONName(key); f != nil {
		return f
	}
	return d.Fields().ByTextName(key)
}
