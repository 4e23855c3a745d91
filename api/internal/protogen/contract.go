package protogen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// contract is what of the protos the documents speak of.
type contract struct {
	service protoreflect.ServiceDescriptor
	methods []method                         // in the order of the service
	pushes  []protoreflect.MessageDescriptor // in the order of their files
	prose   prose
}

// newContract collects what service and the pushes beside it consist of.
func newContract(service protoreflect.ServiceDescriptor, files *protoregistry.Files) (*contract, error) {
	c := &contract{service: service}
	for i := range service.Methods().Len() {
		m, err := newMethod(service.Methods().Get(i), files)
		if err != nil {
			return nil, err
		}
		c.methods = append(c.methods, m)
	}

	var beside []protoreflect.FileDescriptor
	files.RangeFilesByPackage(service.ParentFile().Package(), func(f protoreflect.FileDescriptor) bool {
		beside = append(beside, f)
		return true
	})
	slices.SortFunc(beside, func(a, b protoreflect.FileDescriptor) int { return cmp.Compare(a.Path(), b.Path()) })
	for _, f := range beside {
		for i := range f.Messages().Len() {
			if m := f.Messages().Get(i); strings.HasSuffix(string(m.Name()), pushSuffix) {
				c.pushes = append(c.pushes, m)
			}
		}
	}

	types, err := c.types(everyMethod, c.pushes)
	if err != nil {
		return nil, err
	}
	c.prose = newProse(c.methods, types)
	return c, nil
}

const pushSuffix = "Push"

// pushName is the JSON-RPC method of a notification: messageChanged of
// MessageChangedPush.
func pushName(m protoreflect.MessageDescriptor) string {
	return lowerFirst(strings.TrimSuffix(string(m.Name()), pushSuffix))
}

// ownNames are what the documents have beside messages and enums.
var ownNames = []string{"Methods", "Pushes", "Reason"}

// types returns the messages and enums that the wanted methods and the pushes need,
// by file and in the order in which they are written there, each once.
func (c *contract) types(want func(method) bool, pushes []protoreflect.MessageDescriptor) ([]protoreflect.Descriptor, error) {
	needed := make(map[protoreflect.FullName]protoreflect.Descriptor)
	for _, m := range c.methods {
		if want(m) {
			need(needed, m.Input())
			need(needed, m.Output())
		}
	}
	for _, m := range pushes {
		need(needed, m)
	}

	var types []protoreflect.Descriptor
	named := make(map[string]protoreflect.FullName)
	for name, d := range needed {
		if slices.Contains(ownNames, typeName(d)) {
			return nil, fmt.Errorf("%s has a name that the documents need for something else", name)
		}
		if other, taken := named[typeName(d)]; taken {
			return nil, fmt.Errorf("%s and %s would both be called %s", min(name, other), max(name, other), typeName(d))
		}
		named[typeName(d)] = name
		types = append(types, d)
	}
	slices.SortFunc(types, inFileOrder)
	return types, nil
}

// need adds d and all that its fields consist of.
func need(needed map[protoreflect.FullName]protoreflect.Descriptor, d protoreflect.Descriptor) {
	_, known := wellKnown[d.FullName()]
	if _, have := needed[d.FullName()]; have || known {
		return
	}
	needed[d.FullName()] = d
	m, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		return
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if f.IsMap() {
			f = f.MapValue()
		}
		if f.Message() != nil {
			need(needed, f.Message())
		}
		if f.Enum() != nil {
			need(needed, f.Enum())
		}
	}
}

// inFileOrder puts what is written first first; files are in order of their paths.
func inFileOrder(a, b protoreflect.Descriptor) int {
	if files := cmp.Compare(a.ParentFile().Path(), b.ParentFile().Path()); files != 0 {
		return files
	}
	line := func(d protoreflect.Descriptor) int {
		return d.ParentFile().SourceLocations().ByDescriptor(d).StartLine
	}
	return cmp.Or(cmp.Compare(line(a), line(b)), cmp.Compare(a.FullName(), b.FullName()))
}

// typeName is the name of a message or enum without its package; one inside
// another has both names: OuterInner.
func typeName(d protoreflect.Descriptor) string {
	name := strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
	return strings.ReplaceAll(name, ".", "")
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
