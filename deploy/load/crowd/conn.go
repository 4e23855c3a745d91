package crowd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sys/unix"
)

// Conn is one client. It belongs to the goroutine of Run.
type Conn struct {
	ID int // its place in what Connect returned

	crowd *Crowd
	fd    int    // -1: ended
	part  []byte // of a frame that is not whole yet
	out   []byte // what the socket has not taken
}

// Closed is what Ended gets when the server said goodbye.
type Closed struct {
	Code   int // 1005: none was given
	Reason string
}

func (c *Closed) Error() string { return fmt.Sprintf("closed with %d %q", c.Code, c.Reason) }

// Send writes one text frame. What the socket does not take waits here, without a
// bound: a Player that sends only after it has received keeps it small. A conn that
// has ended takes nothing.
func (c *Conn) Send(payload []byte) { c.send(opText, payload) }

func (c *Conn) send(op byte, payload []byte) {
	if c.fd < 0 {
		return
	}
	c.crowd.Counts.FramesOut++
	if len(c.out) > 0 {
		c.out = appendFrame(c.out, op, payload)
		return
	}
	w := c.crowd
	w.scratch = appendFrame(w.scratch[:0], op, payload)
	n, err := unix.Write(c.fd, w.scratch)
	w.Counts.Writes++
	switch {
	case err == nil && n == len(w.scratch):
	case err == nil || errors.Is(err, unix.EAGAIN):
		c.out = slices.Clone(w.scratch[max(n, 0):])
		if err := w.poller.watchWrites(c.fd, int32(c.ID), true); err != nil {
			c.end(err)
		}
	default:
		c.end(err)
	}
}

// flush writes what waits.
func (c *Conn) flush() {
	n, err := unix.Write(c.fd, c.out)
	c.crowd.Counts.Writes++
	if err != nil {
		if !errors.Is(err, unix.EAGAIN) {
			c.end(err)
		}
		return
	}
	if c.out = c.out[n:]; len(c.out) == 0 {
		c.out = nil
		if err := c.crowd.poller.watchWrites(c.fd, int32(c.ID), false); err != nil {
			c.end(err)
		}
	}
}

// read takes what the socket has, at most a buffer full; what is left is there the
// next time.
func (c *Conn) read() {
	w := c.crowd
	n, err := unix.Read(c.fd, w.buf)
	w.Counts.Reads++
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
	case err != nil:
		c.end(err)
	case n == 0:
		c.end(io.EOF)
	default:
		w.Counts.BytesIn += uint64(n)
		c.feed(w.buf[:n])
	}
}

// feed hands over the frames in what came before and b.
func (c *Conn) feed(b []byte) {
	if len(c.part) > 0 {
		c.part = append(c.part, b...)
		b = c.part
	}
	for c.fd >= 0 {
		op, payload, rest, whole, err := cut(b)
		if err != nil {
			c.end(err)
			return
		}
		if !whole {
			break
		}
		b = rest
		c.take(op, payload)
	}
	if len(b) == 0 || c.fd < 0 {
		c.part = nil
		return
	}
	c.part = append(c.part[:0], b...)
}

func (c *Conn) take(op byte, payload []byte) {
	switch op {
	case opText, opBinary:
		c.crowd.Counts.FramesIn++
		c.crowd.player.Frame(c, payload)
	case opPing:
		c.crowd.Counts.Pings++
		c.send(opPong, payload)
	case opPong:
	case opClosing:
		why := &Closed{Code: 1005}
		if len(payload) >= 2 {
			why.Code, why.Reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
			payload = payload[:2]
		}
		c.send(opClosing, payload)
		c.end(why)
	default:
		c.end(fmt.Errorf("unknown opcode %d", op))
	}
}

// end closes the socket and tells the Player.
func (c *Conn) end(why error) {
	if c.fd < 0 {
		return
	}
	c.hangUp()
	c.crowd.player.Ended(c, why)
}

func (c *Conn) hangUp() {
	if c.fd >= 0 {
		unix.Close(c.fd) // which takes it out of the epoll
		c.fd, c.part, c.out = -1, nil, nil
		c.crowd.open--
	}
}
