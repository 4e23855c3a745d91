//go:build !race

// The race detector makes pools forget at random, and allocations larger.

package hub

import (
	"fmt"
	"runtime"
	"testing"
)

func TestSendsAllocateNothing(t *testing.T) {
	h := New(Config{})
	long := fmt.Sprintf("%064d", 1)
	conns := crowd(t, h, 1, 1000, long)
	for i, c := range conns {
		bind(t, h, c, fmt.Sprintf("user-with-a-rather-long-name-%d", i%500))
		if i%2 == 0 {
			join(t, h, c, "second")
		}
	}
	groups, users := list(long, "nowhere", "second"), list("user-with-a-rather-long-name-1", "x", "user-with-a-rather-long-name-2")
	few := []uint64{1, 2, 3}
	var many []uint64
	for id := range uint64(50) {
		many = append(many, id)
	}
	missed := 0
	miss := func([]byte) { missed++ }
	for name, send := range map[string]func(){
		"SendConn":               func() { h.SendConn(5, aFrame) },
		"SendConns":              func() { h.SendConns(many, aFrame, nil) },
		"SendUser":               func() { h.SendUser("user-with-a-rather-long-name-1", aFrame, few) },
		"SendGroup":              func() { h.SendGroup(long, aFrame, few) },
		"SendGroup, many exclud": func() { h.SendGroup(long, aFrame, many) },
		"SendGroups":             func() { groups.next = 0; h.SendGroups(groups, aFrame, few, miss) },
		"SendUsers":              func() { users.next = 0; h.SendUsers(users, aFrame, few, miss) },
		"SendAll":                func() { h.SendAll(aFrame, few) },
		"UserOnline":             func() { h.UserOnline(long); h.GroupLen(long); h.Find(3) },
	} {
		if n := testing.AllocsPerRun(100, send); n >= 1 {
			t.Errorf("%s allocates %.1f times", name, n)
		}
	}
}

// heap returns the bytes in use after f over those before.
func heap(f func()) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

// perConn returns what n conns cost the hub, each: names and indexes included,
// outlets not.
func perConn(n int, user bool, groups, groupSize int) float64 {
	h, out := New(Config{}), new(sink)
	bytes := heap(func() {
		for i := range n {
			c := NewConn(uint64(i)*0x9E3779B97F4A7C15, out)
			err := h.Add(c)
			if user && err == nil {
				_, err = h.Bind(c, fmt.Sprintf("user-%09d", i))
			}
			for g := 0; g < groups && err == nil; g++ {
				_, err = h.Join(c, fmt.Sprintf("group-%d-%d", g, i/groupSize))
			}
			if err != nil {
				panic(err)
			}
		}
	})
	runtime.KeepAlive(h)
	return bytes / float64(n)
}

func TestIdleConnInOneGroupCostsAtMost250Bytes(t *testing.T) {
	for _, n := range []int{15_000, 20_000, 30_000} { // maps are fuller or emptier by turns
		if bytes := perConn(n, false, 1, 100); bytes > 250 {
			t.Errorf("%d conns cost %.0f bytes each, want at most 250", n, bytes)
		}
	}
}

// Bytes per conn of the hub.
func BenchmarkMemory(b *testing.B) {
	for _, bc := range []struct {
		name              string
		user              bool
		groups, groupSize int
	}{
		{"bare", false, 0, 1},
		{"group-of-1000", false, 1, 1000},
		{"group-of-10", false, 1, 10},
		{"user", true, 0, 1},
		{"user-and-group-of-100", true, 1, 100},
		{"user-and-20-groups-of-100", true, 20, 100},
	} {
		b.Run(bc.name, func(b *testing.B) {
			sum, n := 0.0, 0
			for b.Loop() {
				sum += perConn(20_000, bc.user, bc.groups, bc.groupSize)
				n++
			}
			b.ReportMetric(sum/float64(n), "B/conn")
		})
	}
}
