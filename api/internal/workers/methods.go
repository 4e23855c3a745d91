package workers

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/rpc"
)

// Method is an rpc of ChatService.
type Method struct {
	Name   string        // sendMessage
	Access chatv1.Access // who may call it, and where

	full    string // /parley.chat.v1.ChatService/SendMessage
	in, out protoreflect.MessageType
}

// Methods returns every rpc of ChatService, by name.
func Methods() map[string]*Method {
	all := map[string]*Method{}
	rpcs := service("ChatService").Methods()
	for i := range rpcs.Len() {
		d := rpcs.Get(i)
		access, _ := proto.GetExtension(d.Options(), chatv1.E_Access).(chatv1.Access)
		m := &Method{
			Name: rpc.MethodName(string(d.Name())), Access: access, full: fullName(d),
			in: typeOf(d.Input()), out: typeOf(d.Output()),
		}
		all[m.Name] = m
	}
	return all
}

// service is the descriptor of a service of the chat.
func service(name protoreflect.Name) protoreflect.ServiceDescriptor {
	for _, file := range []protoreflect.FileDescriptor{chatv1.File_parley_chat_v1_service_proto, chatv1.File_parley_chat_v1_image_proto} {
		if d := file.Services().ByName(name); d != nil {
			return d
		}
	}
	panic(fmt.Sprintf("workers: the chat has no service %s", name))
}

func fullName(d protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("/%s/%s", d.Parent().FullName(), d.Name())
}

// typeOf is the Go type of a message, which is linked in with the descriptor.
func typeOf(d protoreflect.MessageDescriptor) protoreflect.MessageType {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(fmt.Sprintf("workers: %s: %v", d.FullName(), err))
	}
	return t
}

// repeatable says that an rpc may be asked again after a lost answer.
func repeatable(d protoreflect.MethodDescriptor) bool {
	o, _ := d.Options().(*descriptorpb.MethodOptions)
	return o.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
}

// The answers to params that are none, as a conn gives them too.
var (
	errJSON   = fault.New(fault.Malformed, "not JSON")
	errDeep   = fault.New(fault.Malformed, fmt.Sprintf("nested deeper than %d", rpc.MaxDepth))
	errParams = fault.New(fault.Invalid, "params: not what is wanted")
)

// Decode reads params, the JSON of the request: unknown fields are passed over, none at
// all is a request without fields.
func (m *Method) Decode(params []byte) (proto.Message, error) {
	req := m.in.New().Interface()
	params = bytes.Trim(params, " \t\r\n")
	switch {
	case len(params) == 0, string(params) == "null":
		return req, nil
	case tooDeep(params):
		return nil, errDeep
	case !json.Valid(params):
		return nil, errJSON
	}
	err := protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: rpc.MaxDepth}.Unmarshal(params, req)
	if err != nil {
		return nil, errParams.Because(err)
	}
	return req, nil
}

// Encode returns the JSON of a message, always the same for the same one.
func Encode(m proto.Message) ([]byte, error) {
	b, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return out.Bytes(), nil
}

// tooDeep says that b opens more objects and lists within each other than may be, before
// anything that recurses looks at it.
func tooDeep(b []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > rpc.MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
