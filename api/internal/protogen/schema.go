package protogen

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/parley-im/parley/proto/fault"
)

// schemas returns a schema for all that goes over HTTP, and behind them those of the
// frame.
func (c *contract) schemas(byHand object) (object, error) {
	types, err := c.types(overHTTP, nil)
	if err != nil {
		return nil, err
	}
	byHand = append(byHand, member{"Reason", reasonSchema()})
	var all object
	for _, d := range types {
		if byHand.has(typeName(d)) {
			return nil, fmt.Errorf("%s has the name of a schema that is written by hand", d.FullName())
		}
		all = append(all, member{typeName(d), c.schema(d)})
	}
	return append(all, byHand...), nil
}

func (c *contract) schema(d protoreflect.Descriptor) object {
	switch d := d.(type) {
	case protoreflect.EnumDescriptor:
		return c.enumSchema(d)
	case protoreflect.MessageDescriptor:
		var properties object
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			properties = append(properties, member{f.JSONName(), c.withComment(f, fieldSchema(f))})
		}
		s := c.withComment(d, object{{"type", "object"}})
		if len(properties) > 0 {
			s = append(s, member{"properties", properties})
		}
		return s
	}
	return nil
}

// withComment adds the comment above d to its schema.
func (c *contract) withComment(d protoreflect.Descriptor, s object) object {
	text := c.prose.text(d)
	if f, ok := d.(protoreflect.FieldDescriptor); ok {
		text = strings.TrimSpace(text + " " + strings.Join(onlyOneOf(f), " "))
	}
	if text == "" {
		return s
	}
	return append(s[:len(s):len(s)], member{"description", text})
}

func (c *contract) enumSchema(e protoreflect.EnumDescriptor) object {
	var values []string
	text := c.prose.text(e) + "\n"
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		values = append(values, string(v.Name()))
		text += "\n- " + c.prose.text(v)
	}
	return object{{"type", "string"}, {"enum", values}, {"description", strings.TrimSpace(text)}}
}

// reasonSchema is the table of proto/fault.
func reasonSchema() object {
	var reasons []string
	text := "Why it was not done, for programs. Others may be added.\n"
	for _, code := range fault.Codes() {
		reasons = append(reasons, code.String())
		text += fmt.Sprintf("\n- %s, with status %d: %s.", code, code.HTTP(), fault.New(code, "").Message())
	}
	return object{{"type", "string"}, {"enum", reasons}, {"description", text}}
}

func fieldSchema(f protoreflect.FieldDescriptor) object {
	switch {
	case f.IsMap():
		return object{{"type", "object"}, {"additionalProperties", valueSchema(f.MapValue())}}
	case f.IsList():
		return object{{"type", "array"}, {"items", valueSchema(f)}}
	}
	return valueSchema(f)
}

func valueSchema(f protoreflect.FieldDescriptor) object {
	switch {
	case f.Message() != nil:
		return typeSchema(f.Message())
	case f.Enum() != nil:
		return typeSchema(f.Enum())
	}
	return scalars[f.Kind()].schema
}

// typeSchema refers to a message or enum.
func typeSchema(d protoreflect.Descriptor) object {
	if known, ok := wellKnown[d.FullName()]; ok {
		return known.schema
	}
	return object{{"$ref", "#/components/schemas/" + typeName(d)}}
}
