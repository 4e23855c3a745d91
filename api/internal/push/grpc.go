package push

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/register/clientaddr"
)

// The bounds of the gRPC listener.
const (
	maxConns      = 1024             // at once, of one network a quarter
	maxStreams    = 256              // calls of one connection at once
	shakeTime     = 10 * time.Second // until a connection is one of TLS and HTTP/2
	idleTime      = 15 * time.Minute // until one without calls is closed
	probeEvery    = time.Minute      // a peer that says nothing
	headerBytes   = 16 << 10
	probedAtMost  = 10 * time.Second // how often a client may probe
	forwardedFrom = "x-forwarded-for"
)

// Server brings calls over gRPC.
type Server struct {
	door    *Door
	proxies clientaddr.Proxies
	grpc    *grpc.Server
}

// NewServer makes one that serves nothing yet. Without secure it takes connections in
// the clear.
func NewServer(d *Door, secure *tls.Config, proxies clientaddr.Proxies) *Server {
	s := &Server{door: d, proxies: proxies}
	opts := []grpc.ServerOption{
		grpc.InTapHandle(s.knock), grpc.UnaryInterceptor(s.serve),
		grpc.MaxRecvMsgSize(MaxRequest), grpc.MaxConcurrentStreams(maxStreams), grpc.MaxHeaderListSize(headerBytes),
		grpc.ConnectionTimeout(shakeTime),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime, Time: probeEvery, Timeout: probedAtMost}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: probedAtMost, PermitWithoutStream: true}),
	}
	if secure != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(secure.Clone())))
	}
	s.grpc = grpc.NewServer(opts...)
	pushv1.RegisterPushServiceServer(s.grpc, d.service)
	return s
}

// Serve serves l until Shutdown. It closes l.
func (s *Server) Serve(l net.Listener) error {
	return s.grpc.Serve(newLimited(l, maxConns, s.proxies))
}

// Shutdown takes no call any more and lets those under way be answered, until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { s.grpc.Stop(); close(cut) })
	s.grpc.GracefulStop()
	if !stop() {
		<-cut
		return errors.New("push calls were cut")
	}
	return nil
}

// knock refuses a call whose key is not for it when its headers have come: what it would
// say takes no room here. It must not block.
func (s *Server) knock(ctx context.Context, info *tap.Info) (context.Context, error) {
	if m := s.door.byFull[info.FullMethodName]; m != nil {
		if err := s.door.Refuse(s.callerOf(ctx), m); err != nil {
			return nil, grpcfault.ToError(err)
		}
	}
	return ctx, nil // gRPC itself refuses what is no method
}

// serve carries out a call that was let in. The request has been read already, because gRPC
// does that first; it is bounded.
func (s *Server) serve(ctx context.Context, req any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	m := s.door.byFull[info.FullMethod]
	if m == nil {
		return nil, grpcfault.ToError(fault.New(fault.Unimplemented, "no such method"))
	}
	from := s.callerOf(ctx)
	if end, ok := ctx.Deadline(); ok {
		from.Timeout = max(time.Until(end), time.Millisecond)
	}
	res, err := s.door.Call(ctx, from, m, func(into any) error {
		proto.Merge(into.(proto.Message), req.(proto.Message))
		return nil
	})
	if err != nil {
		return nil, grpcfault.ToError(err)
	}
	return res, nil
}

// callerOf is who calls, as the headers say.
func (s *Server) callerOf(ctx context.Context) Caller {
	return Caller{Authorization: value(ctx, "authorization"), Client: s.clientOf(ctx)}
}

// clientOf is the address that calls, without its port.
func (s *Server) clientOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	h := http.Header{}
	for _, line := range metadata.ValueFromIncomingContext(ctx, forwardedFrom) {
		h.Add(forwardedFrom, line)
	}
	from := s.proxies.Client(p.Addr.String(), h)
	if host, _, err := net.SplitHostPort(from); err == nil {
		return host
	}
	return from
}

// value is a value of the metadata of a call, "" if there is none, or more than one.
func value(ctx context.Context, key string) string {
	if list := metadata.ValueFromIncomingContext(ctx, key); len(list) == 1 {
		return list[0]
	}
	return ""
}
