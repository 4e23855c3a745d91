package ws

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// politely answers the close it is sent and tells when it came and what it said.
func politely(c *client) (closed <-chan string) {
	said := make(chan string, 1)
	go func() {
		for {
			f, err := readFrame(c.br)
			if err != nil {
				said <- err.Error()
				return
			}
			if f.op() == opClose {
				_, _ = c.nc.Write(masked(0x88, f.payload))
				said <- string(f.payload)
				return
			}
		}
	}()
	return said
}

func TestDrainSpreadsOverItsWindow(t *testing.T) {
	bubble(t, Config{}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		const conns = 100
		const window = 10 * time.Second
		began := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var when, delays []time.Duration
		for range conns {
			c, _ := dial()
			said := politely(c)
			wg.Go(func() {
				s := <-said
				ms, err := strconv.Atoi(strings.TrimPrefix(s[2:], "retry-after-ms="))
				if s[:2] != "\x03\xf4" || err != nil {
					t.Errorf("close: got %q", s)
				}
				mu.Lock()
				defer mu.Unlock()
				when = append(when, time.Since(began))
				delays = append(delays, time.Duration(ms)*time.Millisecond)
			})
		}
		synctest.Wait()
		began = time.Now()
		if err := r.s.Drain(t.Context(), window); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 9*window/10 || took > window+time.Second {
			t.Errorf("Drain took %v", took)
		}
		wg.Wait()
		quarters := func(all []time.Duration) (n [4]int) {
			for _, d := range all {
				n[min(int(d*4/window), 3)]++
			}
			return n
		}
		for what, n := range map[string][4]int{"closes": quarters(when), "delays": quarters(delays)} {
			for _, k := range n {
				if k < conns/4/3 {
					t.Errorf("%s by quarter of the window: %v", what, n)
					break
				}
			}
		}
		if err := <-r.served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		r.served <- nil // for the end of the bubble
	})
}

func TestDrainRefusesNewConnsAndKeepsServe(t *testing.T) {
	r := start(t, Config{Limits: Limits{CloseWait: 50 * time.Millisecond}}, &app{})
	stubborn, conn := r.pair()
	if err := r.s.Drain(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	stubborn.expectClose(codeRestart) // though it never answers
	if why := r.end(conn); why.Code != codeRestart || why.By != ByServer {
		t.Errorf("Closed: got %+v", why)
	}
	if err := <-r.served; err != nil {
		t.Errorf("Serve after Drain: %v", err)
	}
	close(r.served)
	if nc, err := net.Dial("tcp", r.addr); err == nil {
		nc.Close()
		t.Error("the port still accepts")
	}
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.s.Serve(t.Context(), ln, nil); !errors.Is(err, ErrDraining) {
		t.Errorf("Serve of a drained server: got %v", err)
	}
}

func TestDrainMeetsAHandshakeUnderWay(t *testing.T) {
	inside, release := make(chan struct{}), make(chan struct{})
	r := start(t, Config{Limits: Limits{CloseWait: 50 * time.Millisecond}}, &app{
		open: func(context.Context, *Conn, *http.Request) Answer { close(inside); <-release; return Answer{} }})
	c := rawDial(t, r.addr, false)
	c.write(request())
	<-inside
	drained := make(chan error)
	go func() { drained <- r.s.Drain(t.Context(), 0) }()
	r.until("the door is shut", func() bool { r.s.mu.Lock(); defer r.s.mu.Unlock(); return r.s.draining })
	close(release)
	c.response()
	c.expectClose(codeRestart)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	r := start(t, Config{Limits: Limits{CloseWait: time.Minute}}, &app{})
	r.pair()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.s.Drain(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain: got %v", err)
	}
}

func TestShedClosesAShareAndGoesOn(t *testing.T) {
	r := start(t, Config{}, &app{})
	for range 20 {
		politely(r.dial())
	}
	r.until("all are known", func() bool { return r.app.count() == 20 })
	if n := r.s.Shed(t.Context(), r.s.Draw(0.25), 10*time.Millisecond); n != 5 {
		t.Errorf("shed %d conns, want 5", n)
	}
	r.until("a quarter has gone", func() bool { return r.s.Stats().Conns == 15 })
	r.dial()
	if got := r.s.Stats().AskedToMove; got != [...]uint64{ByDrain: 0, ByShed: 5} {
		t.Errorf("asked to move: %v", got)
	}
}

// Who is owed something gets it before he is asked to go, and who is owed it for too long
// is asked without.
func TestMoveWaitsForWhatIsOwed(t *testing.T) {
	owed := make(chan *Conn, 2)
	a := &app{moving: func(c *Conn) bool { owed <- c; return false }}
	bubble(t, Config{Limits: Limits{MoveWait: 3 * time.Second, PingInterval: time.Hour, IdleTimeout: 2 * time.Hour}}, a, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		one, _ := dial()
		began := time.Now()
		if n := r.s.Shed(t.Context(), r.s.Draw(1), 0); n != 1 {
			t.Errorf("asked %d", n)
		}
		c := <-owed
		if n := r.s.Shed(t.Context(), r.s.Draw(1), 0); n != 0 {
			t.Errorf("asked %d once more", n)
		}
		time.Sleep(2 * time.Second)
		c.Send(r.s.mustFrame(1, "the answer", 0, ""))
		c.MoveNow()
		c.MoveNow()
		one.expect(0x81, "the answer")
		one.expectClose(codeRestart)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("after %v", took)
		}
		two, _ := dial()
		began = time.Now()
		r.s.Shed(t.Context(), r.s.Draw(1), 0)
		two.expectClose(codeRestart)
		if took := time.Since(began); took < 3*time.Second || took > 3*time.Second+3*tick {
			t.Errorf("without an answer: after %v", took)
		}
	})
}

func TestServeEndsWithItsContext(t *testing.T) {
	for _, secure := range []bool{false, true} {
		inside := make(chan struct{})
		a := &app{}
		r := startWith(t, Config{Limits: Limits{WriteTimeout: time.Minute}}, a, secure)
		_, idle := r.pair()
		stuck, stuckConn := r.pair()
		_ = stuck
		big := r.s.mustFrame(2, strings.Repeat("x", 512<<10), 0, "")
		for range 2 {
			stuckConn.Send(big)
		}
		a.open = func(ctx context.Context, _ *Conn, _ *http.Request) Answer {
			close(inside)
			<-ctx.Done()
			return Answer{}
		}
		opening := rawDial(t, r.addr, secure)
		opening.write(request())
		<-inside
		half := rawDial(t, r.addr, false)
		_, _ = io.WriteString(half.nc, "\x16\x03")
		r.stop()
		select {
		case err := <-r.served:
			if err != nil {
				t.Error(err)
			}
			close(r.served)
		case <-time.After(patience):
			t.Fatal("Serve does not end")
		}
		if why := r.end(idle); why.Code != codeLost || why.By != ByServer {
			t.Errorf("Closed: got %+v", why)
		}
	}
}

func TestServerServesSeveralDoorsAndAgain(t *testing.T) {
	a := &app{}
	r := start(t, Config{}, a)
	r.dial().text("x")
	for range 3 {
		ln, err := Listen(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.s.Serve(ctx, ln, serverTLS()) }()
		c := rawDial(t, ln.Addr().String(), true).handshake()
		c.text("over the second door")
		c.expect(0x81, "over the second door")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	c := r.dial()
	c.text("the first door is open")
	c.expect(0x81, "the first door is open")
}

func TestServeFailsWithItsListener(t *testing.T) {
	s, err := New(Config{}, &app{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), new(brokenListener), nil); !errors.Is(err, errBrokenListener) {
		t.Errorf("Serve: got %v", err)
	}
}

var errBrokenListener = errors.New("broken")

type brokenListener struct{ pipes }

func (*brokenListener) Accept() (net.Conn, error) { return nil, errBrokenListener }
func (*brokenListener) Close() error              { return nil }

func TestPlainHTTPToATLSPortIsTold(t *testing.T) {
	r := startWith(t, Config{}, &app{}, true)
	c := rawDial(t, r.addr, false)
	c.write(request())
	if resp := c.response(); resp.StatusCode != 400 {
		t.Errorf("status: got %d", resp.StatusCode)
	}
}

func TestConfigNamesEverythingWrongAtOnce(t *testing.T) {
	_, err := New(Config{Flushers: -1, Limits: Limits{MaxConns: -1, QueueBytes: 2 << 20, QueueSum: 1 << 20,
		PingInterval: time.Minute, IdleTimeout: 30 * time.Second}}, &app{})
	for _, want := range []string{"flushers", "max-conns", "queue-sum", "idle-timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
}

func TestLimitsChangeWhileServing(t *testing.T) {
	r := start(t, Config{}, &app{})
	old := r.dial()
	if err := r.s.SetLimits(Limits{MaxFrameBytes: 100, MaxConns: 2}); err != nil {
		t.Fatal(err)
	}
	if err := r.s.SetLimits(Limits{MaxConns: -1}); err == nil {
		t.Error("wrong limits were taken")
	}
	long := strings.Repeat("x", 101)
	old.text(long)
	old.expect(0x81, long)
	c := r.dial()
	c.text(long)
	c.expectClose(1009)
	c = rawDial(t, r.addr, false)
	c.write(request())
	if got := c.response().StatusCode; got != 503 {
		t.Errorf("status: got %d, want 503", got)
	}
}
