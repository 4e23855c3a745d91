package main

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

// bench is a NATS server in this process, or one that PARLEY_TEST_NATS names, and a stream
// that no other test has.
type bench struct {
	t      *testing.T
	opts   *server.Options // nil: it is not ours to stop
	server *server.Server
	url    string
	stream string
	js     jetstream.JetStream
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return benchAt(t, os.Getenv("PARLEY_TEST_NATS"))
}

// benchAt starts a server where none is named. It ends with the test, as the streams do.
func benchAt(t *testing.T, url string) *bench {
	t.Helper()
	b := &bench{t: t, url: url, stream: nats.NewInbox()[len("_INBOX."):]}
	if b.url == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		b.opts = &server.Options{
			Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, JetStream: true, StoreDir: t.TempDir(),
			JetStreamMaxStore: 64 << 20, JetStreamMaxMemory: 64 << 20, NoSigs: true, NoLog: true,
		}
		b.url = "nats://" + l.Addr().String()
		l.Close()
		b.start()
		t.Cleanup(b.stop)
	}
	nc, err := nats.Connect(b.url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if b.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), clustertest.Patience)
		defer cancel()
		for _, name := range []string{b.stream, b.stream + "_DEAD"} {
			if err := b.js.DeleteStream(ctx, name); err != nil {
				t.Errorf("stream %s is left behind: %v", name, err)
			}
		}
	})
	return b
}

func (b *bench) start() {
	b.t.Helper()
	opts := *b.opts
	s, err := server.NewServer(&opts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.server = s
	s.Start()
	if !s.ReadyForConnections(clustertest.Patience) {
		b.t.Fatal("nats server: it did not open its door")
	}
}

func (b *bench) stop() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// state is that of a stream.
func (b *bench) state(name string) jetstream.StreamState {
	b.t.Helper()
	s, err := b.js.Stream(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return s.CachedInfo().State
}

// office is the handler of a worker in this process.
func (b *bench) office(do func(context.Context, task) (map[string]any, error)) *office {
	return &office{do: do, url: b.url, stream: b.stream, room: 100, replicas: 1, atOnce: 1, tries: 5, lostAfter: 10 * time.Second}
}
