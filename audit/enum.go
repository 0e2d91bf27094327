package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unknownEnum is the number that stands for a value of an enumeration whose name is not
// known here. No API uses it.
const unknownEnum = "1073741824"

// MicroVM is the type MICROVM of containerpb.SandboxConfig, which the API has and the
// client library does not have yet. Its number is taken from its place in the API's
// discovery document, after GVISOR.
const MicroVM containerpb.SandboxConfig_Type = 2

// laterNames are values of enumerations, by name, that the client library does not have yet
// and rules know.
var laterNames = map[protoreflect.FullName]map[string]protoreflect.EnumNumber{
	MicroVM.Descriptor().FullName(): {"MICROVM": MicroVM.Number()},
}

// unmarshalStrict decodes a message all of whose fields and values are known.
func unmarshalStrict(raw []byte, m proto.Message) error {
	options := protojson.UnmarshalOptions{AllowPartial: true}
	err := options.Unmarshal(raw, m)
	if err == nil {
		return nil
	}
	proto.Reset(m)
	if again, ok := withNumbers(raw, m, laterNumber); ok && options.Unmarshal(again, m) == nil {
		return nil
	}
	return err
}

// unmarshalLater decodes a message that may be of a later version of its API. Fields that
// are not known here are passed over. So are names of enumerations' values by protojson,
// which leaves the field as if it were absent, and absence often means something: here
// they become a number that no rule knows.
func unmarshalLater(raw []byte, m proto.Message) error {
	options := protojson.UnmarshalOptions{AllowPartial: true}
	if options.Unmarshal(raw, m) == nil { // as nearly always
		return nil
	}
	proto.Reset(m)
	if again, ok := withNumbers(raw, m, anyNumber); ok {
		raw = again
	}
	options.DiscardUnknown = true
	return options.Unmarshal(raw, m)
}

// withNumbers returns a message with numbers in place of the names of values that
// enumerations do not have. It reports false where it is no JSON.
func withNumbers(raw []byte, m proto.Message, number enumNumber) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	number.replace(v, m.ProtoReflect().Descriptor())
	again, err := json.Marshal(v)
	return again, err == nil
}

// An enumNumber returns the number for a name that an enumeration does not have; nothing
// for one that stays.
type enumNumber func(enum protoreflect.EnumDescriptor, name string) json.Number

// laterNumber is an enumNumber for names that rules know.
func laterNumber(enum protoreflect.EnumDescriptor, name string) json.Number {
	if n, ok := laterNames[enum.FullName()][name]; ok {
		return json.Number(strconv.Itoa(int(n)))
	}
	return ""
}

// anyNumber is an enumNumber for every name.
func anyNumber(enum protoreflect.EnumDescriptor, name string) json.Number {
	return cmp.Or(laterNumber(enum, name), unknownEnum)
}

// replace puts numbers in place of names in the fields of a message.
func (number enumNumber) replace(v any, message protoreflect.MessageDescriptor) {
	object, ok := v.(map[string]any)
	if !ok || strings.HasPrefix(string(message.FullName()), "google.protobuf.") {
		return // those have JSON forms of their own
	}
	for key, value := range object {
		f := message.Fields().ByJSONName(key)
		if f == nil {
			f = message.Fields().ByTextName(key)
		}
		if f == nil {
			continue
		}
		if f.IsMap() {
			f = f.MapValue()
			if entries, ok := value.(map[string]any); ok {
				for k, entry := range entries {
					entries[k] = number.value(entry, f)
				}
			}
			continue
		}
		if items, ok := value.([]any); ok {
			for i, item := range items {
				items[i] = number.value(item, f)
			}
			continue
		}
		object[key] = number.value(value, f)
	}
}

func (number enumNumber) value(v any, f protoreflect.FieldDescriptor) any {
	switch f.Kind() {
	case protoreflect.MessageKind:
		number.replace(v, f.Message())
	case protoreflect.EnumKind:
		if name, ok := v.(string); ok && f.Enum().Values().ByName(protoreflect.Name(name)) == nil {
			if n := number(f.Enum(), name); n != "" {
				return n
			}
		}
	}
	return v
}
