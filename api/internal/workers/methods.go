package workers

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/parley-im/parley/api/internal/params"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
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

// Decode reads params, the JSON of the request: unknown fields are passed over, none at
// all is a request without fields.
func (m *Method) Decode(b []byte) (proto.Message, error) {
	req := m.in.New().Interface()
	if err := params.Decode(b, req); err != nil {
		return nil, err
	}
	return req, nil
}
