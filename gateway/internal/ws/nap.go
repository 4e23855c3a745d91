package ws

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/lxzan/gws"
)

// A conn that is silent for Limits.NapAfter takes a nap: its read goroutine ends,
// and with it go a stack of 4 KiB and all that gws holds. What is left is the
// Conn and its socket, a quarter of what an idle conn costs otherwise. The napper
// watches the socket. Pongs are taken note of without waking up; for anything
// else the conn gets a read goroutine and a gws.Conn again.
//
// Who may touch Conn.read: the read goroutine; while Conn.asleep is set nobody;
// who clears it, under Conn.mu, has it and passes it on to the next goroutine.

var errNap = errors.New("ws: nap")

// startNapper is called on the wheel's goroutine, which owns the napper. It says
// false where there is none to be had.
func (s *Server) startNapper() bool {
	if s.napper != nil || s.noNapper {
		return s.napper != nil
	}
	n, err := newNapper()
	if err != nil {
		s.noNapper = true
		s.cfg.Log.Warn("idle conns keep their goroutines", "err", err)
		return false
	}
	s.napper = n
	return true
}

func (s *Server) stopNapper() {
	if s.napper != nil {
		s.napper.close()
		s.napper = nil
	}
}

// askToNap is the wheel's nudge to the read goroutine of a silent conn.
func (c *Conn) askToNap() {
	if c.read.nap.CompareAndSwap(false, true) {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// nudged tells the wheel's nudge from the end of a socket.
func (c *Conn) nudged(err error) bool {
	if !c.read.nap.Load() || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	_ = c.nc.SetReadDeadline(time.Time{})
	c.read.nap.Store(false)
	return true
}

// mayNap says whether nothing would be lost by leaving gws now. If so, what gws
// says on its way out is not listened to.
func (c *Conn) mayNap() bool {
	r := &c.read
	r.napping = !r.meter.unfinished() && r.fault == 0
	return r.napping
}

// sleep is the end of the read goroutine of a conn that naps. It says false if the
// conn must end instead.
func (c *Conn) sleep() bool {
	c.read.napping = false
	c.mu.Lock()
	if c.phase == dead {
		c.mu.Unlock()
		return false
	}
	c.asleep = true
	c.fl.stats.napping.Add(1)
	watched := c.door.s.napper.watch(c)
	if !watched {
		c.awake()
	}
	c.mu.Unlock()
	if !watched {
		c.wake()
	}
	return true
}

// awake ends the state in which nobody has Conn.read. Conn.mu is held.
func (c *Conn) awake() {
	c.asleep = false
	c.fl.stats.napping.Add(-1)
}

// wake gives the conn a gws.Conn and a read goroutine. The caller has Conn.read.
func (c *Conn) wake() {
	c.fl.stats.wakes.Add(1)
	r := wakeRequest
	if c.deflate {
		r = wakeRequestDeflate
	}
	c.read.napping = true // not to send a second 101
	socket, err := c.upgrade(r)
	c.read.napping = false
	if err != nil { // the request is right
		c.kill(Close{Code: codeLost, By: ByError})
		go c.served()
		return
	}
	c.door.s.wheel.sooner(c, c.door.s.clock.now()+c.door.s.limits().napTicks())
	go c.serve(socket)
}

func (c *Conn) upgrade(r *http.Request) (*gws.Conn, error) {
	buffer := blockingBufferBytes
	if c.raw != nil {
		buffer = gwsBufferBytes
	}
	return c.door.s.upgrader.Load().UpgradeFromConn((*wire)(c), bufio.NewReaderSize((*wire)(c), buffer), r)
}

// stir is what the napper does when the socket of c has something.
func (c *Conn) stir() {
	c.mu.Lock()
	if !c.asleep {
		c.mu.Unlock()
		return
	}
	c.awake()
	c.mu.Unlock()

	once := func(fd uintptr) bool {
		c.ready(fd)
		return true
	}
	err := c.raw.Read(once)
	for err != nil && c.nudged(err) { // the wheel took it for awake
		err = c.raw.Read(once)
	}
	if err != nil { // killed meanwhile
		go c.served()
		return
	}
	in := c.read.in
	if in != nil {
		pongs := in.err == nil && onlyPongs(in.b[:in.w])
		if in.w, _ = c.metered(in.b[:in.w], in.err); in.w == 0 || pongs {
			c.read.drop()
		}
		if !pongs {
			c.wake()
			return
		}
		c.read.since.Store(c.door.s.clock.now())
	}
	if c.read.rate.owes() {
		c.wake() // a read goroutine can wait
	} else if !c.sleep() {
		go c.served()
	}
}

// onlyPongs says whether b is nothing but whole pongs.
func onlyPongs(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 6 || b[0] != 0x80|opPong || b[1] < 0x80 || b[1] > 0x80+125 {
			return false
		}
		n := 6 + int(b[1]&0x7f)
		if len(b) < n {
			return false
		}
		b = b[n:]
	}
	return true
}

var wakeRequest, wakeRequestDeflate = handshakeRequest(""), handshakeRequest(deflateOffer)

// handshakeRequest is what gws must be shown to make a conn of a socket whose
// handshake is long over, or never was.
func handshakeRequest(extensions string) *http.Request {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {"c2hvd24gdG8gZ3dzIG9ubHk="},
	}}
	if extensions != "" {
		r.Header.Set("Sec-Websocket-Extensions", extensions)
	}
	return r
}
