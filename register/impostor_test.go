package register_test

import (
	"net"
	"testing"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"google.golang.org/grpc"
)

// gatewayAtThePort is a gateway that is dialled as a register: by a mistake in a
// configuration, or because somebody passes streams on.
type gatewayAtThePort struct {
	registerv1.UnimplementedRegisterServiceServer
	met chan error // how each handshake went
}

type watchSteps struct {
	s registerv1.RegisterService_WatchServer
}

func (w watchSteps) Send(h *nodev1.Handshake) error {
	return w.s.Send(&registerv1.WatchResponse{Kind: &registerv1.WatchResponse_Handshake{Handshake: h}})
}

func (w watchSteps) Recv() (*nodev1.Handshake, error) {
	m, err := w.s.Recv()
	return m.GetHandshake(), err
}

func (g *gatewayAtThePort) Watch(s registerv1.RegisterService_WatchServer) error {
	_, err := handshake.Accept(watchSteps{s}, handshake.Identity{Role: "gateway", Node: "gw-9", Boot: 9}, []string{"the secret of us all"})
	select {
	case g.met <- err:
	default:
	}
	return err
}

func TestMemberOfAnotherRoleIsNoRegister(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, g := grpc.NewServer(), &gatewayAtThePort{met: make(chan error, 1)}
	registerv1.RegisterRegisterServiceServer(s, g)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })

	c, log := clientOf(t, register.Config{
		Registers: []string{l.Addr().String()}, Secrets: []string{"the secret of us all"}, Identity: handshake.Identity{Role: "worker"},
	})
	v := c.Watch("gateway")
	eventually(t, "it is said", func() bool { return log.count("register refuses this process", "gateway gw-9 is not a register") == 1 })
	if err := <-g.met; err == nil {
		t.Error("the gateway was given a proof, and took us")
	}
	if isReady(v.Ready()) {
		t.Error("its word is taken")
	}
}
