package ws

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// stall has the pump of conn stand in a write that the client does not take.
func stall(r *rig, conn *Conn) {
	conn.Send(r.s.mustFrame(frame.Text, "stalled", frame.Must, ""))
	synctest.Wait()
}

func TestFullQueueDropsByClassThenCloses(t *testing.T) {
	const room = 20 * (100 + 2 + frame.Overhead)
	bubble(t, Config{Limits: Limits{QueueBytes: room}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			c, conn := dial()
			stall(r, conn)
			send := func(class frame.Class, key, body string) bool {
				return conn.Send(r.s.mustFrame(frame.Text, body+strings.Repeat(".", 100-len(body)), class, key))
			}
			for i := range 5 {
				if !send(frame.Droppable, "", fmt.Sprint("typing", i)) {
					t.Fatal("dropped although there was room")
				}
			}
			if !send(frame.Merge, "liubei", "online") || !send(frame.Merge, "guanyu", "online") {
				t.Fatal("refused although there was room")
			}
			n := 0
			for ; conn.Queued()+100+2+frame.Overhead <= room; n++ {
				if !send(frame.Must, "", fmt.Sprint("message", n)) {
					t.Fatal("refused although there was room")
				}
			}
			if send(frame.Droppable, "", "typing on") {
				t.Error("a full queue took a droppable frame")
			}
			if !send(frame.Merge, "liubei", "away") {
				t.Error("a full queue did not take the newer of two Merge frames")
			}
			if conn.Queued() > room {
				t.Errorf("queued: %d of %d", conn.Queued(), room)
			}
			for i := range 5 { // each fits where something droppable was
				if !send(frame.Must, "", fmt.Sprint("more", i)) {
					t.Errorf("must frame %d was refused although droppable ones waited", i)
				}
			}
			st := r.s.Stats()
			if st.DroppedDroppable != 6 || st.Merged != 1 || st.SlowCloses != 0 {
				t.Errorf("stats: %+v", st)
			}
			// Read what waits: in order, the merged one in its old place.
			c.expect(0x81, "stalled")
			for i, want := range []string{"away", "online"} {
				if f := c.next(); !strings.HasPrefix(string(f.payload), want) {
					t.Errorf("frame %d: got %v, want %s", i, f, want)
				}
			}
			for i := range n {
				if f := c.next(); !strings.HasPrefix(string(f.payload), fmt.Sprintf("message%d.", i)) {
					t.Errorf("message %d: got %v", i, f)
				}
			}
			for i := range 5 {
				if f := c.next(); !strings.HasPrefix(string(f.payload), fmt.Sprintf("more%d.", i)) {
					t.Errorf("more %d: got %v", i, f)
				}
			}

			stall(r, conn)
			for send(frame.Must, "", "flood") {
			}
			if !conn.Closing() {
				t.Fatal("a conn with a full queue goes on")
			}
			if got := conn.Queued(); got > 1000 {
				t.Errorf("the queue of a slow conn was kept: %d bytes", got)
			}
			c.expect(0x81, "stalled") // the one under way, whole
			c.expectClose(codeResync)
			c.send(0x88, closeBody(codeResync, ""))
			if why := r.end(conn); why.Code != codeResync || why.By != ByServer {
				t.Errorf("Closed: got %+v", why)
			}
			if st := r.s.Stats(); st.SlowCloses != 1 || st.DroppedMust < 15 {
				t.Errorf("stats: %+v", st)
			}
		})
}

func TestMergeLeavesAFrameAloneThatIsBeingWritten(t *testing.T) {
	bubble(t, Config{}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		c, conn := dial()
		conn.Send(r.s.mustFrame(frame.Text, "one", frame.Merge, "k"))
		synctest.Wait()
		c.nc.Read(make([]byte, 1)) // half of it has left
		conn.Send(r.s.mustFrame(frame.Text, "twotwo", frame.Merge, "k"))
		conn.Send(r.s.mustFrame(frame.Text, "three", frame.Merge, "k"))
		rest := make([]byte, 4)
		c.nc.Read(rest)
		if string(rest) != "\x03one" {
			t.Errorf("the rest of the first frame: got %q", rest)
		}
		c.expect(0x81, "three")
		if got := r.s.Stats().Merged; got != 1 {
			t.Errorf("merged: got %d, want 1", got)
		}
	})
}

// TestMergedFramesThatGrowAreBounded replaces small frames by large ones: the
// queue's bound holds for what is merged as well.
func TestMergedFramesThatGrowAreBounded(t *testing.T) {
	const small, large, room = 10, 1000, 20 * (1000 + 4 + frame.Overhead)
	bubble(t, Config{Limits: Limits{QueueBytes: room}}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			_, conn := dial()
			stall(r, conn)
			send := func(class frame.Class, i, size int) bool {
				return conn.Send(r.s.mustFrame(frame.Text, strings.Repeat(".", size), class, fmt.Sprint(i)))
			}
			for i := range 100 {
				if !send(frame.Merge, i, small) {
					t.Fatal("refused although there was room")
				}
			}
			for range 2 {
				send(frame.Droppable, 0, large)
			}
			taken := 0
			for taken < 100 && send(frame.Merge, taken, large) {
				taken++
				if conn.Queued() > room {
					t.Fatalf("queued: %d of %d", conn.Queued(), room)
				}
			}
			if taken < 5 || taken == 100 || !conn.Closing() {
				t.Errorf("%d frames grew, closing: %v", taken, conn.Closing())
			}
			if st := r.s.Stats(); st.DroppedDroppable != 2 || st.SlowCloses != 1 {
				t.Errorf("stats: %+v", st)
			}
		})
}

func TestPingFloodOfAClientThatDoesNotReadIsBounded(t *testing.T) {
	bubble(t, Config{Limits: Limits{FrameRate: -1}}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		c, conn := dial()
		for i := range 10_000 {
			c.send(0x89, fmt.Sprint(i))
			if i == 0 {
				synctest.Wait() // its pong stands in a write
			}
		}
		synctest.Wait()
		one := frame.Overhead + 2 + len("9999")
		if got := conn.Queued(); got > pongRoom+2*one {
			t.Errorf("queued: %d bytes", got)
		}
		n := 0
		for ; n < pongRoom/one; n++ { // each has its pong, until that is too much
			c.expect(0x8a, fmt.Sprint(n))
		}
		for last := ""; last != "9999"; n++ {
			f := c.next()
			if f.first != 0x8a || n > 2*pongRoom/one {
				t.Fatalf("frame %d: got %v", n, f)
			}
			last = string(f.payload)
		}
	})
}

func TestFrameBiggerThanTheBoundGoesThroughAnEmptyQueue(t *testing.T) {
	bubble(t, Config{Limits: Limits{QueueBytes: 1000}}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		c, conn := dial()
		big := strings.Repeat("x", 100_000)
		if !conn.Send(r.s.mustFrame(frame.Text, big, frame.Must, "")) {
			t.Fatal("refused")
		}
		c.expect(0x81, big)
	})
}

func TestQueueShrinksWhenItIsEmpty(t *testing.T) {
	bubble(t, Config{Limits: Limits{PingInterval: time.Second}}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		c, conn := dial()
		for i := range 100 {
			conn.Send(r.s.mustFrame(frame.Text, fmt.Sprint(i), frame.Must, ""))
		}
		for i := range 100 {
			c.expect(0x81, fmt.Sprint(i))
		}
		mute(c)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		conn.mu.Lock()
		defer conn.mu.Unlock()
		if got := len(conn.q.ring); got > 2 {
			t.Errorf("places in an empty queue: got %d", got)
		}
	})
}

func TestSumOfAllQueuesIsBounded(t *testing.T) {
	const limit = 1 << 20
	bubble(t, Config{Limits: Limits{QueueSum: limit, QueueBytes: 512 << 10}, Flushers: 2}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			var greedy, modest []*Conn
			for i := range 20 {
				_, conn := dial()
				stall(r, conn)
				if i%4 == 0 {
					greedy = append(greedy, conn)
				} else {
					modest = append(modest, conn)
				}
			}
			body := strings.Repeat("x", 1000)
			for range 20 {
				for _, conn := range modest {
					conn.Send(r.s.mustFrame(frame.Text, body, frame.Must, ""))
				}
			}
			for range 350 {
				for _, conn := range greedy {
					conn.Send(r.s.mustFrame(frame.Text, body, frame.Must, ""))
				}
				synctest.Wait()
				if got := r.s.Stats().QueuedBytes; got > limit*5/4 {
					t.Fatalf("queued: %d of %d", got, limit)
				}
			}
			closed := 0
			for _, conn := range greedy {
				if conn.Closing() {
					closed++
				}
			}
			for _, conn := range modest {
				if conn.Closing() {
					t.Error("a conn below its share was closed")
				}
			}
			if st := r.s.Stats(); closed == 0 || st.SumCloses != uint64(closed) {
				t.Errorf("closed %d of the greedy, stats %+v", closed, st)
			}
		})
}

func TestSharedFramesCountOnceForTheSum(t *testing.T) {
	const limit = 1 << 20
	bubble(t, Config{Limits: Limits{QueueSum: limit, QueueBytes: 512 << 10}, Flushers: 2}, &app{},
		func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
			var conns []*Conn
			for range 50 {
				_, conn := dial()
				stall(r, conn)
				conns = append(conns, conn)
			}
			for range 4 { // 4 blasts of 60 KB: 240 KB once, 12 MB counted per conn
				blast := r.s.mustFrame(frame.Text, strings.Repeat("x", 60_000), frame.Must, "")
				for _, conn := range conns {
					if !conn.Send(blast) {
						t.Fatal("a blast to many was refused")
					}
				}
				time.Sleep(tick)
				synctest.Wait()
			}
			for _, conn := range conns {
				if conn.Closing() {
					t.Fatal("a conn was closed for memory that is not used")
				}
			}
			if got := r.s.Stats().QueuedBytes; got < 5*limit {
				t.Errorf("the test does not reach the limit: %d", got)
			}
		})
}

func TestMessagesHalfReadAreBoundedInSum(t *testing.T) {
	bubble(t, Config{Limits: Limits{InboundSum: 100_000}}, &app{}, func(t *testing.T, r *rig, dial func() (*client, *Conn)) {
		half := masked(0x82, make([]byte, 40_000))[:30_000]
		_, small := dial()
		var clients []*client
		var conns []*Conn
		for range 3 {
			c, conn := dial()
			mute(c)
			c.write(string(half))
			synctest.Wait()
			clients, conns = append(clients, c), append(conns, conn)
		}
		if why := r.end(conns[2]); why.Code != codeTryLater || why.By != ByError {
			t.Errorf("Closed: got %+v", why)
		}
		if conns[0].Closing() || conns[1].Closing() || small.Closing() {
			t.Error("another conn was closed")
		}
		clients[0].write(string(make([]byte, 10_000+8)))
		synctest.Wait()
		if got := r.s.Stats().InboundBytes; got != 40_000 {
			t.Errorf("held: got %d, want 40000", got)
		}
	})
}

func TestSendAfterTheEndSaysNo(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := startWith(t, Config{}, &app{}, secure)
		_, conn := r.pair()
		conn.Kill()
		f := r.s.mustFrame(frame.Text, "x", frame.Must, "")
		if conn.Send(f) || conn.SendSoon(f) || !conn.Closing() {
			t.Error("a dead conn takes frames")
		}
		if why := r.end(conn); why.Code != codeLost || why.By != ByServer {
			t.Errorf("Closed: got %+v", why)
		}
		conn.Close(1000, "", nil)
		conn.Kill()
	}
}
