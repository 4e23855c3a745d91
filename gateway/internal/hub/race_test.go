package hub

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// rounds is how often a race is run: each is a few microseconds long.
func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// together starts all of them at once and waits for the last.
func together(fs ...func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, f := range fs {
		wg.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	wg.Wait()
}

func TestRemoveRacingEverythingLeavesNoGhost(t *testing.T) {
	h := New(Config{})
	v := newView()
	h.Subscribe(v)
	for round := range rounds(3000) {
		c := add(t, h, uint64(round))
		allowed := func(err error) {
			if err != nil && !errors.Is(err, ErrGone) {
				t.Error(err)
			}
		}
		remove := func() {
			h.Remove(c)
			if h.Find(c.ID()) != nil {
				t.Error("Remove returned before another was done")
			}
		}
		together(
			remove,
			remove,
			func() {
				_, err := h.Bind(c, "u")
				allowed(err)
				_, err = h.Bind(c, "v")
				allowed(err)
			},
			func() {
				_, err := h.Join(c, "g")
				allowed(err)
				h.Leave(c, "g")
				_, err = h.Join(c, "g")
				allowed(err)
			},
			func() { h.SendGroup("g", aFrame, nil); h.SendUser("u", aFrame, nil); h.SendAll(aFrame, nil) },
			func() { h.Ungroup("g"); h.Unbind(c, "u") },
		)
		if h.Len() != 0 || h.UserCount() != 0 || h.GroupCount() != 0 || c.User() != "" || c.Groups() != nil {
			t.Fatalf("round %d: left %d conns, %d users, %d groups; conn says %q %v",
				round, h.Len(), h.UserCount(), h.GroupCount(), c.User(), c.Groups())
		}
	}
	v.compare(t, "view", h)
	check(t, h)
}

func TestNothingArrivesAfterLeaveOrRemoveReturned(t *testing.T) {
	h := New(Config{})
	crowd(t, h, 1_000_000, 3*chunkLen, "g")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					h.SendGroups(list("g", "h"), aFrame, nil, nil)
					h.SendUser("u", aFrame, nil)
					runtime.Gosched()
				}
			}
		})
	}
	for id := range uint64(rounds(3000)) {
		var out atomic.Bool
		c := NewConn(id, &sink{on: func(*frame.Frame) {
			if out.Load() {
				t.Error("a frame came after the answer")
			}
		}})
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
		switch id % 3 {
		case 0:
			join(t, h, c, "g")
			h.Leave(c, "g")
		case 1:
			bind(t, h, c, "u")
			h.Unbind(c, "u")
		case 2:
			join(t, h, c, "g")
			join(t, h, c, "h")
			bind(t, h, c, "u")
			h.Remove(c)
		}
		out.Store(true)
		h.Remove(c)
	}
	close(stop)
	wg.Wait()
	check(t, h)
}

func TestWhoStaysGetsEachBlastOnceWhileOthersComeAndGo(t *testing.T) {
	h := New(Config{})
	var steady []*Conn
	var movers [][]*Conn
	for i := range 4 {
		var mine []*Conn
		for _, c := range crowd(t, h, uint64(1+i*1000), 400, "g") {
			if c.ID()%3 == 0 {
				mine = append(mine, c)
			} else {
				steady = append(steady, c)
				if c.ID()%2 == 0 {
					join(t, h, c, "h")
				}
			}
		}
		movers = append(movers, mine)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i, mine := range movers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			next := uint64(i+1) << 32
			for {
				select {
				case <-stop:
					return
				default:
					runtime.Gosched() // with one processor the blasts would wait long
				}
				k := rnd.IntN(len(mine))
				switch rnd.IntN(3) {
				case 0:
					h.Leave(mine[k], "g")
				case 1:
					if _, err := h.Join(mine[k], "g"); err != nil {
						t.Error(err)
					}
				case 2: // a new conn takes the places of an old one
					h.Remove(mine[k])
					c := NewConn(next, new(sink))
					next++
					if err := h.Add(c); err != nil {
						t.Error(err)
					}
					mine[k] = c
				}
			}
		})
	}
	n := rounds(300)
	sends := []func(){
		func() { h.SendGroup("g", aFrame, []uint64{1, 2}) },
		func() { h.SendGroups(list("g", "h", "g"), aFrame, []uint64{1, 2}, nil) },
		func() { h.SendGroups(list("h", "g"), aFrame, []uint64{1, 2, 0, 0, 0, 0, 0, 0, 0, 0}, nil) },
		func() { h.SendAll(aFrame, []uint64{1, 2}) },
	}
	var senders []func()
	for _, send := range sends {
		senders = append(senders, func() {
			for range n {
				send()
			}
		})
	}
	together(senders...)
	close(stop)
	wg.Wait()
	for _, c := range steady {
		want := n * len(sends)
		if c.ID() <= 2 {
			want = 0
		}
		if got(c) != want {
			t.Fatalf("conn %d got %d frames, want %d", c.ID(), got(c), want)
		}
	}
	check(t, h)
}

func TestQueriesBesideChanges(t *testing.T) {
	h := New(Config{})
	stay := crowd(t, h, 1, 100, "g")
	for _, c := range stay {
		bind(t, h, c, fmt.Sprint("u", c.ID()))
	}
	change := func() {
		for id := range uint64(rounds(2000)) {
			c := NewConn(1000+id, new(sink))
			if err := h.Add(c); err != nil {
				t.Error(err)
			}
			if _, err := h.Join(c, "g"); err != nil {
				t.Error(err)
			}
			if _, err := h.Bind(c, "u1"); err != nil {
				t.Error(err)
			}
			h.Remove(c)
		}
	}
	query := func() {
		for range rounds(300) {
			n := 0
			for _, id := range listConns(h, []string{"g"}, 30, nil) {
				if id <= 100 {
					n++
				}
			}
			if n != 100 {
				t.Errorf("listed %d of those who stay, want 100", n)
			}
			n = 0
			h.EachConn(func(c *Conn) bool {
				if c.ID() <= 100 {
					n++
				}
				return true
			})
			if n != 100 {
				t.Errorf("met %d of those who stay, want 100", n)
			}
			if users := listNames(h, User, nil, 1000, nil); len(users) != 100 {
				t.Errorf("users: %d, want 100", len(users))
			}
			if h.GroupLen("g") < 100 || !h.UserOnline("u1") || len(h.UserConns("u1")) < 1 || h.Find(5) != stay[4] || stay[0].User() != "u1" {
				t.Error("a query missed one who stays")
			}
		}
	}
	together(change, query)
	check(t, h)
}
