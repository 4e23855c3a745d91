package hub

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// null is about the cheapest outlet: what is measured is the hub, and one look at
// the memory of each socket.
type null struct{ closed bool }

func (n *null) Deliver(*frame.Frame, bool) bool { return !n.closed }

// load adds n conns, each with an outlet of its own, as sockets are.
func load(b *testing.B, h *Hub, n int) []*Conn {
	b.Helper()
	conns := make([]*Conn, n)
	for i := range conns {
		conns[i] = NewConn(uint64(i+1)*0x9E3779B97F4A7C15, new(null))
		if err := h.Add(conns[i]); err != nil {
			b.Fatal(err)
		}
	}
	return conns
}

func perDelivery(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/conn")
}

func BenchmarkSendGroup(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		for _, exclude := range [][]uint64{nil, {1}} {
			b.Run(fmt.Sprintf("members=%d/exclude=%d", n, len(exclude)), func(b *testing.B) {
				h := New(Config{})
				for _, c := range load(b, h, n) {
					join(b, h, c, "a-group-of-some-name")
				}
				b.ReportAllocs()
				for b.Loop() {
					if t := h.SendGroup("a-group-of-some-name", aFrame, exclude); t.Hit != n {
						b.Fatal(t)
					}
				}
				perDelivery(b, n)
			})
		}
	}
}

// Two groups with the same members: every second one is a repeat.
func BenchmarkSendGroups(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			h := New(Config{})
			for _, c := range load(b, h, n) {
				join(b, h, c, "a")
				join(b, h, c, "b")
			}
			groups := list("a", "b")
			b.ReportAllocs()
			for b.Loop() {
				groups.next = 0
				if t := h.SendGroups(groups, aFrame, nil, nil); t.Hit != n {
					b.Fatal(t)
				}
			}
			perDelivery(b, n)
		})
	}
}

func BenchmarkSendUsers(b *testing.B) {
	for _, n := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			h := New(Config{})
			users := new(names)
			for i, c := range load(b, h, 20_000) {
				user := fmt.Sprintf("user-%09d", i)
				bind(b, h, c, user)
				if i%97 == 0 && len(users.list) < n {
					users.list = append(users.list, []byte(user))
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				users.next = 0
				if t := h.SendUsers(users, aFrame, nil, nil); t.Hit != n {
					b.Fatal(t)
				}
			}
			perDelivery(b, n)
		})
	}
}

func BenchmarkSendConn(b *testing.B) {
	h := New(Config{})
	conns := load(b, h, 20_000)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 1) % len(conns)
		h.SendConn(conns[i].ID(), aFrame)
	}
}

func BenchmarkSendAll(b *testing.B) {
	for _, n := range []int{1000, 20_000} {
		b.Run(fmt.Sprintf("conns=%d", n), func(b *testing.B) {
			h := New(Config{})
			load(b, h, n)
			b.ReportAllocs()
			for b.Loop() {
				h.SendAll(aFrame, nil)
			}
			perDelivery(b, n)
		})
	}
}

// One goroutine per processor sends to groups of ten.
func BenchmarkSendGroupParallel(b *testing.B) {
	h := New(Config{})
	groups := make([]string, 100)
	for i := range groups {
		groups[i] = fmt.Sprint("group-", i)
	}
	for i, c := range load(b, h, 1000) {
		join(b, h, c, groups[i%len(groups)])
	}
	var who atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(who.Add(37)); pb.Next(); i++ {
			h.SendGroup(groups[i%len(groups)], aFrame, nil)
		}
	})
}

func BenchmarkJoinLeave(b *testing.B) {
	for _, n := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprintf("others=%d", n), func(b *testing.B) {
			h := New(Config{})
			conns := load(b, h, n+1)
			for _, c := range conns[1:] {
				join(b, h, c, "group")
			}
			c := conns[0]
			b.ReportAllocs()
			for b.Loop() {
				join(b, h, c, "group")
				h.Leave(c, "group")
			}
		})
	}
}

// One membership more for a conn that has the most there may be.
func BenchmarkJoinLeaveWith4095Groups(b *testing.B) {
	h := New(Config{})
	c := load(b, h, 1)[0]
	for i := range DefaultMaxGroupsPerConn - 1 {
		join(b, h, c, fmt.Sprint("group-", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		join(b, h, c, "one more")
		h.Leave(c, "one more")
	}
}

// One operation is a gateway filling up: 100,000 conns are added and bound.
func BenchmarkBind100k(b *testing.B) {
	users := make([]string, 100_000)
	for i := range users {
		users[i] = fmt.Sprintf("user-%09d", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		h := New(Config{})
		for i, c := range load(b, h, len(users)) {
			bind(b, h, c, users[i])
		}
	}
	perDelivery(b, len(users))
}

func BenchmarkAddRemove(b *testing.B) {
	h := New(Config{})
	conns := load(b, h, 20_000)
	for i, c := range conns {
		bind(b, h, c, fmt.Sprint("user-", i))
		join(b, h, c, fmt.Sprint("group-", i/100))
	}
	id, out := uint64(1), new(null)
	b.ReportAllocs()
	for b.Loop() {
		id++
		c := NewConn(id, out)
		if err := h.Add(c); err != nil {
			b.Fatal(err)
		}
		bind(b, h, c, "somebody")
		join(b, h, c, "group-7")
		h.Remove(c)
	}
}

// What it costs a send to everybody to leave out users of two conns each.
func BenchmarkSendAllExceptUsers(b *testing.B) {
	for _, n := range []int{0, 1, 256} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			h := New(Config{})
			var users [][]byte
			for i, c := range load(b, h, 20_000) {
				user := fmt.Sprintf("user-%09d", i/2)
				bind(b, h, c, user)
				if i%2 == 0 && len(users) < n {
					users = append(users, []byte(user))
				}
			}
			var exclude []uint64
			b.ReportAllocs()
			for b.Loop() {
				exclude = exclude[:0]
				for _, user := range users {
					exclude = h.AppendUserConns(exclude, user)
				}
				if t := h.SendAll(aFrame, exclude); t.Hit != 20_000-2*n {
					b.Fatal(t)
				}
			}
			perDelivery(b, 20_000)
		})
	}
}
