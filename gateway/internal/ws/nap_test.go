package ws

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

func napping(t *testing.T, cfg Config) *rig {
	if runtime.GOOS != "linux" {
		t.Skip("conns nap on Linux only")
	}
	cfg.NapAfter = 2 * tick
	return start(t, cfg, &app{})
}

func (r *rig) untilNapping(n int64) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d conns nap", n), func() bool { return r.s.Stats().Napping == n })
}

func TestSilentConnsGiveBackTheirGoroutines(t *testing.T) {
	r := napping(t, Config{})
	before := runtime.NumGoroutine()
	var clients []*client
	for range 50 {
		clients = append(clients, r.dial())
	}
	r.untilNapping(50)
	r.until("goroutines end", func() bool { return runtime.NumGoroutine() <= before+10 })
	for i, c := range clients {
		c.text(fmt.Sprint("morning ", i))
		c.send(0x89, "ping")
		c.expect(0x81, fmt.Sprint("morning ", i))
		c.expect(0x8a, "ping")
	}
	if st := r.s.Stats(); st.Wakes < 50 || st.Opened != 50 || st.Closed[ByLoss] != 0 {
		t.Errorf("stats: %+v", st)
	}
	r.untilNapping(50)
}

func TestSleepingConnIsWrittenTo(t *testing.T) {
	r := napping(t, Config{})
	c, conn := r.pair()
	r.untilNapping(1)
	conn.Send(r.s.mustFrame(frame.Text, "by a flusher", frame.Must, ""))
	c.expect(0x81, "by a flusher")
	conn.SendSoon(r.s.mustFrame(frame.Text, "before the many", frame.Must, ""))
	c.expect(0x81, "before the many")
	if st := r.s.Stats(); st.Napping != 1 || st.Wakes != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestPongsDoNotWakeButCountAsLife(t *testing.T) {
	r := napping(t, Config{Limits: Limits{PingInterval: 300 * time.Millisecond, IdleTimeout: 900 * time.Millisecond}})
	c, conn := r.pair()
	r.untilNapping(1)
	began, pings := time.Now(), 0
	for time.Since(began) < 2*time.Second {
		if f := c.next(); f.op() != opPing {
			t.Fatalf("got %v", f)
		}
		pings++
		c.write(string(masked(0x8a, nil)) + string(masked(0x8a, []byte("and one more"))))
	}
	r.untilNapping(1) // while the napper looks at the last pongs nobody naps
	if st := r.s.Stats(); conn.Closing() || st.Wakes != 0 {
		t.Errorf("closing %v, stats %+v", conn.Closing(), st)
	}
	r.until("all pongs are counted", func() bool { return r.s.Stats().FramesIn == uint64(2*pings) })
	r.until("it is closed when no pong comes", func() bool { return conn.Closing() })
	c.expectClose(codeIdle)
	c.send(0x88, closeBody(codeIdle, ""))
	c.expectEnd()
	if why := r.end(conn); why.Code != codeIdle || why.By != ByTimeout || why.FramesIn < uint64(2*pings) {
		t.Errorf("Closed: got %+v", why)
	}
}

func TestSleepingConnEndsLikeAnyOther(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(r *rig, c *client, conn *Conn)
		want Close
	}{
		{"killed", func(_ *rig, _ *client, conn *Conn) { conn.Kill() }, Close{Code: codeLost, By: ByServer}},
		{"closed by server", func(_ *rig, c *client, conn *Conn) {
			conn.Close(4500, "go", nil)
			c.expectClose(4500)
			c.send(0x88, closeBody(4500, ""))
			c.expectEnd()
		}, Close{Code: 4500, Reason: "go", By: ByServer}},
		{"closed by server, never answered", func(_ *rig, c *client, conn *Conn) {
			conn.Close(4500, "go", nil)
			c.expectClose(4500)
		}, Close{Code: 4500, Reason: "go", By: ByServer}},
		{"closed by client", func(_ *rig, c *client, _ *Conn) {
			c.send(0x88, closeBody(4001, "bye"))
			c.expectClose(4001)
			c.expectEnd()
		}, Close{Code: 4001, Reason: "bye", By: ByClient}},
		{"end of the stream", func(_ *rig, c *client, _ *Conn) { c.nc.Close() }, Close{Code: codeLost, By: ByLoss}},
		{"message and end of the stream", func(_ *rig, c *client, _ *Conn) { c.text("x"); c.nc.Close() }, Close{Code: codeLost, By: ByLoss}},
		{"broken frame", func(_ *rig, c *client, _ *Conn) {
			c.write("\x83\x80abcd")
			c.expectClose(1002)
			c.expectEnd()
			c.nc.Close()
		}, Close{Code: 1002, Reason: "unexpected opcode 3", By: ByError}},
		{"drained", func(r *rig, c *client, _ *Conn) {
			go func() { _ = r.s.Drain(t.Context(), time.Millisecond) }()
			c.expectClose(codeRestart)
			c.send(0x88, closeBody(codeRestart, ""))
			c.expectEnd()
		}, Close{Code: codeRestart, Reason: "retry-after-ms=0", By: ByServer}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := napping(t, Config{})
			c, conn := r.pair()
			r.untilNapping(1)
			tt.end(r, c, conn)
			if why := r.end(conn); why.Code != tt.want.Code || why.Reason != tt.want.Reason || why.By != tt.want.By {
				t.Errorf("Closed: got %+v, want %+v", why, tt.want)
			}
			r.until("it is gone", func() bool { st := r.s.Stats(); return st.Conns == 0 && st.Napping == 0 })
		})
	}
}

func TestConnWithHalfAMessageDoesNotNap(t *testing.T) {
	r := napping(t, Config{})
	c, _ := r.pair()
	c.send(0x01, "half a ")
	time.Sleep(5 * tick) // longer than NapAfter
	if got := r.s.Stats().Napping; got != 0 {
		t.Fatal("it naps")
	}
	raw := masked(0x80, []byte("message"))
	c.write(string(raw[:3]))
	time.Sleep(5 * tick)
	c.write(string(raw[3:]))
	c.expect(0x81, "half a message")
	r.untilNapping(1)
}

func TestDeflateOutlivesANap(t *testing.T) {
	r := napping(t, Config{Deflate: true, DeflateThreshold: 10})
	c := r.dial("Sec-WebSocket-Extensions: permessage-deflate")
	for range 2 {
		r.untilNapping(1)
		c.send(0xc1, deflated("what was negotiated holds"))
		if f := c.next(); f.first == 0xc1 && inflated(t, f.payload) != "what was negotiated holds" || f.op() != 1 {
			t.Fatalf("got %v", f)
		}
	}
}

// TestNothingIsLostAroundNaps has many clients that speak just when their conns
// fall asleep, in pieces that wake them in the middle of a frame.
func TestNothingIsLostAroundNaps(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("conns nap on Linux only")
	}
	a := &app{}
	r := start(t, Config{Limits: Limits{NapAfter: 1, PingInterval: 300 * time.Millisecond}}, a)
	const clients, rounds = 100, 20
	var wg sync.WaitGroup
	for k := range clients {
		c := r.dial()
		wg.Go(func() {
			for i := range rounds {
				time.Sleep(time.Duration(rand.Int64N(int64(5 * tick / 2))))
				var out []byte
				n := 1 + rand.IntN(3)
				for j := range n {
					out = append(out, masked(0x81, []byte(fmt.Sprintf("%d.%d.%d %s", k, i, j, strings.Repeat("z", rand.IntN(6000)))))...)
				}
				cut := rand.IntN(len(out))
				for _, piece := range [][]byte{out[:cut], out[cut:]} {
					if _, err := c.nc.Write(piece); err != nil {
						t.Errorf("client %d: %v", k, err)
						return
					}
					if rand.IntN(3) == 0 {
						time.Sleep(time.Duration(rand.Int64N(int64(2 * tick))))
					}
				}
				_ = c.nc.SetReadDeadline(time.Now().Add(patience))
				for j := 0; j < n; {
					f, err := readFrame(c.br)
					if err != nil {
						t.Errorf("client %d, round %d: %v", k, i, err)
						return
					}
					if f.op() == opPing {
						if _, err := c.nc.Write(masked(0x8a, f.payload)); err != nil && err != io.EOF {
							t.Errorf("client %d: pong: %v", k, err)
						}
						continue
					}
					if !strings.HasPrefix(string(f.payload), fmt.Sprintf("%d.%d.%d ", k, i, j)) {
						t.Errorf("client %d, round %d: got %v, want answer %d", k, i, f, j)
						return
					}
					j++
				}
			}
		})
	}
	wg.Wait()
	st := r.s.Stats()
	if st.Wakes < clients*rounds/4 || st.Closed[ByLoss]+st.Closed[ByError]+st.Closed[ByTimeout] != 0 || st.Panics != 0 {
		t.Errorf("stats: %+v", st)
	}
	t.Logf("%d wakes", st.Wakes)
}

func TestOnlyPongs(t *testing.T) {
	for s, want := range map[string]bool{
		"":                        true,
		string(masked(0x8a, nil)): true,
		string(masked(0x8a, []byte("x"))) + string(masked(0x8a, make([]byte, 125))): true,
		string(masked(0x8a, []byte("x")))[:6]:                                       false,
		string(masked(0x8a, nil))[:3]:                                               false,
		string(masked(0x89, nil)):                                                   false,
		string(masked(0x81, nil)):                                                   false,
		string(masked(0xca, nil)):                                                   false,
		string(masked(0x8a, nil)) + string(masked(0x81, []byte(""))):                false,
		"\x8a\x00":                              false,
		string(masked(0x8a, make([]byte, 126))): false,
	} {
		if got := onlyPongs([]byte(s)); got != want {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

// TestNudgeThatComesTooLateDoesNotCutAFarewell has the wheel ask for a nap just
// when the peer broke the protocol: the nudge then meets linger.
func TestNudgeThatComesTooLateDoesNotCutAFarewell(t *testing.T) {
	r := start(t, Config{Limits: Limits{CloseWait: time.Minute}}, &app{})
	c, conn := r.pair()
	c.write("\x81\x01x") // not masked
	c.expectClose(1002)
	r.end(conn)
	conn.askToNap()
	r.until("linger has seen the nudge", func() bool { return !conn.read.nap.Load() })
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if conn.phase != closing {
		t.Errorf("phase: got %d, want %d", conn.phase, closing)
	}
}
