package link_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/link"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register/handshake"
)

// script says how a worker of a test behaves by itself. The zero script beats,
// acknowledges deltas, accepts everybody, and leaves messages to the test.
type script struct {
	node     string
	boot     uint64
	mute     bool   // it sends no beats
	noAcks   bool   // it acknowledges no deltas
	noEvents bool   // it serves no events
	old      bool   // it cannot run an event alone
	path     string // whose conns it serves; "": the rest
	labels   map[string]string
	asks     bool          // the test answers Open itself
	echo     bool          // it acknowledges each message with the same text as a reply
	work     time.Duration // what a batch of events takes it
	resync   string
	missed   bool
	answer   *gatewayv1.OpenAnswer // for everybody; nil: come in
	identity func(*handshake.Identity)
	secret   string
	expect   uint64                         // boot of the gateway, 0: the rig's
	first    []byte                         // instead of the Attach record
	mum      bool                           // it says nothing after the handshake
	raw      func(out, batch []byte) []byte // instead of all of the above: what to say to a batch
}

// worker is one stream of a scripted worker.
type worker struct {
	t        testing.TB
	script   script
	stream   grpc.ClientStream
	attached *gatewayv1.Attached
	events   chan event // Open, Context, Message, Closed, Revoked, in order
	over     chan struct{}
	end      func()

	sending sync.Mutex
	left    bool       // guarded by sending: this side is closed
	mu      sync.Mutex // guards what follows
	n       uint64     // last command
	routes  map[string]bool
	whole   int // snapshots that have ended
	seq     uint64
	applied uint64
	granted uint64
	noted   uint64        // the last AloneNoted
	kinds   []record.Kind // of everything that came, beats aside
	results map[uint64]*gatewayv1.Result
	answers map[uint64]int // how often a result came
	drained int
	leaving int
	err     error // what ended the stream
}

// event is an event as it came, copied.
type event struct {
	kind        record.Kind
	conn        uint64
	term, seq   uint32
	binary      bool
	redelivered bool
	body        string
	alone       bool
}

func (e event) String() string {
	return fmt.Sprintf("%v term %d seq %d redelivered %v %.40q", e.kind, e.term, e.seq, e.redelivered, e.body)
}

// context decodes the body of a Context.
func (e event) context() *gatewayv1.ConnContext { return decode(e, &gatewayv1.ConnContext{}) }

// closed decodes the body of a Closed.
func (e event) closed() *gatewayv1.Closed { return decode(e, &gatewayv1.Closed{}) }

// open decodes the body of an Open.
func (e event) open() *gatewayv1.Open { return decode(e, &gatewayv1.Open{}) }

func decode[M proto.Message](e event, m M) M {
	if err := proto.Unmarshal([]byte(e.body), m); err != nil {
		panic(err)
	}
	return m
}

func encode(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

func (s script) allLabels() map[string]string {
	labels := map[string]string{link.PathLabel: s.path}
	maps.Copy(labels, s.labels)
	return labels
}

// steps adapts the stream to the handshake.
type steps struct{ grpc.ClientStream }

func (s steps) Send(h *nodev1.Handshake) error {
	return s.SendMsg(&linkcodec.Batch{Handshake: encode(h)})
}

func (s steps) Recv() (*nodev1.Handshake, error) {
	var b linkcodec.Batch
	if err := s.RecvMsg(&b); err != nil {
		return nil, err
	}
	defer b.Release()
	h := &nodev1.Handshake{}
	return h, proto.Unmarshal(b.Handshake, h)
}

// attach dials, shakes hands and waits for the end of the snapshot.
func (r *rig) attach(s script) *worker {
	r.t.Helper()
	w, err := r.tryAttach(s)
	if err != nil {
		r.t.Fatalf("attach: %v", err)
	}
	eventually(r.t, "the snapshot", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.whole > 0 })
	if !s.noEvents {
		eventually(r.t, "a worker that serves", func() bool { return r.link.Serving() > 0 })
	}
	return w
}

func (r *rig) tryAttach(s script) (*worker, error) {
	if s.boot == 0 {
		s.boot = handshake.NewBoot()
	}
	if s.node == "" {
		s.node = "worker"
	}
	if s.secret == "" {
		s.secret = secret
	}
	if s.expect == 0 {
		s.expect = r.boot
	}
	conn, err := grpc.NewClient(r.links, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(linkcodec.Codec{}), grpc.MaxCallRecvMsgSize(record.MaxBatch+64<<10)))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{
		t: r.t, script: s, events: make(chan event, 1<<16), over: make(chan struct{}),
		routes: map[string]bool{}, results: map[uint64]*gatewayv1.Result{}, answers: map[uint64]int{},
	}
	var all sync.WaitGroup
	w.end = sync.OnceFunc(func() { cancel(); conn.Close(); all.Wait() })
	r.t.Cleanup(w.end)
	first, err := w.dial(ctx, conn)
	if err != nil {
		return w, err
	}
	all.Go(func() { w.receive(first) })
	if !s.mute {
		all.Go(func() { w.beats(ctx) })
	}
	return w, nil
}

// sawLocked counts the records of a kind that came; w.mu is held.
func (w *worker) sawLocked(k record.Kind) (n int) {
	for _, kind := range w.kinds {
		if kind == k {
			n++
		}
	}
	return n
}

// dial returns the first batch, which begins with Attached.
func (w *worker) dial(ctx context.Context, conn *grpc.ClientConn) (first *linkcodec.Batch, err error) {
	late := time.AfterFunc(patience, func() { conn.Close() })
	defer late.Stop()
	desc := &grpc.StreamDesc{StreamName: "Attach", ServerStreams: true, ClientStreams: true}
	if w.stream, err = conn.NewStream(ctx, desc, "/"+gatewayv1.LinkService_ServiceDesc.ServiceName+"/Attach"); err != nil {
		return nil, err
	}
	s := w.script
	id := handshake.Identity{Cluster: cluster, Role: "worker", Node: s.node, Boot: s.boot}
	if !s.old {
		id.Features = []string{record.FeatureAlone}
	}
	if s.identity != nil {
		s.identity(&id)
	}
	if _, err := handshake.Dial(steps{w.stream}, id, []string{s.secret}, 0, s.expect); err != nil {
		return nil, err
	}
	records := s.first
	if records == nil {
		records, _ = record.AppendAttach(nil, encode(&gatewayv1.Attach{ServesEvents: !s.noEvents, Resync: []byte(s.resync), Missed: s.missed, Labels: s.allLabels()}))
	}
	if !s.mum {
		if err := w.stream.SendMsg(&linkcodec.Batch{Records: records}); err != nil {
			return nil, err
		}
	}
	first = &linkcodec.Batch{}
	if err := w.stream.RecvMsg(first); err != nil {
		return nil, err
	}
	r := record.NewReader(first.Records)
	if !r.Next() || r.Kind() != record.KindAttached {
		return nil, fmt.Errorf("the first record is %v", r.Kind())
	}
	w.attached = &gatewayv1.Attached{}
	return first, proto.Unmarshal(r.Attached(), w.attached)
}
