package ws

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// mute reads what comes in the background and answers nothing. What comes has room: a
// flood of 1,000 pings has as many answers, and pings and a close frame besides.
func mute(c *client) <-chan wsFrame {
	frames := make(chan wsFrame, 4000)
	go func() {
		defer close(frames)
		for {
			f, err := readFrame(c.br)
			if err != nil {
				return
			}
			frames <- f
		}
	}()
	return frames
}

func TestSilentConnIsClosedWhenTheIdleTimeoutIsOver(t *testing.T) {
	bubble(t, Config{Limits: Limits{PingInterval: 7 * time.Second, IdleTimeout: 20 * time.Second}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			c, conn := dial()
			frames := mute(c)
			time.Sleep(12345 * time.Millisecond)
			c.text("a sign of life")
			synctest.Wait()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if conn.Closing() {
				t.Error("closed before the timeout")
			}
			time.Sleep(2 * tick)
			synctest.Wait()
			if !conn.Closing() {
				t.Error("not closed two ticks after the timeout")
			}
			time.Sleep(2 * time.Second) // CloseWait
			why := r.end(conn)
			if why.Code != codeIdle || why.By != ByTimeout || why.Reason != "idle" {
				t.Errorf("Closed: got %+v", why)
			}
			pings := 0
			var last wsFrame
			for f := range frames {
				if f.op() == opPing {
					pings++
				}
				last = f
			}
			if pings < 4 || pings > 5 || last.op() != opClose {
				t.Errorf("got %d pings and last %v", pings, last)
			}
		})
}

func TestAnyByteKeepsAConnAlive(t *testing.T) {
	bubble(t, Config{Limits: Limits{PingInterval: 7 * time.Second, IdleTimeout: 20 * time.Second}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			for _, life := range []string{
				string(masked(0x8a, nil)), string(masked(0x89, []byte("x"))), string(masked(0x81, []byte("x"))),
			} {
				c, conn := dial()
				mute(c)
				for range 20 {
					time.Sleep(19 * time.Second)
					c.write(life)
					synctest.Wait()
				}
				if conn.Closing() {
					t.Errorf("closed in spite of %q", life)
				}
				c.nc.Close()
			}
		})
}

func TestPausedConnIsNotClosed(t *testing.T) {
	bubble(t, Config{Limits: Limits{PingInterval: 7 * time.Second, IdleTimeout: 20 * time.Second}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			c, conn := dial()
			mute(c)
			conn.Pause()
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			conn.Resume()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if conn.Closing() {
				t.Error("closed before a whole timeout after Resume")
			}
			time.Sleep(2 * tick)
			synctest.Wait()
			if !conn.Closing() {
				t.Error("the clock does not run after Resume")
			}
			c.nc.Close()
		})
}

func TestConnWhoseHandlerBlocksIsNotClosed(t *testing.T) {
	release := make(chan struct{}, 1)
	a := &app{}
	bubble(t, Config{Limits: Limits{PingInterval: 7 * time.Second, IdleTimeout: 20 * time.Second, MessageTimeout: 5 * time.Second}}, a,
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			release = make(chan struct{})
			a.message = func(*Conn, *Message) { <-release }
			c, conn := dial()
			mute(c)
			// Half of a second message is read together with the first.
			c.write(string(masked(0x81, []byte("first"))) + string(masked(0x81, []byte("second"))[:4]))
			time.Sleep(10 * time.Minute)
			if conn.Closing() {
				t.Fatal("closed while the handler held it back")
			}
			release <- struct{}{}
			time.Sleep(4 * time.Second)
			if conn.Closing() {
				t.Fatal("time in which we did not read counted against the message")
			}
			time.Sleep(2 * time.Second)
			if !conn.Closing() {
				t.Fatal("a message half sent for 6 s is still waited for")
			}
			c.nc.Close()
			if why := r.end(conn); why.Reason != "message timeout" || why.By != ByTimeout {
				t.Errorf("Closed: got %+v", why)
			}
		})
}

func TestMessageInTricklesEnds(t *testing.T) {
	bubble(t, Config{Limits: Limits{MessageTimeout: 10 * time.Second}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			c, conn := dial()
			mute(c)
			began := time.Now()
			c.send(0x01, "a fragment")
			for !conn.Closing() && time.Since(began) < time.Minute {
				time.Sleep(time.Second)
				c.send(0x89, "") // pings between fragments are life, but do not finish the message
				c.send(0x00, "x")
				synctest.Wait()
			}
			if took := time.Since(began); took < 10*time.Second || took > 12*time.Second {
				t.Errorf("ended after %v", took)
			}
			c.nc.Close()
			if why := r.end(conn); why.By != ByTimeout {
				t.Errorf("Closed: got %+v", why)
			}
		})
}

func TestPingsOfConnsMadeTogetherSpread(t *testing.T) {
	bubble(t, Config{Limits: Limits{PingInterval: 10 * time.Second}, TextPing: `{"ping":1}`}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			const conns = 200
			began := time.Now()
			bySecond := make([]int, 10)
			var all []<-chan wsFrame
			for range conns {
				c, _ := dial()
				all = append(all, mute(c))
			}
			for range 100 {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
				for _, frames := range all {
					select {
					case f := <-frames:
						if f.op() == opPing {
							bySecond[int(time.Since(began).Seconds())%10]++
							f = <-frames
						}
						if string(f.payload) != `{"ping":1}` {
							t.Fatalf("got %v behind a ping", f)
						}
					default:
					}
				}
			}
			total := 0
			for _, n := range bySecond {
				total += n
				if n < conns/10/3 || n > conns/10*3 {
					t.Errorf("pings by second: %v", bySecond)
					break
				}
			}
			if total < conns-5 {
				t.Errorf("pings in one interval: got %d, want %d", total, conns)
			}
		})
}

func TestClosingConnHasTheWriteDeadlineToFinish(t *testing.T) {
	bubble(t, Config{Limits: Limits{WriteTimeout: 5 * time.Second}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			_, conn := dial() // which reads nothing any more
			conn.Send(r.s.mustFrame(frame.Text, "stuck", frame.Must, ""))
			began := time.Now()
			conn.Close(4500, "go", nil)
			why := r.end(conn)
			if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
				t.Errorf("took %v", took)
			}
			if why.Code != 4500 || why.By != ByServer {
				t.Errorf("Closed: got %+v", why)
			}
		})
}

func TestSocketThatTakesNothingIsClosed(t *testing.T) {
	bubble(t, Config{Limits: Limits{WriteTimeout: 5 * time.Second}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			_, conn := dial()
			began := time.Now()
			conn.Send(r.s.mustFrame(frame.Text, "stuck", frame.Must, ""))
			why := r.end(conn)
			if took := time.Since(began); took < 5*time.Second || took > 6*time.Second {
				t.Errorf("took %v", took)
			}
			if why.Code != codeResync || r.s.Stats().SlowCloses != 1 {
				t.Errorf("Closed: got %+v", why)
			}
		})
}

func TestFloodIsReadAtItsRate(t *testing.T) {
	a := &app{message: func(*Conn, *Message) {}}
	bubble(t, Config{Limits: Limits{FrameRate: 100, IdleTimeout: time.Minute}}, a,
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			for _, frame := range [][]byte{masked(0x81, []byte("flood")), masked(0x89, []byte("flood"))} {
				c, conn := dial()
				mute(c)
				began := time.Now()
				for range 1000 {
					_, _ = c.nc.Write(frame)
				}
				if took := time.Since(began); took < 8*time.Second || took > 12*time.Second {
					t.Errorf("1000 frames at 100 a second were read in %v", took)
				}
				if conn.Closing() {
					t.Error("the flooding conn was closed")
				}
				c.nc.Close()
			}
			if r.s.Stats().Throttled == 0 {
				t.Error("no wait was counted")
			}
		})
}

func TestBytesAreReadAtTheirRate(t *testing.T) {
	a := &app{message: func(*Conn, *Message) {}}
	bubble(t, Config{Limits: Limits{ByteRate: 100_000}}, a,
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			c, _ := dial()
			mute(c)
			began := time.Now()
			big := masked(0x82, make([]byte, 50_000))
			for range 20 {
				_, _ = c.nc.Write(big)
			}
			if took := time.Since(began); took < 8*time.Second || took > 12*time.Second {
				t.Errorf("1 MB at 100 kB a second was read in %v", took)
			}
		})
}

// TestClockStandsStillWhileTheProcessDoes: conns of a gateway that was frozen
// are not taken for silent ones.
func TestClockStandsStillWhileTheProcessDoes(t *testing.T) {
	if got := catchUp(time.Hour); got != maxJump {
		t.Errorf("ticks after an hour's freeze: got %d, want %d", got, maxJump)
	}
	if got := catchUp(tick + time.Millisecond); got != 1 {
		t.Errorf("ticks after one: got %d", got)
	}
	if got := catchUp(time.Millisecond); got != 1 {
		t.Errorf("a tick that came early: got %d", got)
	}
}
