package server_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/metadata"
)

// What anybody can send before a handshake must be small.
func TestStrangersSendNoLargeHeaders(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	for size, ok := range map[int]bool{1 << 10: true, 1 << 20: false} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x", strings.Repeat("x", size))
		s, err := dial(t, r.Addr()).Join(ctx)
		if err == nil {
			_, err = handshake.Dial(joinSteps{s}, identity("gw-1"), nil, 0, 0)
		}
		if (err == nil) != ok {
			t.Errorf("headers of %d bytes: got %v", size, err)
		}
	}
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Whoever knocks without end must not fill the log, nor hide behind others there.
func TestStrangersDoNotFloodTheLog(t *testing.T) {
	metrics, log := prometheus.NewRegistry(), new(lines)
	r := registertest.Start(t, server.Config{
		Secrets: []string{secret}, Metrics: metrics, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	const knocks = 100
	begun := time.Now()
	for range knocks {
		if _, err := join(t, r.Addr(), identity("gw-1"), "another secret"); !errors.Is(err, handshake.ErrSecret) {
			t.Fatal(err)
		}
	}
	s, err := dial(t, r.Addr()).Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(announcement(identity("gw-1"))) // no hello: another mistake has its own line
	_, _ = s.Recv()
	eventually(t, "refusals are counted", func() bool {
		return value(t, metrics, "parley_register_refusals_total", "reason", "secret") == knocks &&
			value(t, metrics, "parley_register_refusals_total", "reason", "invalid") == 1
	})
	eventually(t, "a line of each kind", func() bool { // it is written after it is counted
		return strings.Contains(log.String(), "wrong secret") && strings.Contains(log.String(), "malformed")
	})
	most := int(time.Since(begun)/time.Second) + 1
	if n := strings.Count(log.String(), "wrong secret"); n > most {
		t.Errorf("%d lines of wrong secrets in %v, want one to %d", n, time.Since(begun), most)
	}
	if n := strings.Count(log.String(), "malformed"); n != 1 {
		t.Errorf("%d lines of malformed handshakes, want 1", n)
	}
}
