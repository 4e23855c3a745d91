package server_test

import (
	"context"
	"net"
	"testing"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// A host that opens thousands of streams and says nothing on them keeps no other out.
// On Linux all of 127.0.0.0/8 is there without asking, so this test can be two hosts.
func TestSilentHostKeepsNobodyOut(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 70 { // with 60 streams each, more than the register takes in all
		conn, err := grpc.NewClient("passthrough:///"+r.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return from.DialContext(ctx, "tcp", addr) }))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for range 60 {
			if _, err := registerv1.NewRegisterServiceClient(conn).Join(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := join(t, r.Addr(), identity("gw-1")); err != nil {
		t.Errorf("another host is kept out: %v", err)
	}
}
