package handshake

import (
	"context"
	"io"
	"strings"
	"testing"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

// shared is the secret both ends know where a test is not about secrets.
const shared = "hunter2 hunter2"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// end is one end of an in-memory stream. Messages pass as bytes, as on a wire.
type end struct {
	ctx context.Context
	in  <-chan []byte
	out chan<- []byte
}

func (e *end) Send(m *nodev1.Handshake) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case e.out <- b:
		return nil
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
}

func (e *end) Recv() (*nodev1.Handshake, error) {
	select {
	case b := <-e.in:
		m := new(nodev1.Handshake)
		return m, proto.Unmarshal(b, m)
	case <-e.ctx.Done():
		return nil, io.ErrUnexpectedEOF
	}
}

// pipe connects two ends; both break when ctx ends.
func pipe(ctx context.Context) (a, b *end) {
	ab, ba := make(chan []byte, 4), make(chan []byte, 4)
	return &end{ctx, ba, ab}, &end{ctx, ab, ba}
}

// outcome is what both calls of one handshake returned.
type outcome struct {
	peerOfDialler, peerOfListener Identity
	dial, accept                  error
}

// side is how a test configures one end.
type side struct {
	id      Identity
	secrets []string
	attempt int
	expect  uint64
}

// run performs a handshake. A side that fails ends the stream, as callers do, but
// not before the other has read what was sent.
func run(t *testing.T, dialler, listener side, wrap func(a, b *end) (Stream, Stream)) outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, b := pipe(ctx)
	var ds, ls Stream = a, b
	if wrap != nil {
		ds, ls = wrap(a, b)
	}
	var o outcome
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.peerOfListener, o.accept = Accept(ls, listener.id, listener.secrets)
	}()
	o.peerOfDialler, o.dial = Dial(ds, dialler.id, dialler.secrets, dialler.attempt, dialler.expect)
	if o.dial != nil {
		cancel()
	}
	<-done
	for _, err := range []error{o.dial, o.accept} {
		if err == nil {
			continue
		}
		for _, s := range append(dialler.secrets, listener.secrets...) {
			if s != "" && strings.Contains(err.Error(), s) {
				t.Errorf("an error shows a secret: %v", err)
			}
		}
		if strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("an error has more than one line: %q", err)
		}
	}
	return o
}

func worker(secrets ...string) side {
	return side{id: Identity{Cluster: "main", Role: "worker", Node: "w-1", Boot: 11, Build: "test"}, secrets: secrets}
}

func gateway(secrets ...string) side {
	return side{id: Identity{Cluster: "main", Role: "gateway", Node: "gw-1", Boot: 22, Features: []string{"a", "b"}}, secrets: secrets}
}
