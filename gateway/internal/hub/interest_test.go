package hub

import (
	"fmt"
	"testing"
)

func snapshot(h *Hub, s Subscriber) {
	for i := range h.SnapshotShards() {
		h.Snapshot(s, i)
	}
}

func TestOnlyFirstAndLastAreTold(t *testing.T) {
	h := New(Config{})
	v := newView()
	if seq := h.Subscribe(v); seq != 0 {
		t.Errorf("Subscribe to a fresh hub: got %d, want 0", seq)
	}
	conns := crowd(t, h, 1, 100, "g")
	if h.Seq() != 1 || v.said(1) != delta(Group, "g", true) {
		t.Errorf("after 100 joins: Seq %d, first delta %q", h.Seq(), v.said(1))
	}
	for _, c := range conns[1:] {
		h.Leave(c, "g")
	}
	if h.Seq() != 1 {
		t.Errorf("while one stays: Seq %d, want 1", h.Seq())
	}
	h.Remove(conns[0])
	if h.Seq() != 2 || v.said(2) != delta(Group, "g", false) {
		t.Errorf("after the last: Seq %d, delta %q", h.Seq(), v.said(2))
	}
	v.compare(t, "view", h)
}

func TestSnapshotTellsWhatWasThere(t *testing.T) {
	h := New(Config{})
	for id := range uint64(500) {
		c := add(t, h, id)
		bind(t, h, c, fmt.Sprint("u", id))
		join(t, h, c, fmt.Sprint("g", id%50))
	}
	v := newView()
	if seq := h.Subscribe(v); seq != 550 {
		t.Errorf("Subscribe: got %d, want 550", seq)
	}
	snapshot(h, v)
	v.compare(t, "after the snapshot", h)
	snapshot(h, v)
	v.compare(t, "after a second snapshot", h)
	if len(v.log) != 0 {
		t.Errorf("a snapshot sent %d numbered deltas", len(v.log))
	}
	h.Remove(h.Find(7))
	if v.said(551) != delta(User, "u7", false) {
		t.Errorf("first delta after Subscribe: %q", v.said(551))
	}
	v.compare(t, "after a delta", h)
}

func TestSubscribingTwiceTellsOnce(t *testing.T) {
	h := New(Config{})
	v := newView()
	h.Subscribe(v)
	h.Subscribe(v)
	c := add(t, h, 1)
	bind(t, h, c, "u")
	v.compare(t, "view", h) // complains of a delta that came twice
	h.Unsubscribe(v)
	h.Unsubscribe(v)
	h.Remove(c)
	if h.Seq() != 2 || v.said(2) != "" {
		t.Errorf("after Unsubscribe: Seq %d, told %q", h.Seq(), v.said(2))
	}
}

func TestKindsHaveNames(t *testing.T) {
	if s := fmt.Sprint(User, Group, Kind(9)); s != "user group unknown" {
		t.Error(s)
	}
}
