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
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
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
	full := c.full(l)
	if full != nil {
		s.stats.turnedAway.Add(1)
		defer s.stats.turnedAway.Add(-1)
	}
	if full != nil && c.door.tls != nil {
		s.stats.refusedLimit.Add(1)
		return nil // answering would cost the TLS handshake that the limit saves
	}
	_ = c.nc.SetDeadline(time.Now().Add(l.HandshakeTimeout))
	r, early, err := c.request()
	if err != nil {
		s.stats.failed.Add(1)
		c.answer(unreadable(err))
		return nil
	}
	if full != nil {
		s.stats.refusedLimit.Add(1)
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
	early = br.Buffered() > 0
	br.Reset(nil)
	headers.Put(br)
	return r, early, err
}

var headers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// full applies the limits that count conns. When it returns nil the conn counts
// in perIP.
func (c *Conn) full(l *Limits) *refusal {
	s := c.door.s
	retry := strconv.Itoa(1 + rand.IntN(5))
	switch {
	case s.stats.conns.Load()-s.stats.turnedAway.Load() > int64(l.MaxConns):
		return refuse(http.StatusServiceUnavailable, "this gateway is full", "Retry-After", retry)
	case c.door.shut.Load():
		return refuse(http.StatusServiceUnavailable, "this gateway is closing", "Retry-After", retry)
	case !s.gate.allow(c.door.ctx):
		return refuse(http.StatusServiceUnavailable, "too many handshakes", "Retry-After", retry)
	case l.MaxConnsPerIP > 0:
		if !s.perIP.enter(c.nc, l.MaxConnsPerIP) {
			return refuse(http.StatusTooManyRequests, "too many conns from this address", "Retry-After", "60")
		}
		c.counted = true
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
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET):
		return nil
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
