package ws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/lxzan/gws"
)

// handshake takes a fresh socket to the 101 and hands it to a read goroutine,
// or refuses. This goroutine ends either way: its stack, grown by TLS, HTTP and
// the handler, must not stay with an idle conn.
func (c *Conn) handshake() {
	s := c.door.s
	socket := c.shake()
	s.gate.leave(c)
	if socket == nil {
		c.kill(Close{})
		s.wheel.remove(c)
		c.door.leave(c)
		c.door.wg.Done()
		return
	}
	go c.serve(socket)
}

// shake returns nil when the handshake came to nothing.
func (c *Conn) shake() *gws.Conn {
	s := c.door.s
	l := s.limits()
	began := time.Now()
	_ = c.nc.SetDeadline(began.Add(l.HandshakeTimeout))
	if err := c.preface(); err != nil {
		s.stats.failed.Add(1)
		if c.door.tls == nil {
			c.answer(unreadable(err))
		}
		return nil
	}
	left := l.HandshakeTimeout - time.Since(began)
	full := c.full(l)
	if full != nil {
		defer c.turnedAway()()
	}
	if full != nil && c.door.tls != nil {
		s.stats.refusedLimit[full.limit].Add(1)
		return nil // answering would cost the TLS handshake that the limit saves
	}
	deadline := time.Now().Add(left) // a wait for the rate is not the client's
	_ = c.nc.SetDeadline(deadline)
	r, early, err := c.request()
	if err != nil && !broken(err) && !time.Now().Before(deadline) {
		err = os.ErrDeadlineExceeded // net/http judges the half line that there is
	}
	if err != nil {
		s.stats.failed.Add(1)
		c.answer(unreadable(err))
		return nil
	}
	if full == nil {
		if full = c.forwarded(r, l); full != nil {
			defer c.turnedAway()()
		}
	}
	if full != nil {
		s.stats.refusedLimit[full.limit].Add(1)
		c.answer(full)
		return nil
	}
	if bad := check(r, l); bad != nil {
		s.stats.refusedRequest.Add(1)
		c.answer(bad)
		return nil
	}
	if early {
		s.stats.refusedRequest.Add(1)
		c.answer(refuse(http.StatusBadRequest, "data before the handshake was answered"))
		return nil
	}
	_ = c.nc.SetDeadline(time.Time{})
	answer := c.ask(r, l)
	if bad := refused(answer); bad != nil {
		s.stats.refusedHandler.Add(1)
		c.answer(bad)
		return nil
	}
	return c.open(answer, r)
}

// request waits for what the peer wants. early says that bytes came behind it.
func (c *Conn) request() (r *http.Request, early bool, err error) {
	g := c.door.s.gate
	defer g.heard(g.listen(c))
	if c.door.tls != nil {
		if err := c.startTLS(); err != nil {
			return nil, false, err
		}
	}
	br := headers.Get().(*bufio.Reader)
	br.Reset((*wire)(c))
	r, err = http.ReadRequest(br)
	if t, ok := c.nc.(*tls.Conn); ok && err == nil {
		state := t.ConnectionState()
		r.TLS = &state // as net/http has it: the handler tells ws from wss by it
	}
	early = br.Buffered() > 0
	br.Reset(nil)
	headers.Put(br)
	return r, early, err
}

var headers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// turnedAway has a conn that is refused take no place of others' until the function that
// it returns is called.
func (c *Conn) turnedAway() (over func()) {
	c.door.s.stats.turnedAway.Add(1)
	return func() { c.door.s.stats.turnedAway.Add(-1) }
}

// full applies the limits that count conns and handshakes, those of one address only
// when it is known already whose that is. Then they come before the rate of all, which
// who is over them must not use up for the others.
func (c *Conn) full(l *Limits) *refusal {
	s := c.door.s
	retry := strconv.Itoa(1 + rand.IntN(5))
	switch {
	case s.stats.conns.Load()-s.stats.turnedAway.Load() > int64(l.MaxConns):
		return limited(byConns, http.StatusServiceUnavailable, "this gateway is full", retry)
	case c.door.shut.Load():
		return limited(byClosing, http.StatusServiceUnavailable, "this gateway is closing", retry)
	}
	if !c.proxied() {
		if full := c.crowded(l); full != nil {
			return full
		}
	}
	if !s.gate.allow(c.door.ctx) {
		return limited(byHandshakeRate, http.StatusServiceUnavailable, "too many handshakes", retry)
	}
	return nil
}

// errNoTLS says that nothing can be answered.
var errNoTLS = errors.New("ws: no TLS")

func (c *Conn) startTLS() error {
	t := tls.Server(patientSocket(c.nc), c.door.tls)
	err := t.Handshake()
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && e.Conn != nil && bytes.HasPrefix(e.RecordHeader[:], []byte("GET ")) {
		_, _ = io.WriteString(e.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nthis port speaks TLS: use wss\n")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNoTLS, err)
	}
	c.mu.Lock() // the wheel and a kill may look at nc
	c.nc = t
	c.mu.Unlock()
	return nil
}

func unreadable(err error) *refusal {
	switch {
	case errors.Is(err, errNoTLS):
		return nil
	case errors.Is(err, errHeaderTooBig):
		return refuse(http.StatusRequestHeaderFieldsTooLarge, "request header too big")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "request header too slow")
	case broken(err):
		return nil
	case errors.Is(err, errProxyHeader):
		return refuse(http.StatusBadRequest, "a proxy must begin with a PROXY protocol header, version 2")
	}
	return refuse(http.StatusBadRequest, "not an HTTP request")
}

// ask calls the handler.
func (c *Conn) ask(r *http.Request, l *Limits) (a Answer) {
	ctx, cancel := context.WithTimeout(c.door.ctx, l.OpenTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s := c.door.s
			s.stats.panics.Add(1)
			s.cfg.Log.Error("panic in open", "remote", c.RemoteAddr().String(), "err", p, "stack", string(debug.Stack()))
			a = Answer{Status: http.StatusInternalServerError, Reason: "internal error"}
		}
	}()
	return c.door.s.handler.Open(ctx, c, r)
}
