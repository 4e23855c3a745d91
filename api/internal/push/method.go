package push

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker/rpc"
)

// Method is an rpc of PushService.
type Method struct {
	Name string      // listConns, as HTTP has it
	Role pushv1.Role // what a key needs

	full   string // /parley.push.v1.PushService/ListConns
	handle func(srv any, ctx context.Context, dec func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error)
}

// methodsOf returns the rpcs by name and by full name. It panics about one that says no
// role: nobody could call it.
func methodsOf() (byName, byFull map[string]*Method) {
	byName, byFull = map[string]*Method{}, map[string]*Method{}
	service := pushv1.File_parley_push_v1_push_proto.Services().ByName("PushService")
	for _, desc := range pushv1.PushService_ServiceDesc.Methods {
		d := service.Methods().ByName(protoreflect.Name(desc.MethodName))
		role, _ := proto.GetExtension(d.Options(), pushv1.E_Role).(pushv1.Role)
		if role == pushv1.Role_ROLE_UNSPECIFIED {
			panic(fmt.Sprintf("push: the rpc %s says no role", d.Name()))
		}
		m := &Method{
			Name: rpc.MethodName(desc.MethodName), Role: role,
			full: fmt.Sprintf("/%s/%s", service.FullName(), d.Name()), handle: desc.Handler,
		}
		byName[m.Name], byFull[m.full] = m, m
	}
	return byName, byFull
}
