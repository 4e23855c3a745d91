package link

import (
	"bytes"
	"testing"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
)

// treadmill is a link with one conn, whose owner has no stream.
type treadmill struct {
	l     *Link
	w     *worker
	c     *conn
	spare []linkcodec.Batch
}

func newTreadmill(t testing.TB) *treadmill {
	t.Helper()
	l := newLink(t)
	l.frames = func(frame.Op, []byte, frame.Class, string) (*frame.Frame, error) { return nil, errEnding }
	w, _ := attachTo(l, 1)
	w.session.serve(w)
	l.enlist(w)
	l.employ(w)
	c := &conn{link: l, phase: open, context: 1}
	c.Init(7, c)
	if err := l.hub.Add(&c.Conn); err != nil {
		t.Fatal(err)
	}
	m := &treadmill{l: l, w: w, c: c}
	m.step(message(nil)) // brings its context
	return m
}

func message(body []byte) *ws.Message { return &ws.Message{Opcode: 1, Data: bytes.NewBuffer(body)} }

// step is a frame on its way: numbered, kept, written to the outbox, and
// acknowledged by its owner.
func (m *treadmill) step(frame *ws.Message) {
	m.c.mu.Lock()
	m.l.push(m.c, event{kind: record.KindMessage, message: frame})
	m.c.mu.Unlock()
	m.l.done(m.w, record.Done{Conn: 7, Term: m.c.term, Seq: m.c.events.last})
}

// send is what the sending goroutine does with what has gathered.
func (m *treadmill) send(t testing.TB) {
	m.spare = m.w.out.take(t.Context(), m.spare)
	for i := range m.spare {
		m.w.out.sent(len(m.spare[i].Records))
		m.spare[i].Release()
	}
}

// A frame costs the link no allocation between the socket and the stream, nor on
// the way back. What remains belongs to a batch.
func TestFrameCostsNoAllocation(t *testing.T) {
	m := newTreadmill(t)
	const batch, runs = 64, 100
	body := bytes.Repeat([]byte("x"), 100)
	var frames []*ws.Message
	for range batch * (runs + 2) {
		frames = append(frames, message(body))
	}
	round := func() {
		for _, f := range frames[:batch] {
			m.step(f)
		}
		frames = frames[batch:]
		m.send(t)
	}
	round() // grows the buffers
	if got := testing.AllocsPerRun(runs, round) / batch; got > 0.1 {
		t.Errorf("allocations per frame: got %.2f, want 0", got)
	}
	if m.c.events.last != batch*(runs+2)+1 || m.l.Unacked() != 0 {
		t.Errorf("events %d, unacknowledged %d", m.c.events.last, m.l.Unacked())
	}
}

// BenchmarkFrame is what the link itself costs for a frame of 100 bytes in and its
// acknowledgement, without sockets and streams; two allocations are the harness's.
func BenchmarkFrame(b *testing.B) {
	m := newTreadmill(b)
	body := bytes.Repeat([]byte("x"), 100)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		m.step(message(body))
		if n++; n%64 == 0 {
			m.send(b)
		}
	}
}
