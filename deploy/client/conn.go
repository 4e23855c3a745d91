package client

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one WebSocket. One goroutine reads; any may send.
type Conn struct {
	nc     net.Conn
	br     *bufio.Reader
	limit  int
	header http.Header // of the 101

	silence atomic.Int64  // of time.Duration; 0: it may say nothing for ever
	write   time.Duration // for one frame; 0: for ever

	mu   sync.Mutex // guards writes to nc, and what follows
	buf  []byte
	over bool // a close frame was sent
}

// ErrClosing is the error of a send after a close frame was sent: the frame has not left.
var ErrClosing = errors.New("a close frame was sent before")

// Message is one whole message as it came. Its payload is the caller's.
type Message struct {
	Op      Op
	Payload []byte
}

// Closed is the error of Read when the server sent a close frame.
type Closed struct {
	Code   int // 1005: none was given
	Reason string
}

func (c *Closed) Error() string { return fmt.Sprintf("closed with %d %q", c.Code, c.Reason) }

// Header returns the header of the server's 101.
func (c *Conn) Header() http.Header { return c.header }

// LocalAddr is our end of the socket.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// NetConn returns what lies under the conn, for tests that stall or cut it.
func (c *Conn) NetConn() net.Conn { return c.nc }

// SetSilence bounds how long Read waits for the next frame of any kind, pings
// included; after that it returns an error that is os.ErrDeadlineExceeded. 0, which
// is how a conn begins, is no bound. A Read that waits already goes on as it was.
func (c *Conn) SetSilence(d time.Duration) { c.silence.Store(int64(d)) }

// Send writes a text message. It blocks while the socket takes nothing.
func (c *Conn) Send(text string) error { return c.SendFrame(Text, []byte(text)) }

// SendFrame writes one unfragmented frame of any kind. After an error the socket
// may have taken a part of it: there is nothing to do but Cut.
func (c *Conn) SendFrame(op Op, payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return ErrClosing
	}
	c.over = op == Closing
	c.buf = appendFrame(c.buf[:0], op, payload)
	if c.write > 0 {
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.write))
	}
	_, err := c.nc.Write(c.buf)
	return err
}

// Read waits for the next message. Pings are answered meanwhile. After an error
// there is nothing more to read; it is a *Closed when the server said goodbye.
func (c *Conn) Read() (Message, error) {
	var whole Message
	started := false
	for {
		op, fin, payload, err := c.readFrame()
		if err != nil {
			return Message{}, err
		}
		switch op {
		case Ping:
			if err := c.SendFrame(Pong, payload); err != nil && !errors.Is(err, ErrClosing) {
				return Message{}, err
			}
			continue
		case Pong:
			continue
		case Closing:
			return Message{}, c.closing(payload)
		case Text, Binary:
			if started {
				return Message{}, errors.New("a new message before the last one ended")
			}
			whole, started = Message{Op: op, Payload: payload}, true
		case Continuation:
			if !started {
				return Message{}, errors.New("a continuation of nothing")
			}
			if len(whole.Payload)+len(payload) > c.limit {
				return Message{}, fmt.Errorf("message of more than %d bytes", c.limit)
			}
			whole.Payload = append(whole.Payload, payload...)
		default:
			return Message{}, fmt.Errorf("unknown opcode %d", op)
		}
		if fin {
			return whole, nil
		}
	}
}

// ReadWithin is Read under a deadline. After a time-out the conn can be read on
// only if no part of a frame had come: tests treat it as the end.
func (c *Conn) ReadWithin(d time.Duration) (Message, error) {
	_ = c.nc.SetReadDeadline(time.Now().Add(d))
	defer func() { _ = c.nc.SetReadDeadline(time.Time{}) }()
	return c.Read()
}

// closing answers a close frame and ends the socket.
func (c *Conn) closing(payload []byte) error {
	end := &Closed{Code: 1005}
	if len(payload) >= 2 {
		end.Code, end.Reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		payload = payload[:2]
	}
	_ = c.SendFrame(Closing, payload) // the server may be gone already
	_ = c.nc.Close()
	return end
}

// Close says goodbye with a code and leaves the rest to Read, which returns the
// server's answer as a *Closed, or to Cut.
func (c *Conn) Close(code int, reason string) error {
	return c.SendFrame(Closing, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}

// Cut ends the socket without a word. It may be called at any time, also twice.
func (c *Conn) Cut() { _ = c.nc.Close() }
