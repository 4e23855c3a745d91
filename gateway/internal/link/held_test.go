package link

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
)

// The sum of a gateway is of memory: a frame of one byte lies in a buffer of 128 or
// more, with structs around it, and a conn may have 32 of them. Its credit, which
// the worker counts too, is of what is on the wire.
func TestTinyFramesCountWhatTheyHold(t *testing.T) {
	m := newTreadmill(t)
	m.c.mu.Lock()
	for range maxUnackedEvents {
		m.l.push(m.c, event{kind: record.KindMessage, message: &ws.Message{Opcode: 1, Data: bytes.NewBuffer(make([]byte, 1, 128))}})
	}
	m.c.mu.Unlock()
	if got, want := m.l.unacked.Load(), int64(maxUnackedEvents*(128+unsafe.Sizeof(event{})+unsafe.Sizeof(ws.Message{})+unsafe.Sizeof(bytes.Buffer{}))); got < want {
		t.Errorf("counted: %d bytes, at least %d are held", got, want)
	}
	if m.c.events.bytes != maxUnackedEvents {
		t.Errorf("credit used: %d bytes, want %d", m.c.events.bytes, maxUnackedEvents)
	}
	for m.l.Unacked() > 0 {
		m.l.done(m.w, record.Done{Conn: 7, Term: m.c.term, Seq: m.c.events.list[0].seq})
	}
	if got := m.l.unacked.Load(); got != 0 {
		t.Errorf("left: %d bytes", got)
	}
}
