package rpc_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/rpc"
)

// health is a service of two unary rpcs; a third streams.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	asked string
}

func (h *health) Check(_ context.Context, req *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.asked = req.GetService()
	switch h.asked {
	case "gone":
		return nil, fault.New(fault.NotFound, "no such service")
	case "nil":
		return nil, nil
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// unary is the description without what streams.
func unary() *grpc.ServiceDesc {
	d := grpc_health_v1.Health_ServiceDesc
	d.Streams = nil
	return &d
}

func TestEveryRPCOfAServiceIsAMethod(t *testing.T) {
	h := &health{}
	m := rpc.NewMux()
	var around []string
	m.Around(func(ctx context.Context, method string, next func(context.Context) error) error {
		around = append(around, method)
		return next(ctx)
	})
	rpc.HandleService(m, unary(), h)
	for call, want := range map[string]string{
		`{"jsonrpc":"2.0","id":1,"method":"check","params":{"service":"chat","later":1}}`: `{"jsonrpc":"2.0","id":1,"result":{"status":"SERVING"}}`,
		`{"jsonrpc":"2.0","id":2,"method":"check","params":{"service":"gone"}}`:           `"message":"no such service"`,
		`{"jsonrpc":"2.0","id":3,"method":"check","params":{"service":7}}`:                `"code":-32602`,
		`{"jsonrpc":"2.0","id":4,"method":"check","params":{"service":"nil"}}`:            `"reason":"INTERNAL"`,
		`{"jsonrpc":"2.0","id":5,"method":"Check"}`:                                       `"code":-32601`,
	} {
		reply, _ := m.Answer(t.Context(), []byte(call))
		if !strings.Contains(string(reply), want) {
			t.Errorf("%s: got %s, want %s", call, reply, want)
		}
	}
	if len(around) != 4 || around[0] != "check" {
		t.Errorf("around was called for %v", around)
	}
}

func TestServiceThatIsNoneIsAMistakeAtOnce(t *testing.T) {
	for name, do := range map[string]func(m *rpc.Mux){
		"another service": func(m *rpc.Mux) { rpc.HandleService(m, unary(), struct{}{}) },
		"a stream":        func(m *rpc.Mux) { rpc.HandleService(m, &grpc_health_v1.Health_ServiceDesc, &health{}) },
		"twice": func(m *rpc.Mux) {
			rpc.HandleService(m, unary(), &health{})
			rpc.HandleService(m, unary(), &health{})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: taken", name)
				}
			}()
			do(rpc.NewMux())
		}()
	}
}
