package protogen

import (
	"fmt"

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
}

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

	m = method{d, lowerFirst(string(d.Name())), "token", repeats[options.GetIdempotencyLevel()]}
	extension, err := types.FindExtensionByName(accessOption)
	if err != nil {
		return m, nil // no file speaks of it
	}
	access := extension.TypeDescriptor()
	number := options.ProtoReflect().Get(access).Enum()
	value := access.Enum().Values().ByNumber(number)
	if value == nil || accesses[value.Name()] == "" {
		return m, fmt.Errorf("%s has access %d, which nobody told protoc-gen-parley about", d.FullName(), number)
	}
	m.access = accesses[value.Name()]
	return m, nil
}

// overHTTP reports whether a method can be called without a socket.
func overHTTP(m method) bool { return m.access != "socket" }

func everyMethod(method) bool { return true }
