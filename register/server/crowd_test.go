package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"github.com/prometheus/client_golang/prometheus"
)

// A watcher that never reads must not cost more than its queue, nor hold up others.
func TestStalledWatcherIsCutAndOthersGoOn(t *testing.T) {
	metrics := prometheus.NewRegistry()
	r := registertest.Start(t, server.Config{Lease: 500 * time.Millisecond, Metrics: metrics})
	_ = watch(t, r.Addr()).Send(start("")) // and never receives
	good := watch(t, r.Addr())
	_ = good.Send(start(""))
	eventually(t, "both watch", func() bool { return value(t, metrics, "parley_register_watchers") == 2 })

	id := identity("gw-1")
	s, err := join(t, r.Addr(), id)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan uint64)
	go func() {
		defer close(told)
		for {
			m, err := good.Recv()
			if err != nil {
				return
			}
			for _, c := range m.GetChanges().GetChanges() {
				if p := c.GetPresent(); p != nil {
					told <- p.GetRevision()
				}
			}
		}
	}()
	// More than the windows of a stream hold.
	labels := map[string]string{}
	for i := range register.MaxLabels {
		labels[fmt.Sprint(i)] = strings.Repeat("x", 200)
	}
	m := register.Member{ID: id.Node, Role: id.Role, Boot: id.Boot, Labels: labels}
	for revision, deadline := uint64(1), time.Now().Add(15*time.Second); value(t, metrics, "parley_register_watchers_cut_total") == 0; revision++ {
		if time.Now().After(deadline) {
			t.Fatal("the stalled watcher is not cut")
		}
		if err := s.Send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Announce{Announce: &registerv1.Announce{Member: m.Proto(revision)}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
		for got := range told {
			if got == revision {
				break
			}
		}
	}
	eventually(t, "only the good one watches", func() bool { return value(t, metrics, "parley_register_watchers") == 1 })
	r.Stop(t)
	for range told {
	}
}

func TestTenThousandMembersInOneSnapshot(t *testing.T) {
	const members = 10_000
	r := registertest.Start(t, server.Config{Lease: time.Hour})
	client := dial(t, r.Addr())
	begun := time.Now()
	errs := make(chan error, 8)
	for part := range cap(errs) {
		go func() {
			for i := part; i < members; i += cap(errs) {
				id := identity(fmt.Sprint("gw-", i))
				s, err := client.Join(t.Context())
				if err == nil {
					_, err = handshake.Dial(joinSteps{s}, id, nil, 0, 0)
				}
				if err == nil {
					err = s.Send(announcement(id))
				}
				if err == nil {
					_, err = s.Recv()
				}
				if err == nil {
					err = s.CloseSend() // the lease runs on
				}
				if err != nil {
					errs <- err
					return
				}
				for err == nil {
					_, err = s.Recv()
				}
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d joined in %v", members, time.Since(begun))

	w := watch(t, r.Addr())
	_ = w.Send(start("gateway"))
	begun = time.Now()
	seen, parts := map[uint64]bool{}, 0
	for last := false; !last; parts++ {
		m, err := w.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range m.GetSnapshot().GetMembers() {
			seen[p.GetBoot()] = true
		}
		if b := m.GetSnapshot().GetState().GetBoot(); b != r.Server().Boot() {
			t.Fatalf("the snapshot is of boot %x, the register has %x", b, r.Server().Boot())
		}
		last = m.GetSnapshot().GetLast()
	}
	t.Logf("snapshot in %d parts in %v", parts, time.Since(begun))
	if len(seen) != members || parts < 3 {
		t.Errorf("got %d members in %d parts, want %d in several", len(seen), parts, members)
	}
	v := registertest.Client(t, "worker", "w-1", r).Watch("gateway")
	<-v.Ready()
	if n := len(v.Members()); n != members {
		t.Errorf("the client's view has %d members", n)
	}
}

// What waits for a watcher that was slow must not become one message that is larger
// than it can take: it would begin anew, be slow again, and never get there.
func TestManyLargeChangesComeInParts(t *testing.T) {
	const members = 280
	r := registertest.Start(t, server.Config{Lease: time.Minute})
	w := watch(t, r.Addr())
	_ = w.Send(start("gateway"))
	if m, err := w.Recv(); err != nil || !m.GetSnapshot().GetLast() {
		t.Fatalf("got %v, %v", m, err)
	}
	labels := map[string]string{}
	for i := range register.MaxLabels {
		labels[fmt.Sprintf("%0*d", register.MaxStringBytes, i)] = strings.Repeat("x", register.MaxStringBytes)
	}
	for i := range members { // and the watcher does not read
		id := identity(fmt.Sprint("gw-", i))
		s, err := join(t, r.Addr(), id)
		if err != nil {
			t.Fatal(err)
		}
		m := register.Member{ID: id.Node, Role: id.Role, Boot: id.Boot, Labels: labels}
		if err := s.Send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Announce{Announce: &registerv1.Announce{Member: m.Proto(1)}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
		_ = s.CloseSend()
	}
	seen := map[uint64]bool{}
	for len(seen) < members {
		m, err := w.Recv()
		if err != nil {
			t.Fatalf("after %d members: %v", len(seen), err)
		}
		for _, c := range m.GetChanges().GetChanges() {
			if boot := c.GetPresent().GetBoot(); seen[boot] {
				t.Fatalf("boot %x came twice", boot)
			} else {
				seen[boot] = true
			}
		}
	}
}
