package link_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

const patience = 5 * time.Second

// view is a directory that a test writes.
type view struct {
	mu      sync.Mutex
	members []register.Member
	ready   chan struct{}
	changed chan struct{}
}

func newView() *view {
	v := &view{ready: make(chan struct{}), changed: make(chan struct{}, 1)}
	close(v.ready)
	return v
}

func (v *view) Changed() <-chan struct{} { return v.changed }
func (v *view) Ready() <-chan struct{}   { return v.ready }

func (v *view) Members() []register.Member {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]register.Member(nil), v.members...)
}

func (v *view) set(members ...register.Member) {
	v.mu.Lock()
	v.members = members
	v.mu.Unlock()
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// worker is a mesh with a desk for its events.
type worker struct {
	t     *testing.T
	view  *view
	mesh  *link.Mesh
	crew  *inbox.Crew
	boot  uint64
	stop  func()
	alive sync.Map // boot → bool
}

// work is what a test does with an event; nil acknowledges everything.
type work func(g *link.Gateway, s *inbox.Seat, e *inbox.Event)

func ack(g *link.Gateway, _ *inbox.Seat, e *inbox.Event) {
	switch {
	case e.Kind == record.KindOpen:
		body, _ := proto.Marshal(&gatewayv1.Effects{Answer: &gatewayv1.OpenAnswer{}})
		_ = g.DoneWith(record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Body: body})
	case e.Kind != record.KindContext && !e.Lost:
		_ = g.Done(record.Done{Conn: e.Conn, Term: e.Term, Seq: e.Seq})
	}
}

type option func(*link.Config)

func retain(bytes int) option { return func(c *link.Config) { c.Retain = bytes } }

func secrets(all ...string) option {
	return func(c *link.Config) { c.Dial.(*link.GRPC).Secrets = func() []string { return all } }
}

func newWorker(t *testing.T, do work, opts ...option) *worker {
	t.Helper()
	if do == nil {
		do = ack
	}
	w := &worker{t: t, view: newView(), crew: inbox.NewCrew(10*time.Second, 0), boot: handshake.NewBoot()}
	cfg := link.Config{
		Dial: &link.GRPC{
			Identity: handshake.Identity{Cluster: "test", Role: "worker", Node: "w", Boot: w.boot},
			Secrets:  func() []string { return []string{"secret"} },
		},
		Alive:  func(boot uint64, alive bool) { w.alive.Store(boot, alive) },
		Attach: &gatewayv1.Attach{ServesEvents: true}, Crew: w.crew, Inbox: &inbox.Stats{}, Work: do,
		Log: slog.New(slog.DiscardHandler),
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	w.mesh = link.New(cfg)
	return w
}

// run starts the mesh; it ends with the test.
func (w *worker) run() *worker {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.mesh.Run(ctx, w.view)
	}()
	w.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		w.crew.Stop(inbox.ErrStopped)
		if err := w.crew.Wait(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
	return w
}

// gateway waits until the gateway of that boot is known.
func (w *worker) gateway(boot uint64) *link.Gateway {
	w.t.Helper()
	w.until("gateway known", func() bool { return w.mesh.Gateway(boot) != nil })
	return w.mesh.Gateway(boot)
}

func (w *worker) until(what string, ok func() bool) { until(w.t, what, ok) }

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for: %s", patience, what)
		}
	}
}

// server serves links over gRPC: after the handshake serve has the stream.
type server struct {
	member  register.Member
	grpc    *grpc.Server
	secrets []string
	role    string   // that it says it has
	able    []string // its features
	serve   func(worker uint64, s fakegate.Stream) error
}

func newServer(t *testing.T, boot uint64, serve func(worker uint64, s fakegate.Stream) error, opts ...grpc.ServerOption) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		member:  register.Member{ID: fmt.Sprintf("gw-%d", boot), Role: "gateway", Boot: boot, Addr: l.Addr().String()},
		grpc:    grpc.NewServer(append(opts, grpc.ForceServerCodecV2(linkcodec.Codec{}))...),
		secrets: []string{"secret"}, role: "gateway", serve: serve,
	}
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: gatewayv1.LinkService_ServiceDesc.ServiceName, HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Attach", Handler: s.attach, ServerStreams: true, ClientStreams: true}},
	}, nil)
	go func() { _ = s.grpc.Serve(l) }()
	t.Cleanup(s.grpc.Stop)
	return s
}

func (s *server) attach(_ any, stream grpc.ServerStream) error {
	b := &batches{stream: stream}
	peer, err := handshake.Accept(b, handshake.Identity{Cluster: "test", Role: s.role, Node: s.member.ID, Boot: s.member.Boot, Features: s.able}, s.secrets)
	if err != nil {
		return handshake.Status(err)
	}
	return s.serve(peer.Boot, served{b})
}

// batches carries the handshake and then records.
type batches struct {
	stream  grpc.ServerStream
	out, in linkcodec.Batch
}

func (b *batches) Send(m *nodev1.Handshake) (err error) {
	if b.out.Handshake, err = proto.Marshal(m); err != nil {
		return err
	}
	defer b.out.Release()
	return b.stream.SendMsg(&b.out)
}

func (b *batches) Recv() (*nodev1.Handshake, error) {
	defer b.in.Release()
	if err := b.stream.RecvMsg(&b.in); err != nil {
		return nil, err
	}
	m := &nodev1.Handshake{}
	return m, proto.Unmarshal(b.in.Handshake, m)
}

type served struct{ b *batches }

func (s served) Send(records []byte) error {
	s.b.out.Records = append([]byte(nil), records...)
	defer s.b.out.Release()
	return s.b.stream.SendMsg(&s.b.out)
}

func (s served) Recv() ([]byte, error) {
	s.b.in.Release()
	err := s.b.stream.RecvMsg(&s.b.in)
	return s.b.in.Records, err
}

// gate is a fakegate behind gRPC.
func gate(t *testing.T, boot uint64) (*fakegate.Gateway, *server) {
	t.Helper()
	g := fakegate.New(fmt.Sprintf("gw-%d", boot), boot)
	s := newServer(t, boot, func(worker uint64, s fakegate.Stream) error {
		return g.Serve(worker, s)
	})
	s.able = g.Features
	return g, s
}

// greet answers Attach as a gateway that has applied up to last, and is in step at once.
func greet(s fakegate.Stream, last uint64) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	body, err := proto.Marshal(&gatewayv1.Attached{LastCommand: last, RouteLeaseMs: 800})
	if err != nil {
		return err
	}
	b, err := record.AppendAttached(nil, body)
	if err != nil {
		return err
	}
	return s.Send(record.AppendSnapshotEnd(record.AppendSnapshotBegin(b), 0))
}

// read waits for the next batches until want records that are no beats have come,
// and grants every beat.
func read(s fakegate.Stream, want int) (names []string, err error) {
	for len(names) < want {
		batch, err := s.Recv()
		if err != nil {
			return names, err
		}
		r := record.NewReader(batch)
		for r.Next() {
			switch r.Kind() {
			case record.KindBeat:
				if err := s.Send(record.AppendGranted(nil, r.Beat().Token)); err != nil {
					return names, err
				}
			case record.KindSend:
				names = append(names, fmt.Sprintf("send %d", r.Send().N))
			case record.KindCommand:
				names = append(names, fmt.Sprintf("command %d", r.Command().N))
			case record.KindDeltaAck:
				names = append(names, fmt.Sprintf("delta %d", r.DeltaAck()))
			default:
				names = append(names, r.Kind().String())
			}
		}
	}
	return names, nil
}
