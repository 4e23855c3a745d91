package ws

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// TestAnyMixOfEndsLeavesNothingBehind has many clients do what clients do, in any
// order and at the same time as the server sends, closes, kills and lets nap:
// each accepted conn ends once, and nothing of it is left in any sum.
func TestAnyMixOfEndsLeavesNothingBehind(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprint("tls=", secure), func(t *testing.T) {
			a := &app{}
			r := startWith(t, Config{Deflate: true, TextPing: "ping", Limits: Limits{
				PingInterval: 150 * time.Millisecond, IdleTimeout: 400 * time.Millisecond, NapAfter: 100 * time.Millisecond,
				WriteTimeout: 300 * time.Millisecond, CloseWait: 200 * time.Millisecond, QueueBytes: 64 << 10, QueueSum: 1 << 20,
			}}, a, secure)
			end := time.Now().Add(2 * time.Second)
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					for time.Now().Before(end) {
						dropIn(r)
					}
				})
			}
			wg.Go(func() { meddle(r, end) })
			wg.Wait()
			r.until("all have ended", func() bool { return r.s.Stats().Conns == 0 })
			a.mu.Lock()
			defer a.mu.Unlock()
			for _, c := range a.conns {
				if n := len(a.ends[c]); n != 1 {
					t.Errorf("Closed: got %d calls, want 1", n)
				}
			}
			if st := r.s.Stats(); st.Panics != 0 || st.Napping != 0 || st.Pumping != 0 {
				t.Errorf("left behind: %+v", st)
			}
			t.Logf("%d conns, closed %v", len(a.conns), r.s.Stats().Closed)
		})
	}
}

// dropIn is the life of one client.
func dropIn(r *rig) {
	c := rawDial(r.t, r.addr, r.secure)
	defer c.nc.Close()
	_ = c.nc.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := c.nc.Write([]byte(request("Sec-WebSocket-Extensions: permessage-deflate"))); err != nil {
		return
	}
	reads := rand.IntN(3) > 0
	if reads {
		go func() {
			b := make([]byte, 4<<10)
			for {
				if _, err := c.nc.Read(b); err != nil {
					return
				}
			}
		}()
	}
	for range rand.IntN(8) {
		var b []byte
		switch rand.IntN(8) {
		case 0:
			b = masked(0x89, []byte("ping"))
		case 1:
			b = masked(0x8a, nil)
		case 2:
			b = masked(0x81, []byte(strings.Repeat("x", rand.IntN(20_000))))
		case 3:
			b = masked(0xc1, []byte(deflated("deflated")))
		case 4:
			time.Sleep(time.Duration(rand.IntN(250)) * time.Millisecond) // long enough for a nap, at times
		case 5:
			b = append(masked(0x88, []byte(closeBody(1000, ""))), masked(0x89, nil)...)
		case 6:
			b = masked(0x01, []byte("half"))
		case 7:
			if rand.IntN(3) == 0 {
				b = []byte{0xff, 0xff}
			}
		}
		if _, err := c.nc.Write(b); err != nil {
			return
		}
	}
	switch tcp := socketOf(c.nc).(*net.TCPConn); rand.IntN(4) {
	case 0:
		_ = tcp.SetLinger(0) // a reset
	case 1:
		_ = tcp.CloseWrite()
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
	case 2:
		time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond) // until it is found idle
	}
}

// meddle is what the rest of a gateway does to conns meanwhile.
func meddle(r *rig, end time.Time) {
	shared := r.s.mustFrame(frame.Text, strings.Repeat("shared ", 500), frame.Must, "")
	for time.Now().Before(end) {
		for _, c := range r.s.wheel.all(nil) {
			switch rand.IntN(40) {
			case 0:
				c.Close(4501, "kicked", shared)
			case 1:
				c.Kill()
			case 2:
				c.Pause()
				c.Resume()
			case 3:
				c.SendSoon(r.s.mustFrame(frame.Text, "now", frame.Droppable, ""))
			case 4:
				c.Send(r.s.mustFrame(frame.Text, strings.Repeat("m", rand.IntN(500)), frame.Merge, fmt.Sprint(rand.IntN(3))))
			default:
				c.Send(shared)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}
