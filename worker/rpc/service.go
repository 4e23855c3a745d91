package rpc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc"
)

// HandleService makes a method of every rpc of a gRPC service: SendMessage becomes
// sendMessage. impl is what would be registered with a grpc.Server, desc what was
// generated beside its interface; an rpc that is added later needs no line here. It
// panics when impl does not serve desc, when a name is taken, and when an rpc streams.
func HandleService(m *Mux, desc *grpc.ServiceDesc, impl any) {
	if want := reflect.TypeOf(desc.HandlerType).Elem(); !reflect.TypeOf(impl).Implements(want) {
		panic(fmt.Sprintf("rpc: %T does not serve %s", impl, desc.ServiceName))
	}
	if len(desc.Streams) > 0 {
		panic(fmt.Sprintf("rpc: %s of %s streams, and a conn's calls have one answer", desc.Streams[0].StreamName, desc.ServiceName))
	}
	for _, rpc := range desc.Methods {
		name := MethodName(rpc.MethodName)
		if _, taken := m.methods[name]; taken {
			panic(fmt.Sprintf("rpc: the method %q is handled already", name))
		}
		m.methods[name] = func(ctx context.Context, params []byte) ([]byte, error) {
			res, err := rpc.Handler(impl, ctx, func(req any) error { return decode(params, req) }, nil)
			if err != nil {
				return nil, err
			}
			if res == nil || reflect.ValueOf(res).IsNil() {
				return nil, errors.New("neither an answer nor an error")
			}
			return encode(res)
		}
	}
}

// MethodName is what an rpc of a gRPC service is called over a conn.
func MethodName(rpc string) string {
	r, size := utf8.DecodeRuneInString(rpc)
	return string(unicode.ToLower(r)) + rpc[size:]
}
