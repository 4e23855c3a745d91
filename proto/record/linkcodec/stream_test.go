package linkcodec_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
)

// echo answers every batch with its records, by this package or, when std is
// set, by generated code and gRPC's own codec.
type echo struct {
	gatewayv1.UnimplementedLinkServiceServer
	std bool
}

func (e echo) Attach(s grpc.BidiStreamingServer[gatewayv1.AttachRequest, gatewayv1.AttachResponse]) error {
	var in, out linkcodec.Batch
	for {
		if e.std {
			m, err := s.Recv()
			if err != nil {
				return ended(err)
			}
			if err := s.Send(&gatewayv1.AttachResponse{Handshake: m.Handshake, Records: m.Records}); err != nil {
				return err
			}
			continue
		}
		if err := s.RecvMsg(&in); err != nil {
			return ended(err)
		}
		out.Reserve()
		out.Records = append(out.Records, in.Records...)
		in.Release()
		err := s.SendMsg(&out)
		out.Release()
		if err != nil {
			return err
		}
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type link = grpc.BidiStreamingClient[gatewayv1.AttachRequest, gatewayv1.AttachResponse]

// attach opens a stream to an echo on loopback.
func attach(t *testing.T, server echo, options ...grpc.ServerOption) link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(options...)
	gatewayv1.RegisterLinkServiceServer(s, server)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		conn.Close()
		s.Stop()
		<-served
	})
	stream, err := gatewayv1.NewLinkServiceClient(conn).Attach(ctx, grpc.ForceCodecV2(linkcodec.Codec{}))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// Batches of all sizes go through real gRPC, many under way, the sender's
// memory used again at once, whichever end has this codec.
func TestBatchesSurviveGRPC(t *testing.T) {
	own := []grpc.ServerOption{grpc.ForceServerCodecV2(linkcodec.Codec{})}
	for _, c := range []struct {
		name    string
		server  echo
		options []grpc.ServerOption
	}{
		{"own codec at both ends", echo{}, own},
		{"standard codec at the server", echo{std: true}, nil},
		{"own codec, generated messages at the server", echo{std: true}, own},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stream := attach(t, c.server, c.options...)
			sizes := []int{0, 1, 900, 1_100, 5_000, 16_384, 40_000, 300_000}
			const rounds = 40
			var wg sync.WaitGroup
			wg.Go(func() {
				var out linkcodec.Batch
				for i := range rounds {
					out.Reserve()
					out.Records = append(out.Records, payload(i, sizes[i%len(sizes)])...)
					err := stream.SendMsg(&out)
					out.Release()
					if err != nil {
						t.Errorf("send %d: %v", i, err)
						return
					}
				}
			})
			var in linkcodec.Batch
			for i := range rounds {
				if err := stream.RecvMsg(&in); err != nil {
					t.Errorf("receive %d: %v", i, err)
					break
				}
				if want := payload(i, sizes[i%len(sizes)]); !bytes.Equal(in.Records, want) {
					t.Errorf("batch %d: got %d bytes that differ, want %d", i, len(in.Records), len(want))
				}
				in.Release()
			}
			wg.Wait()
		})
	}
}

func payload(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed*31 + i*7 + i>>8)
	}
	return b
}

// Records written on one side are read in place on the other.
func TestRecordsThroughGRPC(t *testing.T) {
	stream := attach(t, echo{}, grpc.ForceServerCodecV2(linkcodec.Codec{}))
	var b linkcodec.Batch
	b.Reserve()
	for seq := range uint32(500) {
		var err error
		b.Records, err = record.AppendMessage(b.Records, record.Message{Conn: 1, Term: 1, Seq: seq + 1, Payload: payload(int(seq), 100)})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := stream.SendMsg(&b)
	b.Release()
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&b); err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	seq := uint32(0)
	r := record.NewReader(b.Records)
	for r.Next() {
		m := r.Message()
		if seq++; m.Seq != seq || !bytes.Equal(m.Payload, payload(int(seq-1), 100)) {
			t.Fatalf("record %d: got seq %d", seq, m.Seq)
		}
	}
	if seq != 500 || r.Err() != nil {
		t.Errorf("got %d records, %v", seq, r.Err())
	}
}

// A stream that has ended takes nothing, and the batch can be released and
// used for another.
func TestSendOnEndedStreamLeavesTheBatchToItsOwner(t *testing.T) {
	stream := attach(t, echo{}, grpc.ForceServerCodecV2(linkcodec.Codec{}))
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var b linkcodec.Batch
	if err := stream.RecvMsg(&b); !errors.Is(err, io.EOF) {
		t.Fatalf("receive after close: got %v, want EOF", err)
	}
	b.Reserve()
	b.Records = append(b.Records, payload(1, 5_000)...)
	if err := stream.SendMsg(&b); err == nil {
		t.Error("send after the end: no error")
	}
	b.Release()
	if b.Reserve(); len(b.Records) != 0 || cap(b.Records) == 0 {
		t.Errorf("after Release: %d bytes in room for %d", len(b.Records), cap(b.Records))
	}
	b.Release()
}
