package protogen

import (
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// openAPI writes the frame, with an operation for every method that needs no socket
// and a schema for all that those take and answer.
func openAPI(c *contract, f frame) (string, error) {
	d, err := f.read()
	if err != nil {
		return "", err
	}
	schemas, err := c.schemas(d.Components.Schemas)
	if err != nil {
		return "", err
	}
	d.Components.Schemas = schemas
	d.Info.Description = strings.TrimSpace(c.prose.file(c.service.ParentFile()) + "\n\n" + d.Info.Description)

	var paths object
	var tags []tag
	for _, m := range c.methods {
		if !overHTTP(m) {
			continue
		}
		paths = append(paths, member{f.below + m.name, object{{"post", c.operation(m, f)}}})
		if t := (tag{Name: m.subject()}); !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	d.Paths = append(paths, d.Paths...)
	d.Tags = append(tags, d.Tags...)
	return d.text()
}

// subject is the name of the file that says what the method takes: message, of what
// stands in message.proto.
func (m method) subject() string {
	return strings.TrimSuffix(path.Base(m.Input().ParentFile().Path()), ".proto")
}

func (c *contract) operation(m method, f frame) object {
	text := c.prose.text(m)
	o := object{
		{"operationId", m.name},
		{"tags", []string{m.subject()}},
		{"summary", firstSentence(text)},
	}
	if text != firstSentence(text)+"." {
		o = append(o, member{"description", text})
	}
	if m.access == "open" {
		o = append(o, member{"security", []string{}})
	}
	if m.role != "" {
		o = append(o, member{"x-role", m.role})
	}
	if len(f.parameters) > 0 {
		var refs []object
		for _, name := range f.parameters {
			refs = append(refs, object{{"$ref", "#/components/parameters/" + name}})
		}
		o = append(o, member{"parameters", refs})
	}
	return append(o,
		member{"x-idempotent", m.repeat != "no"},
		member{"requestBody", object{{"required", true}, {"content", content(m.Input())}}},
		member{"responses", object{
			{"200", object{{"description", c.described(m.Output())}, {"content", content(m.Output())}}},
			{"default", object{{"$ref", "#/components/responses/Error"}}},
		}},
	)
}

// described is the first sentence about a message; one of another package may have no
// comment, and a response has to have a description.
func (c *contract) described(m protoreflect.MessageDescriptor) string {
	if sentence := firstSentence(c.prose.text(m)); sentence != "" {
		return sentence
	}
	return string(m.Name())
}

func content(m protoreflect.MessageDescriptor) object {
	return object{{"application/json", object{{"schema", typeSchema(m)}}}}
}
