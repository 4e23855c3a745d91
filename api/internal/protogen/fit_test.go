package protogen

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// What protobuf writes of a message in which everything is set is what the document
// says of it: no field more, no other form.
func TestSchemasFitWhatProtobufWrites(t *testing.T) {
	files, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: compile(t, shelf(t))})
	if err != nil {
		t.Fatal(err)
	}
	shelfFile, err := files.FindFileByPath("shelf/shelf.proto")
	if err != nil {
		t.Fatal(err)
	}
	services := map[string]protoreflect.ServiceDescriptor{
		"../../openapi/openapi.json":  chatv1.File_parley_chat_v1_service_proto.Services().ByName("ChatService"),
		"../../openapi/push.json":     pushv1.File_parley_push_v1_push_proto.Services().ByName("PushService"),
		"testdata/shelf.openapi.json": shelfFile.Services().ByName("ShelfService"),
	}
	for file, service := range services {
		document := readJSON(t, file)
		forbidMore(document)
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("doc.json", document); err != nil {
			t.Fatal(err)
		}
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			name := lowerFirst(string(m.Name()))
			if at(document, "paths", "/v1/"+name) == nil && at(document, "paths", "/push/v1/"+name) == nil {
				continue // of sockets
			}
			for _, d := range []protoreflect.MessageDescriptor{m.Input(), m.Output()} {
				if _, known := wellKnown[d.FullName()]; !known {
					fits(t, c.MustCompile("doc.json#/components/schemas/"+typeName(d)), d)
				}
			}
		}
	}
}

// forbidMore lets the schemas of messages refuse what they do not know.
func forbidMore(document any) {
	for _, schema := range at(document, "components", "schemas").(map[string]any) {
		if s := schema.(map[string]any); s["type"] == "object" {
			s["additionalProperties"] = false
		}
	}
}

func fits(t *testing.T, schema *jsonschema.Schema, d protoreflect.MessageDescriptor) {
	t.Helper()
	m := dynamicpb.NewMessage(d)
	fill(m, 3)
	raw, err := protojson.Marshal(m)
	if err != nil {
		t.Fatalf("%s: %v", d.FullName(), err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %s\n%v", d.FullName(), raw, err)
	}
}

// fill sets every field of m, and of the messages in it down to depth.
func fill(m protoreflect.Message, depth int) {
	field := func(name protoreflect.Name) protoreflect.FieldDescriptor { return m.Descriptor().Fields().ByName(name) }
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration":
		m.Set(field("seconds"), protoreflect.ValueOfInt64(7))
		return
	case "google.protobuf.Value":
		m.Set(field("string_value"), protoreflect.ValueOfString("seven"))
		return
	case "google.protobuf.Any":
		m.Set(field("type_url"), protoreflect.ValueOfString("type.googleapis.com/google.protobuf.Empty"))
		return
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch {
		case f.IsMap() && depth > 0:
			entries := m.Mutable(f).Map()
			v := entries.NewValue()
			if f.MapValue().Message() != nil {
				fill(v.Message(), depth-1)
			}
			entries.Set(scalar(f.MapKey()).MapKey(), v)
		case f.IsList() && f.Message() != nil:
			if depth > 0 {
				fill(m.Mutable(f).List().AppendMutable().Message(), depth-1)
			}
		case f.IsList():
			m.Mutable(f).List().Append(scalar(f))
		case f.Message() != nil:
			if depth > 0 {
				fill(m.Mutable(f).Message(), depth-1)
			}
		case !f.IsMap():
			m.Set(f, scalar(f))
		}
	}
}

func scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("seven")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("seven"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(f.Enum().Values().Len() - 1).Number())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(-7)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(1<<32 - 1)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(-1 << 63)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(1<<64 - 1)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(0.5)
	default:
		return protoreflect.ValueOfFloat64(0.5)
	}
}
