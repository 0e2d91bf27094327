package audit

import (
	"bytes"
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// unknownEnum is the number that stands for a value of an enumeration whose name is not
// known here. No API uses it.
const unknownEnum = "1073741824"

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
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		nameEnums(v, m.ProtoReflect().Descriptor())
		if again, err := json.Marshal(v); err == nil {
			raw = again
		}
	}
	options.DiscardUnknown = true
	return options.Unmarshal(raw, m)
}

// nameEnums replaces names of values that enumerations do not have.
func nameEnums(v any, message protoreflect.MessageDescriptor) {
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
					entries[k] = nameEnum(entry, f)
				}
			}
			continue
		}
		if items, ok := value.([]any); ok {
			for i, item := range items {
				items[i] = nameEnum(item, f)
			}
			continue
		}
		object[key] = nameEnum(value, f)
	}
}

func nameEnum(v any, f protoreflect.FieldDescriptor) any {
	switch f.Kind() {
	case protoreflect.MessageKind:
		nameEnums(v, f.Message())
	case protoreflect.EnumKind:
		if name, ok := v.(string); ok && f.Enum().Values().ByName(protoreflect.Name(name)) == nil {
			return json.Number(unknownEnum)
		}
	}
	return v
}
