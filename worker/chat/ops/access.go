package ops

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/rpc"
)

// accesses is who may call what, by the full name that gRPC has for it. The protos say so.
var accesses = readAccesses()

func readAccesses() map[string]chatv1.Access {
	all := map[string]chatv1.Access{}
	for _, file := range []protoreflect.FileDescriptor{
		chatv1.File_parley_chat_v1_service_proto, chatv1.File_parley_chat_v1_image_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				access, _ := proto.GetExtension(m.Options(), chatv1.E_Access).(chatv1.Access)
				all["/"+string(service.FullName())+"/"+string(m.Name())] = access
			}
		}
	}
	return all
}

// open are the methods of a socket that need no session: those that need no token, and
// the one that looks at its token itself.
var open = openMethods()

func openMethods() map[string]bool {
	all := map[string]bool{"openSession": true}
	for _, m := range chatv1.ChatService_ServiceDesc.Methods {
		if accesses["/"+chatv1.ChatService_ServiceDesc.ServiceName+"/"+m.MethodName] == chatv1.Access_ACCESS_OPEN {
			all[rpc.MethodName(m.MethodName)] = true
		}
	}
	return all
}
