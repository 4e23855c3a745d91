package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
)

const second = time.Second

func testTable(change func(*Config)) *table {
	c := Config{}
	if change != nil {
		change(&c)
	}
	return newTable(c.withDefaults())
}

func testMember(boot, revision uint64) *registerv1.Member {
	return &registerv1.Member{Id: fmt.Sprint("gw-", boot), Role: "gateway", Boot: boot, Revision: revision}
}

func newHolder() *holder { return &holder{taken: make(chan struct{})} }

// pass lets time pass for a table in the steps of the server.
func pass(t *table, from, to time.Duration) {
	for now := from; now < to; {
		now = min(now+t.lease/10, to)
		t.observe(now)
		t.sweep(now)
	}
}

func boots(t *table) (all []uint64) {
	for b := range t.leases {
		all = append(all, b)
	}
	slices.Sort(all)
	return all
}

// taken is what a watcher would be sent now, as text.
func taken(w *watcher) string {
	var all []string
	changes, _ := w.take(1 << 30)
	for _, c := range changes {
		if m := c.GetPresent(); m != nil {
			all = append(all, fmt.Sprintf("present %d/%d load %d", m.GetBoot(), m.GetRevision(), m.GetLoad()))
		} else {
			e := c.GetEnded()
			all = append(all, fmt.Sprintf("%s %d/%d", strings.ToLower(strings.TrimPrefix(e.GetReason().String(), "REASON_")), e.GetBoot(), e.GetRevision()))
		}
	}
	return strings.Join(all, ", ")
}

func roused(w *watcher) bool {
	select {
	case <-w.wake:
		return true
	default:
		return false
	}
}

func TestLeaseIsRenewedByBeatsAndEndsWithoutThem(t *testing.T) {
	tab, h := testTable(nil), newHolder()
	if err := tab.announce(testMember(1, 1), h, 0); err != nil {
		t.Fatal(err)
	}
	for now := time.Duration(0); now < 20*second; now += second {
		if !tab.beat(1, h, 0, 1, now) {
			t.Fatalf("at %v the beat found no lease", now)
		}
		pass(tab, now, now+second)
	}
	pass(tab, 20*second, 22*second-1)
	if len(tab.leases) != 1 {
		t.Error("the lease ended before its time")
	}
	pass(tab, 22*second-1, 22*second)
	if len(tab.leases) != 0 || tab.counts.expired != 1 {
		t.Errorf("after a lease of silence: %v, counted %+v", boots(tab), tab.counts)
	}
	if tab.beat(1, h, 0, 1, 22*second) {
		t.Error("a beat renewed a lease that is over")
	}
}

func TestPauseOfTheRegisterEndsNoLease(t *testing.T) {
	tab := testTable(nil)
	_ = tab.announce(testMember(1, 1), newHolder(), 0)
	pass(tab, 0, 2*second)
	if tab.isSettled(2 * second) {
		t.Error("settled before a lease")
	}
	pass(tab, 2*second, 2500*time.Millisecond)
	now := time.Hour // the process was stopped
	if paused := tab.observe(now); paused < 50*time.Minute {
		t.Errorf("the pause was not noticed: %v", paused)
	}
	tab.sweep(now)
	if len(tab.leases) != 1 || tab.isSettled(now) {
		t.Errorf("after the pause: %v, settled %v; want one lease, not settled", boots(tab), tab.isSettled(now))
	}
	pass(tab, now, now+3*second)
	if len(tab.leases) != 0 || !tab.isSettled(now+3*second) {
		t.Errorf("a lease after the pause: %v, settled %v", boots(tab), tab.isSettled(now+3*second))
	}
	if tab.counts.pauses != 1 {
		t.Errorf("counted %d pauses", tab.counts.pauses)
	}
}

func TestNewerStreamTakesTheLeaseOver(t *testing.T) {
	tab, old, young := testTable(nil), newHolder(), newHolder()
	_ = tab.announce(testMember(1, 3), old, 0)
	_ = tab.announce(testMember(1, 3), young, second)
	select {
	case <-old.taken:
	default:
		t.Error("the old stream is not told")
	}
	if tab.beat(1, old, 0, 9, second) {
		t.Error("the old stream still renews the lease")
	}
	if !tab.beat(1, young, 7, 4, second) || tab.leases[1].account.GetLoad() != 7 {
		t.Error("the young stream does not hold the lease")
	}
	_ = tab.announce(testMember(1, 2), young, second)
	if got := tab.leases[1].account.GetRevision(); got != 4 {
		t.Errorf("an old account replaced a newer one: revision %d", got)
	}
}

func TestWatcherGetsOneChangePerMemberTheLatest(t *testing.T) {
	tab, h, w := testTable(nil), newHolder(), newWatcher("gateway")
	_ = tab.announce(testMember(1, 1), h, 0)
	all, err := tab.watch(w)
	if err != nil || len(all) != 1 {
		t.Fatalf("snapshot: %v, %v", all, err)
	}
	tab.beat(1, h, 5, 2, 0)
	if roused(w) {
		t.Error("a change of load does not wait for the beat")
	}
	tab.beat(1, h, 6, 3, 0)
	_ = tab.announce(testMember(2, 1), newHolder(), 0)
	if !roused(w) {
		t.Error("a member came and the watcher is not told at once")
	}
	other := testMember(3, 1)
	other.Role = "worker"
	_ = tab.announce(other, newHolder(), 0)
	if got, want := taken(w), "present 1/3 load 6, present 2/1 load 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	tab.leave("gateway", 1, 4)
	tab.leave("gateway", 9, 4)
	pass(tab, 0, 3*second)
	if got, want := taken(w), "left 1/4, left 9/4, expired 2/0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := taken(w); got != "" {
		t.Errorf("told twice: %q", got)
	}
	if all[0].GetLoad() != 0 {
		t.Error("the snapshot changed after it was taken")
	}
}

func TestLeaveOlderThanTheLeaseEndsNothing(t *testing.T) {
	tab := testTable(nil)
	_ = tab.announce(testMember(1, 5), newHolder(), 0)
	tab.leave("gateway", 1, 4)
	if len(tab.leases) != 1 {
		t.Error("a leave from before the announcement ended the lease")
	}
}

func TestSettlingIsToldAtOnce(t *testing.T) {
	tab, w := testTable(nil), newWatcher("")
	_, _ = tab.watch(w)
	pass(tab, 0, 3*second-1)
	if roused(w) {
		t.Error("roused before")
	}
	pass(tab, 3*second-1, 3*second)
	if !roused(w) {
		t.Error("not roused when the register settled")
	}
}

func TestBoundsOfTheTable(t *testing.T) {
	tab := testTable(func(c *Config) { c.MaxMembers, c.MaxWatchers, c.WatcherQueue = 2, 1, 2 })
	w := newWatcher("")
	if _, err := tab.watch(w); err != nil {
		t.Fatal(err)
	}
	if _, err := tab.watch(newWatcher("")); !errors.Is(err, errManyOthers) {
		t.Errorf("a second watcher: %v", err)
	}
	h := newHolder()
	_ = tab.announce(testMember(1, 1), h, 0)
	_ = tab.announce(testMember(2, 1), h, 0)
	if err := tab.announce(testMember(3, 1), h, 0); !errors.Is(err, errFull) {
		t.Errorf("a third member: %v", err)
	}
	if err := tab.announce(testMember(2, 2), h, 0); err != nil {
		t.Errorf("a member that is there already: %v", err)
	}
	tab.leave("gateway", 7, 1) // a third change waits
	select {
	case <-w.cut:
	default:
		t.Fatal("a watcher with a full queue is not cut")
	}
	tab.leave("gateway", 8, 1)
	if len(w.queue) != 0 || taken(w) != "" {
		t.Error("a watcher that is cut still collects changes")
	}
	tab.unwatch(w)
	if _, err := tab.watch(newWatcher("")); err != nil {
		t.Errorf("after the first watcher went: %v", err)
	}
}

func TestWatcherThatDoesNotReadIsCut(t *testing.T) {
	tab, w, free := testTable(nil), newWatcher(""), newWatcher("")
	_, _ = tab.watch(w)
	_, _ = tab.watch(free)
	w.startSending(0)
	pass(tab, 0, 5*second)
	tab.observe(time.Hour) // the register's own pause is not the watcher's fault
	tab.sweep(time.Hour)
	pass(tab, time.Hour, time.Hour+6*second)
	if w.why != "" {
		t.Error("cut too early")
	}
	pass(tab, time.Hour+6*second, time.Hour+7*second)
	if w.why == "" || free.why != "" {
		t.Errorf("after two leases: stuck one %q, free one %q", w.why, free.why)
	}
}

func TestConfigNamesEverythingWrong(t *testing.T) {
	c := Config{Lease: second, Beat: second, MaxMembers: -1}
	c.Identity.Role = "gateway"
	c.Identity.Node = strings.Repeat("x", 300)
	err := c.Validate()
	for _, part := range []string{"role", "identity", "beat", "max members"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q in it", err, part)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the zero config: %v", err)
	}
}
