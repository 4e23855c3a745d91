package bench

import (
	"context"
	"net"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	benchv1 "github.com/parley-im/parley/proto/record/bench/v1"
	"github.com/parley-im/parley/proto/record/linkcodec"
)

// stream is either end of a gRPC stream.
type stream interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// A way puts events into a stream and takes them out again. One value serves
// one direction of one stream.
type way struct {
	name string
	open func() wire
}

type wire struct {
	send func(s stream, es []event) error
	recv func(s stream, do func(event)) error
}

func ways() []way {
	all := []way{{"protobuf", protobufWire}}
	for _, l := range layouts[1:] {
		if l.name == "fixed-table" { // in memory it is no better than "fixed"
			continue
		}
		all = append(all,
			way{l.name + "+std", func() wire { return stdWire(l) }},
			way{l.name + "+own", func() wire { return ownWire(l) }})
	}
	return all
}

// protobufWire: repeated messages, gRPC's own codec.
func protobufWire() wire {
	return wire{
		send: func(s stream, es []event) error { return s.SendMsg(batchOf(es)) },
		recv: func(s stream, do func(event)) error {
			var m benchv1.Batch
			if err := s.RecvMsg(&m); err != nil {
				return err
			}
			eachOf(&m, do)
			return nil
		},
	}
}

// stdWire: one bytes field, the envelope by gRPC's own codec, which copies.
func stdWire(l layout) wire {
	var buf []byte // free again when SendMsg returns: the codec has copied it
	return wire{
		send: func(s stream, es []event) error {
			buf = l.encode(buf[:0], es)
			return s.SendMsg(&benchv1.Envelope{Records: buf})
		},
		recv: func(s stream, do func(event)) error {
			var m benchv1.Envelope
			if err := s.RecvMsg(&m); err != nil {
				return err
			}
			return l.decode(m.Records, do)
		},
	}
}

// ownWire: one bytes field, the envelope by linkcodec, which does not copy.
func ownWire(l layout) wire {
	var out, in linkcodec.Batch
	return wire{
		send: func(s stream, es []event) error {
			out.Reserve()
			out.Records = l.encode(out.Records, es)
			err := s.SendMsg(&out)
			out.Release()
			return err
		},
		recv: func(s stream, do func(event)) error {
			if err := s.RecvMsg(&in); err != nil {
				return err
			}
			err := l.decode(in.Records, do)
			in.Release()
			return err
		},
	}
}

// window is how many batches are under way: enough that nobody waits for a
// round trip, as on a busy link.
const window = 8

// BenchmarkStream sends batches through a real gRPC stream on loopback. The
// other end decodes every record, encodes it again and sends it back, and
// this end decodes it: two encodes, two decodes and two hops per record.
// cpu-ns/record is user and system time of both ends.
func BenchmarkStream(b *testing.B) {
	eachSize(b, func(b *testing.B, es []event) {
		for _, w := range ways() {
			b.Run("way="+w.name, func(b *testing.B) { benchmarkWay(b, w, es) })
		}
	})
}

func benchmarkWay(b *testing.B, w way, es []event) {
	client := echoStream(b, w)
	up := w.open()
	credit := make(chan struct{}, window)
	var sent, got int
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		down := w.open()
		for {
			n := 0
			if err := down.recv(client, func(e event) { n += len(e.payload) }); err != nil {
				return
			}
			got += n
			select {
			case <-credit:
			case <-stop:
				return
			}
		}
	})
	b.ReportAllocs()
	cpu := cpuNanos()
	for b.Loop() {
		credit <- struct{}{}
		if err := up.send(client, es); err != nil {
			b.Fatal(err)
		}
		sent++
	}
	for range window { // all that was sent has come back
		credit <- struct{}{}
	}
	perRecord(b, cpuNanos()-cpu, len(es), "cpu-ns/record")
	perRecord(b, b.Elapsed().Nanoseconds(), len(es), "ns/record")
	close(stop)
	if err := client.CloseSend(); err != nil {
		b.Fatal(err)
	}
	wg.Wait()
	if want := sent * len(es) * len(es[0].payload); got != want {
		b.Fatalf("payload bytes that came back: got %d, want %d", got, want)
	}
}

// echoStream starts a server and opens the one stream to it.
func echoStream(b *testing.B, w way) grpc.ClientStream {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	const win = 4 << 20
	server := grpc.NewServer(grpc.ForceServerCodecV2(linkcodec.Codec{}),
		grpc.StaticStreamWindowSize(win), grpc.StaticConnWindowSize(win))
	desc := grpc.StreamDesc{StreamName: "Echo", ClientStreams: true, ServerStreams: true,
		Handler: func(_ any, s grpc.ServerStream) error { return echo(w, s) }}
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "bench", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{desc}}, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(linkcodec.Codec{})),
		grpc.WithStaticStreamWindowSize(win), grpc.WithStaticConnWindowSize(win))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	b.Cleanup(func() {
		cancel()
		conn.Close()
		server.Stop()
		<-served
	})
	client, err := conn.NewStream(ctx, &desc, "/bench/Echo")
	if err != nil {
		b.Fatal(err)
	}
	return client
}

func echo(w way, s grpc.ServerStream) error {
	up, down := w.open(), w.open()
	var es []event
	var payloads []byte
	for {
		es, payloads = es[:0], payloads[:0]
		err := up.recv(s, func(e event) {
			payloads = append(payloads, e.payload...) // what was received is not kept
			es = append(es, e)
		})
		if err != nil {
			return nil
		}
		at := 0
		for i := range es {
			n := len(es[i].payload)
			es[i].payload = payloads[at : at+n]
			at += n
		}
		if err := down.send(s, es); err != nil {
			return err
		}
	}
}

func cpuNanos() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
