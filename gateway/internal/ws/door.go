package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Listen opens a TCP listener whose conns have no kernel keep-alive: probes of
// conns that were made together overrun the receive backlog together. Our own
// pings do the work, spread in time.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1}
	return lc.Listen(ctx, "tcp", address)
}

// door is one listener and the conns that came in through it.
type door struct {
	s    *Server
	ln   net.Listener
	tls  *tls.Config
	ctx  context.Context // its end kills handshakes and conns
	kill context.CancelFunc
	shut atomic.Bool // no longer accepting

	mute, unclear seldom // complaints of proxies: no PROXY header, no X-Forwarded-For that can be read

	wg sync.WaitGroup // handshakes, conns, pumps
}

func newDoor(s *Server, ln net.Listener, tlsConfig *tls.Config) *door {
	d := &door{s: s, ln: ln}
	if tlsConfig != nil {
		d.tls = tlsConfig.Clone()
		d.tls.NextProtos = []string{"http/1.1"} // WebSocket over HTTP/2 is not spoken
	}
	d.ctx, d.kill = context.WithCancel(context.Background()) // Serve's ctx, but later ended by it
	return d
}

func (d *door) run(ctx context.Context) error {
	defer d.kill()
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-ctx.Done():
			d.close()
			d.killAll()
		case <-over:
		}
	})
	err := d.accept()
	if err != nil {
		d.close()
		d.killAll()
	}
	d.wg.Wait()
	close(over)
	watch.Wait()
	return err
}

// close ends accepting, and nothing else.
func (d *door) close() {
	d.shut.Store(true)
	d.ln.Close()
	d.s.gate.wakeAll()
}

// killAll closes every socket of the door. A handshake that is about to enter
// the wheel sees d.ctx ended.
func (d *door) killAll() {
	d.kill()
	for _, c := range d.s.wheel.all(nil) {
		if c.door == d {
			c.kill(Close{Code: codeLost, By: ByServer})
		}
	}
}

// accept runs until the door is shut (nil) or the listener fails for good.
func (d *door) accept() error {
	pause := time.Duration(0)
	for {
		nc, err := d.ln.Accept()
		if err == nil {
			pause = 0
			if !d.s.gate.enter(&d.shut) {
				_ = nc.Close()
				return nil
			}
			d.admit(nc)
			continue
		}
		if d.shut.Load() {
			return nil
		}
		if !passing(err) {
			return fmt.Errorf("accept: %w", err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		d.s.cfg.Log.Warn("accept failed, trying again", "err", err, "after", pause)
		select {
		case <-time.After(pause):
		case <-d.ctx.Done():
		}
	}
}

// passing tells a want that goes by, or the error of a conn that came to nothing
// (a firewall's EPERM is one), from the end of a listener.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EINTR, syscall.ENETDOWN, syscall.EPROTO, syscall.EHOSTDOWN,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ETIMEDOUT, syscall.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// admit starts the handshake of an accepted socket. The place in the gate is
// taken.
func (d *door) admit(nc net.Conn) {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetKeepAlive(false) // the listener may not be one of Listen's
		if raw, err := t.SyscallConn(); err == nil {
			limitUnsent(raw)
		}
	}
	d.s.stats.conns.Add(1)
	c := &Conn{door: d, nc: nc, fl: d.s.nextFlusher(), openedAt: time.Now().UnixNano(), placed: true}
	c.read.header = int32(d.s.limits().MaxHeaderBytes)
	d.s.wheel.add(c, d.s.clock.now()+wheelSlots)
	if d.ctx.Err() != nil {
		c.kill(Close{Code: codeLost, By: ByServer})
	}
	d.wg.Add(1)
	go c.handshake()
}

// leave is the end of a conn or of a refused handshake.
func (d *door) leave(c *Conn) {
	if c.counted {
		d.s.addresses.leave(network(c.origin().Addr()))
	}
	if d.s.stats.conns.Add(-1) == 0 {
		d.s.mu.Lock()
		d.s.tellEmpty()
		d.s.mu.Unlock()
	}
}

func (s *Server) nextFlusher() *flusher {
	return s.flushers[int(s.turn.Add(1))%len(s.flushers)]
}
