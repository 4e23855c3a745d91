package gateway_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register/handshake"
)

// worker lets everybody in, answers every text with itself, and acknowledges what
// there is to acknowledge; deaf, it does not acknowledge messages and ends.
type worker struct {
	stream grpc.ClientStream
	deaf   bool
	end    func()
	over   chan struct{}

	mu      sync.Mutex
	kinds   map[record.Kind]int
	facts   []*gatewayv1.ConnFacts // of those who asked to be let in
	sending sync.Mutex
}

type steps struct{ grpc.ClientStream }

func (s steps) Send(h *nodev1.Handshake) error {
	b, err := proto.Marshal(h)
	if err != nil {
		return err
	}
	return s.SendMsg(&linkcodec.Batch{Handshake: b})
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

// attach dials the gateway as a worker of that boot.
func (p *process) attach(boot uint64, deaf bool) *worker {
	p.t.Helper()
	conn, err := grpc.NewClient(p.links, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(linkcodec.Codec{})))
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{deaf: deaf, over: make(chan struct{}), kinds: map[record.Kind]int{}}
	var all sync.WaitGroup
	w.end = sync.OnceFunc(func() { cancel(); conn.Close(); all.Wait() })
	p.t.Cleanup(w.end)
	desc := &grpc.StreamDesc{StreamName: "Attach", ServerStreams: true, ClientStreams: true}
	if w.stream, err = conn.NewStream(ctx, desc, "/"+gatewayv1.LinkService_ServiceDesc.ServiceName+"/Attach"); err != nil {
		p.t.Fatal(err)
	}
	id := handshake.Identity{Cluster: cluster, Role: "worker", Node: "w", Boot: boot}
	if _, err := handshake.Dial(steps{w.stream}, id, nil, 0, p.boot); err != nil {
		p.t.Fatal(err)
	}
	body, _ := proto.Marshal(&gatewayv1.Attach{ServesEvents: true})
	attach, _ := record.AppendAttach(nil, body)
	w.give(attach)
	all.Go(w.receive)
	all.Go(func() { w.beat(ctx) })
	return w
}

func (w *worker) give(records []byte) {
	w.sending.Lock()
	defer w.sending.Unlock()
	_ = w.stream.SendMsg(&linkcodec.Batch{Records: records})
}

func (w *worker) beat(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.give(record.AppendBeat(nil, record.Beat{Token: 1}))
		case <-w.over:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (w *worker) receive() {
	defer close(w.over)
	var b linkcodec.Batch
	for w.stream.RecvMsg(&b) == nil {
		if out := w.take(b.Records); len(out) > 0 {
			w.give(out)
		}
		b.Release()
	}
}

func (w *worker) take(batch []byte) (out []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := record.NewReader(batch)
	for r.Next() {
		w.kinds[r.Kind()]++
		switch r.Kind() {
		case record.KindOpen:
			e := r.Event()
			open := &gatewayv1.Open{}
			_ = proto.Unmarshal(e.Body, open)
			w.facts = append(w.facts, open.GetFacts())
			body, _ := proto.Marshal(&gatewayv1.Effects{Answer: &gatewayv1.OpenAnswer{}})
			out, _ = record.AppendDoneWith(out, record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Body: body})
		case record.KindMessage:
			if m := r.Message(); !w.deaf {
				var replies record.Replies
				_ = replies.Append(record.Reply{Payload: m.Payload})
				out, _ = record.AppendDone(out, record.Done{Conn: m.Conn, Term: m.Term, Seq: m.Seq, Replies: replies})
			}
		case record.KindClosed:
			if e := r.Event(); !w.deaf {
				out, _ = record.AppendDone(out, record.Done{Conn: e.Conn, Term: e.Term, Seq: e.Seq})
			}
		}
	}
	return out
}

// told is what was last told of a conn.
func (w *worker) told() *gatewayv1.ConnFacts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.facts[len(w.facts)-1]
}

func (w *worker) saw(k record.Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kinds[k]
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}
