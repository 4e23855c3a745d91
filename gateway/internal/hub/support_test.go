package hub

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// sink is an outlet that counts, and refuses when told to.
type sink struct {
	got    atomic.Int64
	soon   atomic.Int64 // of got: those that should not wait behind others
	refuse bool
	on     func(f *frame.Frame) // called first, if set
}

func (s *sink) Deliver(f *frame.Frame, soon bool) bool {
	if s.on != nil {
		s.on(f)
	}
	if s.refuse {
		return false
	}
	if soon {
		s.soon.Add(1)
	}
	s.got.Add(1)
	return true
}

func got(c *Conn) int { return int(c.Out().(*sink).got.Load()) }

// names is a Names over byte slices, as a command would yield them.
type names struct {
	list [][]byte
	next int
}

func (n *names) Next() ([]byte, bool) {
	if n.next == len(n.list) {
		return nil, false
	}
	n.next++
	return n.list[n.next-1], true
}

func list(list ...string) *names {
	n := new(names)
	for _, s := range list {
		n.list = append(n.list, []byte(s))
	}
	return n
}

var aFrame = new(frame.Frame)

// add puts a conn with a sink of its own into h.
func add(t testing.TB, h *Hub, id uint64) *Conn {
	t.Helper()
	c := NewConn(id, new(sink))
	if err := h.Add(c); err != nil {
		t.Fatalf("Add(%d): %v", id, err)
	}
	return c
}

func bind(t testing.TB, h *Hub, c *Conn, user string) uint64 {
	t.Helper()
	mark, err := h.Bind(c, user)
	if err != nil {
		t.Fatalf("Bind(%d, %q): %v", c.ID(), user, err)
	}
	return mark
}

func join(t testing.TB, h *Hub, c *Conn, group string) uint64 {
	t.Helper()
	mark, err := h.Join(c, group)
	if err != nil {
		t.Fatalf("Join(%d, %q): %v", c.ID(), group, err)
	}
	return mark
}

// crowd adds n conns, ids from first on, to h and to group.
func crowd(t testing.TB, h *Hub, first uint64, n int, group string) []*Conn {
	t.Helper()
	conns := make([]*Conn, n)
	for i := range conns {
		conns[i] = add(t, h, first+uint64(i))
		join(t, h, conns[i], group)
	}
	return conns
}

// random returns a source and makes a failure say how to get the same again.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// view is a subscriber that applies what it is told, and remembers each numbered
// delta.
type view struct {
	mu   sync.Mutex
	last uint64
	log  map[uint64]string
	keys [kinds]map[string]bool
	bad  []string
}

func newView() *view {
	v := &view{log: make(map[uint64]string)}
	for k := range v.keys {
		v.keys[k] = make(map[string]bool)
	}
	return v
}

func delta(kind Kind, name string, present bool) string {
	return fmt.Sprintf("%v %s %t", kind, name, present)
}

func (v *view) Delta(seq uint64, kind Kind, name string, present bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if seq != 0 {
		if v.last != 0 && seq != v.last+1 {
			v.bad = append(v.bad, fmt.Sprintf("delta %d came after %d", seq, v.last))
		}
		if present == v.keys[kind][name] && len(v.log) == int(seq)-1 { // only who has seen all of them can tell
			v.bad = append(v.bad, fmt.Sprintf("delta %d (%s) changes nothing", seq, delta(kind, name, present)))
		}
		v.last = seq
		v.log[seq] = delta(kind, name, present)
	}
	if present {
		v.keys[kind][name] = true
	} else {
		delete(v.keys[kind], name)
	}
}

func (v *view) said(seq uint64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.log[seq]
}

func (v *view) has(kind Kind, name string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.keys[kind][name]
}

// compare fails the test unless v knows exactly the keys that are present.
func (v *view) compare(t *testing.T, who string, h *Hub) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, bad := range v.bad {
		t.Errorf("%s: %s", who, bad)
	}
	for kind := range v.keys {
		truth := listNames(h, Kind(kind), nil, 1<<30, nil)
		for _, name := range truth {
			if !v.keys[kind][name] {
				t.Errorf("%s misses %v %s", who, Kind(kind), name)
			}
		}
		if len(truth) != len(v.keys[kind]) {
			t.Errorf("%s believes in %d %vs, %d are present", who, len(v.keys[kind]), Kind(kind), len(truth))
		}
	}
}
