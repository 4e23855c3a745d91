package bus

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hurried is a pace at which tests do not take long.
var hurried = pace{
	tick: 30 * time.Millisecond, ackWait: time.Second, hold: 20 * time.Second, fetch: time.Second,
	check: 200 * time.Millisecond, recheck: 100 * time.Millisecond, request: 3 * time.Second,
	ack: 5 * time.Second, windUp: 2 * time.Second, again: 100 * time.Millisecond,
}

// node is a Bus that runs.
type node struct {
	*Bus
	log *lines
	end func() // stops Run and waits; may be called again
}

// open makes a Bus; prepare may be nil.
func open(t *testing.T, cfg Config, prepare func(*Bus)) *node {
	t.Helper()
	log := &lines{}
	cfg.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.pace = hurried
	if prepare != nil {
		prepare(b)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(end)
	return &node{b, log, end}
}

// ready waits until nothing is wrong.
func (n *node) ready(t *testing.T) {
	t.Helper()
	eventually(t, "the bus is ready", func() bool { return n.Ready() == nil })
}

// says waits until something is wrong that contains what.
func (n *node) says(t *testing.T, what string) {
	t.Helper()
	eventually(t, "Ready says "+what, func() bool { err := n.Ready(); return err != nil && strings.Contains(err.Error(), what) })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
	}
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// visit is a connection of the test's own.
func visit(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// stored reads the payloads of all events, in their order.
func stored(t *testing.T, js jetstream.JetStream, stream string) (list []string) {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatalf("message %d: %v", seq, err)
		}
		list = append(list, string(m.Data))
	}
	return list
}
