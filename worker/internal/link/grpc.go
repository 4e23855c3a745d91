package link

import (
	"context"
	"crypto/tls"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

// Sizes that the measurements favour: 5 to 20% less CPU than gRPC's own.
const (
	windowBytes = 4 << 20
	bufferBytes = 128 << 10
)

// roleGateway is what the other end must be.
const roleGateway = "gateway"

// GRPC dials gateways over gRPC: what a Mesh uses outside of tests.
type GRPC struct {
	Identity handshake.Identity
	Secrets  func() []string // asked at each attempt, so that they can be changed
	TLS      *tls.Config     // nil: no TLS
}

// Dial opens a stream and carries out the handshake.
func (d *GRPC) Dial(ctx context.Context, gateway register.Member, attempt int) (Stream, error) {
	secrets := d.Secrets()
	if err := handshake.Guarded(gateway.Addr, secrets, handshake.MutualClient(d.TLS)); err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+gateway.Addr,
		grpc.WithTransportCredentials(handshake.Credentials(d.TLS)),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(linkcodec.Codec{}), grpc.MaxCallRecvMsgSize(record.MaxBatch+64<<10)),
		grpc.WithStaticStreamWindowSize(windowBytes), grpc.WithStaticConnWindowSize(windowBytes),
		grpc.WithReadBufferSize(bufferBytes), grpc.WithWriteBufferSize(bufferBytes),
		grpc.WithNoProxy(),
		grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
	)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", gateway.Addr, err)
	}
	s := &grpcStream{conn: conn}
	s.stream, err = conn.NewStream(ctx, &gatewayv1.LinkService_ServiceDesc.Streams[0], gatewayv1.LinkService_Attach_FullMethodName)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("dial %s: %w", gateway.Addr, err)
	}
	peer, err := handshake.Dial(handshake.OfRole(steps{s}, roleGateway), d.Identity, secrets, attempt, gateway.Boot)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("handshake with %s: %w", gateway.Addr, err)
	}
	s.features = peer.Features
	return s, nil
}

// grpcStream is a Stream. Closing the connection ends it.
type grpcStream struct {
	conn   *grpc.ClientConn
	stream grpc.ClientStream
	out    linkcodec.Batch
	in     linkcodec.Batch

	features []string
}

var _ Stream = (*grpcStream)(nil)

func (s *grpcStream) Send(records []byte) error {
	// No Reserve: the records lie in the log's memory, which nobody uses again.
	s.out.Records = records
	defer s.out.Release()
	return s.stream.SendMsg(&s.out)
}

func (s *grpcStream) Recv() ([]byte, error) {
	s.in.Release()
	if err := s.stream.RecvMsg(&s.in); err != nil {
		return nil, err
	}
	if s.in.Handshake != nil {
		return nil, &ProtocolError{fmt.Errorf("a step of the handshake after its end")}
	}
	return s.in.Records, nil
}

func (s *grpcStream) Features() []string { return s.features }

func (s *grpcStream) CloseSend() error { return s.stream.CloseSend() }

func (s *grpcStream) Close() {
	s.conn.Close()
	s.in.Release()
}

// steps carries the handshake on the stream.
type steps struct{ s *grpcStream }

var _ handshake.Stream = steps{}

func (h steps) Send(m *nodev1.Handshake) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	h.s.out.Handshake = b
	defer h.s.out.Release()
	return h.s.stream.SendMsg(&h.s.out)
}

func (h steps) Recv() (*nodev1.Handshake, error) {
	defer h.s.in.Release()
	if err := h.s.stream.RecvMsg(&h.s.in); err != nil {
		return nil, err
	}
	m := &nodev1.Handshake{}
	return m, proto.Unmarshal(h.s.in.Handshake, m)
}
