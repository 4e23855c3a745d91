package ws

import (
	"context"
	"net/http"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// Handler is what a Server calls. A panic in it is logged, counted and ends
// that one conn (in Open: is answered 500).
type Handler interface {
	// Open decides about a handshake, before the 101. It may block until ctx
	// ends, after Limits.OpenTimeout. It may keep c, and may already Send: what
	// is sent leaves after the 101 and Answer.First, if the answer accepts.
	// After a refusal c is dead and Closed is not called. It must not keep r.
	Open(ctx context.Context, c *Conn, r *http.Request) Answer

	// Message takes one whole message. It runs on the conn's read goroutine:
	// nothing more is read until it returns, and the conn's liveness clock
	// stands still meanwhile. While it blocks it does not learn that the conn
	// has died: it should not wait for ever. It owns m and calls m.Release when done with it.
	// Messages may come after Conn.Close was called, until Closed: the peer sent
	// them before it saw the close.
	Message(c *Conn, m *Message)

	// Farewell comes when the peer has sent its close frame, before it is answered:
	// what is still owed to the peer can be sent, and leaves before the answer. It
	// runs on the read goroutine, returns as soon as nothing more is owed, and when
	// ctx ends, after Limits.CloseWait, at the latest.
	Farewell(ctx context.Context, c *Conn)

	// Moving comes when the conn is about to be asked to go elsewhere. It reports whether
	// nothing is owed to the peer; otherwise it calls Conn.MoveNow once nothing is, or the
	// conn is asked after Limits.MoveWait. It must not block, and may come from any
	// goroutine, once for each conn, perhaps after Closed.
	Moving(c *Conn) (settled bool)

	// Closed comes exactly once for each conn that Open accepted, after the
	// last Message.
	Closed(c *Conn, why Close)
}

// Answer is what Handler.Open says. Its zero value accepts.
type Answer struct {
	Status      int            // 0 or 101 accepts; else the HTTP status of the refusal
	Reason      string         // body of a refusal, text/plain
	Header      http.Header    // added to the 101 or the refusal
	RetryAfter  time.Duration  // of a refusal; 0: no such header
	Subprotocol string         // told to the client if it offered it; chooses the body of frames
	First       []*frame.Frame // leave right behind the 101, before anything else
	Owner       any            // what Conn.Owner returns from now on
}

// By says who ended a conn.
type By uint8

const (
	ByClient  By = iota + 1 // its close frame came first
	ByServer                // Close, Kill, Drain, a full queue
	ByTimeout               // nothing came from the peer, or a message never ended
	ByError                 // the peer broke the protocol or a limit, or a handler panicked
	ByLoss                  // the socket ended without a close frame
)

func (b By) String() string {
	return [...]string{"unknown", "client", "server", "timeout", "error", "loss"}[min(b, ByLoss+1)%6]
}

// Close says how a conn ended.
type Close struct {
	// Code is as the client sent it (1005 for none), as the server sent it when
	// the server was first, or 1006 when there was no close frame at all.
	Code     uint16
	Reason   string // valid UTF-8
	By       By
	Duration time.Duration // since the socket was accepted

	// What went over the socket until Closed was called, control frames included.
	BytesIn, BytesOut   uint64
	FramesIn, FramesOut uint64
}

// Message is one whole inbound message, in a pooled buffer.
type Message gws.Message

// Bytes are valid until Release.
func (m *Message) Bytes() []byte { return (*gws.Message)(m).Bytes() }

// Binary tells a binary message from a text, which is valid UTF-8.
func (m *Message) Binary() bool { return m.Opcode == gws.OpcodeBinary }

// Release gives the buffer back; a second call does nothing. A message that is
// never released is left to the garbage collector.
func (m *Message) Release() { (*gws.Message)(m).Close() }
