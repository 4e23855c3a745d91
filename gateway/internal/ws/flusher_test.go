package ws

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// narrow dials with a small receive buffer, so that a client that does not read
// is noticed soon.
func (r *rig) narrow(buffer int) *client {
	r.t.Helper()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, buffer)
		})
	}}
	nc, err := d.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.secure {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	c := over(r.t, nc)
	c.br = bufio.NewReaderSize(nc, 1024)
	return c.handshake()
}

func (r *rig) narrowPair(buffer int) (*client, *Conn) {
	r.t.Helper()
	n := r.app.count()
	c := r.narrow(buffer)
	r.until("conn is known", func() bool { return r.app.count() > n })
	return c, r.app.conns[n]
}

func TestSlowReaderIsClosedAndOthersGoOn(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls=", secure), func(t *testing.T) {
			r := startWith(t, Config{Limits: Limits{QueueBytes: 256 << 10, WriteTimeout: time.Minute}}, &app{}, secure)
			const good, frames = 100, 1500
			var wg sync.WaitGroup
			for range good {
				c := r.dial()
				_ = c.nc.SetReadDeadline(time.Now().Add(time.Minute))
				wg.Go(func() {
					for i := range frames {
						f, err := readFrame(c.br)
						for err == nil && f.op() == opPing {
							f, err = readFrame(c.br)
						}
						if err != nil || !strings.HasPrefix(string(f.payload), fmt.Sprintf("%d ", i)) {
							t.Errorf("frame %d: got %v, %v", i, f, err)
							return
						}
					}
				})
			}
			slow, slowConn := r.narrowPair(4 << 10)
			for i := range frames {
				f := r.s.mustFrame(frame.Text, fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)), frame.Must, "")
				for _, conn := range r.app.conns {
					for conn != slowConn && conn.Queued() > 128<<10 {
						time.Sleep(time.Millisecond) // the sender's pace is that of the good ones
					}
					if !conn.Send(f) && conn != slowConn {
						t.Fatalf("frame %d was refused by a conn that reads", i)
					}
				}
			}
			wg.Wait()
			if !slowConn.Closing() {
				t.Fatal("the slow conn is still open")
			}
			slow.expectClose(codeResync) // it reads at last, and learns why
			slow.send(0x88, closeBody(codeResync, ""))
			if why := r.end(slowConn); why.Code != codeResync || why.By != ByServer {
				t.Errorf("Closed: got %+v", why)
			}
		})
	}
}

func TestStalledSocketsDoNotBlockFlushers(t *testing.T) {
	for _, tt := range []struct {
		secure  bool
		stalled int
	}{{false, 1000}, {true, 100}} {
		t.Run(fmt.Sprint("tls=", tt.secure), func(t *testing.T) {
			r := startWith(t, Config{Limits: Limits{QueueBytes: 1 << 20, WriteTimeout: 2 * time.Second}, Flushers: 2}, &app{}, tt.secure)
			good := r.dial()
			for range tt.stalled {
				r.narrow(4 << 10)
			}
			r.until("all are known", func() bool { return r.app.count() == tt.stalled+1 })
			stalled := r.app.conns[1:]
			big := r.s.mustFrame(frame.Binary, strings.Repeat("x", 64<<10), frame.Must, "")
			for range 10 {
				for _, conn := range stalled {
					conn.Send(big)
				}
			}
			r.until("all stand", func() bool { return r.s.Stats().Pumping == int64(tt.stalled) })
			began := time.Now()
			for i := range 100 {
				good.text(fmt.Sprint(i))
				good.expect(0x81, fmt.Sprint(i))
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("100 echoes beside stalled conns took %v", took)
			}
			for _, conn := range stalled {
				if why := r.end(conn); why.Code != codeResync || why.By != ByServer {
					t.Fatalf("Closed: got %+v", why)
				}
			}
			// The last one is told of a moment before it is taken out of the counts.
			r.until("one conn is left", func() bool { return r.s.Stats().Conns == 1 })
			if st := r.s.Stats(); st.SlowCloses != uint64(tt.stalled) {
				t.Errorf("stats: %+v", st)
			}
		})
	}
}

// TestFramesKeepTheirOrder has several senders, by flusher and in place, one
// reader that halts so that pumps come and go, pings, and at last a close.
func TestFramesKeepTheirOrder(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls=", secure), func(t *testing.T) {
			r := startWith(t, Config{Limits: Limits{QueueBytes: 8 << 20, FrameRate: -1}, Flushers: 2}, &app{}, secure)
			// With a window below a segment Linux sends one each 200 ms, for good: this
			// reader halts, and is not to crawl.
			c, conn := r.narrowPair(32 << 10)
			const senders, each = 4, 1500
			var wg sync.WaitGroup
			for s := range senders {
				wg.Go(func() {
					for i := range each {
						f := r.s.mustFrame(frame.Text, fmt.Sprintf("%d %d %s", s, i, strings.Repeat("y", rand.IntN(2000))), frame.Must, "")
						var ok bool
						if s%2 == 0 {
							ok = conn.Send(f)
						} else {
							ok = conn.SendSoon(f)
						}
						if !ok {
							t.Errorf("sender %d: frame %d was refused", s, i)
							return
						}
						if i%100 == 0 {
							for conn.Queued() > 0 {
								runtime.Gosched()
							}
						}
					}
				})
			}
			wg.Go(func() {
				for i := range 200 {
					if _, err := c.nc.Write(masked(0x89, []byte(fmt.Sprint(i)))); err != nil {
						t.Errorf("ping: %v", err)
					}
					time.Sleep(100 * time.Microsecond)
				}
			})
			go func() {
				wg.Wait()
				conn.Close(4000, "done", nil)
			}()
			var next [senders]int
			pong, got := -1, 0
			for {
				if got++; got%500 == 0 {
					time.Sleep(2 * time.Millisecond) // the reader halts: the socket fills
				}
				f := c.next()
				switch f.first {
				case 0x81:
					var s, i int
					if _, err := fmt.Sscanf(string(f.payload), "%d %d", &s, &i); err != nil || i != next[s] {
						t.Fatalf("got %v, want number %d", f, next[s])
					}
					next[s]++
				case 0x8a:
					var i int
					if _, err := fmt.Sscan(string(f.payload), &i); err != nil || i <= pong {
						t.Fatalf("pong %v behind %d", f, pong)
					}
					pong = i
				case 0x88:
					for s, n := range next {
						if n != each {
							t.Errorf("sender %d: got %d frames, want %d", s, n, each)
						}
					}
					c.send(0x88, closeBody(4000, ""))
					c.expectEnd()
					st := r.s.Stats()
					t.Logf("writes %d, in place %d, pumps %d", st.Writes, st.WritesInPlace, st.Pumps)
					if st.Pumps == 0 || !secure && st.WritesInPlace == 0 {
						t.Error("the test did not mix the ways of writing")
					}
					return
				default:
					t.Fatalf("got %v", f)
				}
			}
		})
	}
}

func TestFramesGatherInOneWrite(t *testing.T) {
	r := start(t, Config{Flushers: 1}, &app{})
	c, conn := r.pair()
	before := r.s.Stats().Writes
	conn.mu.Lock() // hold the flusher off, as a busy one would be
	for i := range 100 {
		conn.push(r.s.mustFrame(frame.Text, fmt.Sprint(i), frame.Must, ""))
	}
	conn.list()
	conn.mu.Unlock()
	for i := range 100 {
		c.expect(0x81, fmt.Sprint(i))
	}
	r.until("the write is counted", func() bool { return r.s.Stats().Writes > before })
	if got := r.s.Stats().Writes - before; got != 1 {
		t.Errorf("writes for 100 queued frames: got %d, want 1", got)
	}
}

// TestBlastPassesInSlices: a conn with much to say has one turn of 64 KiB, then
// others have theirs.
func TestBlastPassesInSlices(t *testing.T) {
	r := start(t, Config{Limits: Limits{QueueBytes: 8 << 20}, Flushers: 1}, &app{})
	c, conn := r.pair()
	done := make(chan struct{})
	go func() { io.CopyN(io.Discard, c.nc, 1<<20); close(done) }()
	f := r.s.mustFrame(frame.Binary, strings.Repeat("x", 1020), frame.Must, "")
	conn.mu.Lock()
	for range 1024 {
		conn.push(f)
	}
	conn.list()
	conn.mu.Unlock()
	<-done
	r.until("1 MiB in at least 16 writes", func() bool { return r.s.Stats().Writes >= 16 })
}
