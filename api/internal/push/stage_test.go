package push

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is gateways in memory, a worker that lets everybody in, and a Door that sends
// by it.
type stage struct {
	t      *testing.T
	door   *Door
	gates  *workertest.Harness
	log    *output
	texts  map[string]string // of keys, by their role
	called []string          // guarded by log.mu
}

type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// keysOf makes a key for each role, and what the file has of them.
func keysOf(t *testing.T, rate int, roles ...string) (texts map[string]string, set *pushkeys.Set) {
	t.Helper()
	texts = map[string]string{}
	var lines []string
	for _, role := range roles {
		r, err := pushkeys.ParseRoles(role)
		must(t, err)
		text, k, err := pushkeys.New(strings.ReplaceAll(role, ",", "-"), r, rate)
		must(t, err)
		texts[role], lines = text, append(lines, k.Line())
	}
	set, err := pushkeys.Parse(strings.NewReader(strings.Join(lines, "\n")))
	must(t, err)
	return texts, set
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open makes a stage; members are processes of the cluster beside those in memory.
func open(t *testing.T, members ...Member) *stage {
	t.Helper()
	s := &stage{t: t, log: new(output)}
	s.gates = workertest.New(t, worker.Base{}, workertest.WithGateways(2))
	var set *pushkeys.Set
	s.texts, set = keysOf(t, pushkeys.MaxRate, "send", "query", "manage", "admin")
	s.door = New(Config{
		Sender: s.gates.Sender(), Members: func() []Member { return members }, Registers: func() map[string]bool { return map[string]bool{"r:1": true, "r:2": false} },
		Keys: set, MaxCalls: 16, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
		Called: func(method, reason string, _ time.Duration) {
			s.log.mu.Lock()
			defer s.log.mu.Unlock()
			s.called = append(s.called, method+" "+reason)
		},
	})
	return s
}

// as calls a method as somebody.
func (s *stage) as(from Caller, method string, req proto.Message) (proto.Message, error) {
	s.t.Helper()
	m := s.door.Method(method)
	if m == nil {
		s.t.Fatalf("no method %q", method)
	}
	return s.door.Call(context.Background(), from, m, func(into any) error {
		proto.Merge(into.(proto.Message), req)
		return nil
	})
}

// asks calls a method with the admin's key.
func (s *stage) asks(method string, req proto.Message) (proto.Message, error) {
	s.t.Helper()
	return s.as(Caller{Authorization: "Bearer " + s.texts["admin"], Client: "192.0.2.1"}, method, req)
}

// gets wants an answer.
func gets[T proto.Message](s *stage, method string, req proto.Message) T {
	s.t.Helper()
	res, err := s.asks(method, req)
	if err != nil {
		s.t.Fatalf("%s: %v", method, err)
	}
	return res.(T)
}

// does wants a call to have been done for so many conns, and nothing else.
func (s *stage) does(method string, req proto.Message, conns int32) {
	s.t.Helper()
	res, err := s.asks(method, req)
	if err != nil {
		s.t.Fatalf("%s: %v", method, err)
	}
	got := res.(interface{ GetOutcome() *pushv1.Outcome }).GetOutcome()
	if !proto.Equal(got, &pushv1.Outcome{Done: conns}) {
		s.t.Errorf("%s: %v, want it done for %d", method, got, conns)
	}
}

// refused wants a call to fail.
func (s *stage) refused(method string, req proto.Message, want fault.Code) {
	s.t.Helper()
	if res, err := s.asks(method, req); err == nil || fault.CodeOf(err) != want || res != nil {
		s.t.Errorf("%s of %v: %v, %v, want %v", method, req, res, err, want)
	}
}
