package link_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

func TestWhoDoesNotFitIsRefusedInOneLine(t *testing.T) {
	attach, _ := record.AppendAttach(nil, nil)
	for _, test := range []struct {
		name   string
		script script
		want   string // in the one line that is logged
	}{
		{"another cluster", script{identity: func(id *handshake.Identity) { id.Cluster = "other" }}, "wrong cluster"},
		{"another major", script{identity: func(id *handshake.Identity) { id.Major = 2 }}, "incompatible version"},
		{"another secret", script{secret: "no secret of the tests"}, "wrong secret"},
		{"another boot", script{expect: 7}, "not the process that was meant"},
		{"no attach", script{first: record.AppendDraining(nil)}, "must be one Attach"},
		{"an empty batch", script{first: []byte{}}, "must be one Attach"},
		{"attach not alone", script{first: record.AppendDraining(attach)}, "alone"},
		{"attach and rubbish", script{first: append(attach[:len(attach):len(attach)], 1, 2, 3)}, "alone"},
		{"attach twice", script{first: append(attach[:len(attach):len(attach)], attach...)}, "alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			if _, err := r.tryAttach(test.script); err == nil {
				t.Error("the worker was let in")
			}
			r.stat("refused streams", &r.link.Stats().RefusedAttaches, 1)
			eventually(t, "the line", func() bool { return len(r.log.with("refused a stream")) > 0 })
			lines := r.log.with("WARN")
			if len(lines) != 1 || !strings.Contains(lines[0], test.want) || strings.Contains(lines[0], "\n") {
				t.Errorf("logged %q: want one line with %q", lines, test.want)
			}
			if n := r.link.Stats().Attaches.Load(); n != 0 || r.link.Serving() != 0 {
				t.Errorf("attached %d, serving %d: want none", n, r.link.Serving())
			}
		})
	}
}

func TestAttachedIsFirstThenSnapshotThenEvents(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{User: "liubei", Groups: []string{"shu"}}})
	c := r.enter()
	a.end()
	c.text("held until b comes")
	eventually(t, "an event without a worker", func() bool { return r.link.Unacked() == 1 })

	b := r.attach(script{node: "b"})
	b.message("held until b comes")
	b.look(func() {
		want := []record.Kind{record.KindAttached, record.KindSnapshotBegin, record.KindDelta, record.KindDelta, record.KindSnapshotEnd, record.KindContext, record.KindMessage}
		if len(b.kinds) < len(want) {
			t.Fatalf("records: got %v, want %v", b.kinds, want)
		}
		for i, k := range want {
			if b.kinds[i] != k {
				t.Fatalf("records: got %v, want %v", b.kinds, want)
			}
		}
		if !b.routes["user liubei"] || !b.routes["group shu"] || len(b.routes) != 2 {
			t.Errorf("routes: got %v", b.routes)
		}
	})
	if a := b.attached; a.GetRouteLeaseMs() != 800 || a.GetMaxFrameBytes() != 64<<10 || a.GetMaxSessionBytes() != 16<<10 || a.GetLastCommand() != 0 {
		t.Errorf("attached: got %v", a)
	}
}

func TestAttachIsWaitedForOnlySoLong(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	t.Parallel()
	r := newRig(t)
	if _, err := r.tryAttach(script{mum: true}); err == nil {
		t.Fatal("who says nothing was taken for attached")
	}
	eventually(t, "the refusal", func() bool { return len(r.log.with("not attached within")) == 1 })
}

func TestSameBootTwiceEndsTheOldStreamFirst(t *testing.T) {
	alive := make(chan bool, 100)
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) {
		c.OnLink = func(_ uint64, up bool) { alive <- up }
	})
	boot := handshake.NewBoot()
	old := r.attach(script{node: "a", boot: boot})
	n := old.command(query(&gatewayv1.Query{Counts: true}))
	old.result(n)
	young := r.attach(script{node: "a", boot: boot})
	<-old.over
	if got := young.attached.GetLastCommand(); got != n {
		t.Errorf("last command: got %d, want %d", got, n)
	}
	// What the old stream still says is not applied behind the new one's back.
	old.resend(n+1, query(&gatewayv1.Query{Counts: true}))
	young.look(func() { young.n = n })
	young.result(young.command(query(&gatewayv1.Query{Counts: true})))
	eventually(t, "the last word about the link", func() bool { return len(alive) >= 3 })
	var last bool
	for len(alive) > 0 {
		last = <-alive
	}
	if !last {
		t.Error("the directory was told at last that the link is dead, and it lives")
	}
	if got := len(r.link.Attached()); got != 1 {
		t.Errorf("attached: got %d, want 1", got)
	}
}

// A worker whose network comes and goes dials again and again; each stream
// waits for the end of the one before.
func TestManyRedialsLeaveOneStream(t *testing.T) {
	r := newRig(t)
	boot := handshake.NewBoot()
	var workers []*worker
	for range 20 {
		w, err := r.tryAttach(script{boot: boot})
		if err != nil {
			t.Fatal(err)
		}
		workers = append(workers, w)
	}
	for _, w := range workers[:19] {
		<-w.over
	}
	last := workers[19]
	last.result(last.command(query(&gatewayv1.Query{Counts: true})))
	if got := len(r.link.Attached()); got != 1 {
		t.Errorf("attached: got %d, want 1", got)
	}
}

func TestLeavingIsTold(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	r.link.Leave()
	a.until("leaving", func() bool { return a.leaving == 1 })
	b := r.attach(script{node: "b"})
	b.until("leaving", func() bool { return b.leaving == 1 })
	// Events go on.
	c := r.enter()
	c.text("still here")
	select {
	case <-a.events:
	case <-b.events:
	case <-time.After(patience):
		t.Fatal("no event while the gateway leaves")
	}
}
