package crowd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve accepts conns until the test ends: it shakes hands, writes what first says
// in the same breath, and leaves the conn to then.
func serve(t *testing.T, status string, first []byte, then func(io.ReadWriter)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer nc.Close()
				br := bufio.NewReader(nc)
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				_, _ = nc.Write(append([]byte("HTTP/1.1 "+status+"\r\nUpgrade: websocket\r\n\r\n"), first...))
				then(struct {
					io.Reader
					io.Writer
				}{br, nc})
			})
		}
	})
	return l.Addr().String()
}

// hear reads one short frame of a client.
func hear(r io.Reader) (op byte, payload []byte, err error) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, head[1]&0x7f)
	_, err = io.ReadFull(r, payload)
	for i := range payload {
		payload[i] ^= head[2+i&3]
	}
	return head[0] & 0x0f, payload, err
}

// script is a Player of tests; what a test does not give must not happen, but the
// end of conns.
type script struct {
	frame func(*Conn, string)
	tick  func(uint64)
	ended func(*Conn, error)
}

func (s *script) Frame(c *Conn, payload []byte) { s.frame(c, string(payload)) }
func (s *script) Tick(n uint64)                 { s.tick(n) }
func (s *script) Ended(c *Conn, why error) {
	if s.ended != nil {
		s.ended(c, why)
	}
}

// begin connects n conns to addr and runs p until the test ends.
func begin(t *testing.T, addr string, n int, p Player) (*Crowd, []*Conn) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("a crowd needs Linux")
	}
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	conns, err := w.Connect(t.Context(), Dialing{Addr: addr, Count: n})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx, p) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		w.Close()
	})
	return w, conns
}

func await[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came for 10 s")
		panic("unreachable")
	}
}

func TestEveryConnGetsItsOwnEchoes(t *testing.T) {
	const conns, rounds = 50, 20
	addr := serve(t, "101 Switching Protocols", nil, func(s io.ReadWriter) {
		for {
			op, payload, err := hear(s)
			if err != nil {
				return
			}
			frame := serverFrame(op, payload)
			_, _ = s.Write(frame[:1]) // in two pieces, which must be put together
			_, _ = s.Write(frame[1:])
		}
	})
	done := make(chan string, 1)
	rest, wrong := conns*rounds, ""
	round := make([]int, conns)
	text := func(c *Conn) string { return fmt.Sprintf("%d of %d", round[c.ID], c.ID) }
	w, list := begin(t, addr, conns, &script{frame: func(c *Conn, got string) {
		if got != text(c) {
			wrong = fmt.Sprintf("conn %d got %q, want %q", c.ID, got, text(c))
		}
		round[c.ID]++
		if rest--; rest == 0 {
			done <- wrong
		} else if round[c.ID] < rounds {
			c.Send([]byte(text(c)))
		}
	}})
	w.Do(func() {
		for _, c := range list {
			c.Send([]byte(text(c)))
		}
	})
	if got := await(t, done); got != "" {
		t.Error(got)
	}
	var counts Counts
	w.Do(func() { counts = w.Counts })
	if counts.FramesIn != conns*rounds || counts.FramesOut != conns*rounds || w.Open() != conns {
		t.Errorf("counted %+v, %d open", counts, w.Open())
	}
}

func TestWhatComesWithThe101IsRead(t *testing.T) {
	addr := serve(t, "101 x", serverFrame(opText, []byte("welcome")), func(s io.ReadWriter) { _, _, _ = hear(s) })
	got := make(chan string, 1)
	begin(t, addr, 1, &script{frame: func(_ *Conn, s string) { got <- s }})
	if s := await(t, got); s != "welcome" {
		t.Errorf("got %q", s)
	}
}

func TestPingsAndCloseFramesAreAnswered(t *testing.T) {
	heard := make(chan string, 2)
	addr := serve(t, "101 x", nil, func(s io.ReadWriter) {
		_, _ = s.Write(serverFrame(opPing, []byte("are you there")))
		for range 2 {
			op, payload, _ := hear(s)
			heard <- fmt.Sprintf("%d %q", op, payload)
			_, _ = s.Write(serverFrame(opClosing, []byte("\x03\xe9going")))
		}
	})
	ended := make(chan error, 1)
	w, _ := begin(t, addr, 1, &script{ended: func(_ *Conn, why error) { ended <- why }})
	if got := await(t, heard); got != `10 "are you there"` {
		t.Errorf("a ping is answered with %s", got)
	}
	if got := await(t, heard); got != `8 "\x03\xe9"` {
		t.Errorf("a close frame is answered with %s", got)
	}
	var c *Closed
	if err := await(t, ended); !errors.As(err, &c) || c.Code != 1001 || c.Reason != "going" {
		t.Errorf("ended with %v", err)
	}
	w.Do(func() {
		if w.Open() != 0 || w.Counts.Pings != 1 {
			t.Errorf("%d open, %d pings answered", w.Open(), w.Counts.Pings)
		}
	})
}

func TestWhatASocketDoesNotTakeWaits(t *testing.T) {
	read := make(chan struct{})
	got := make(chan int64, 1)
	addr := serve(t, "101 x", nil, func(s io.ReadWriter) {
		<-read
		n, _ := io.Copy(io.Discard, io.LimitReader(s, 24*(1<<20+14)))
		got <- n
	})
	w, conns := begin(t, addr, 1, &script{})
	w.Do(func() {
		for range 24 {
			conns[0].Send(make([]byte, 1<<20))
		}
		if len(conns[0].out) == 0 {
			t.Error("the kernel took 24 MiB, so nothing is tested")
		}
	})
	close(read)
	if n := await(t, got); n != 24*(1<<20+14) {
		t.Errorf("%d bytes came", n)
	}
}

func TestTicksComeAndDoSaysWhenRunIsOver(t *testing.T) {
	addr := serve(t, "101 x", nil, func(s io.ReadWriter) { _, _, _ = hear(s) })
	if runtime.GOOS != "linux" {
		t.Skip("a crowd needs Linux")
	}
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Connect(t.Context(), Dialing{Addr: addr, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if err := w.Every(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var ticks uint64
	if err := w.Run(ctx, &script{tick: func(n uint64) {
		if ticks += n; ticks >= 3 {
			stop()
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if w.Do(func() { t.Error("a task was run after Run") }) {
		t.Error("Do says that it was run")
	}
}

func TestRefusedHandshakesAreErrors(t *testing.T) {
	addr := serve(t, "503 Service Unavailable", nil, func(io.ReadWriter) {})
	if runtime.GOOS != "linux" {
		t.Skip("a crowd needs Linux")
	}
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Connect(t.Context(), Dialing{Addr: addr, Count: 3}); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("connect: %v, want the status", err)
	}
}
