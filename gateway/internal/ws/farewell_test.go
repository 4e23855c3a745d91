package ws

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// TestCloseIsAnsweredBehindWhatIsOwed is 7.1.1 for a handler that answers later than
// the peer closes, as one in another process does.
func TestCloseIsAnsweredBehindWhatIsOwed(t *testing.T) {
	for _, secure := range []bool{false, true} {
		said := make(chan string, 1)
		var r *rig
		r = startWith(t, Config{Limits: Limits{CloseWait: time.Minute}}, &app{
			message: func(_ *Conn, m *Message) { said <- string(m.Bytes()) },
			bye: func(_ context.Context, c *Conn) {
				c.Send(r.s.mustFrame(frame.Text, "reply to "+<-said, frame.Must, ""))
			},
		}, secure)
		c, conn := r.pair()
		c.write(string(masked(0x81, []byte("last words"))) + string(masked(0x88, []byte(closeBody(1000, "bye")))))
		c.expect(0x81, "reply to last words")
		c.expectClose(1000)
		c.expectEnd()
		if why := r.end(conn); why.By != ByClient || why.Reason != "bye" {
			t.Errorf("Closed: got %+v", why)
		}
	}
}

func TestCloseIsAnsweredAfterCloseWaitAtTheLatest(t *testing.T) {
	hold := func(ctx context.Context, _ *Conn) { <-ctx.Done() }
	bubble(t, Config{Limits: Limits{CloseWait: 3 * time.Second}}, &app{bye: hold}, func(t *testing.T, _ *rig, dial func() (*client, *Conn)) {
		c, conn := dial()
		c.send(0x88, closeBody(1000, ""))
		time.Sleep(3*time.Second - 1)
		synctest.Wait()
		if conn.Closing() {
			t.Fatal("closed while something was owed")
		}
		time.Sleep(time.Nanosecond)
		c.expectClose(1000)
	})
}

// The server may close, and a handler may panic, while something is owed.
func TestFarewellThatIsOvertaken(t *testing.T) {
	for name, bye := range map[string]func(*Conn){
		"closed":   func(c *Conn) { c.Close(4000, "come back", nil) },
		"killed":   func(c *Conn) { c.Kill() },
		"panicked": func(*Conn) { panic("on purpose") },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, Config{}, &app{bye: func(_ context.Context, c *Conn) { bye(c) }})
			c, conn := r.pair()
			c.send(0x88, closeBody(1000, ""))
			switch name {
			case "closed":
				c.expectClose(4000)
			case "panicked":
				c.expectClose(1011)
			}
			c.expectEnd()
			if why := r.end(conn); why.By == ByClient {
				t.Errorf("Closed: got %+v", why)
			}
		})
	}
}
