package protogen

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// method is an rpc as JSON knows it.
type method struct {
	protoreflect.MethodDescriptor
	name   string // sendMessage
	access string // token, open or socket
	repeat string // no, read or idempotent
	role   string // what a key needs; "": there are none
}

// roleOption is the extension that says what a key has to be for, and rolePrefix begins
// its values.
const (
	roleOption = protoreflect.FullName("parley.push.v1.role")
	rolePrefix = "ROLE_"
)

// accessOption is the extension of MethodOptions that says who may call an rpc. It is
// read by its name and not by Go's type for it: the plugin has to build while the
// generated code does not.
const accessOption protoreflect.FullName = "parley.chat.v1.access"

var accesses = map[protoreflect.Name]string{
	"ACCESS_UNSPECIFIED": "token",
	"ACCESS_OPEN":        "open",
	"ACCESS_SOCKET":      "socket",
}

var repeats = map[descriptorpb.MethodOptions_IdempotencyLevel]string{
	descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN: "no",
	descriptorpb.MethodOptions_NO_SIDE_EFFECTS:     "read",
	descriptorpb.MethodOptions_IDEMPOTENT:          "idempotent",
}

func newMethod(d protoreflect.MethodDescriptor, files *protoregistry.Files) (m method, err error) {
	if d.IsStreamingClient() || d.IsStreamingServer() {
		return m, fmt.Errorf("%s is a stream: there is none over HTTP and JSON-RPC", d.FullName())
	}
	types := dynamicpb.NewTypes(files)
	raw, err := proto.Marshal(d.Options())
	if err != nil {
		return m, err
	}
	options := new(descriptorpb.MethodOptions)
	if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(raw, options); err != nil {
		return m, err
	}

	m = method{MethodDescriptor: d, name: lowerFirst(string(d.Name())), access: "token", repeat: repeats[options.GetIdempotencyLevel()]}
	if value, _, ok := valueOf(types, options, roleOption); ok && value != rolePrefix+"UNSPECIFIED" {
		m.role = strings.ToLower(strings.TrimPrefix(value, rolePrefix))
	}
	value, number, ok := valueOf(types, options, accessOption)
	if !ok {
		return m, nil // no file speaks of it
	}
	if m.access = accesses[protoreflect.Name(value)]; m.access == "" {
		return m, fmt.Errorf("%s has access %d, which nobody told protoc-gen-parley about", d.FullName(), number)
	}
	return m, nil
}

// valueOf is the value that an option has, which is an enum: its name, "" for one that is
// not in the proto, and its number. It is not ok when no file speaks of the option.
func valueOf(types *dynamicpb.Types, options *descriptorpb.MethodOptions, name protoreflect.FullName) (value string, number protoreflect.EnumNumber, ok bool) {
	extension, err := types.FindExtensionByName(name)
	if err != nil {
		return "", 0, false
	}
	option := extension.TypeDescriptor()
	number = options.ProtoReflect().Get(option).Enum()
	if v := option.Enum().Values().ByNumber(number); v != nil {
		value = string(v.Name())
	}
	return value, number, true
}

// overHTTP reports whether a method can be called without a socket.
func overHTTP(m method) bool { return m.access != "socket" }

func everyMethod(method) bool { return true }
