package protogen

import "google.golang.org/protobuf/reflect/protoreflect"

// form is what a value is in JSON.
type form struct {
	typeScript string
	schema     object
}

// scalars are what protobuf's JSON makes of what is no message and no enum. Numbers
// of 64 bits are strings, because JavaScript's numbers end at 53.
var scalars = map[protoreflect.Kind]form{
	protoreflect.BoolKind:     {"boolean", object{{"type", "boolean"}}},
	protoreflect.StringKind:   {"string", object{{"type", "string"}}},
	protoreflect.BytesKind:    {"string", object{{"type", "string"}, {"contentEncoding", "base64"}}},
	protoreflect.Int32Kind:    int32Form,
	protoreflect.Sint32Kind:   int32Form,
	protoreflect.Sfixed32Kind: int32Form,
	protoreflect.Uint32Kind:   uint32Form,
	protoreflect.Fixed32Kind:  uint32Form,
	protoreflect.Int64Kind:    int64Form,
	protoreflect.Sint64Kind:   int64Form,
	protoreflect.Sfixed64Kind: int64Form,
	protoreflect.Uint64Kind:   uint64Form,
	protoreflect.Fixed64Kind:  uint64Form,
	protoreflect.FloatKind:    floatForm,
	protoreflect.DoubleKind:   floatForm,
}

var (
	int32Form  = form{"number", object{{"type", "integer"}, {"format", "int32"}}}
	uint32Form = form{"number", object{{"type", "integer"}, {"minimum", 0}, {"maximum", 1<<32 - 1}}}
	int64Form  = form{"string", object{{"type", "string"}, {"format", "int64"}, {"pattern", "^-?[0-9]{1,19}$"}}}
	uint64Form = form{"string", object{{"type", "string"}, {"format", "uint64"}, {"pattern", "^[0-9]{1,20}$"}}}
	floatForm  = form{"number | 'NaN' | 'Infinity' | '-Infinity'", object{{"oneOf", []object{
		{{"type", "number"}},
		{{"enum", []string{"NaN", "Infinity", "-Infinity"}}},
	}}}}
)

// wellKnown are the messages, and the enum, that protobuf's JSON writes in a way of
// their own.
var wellKnown = map[protoreflect.FullName]form{
	"google.protobuf.Timestamp": {"string", object{{"type", "string"}, {"format", "date-time"}}},
	"google.protobuf.Duration":  {"string", object{{"type", "string"}, {"pattern", `^-?[0-9]+(\.[0-9]+)?s$`}}},
	"google.protobuf.FieldMask": {"string", object{{"type", "string"}}},
	"google.protobuf.Struct":    {"{ [key: string]: unknown }", object{{"type", "object"}}},
	"google.protobuf.Value":     {"unknown", object{}},
	"google.protobuf.ListValue": {"unknown[]", object{{"type", "array"}, {"items", object{}}}},
	"google.protobuf.Any":       {"{ '@type': string; [key: string]: unknown }", object{{"type", "object"}, {"required", []string{"@type"}}}},
	"google.protobuf.NullValue": {"null", object{{"type", "null"}}},
	"google.protobuf.Empty":     {"Record<string, never>", object{{"type", "object"}}},

	"google.protobuf.BoolValue":   scalars[protoreflect.BoolKind].orNull(),
	"google.protobuf.StringValue": scalars[protoreflect.StringKind].orNull(),
	"google.protobuf.BytesValue":  scalars[protoreflect.BytesKind].orNull(),
	"google.protobuf.Int32Value":  int32Form.orNull(),
	"google.protobuf.UInt32Value": uint32Form.orNull(),
	"google.protobuf.Int64Value":  int64Form.orNull(),
	"google.protobuf.UInt64Value": uint64Form.orNull(),
	"google.protobuf.FloatValue":  floatForm.orNull(),
	"google.protobuf.DoubleValue": floatForm.orNull(),
}

func (f form) orNull() form {
	return form{f.typeScript + " | null", object{{"oneOf", []object{f.schema, {{"type", "null"}}}}}}
}
