package server

import (
	"errors"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"google.golang.org/protobuf/proto"
)

var (
	errFull       = errors.New("the register is full")
	errManyOthers = errors.New("the register has too many watchers")
)

// table is the leases and who is told of them. It does no I/O, reads no clock and
// takes no lock: the Server holds one. Times are durations of a clock that only grows.
type table struct {
	lease    time.Duration
	limits   Config
	leases   map[uint64]*lease // by boot
	watchers map[*watcher]struct{}
	awake    time.Duration // since when this process has run without a pause
	last     time.Duration // when it was last observed
	settled  bool          // as of the last sweep
	counts   counts
}

// lease is one member. Its account is never changed, only replaced: snapshots and
// queued changes share it.
type lease struct {
	account *registerv1.Member
	holder  *holder
	until   time.Duration
}

// holder is the join stream that a lease belongs to. A newer stream takes it over.
type holder struct {
	taken chan struct{} // closed when another stream holds the lease
}

// counts is what happened so far, for the metrics.
type counts struct {
	joins, left, expired, pauses uint64
}

func newTable(c Config) *table {
	return &table{lease: c.Lease, limits: c, leases: map[uint64]*lease{}, watchers: map[*watcher]struct{}{}}
}

// announce grants or changes a lease, for a stream that holds it from now on. An
// account older than what is known renews the lease and changes nothing else.
func (t *table) announce(m *registerv1.Member, h *holder, now time.Duration) error {
	l := t.leases[m.GetBoot()]
	if l == nil {
		if len(t.leases) >= t.limits.MaxMembers {
			return errFull
		}
		l = &lease{account: m, holder: h}
		t.leases[m.GetBoot()] = l
		t.counts.joins++
		t.publish(m.GetRole(), present(m), true)
	} else {
		if l.holder != h {
			close(l.holder.taken)
			l.holder = h
		}
		if m.GetRevision() > l.account.GetRevision() {
			l.account = m
			t.publish(m.GetRole(), present(m), true)
		}
	}
	l.until = now + t.lease
	return nil
}

// beat renews a lease. false: this stream does not hold it (any more), because it
// ended meanwhile; the stream announces anew.
func (t *table) beat(boot uint64, h *holder, load uint32, revision uint64, now time.Duration) bool {
	l := t.leases[boot]
	if l == nil || l.holder != h {
		return false
	}
	l.until = now + t.lease
	if revision > l.account.GetRevision() {
		next := proto.CloneOf(l.account)
		next.Load, next.Revision = load, revision
		l.account = next
		t.publish(next.GetRole(), present(next), false)
	}
	return true
}

// leave ends a lease because its member said so, unless the member has said
// something newer since.
func (t *table) leave(role string, boot, revision uint64) {
	if l := t.leases[boot]; l != nil {
		if l.account.GetRevision() > revision {
			return
		}
		delete(t.leases, boot)
		t.counts.left++
	}
	// Told even when the lease was over: other registers may still have it.
	t.publish(role, ended(boot, registerv1.Ended_REASON_LEFT, revision), true)
}

// observe learns that time has passed. It is called several times per lease; when it
// was not, this process stood still: nobody could be heard, so nobody is late. It
// returns for how long, or zero.
func (t *table) observe(now time.Duration) (paused time.Duration) {
	if gap := now - t.last; gap > t.lease/2 {
		paused = gap
		t.awake = now
		t.counts.pauses++
		for _, l := range t.leases {
			l.until = now + t.lease
		}
		for w := range t.watchers {
			w.pardon(now)
		}
	}
	t.last = now
	return paused
}

// sweep ends what is over.
func (t *table) sweep(now time.Duration) {
	for boot, l := range t.leases {
		if now >= l.until {
			delete(t.leases, boot)
			t.counts.expired++
			t.publish(l.account.GetRole(), ended(boot, registerv1.Ended_REASON_EXPIRED, 0), true)
		}
	}
	settled := t.isSettled(now)
	for w := range t.watchers {
		if w.stuck(now, 2*t.lease) {
			w.cutOff("it did not read for two leases")
		}
		if settled != t.settled {
			w.rouse()
		}
	}
	t.settled = settled
}

// isSettled says whether members had a whole lease to come (back) to this register.
func (t *table) isSettled(now time.Duration) bool { return now-t.awake >= t.lease }

// watch returns who is there and queues every change after that for w.
func (t *table) watch(w *watcher) ([]*registerv1.Member, error) {
	if len(t.watchers) >= t.limits.MaxWatchers {
		return nil, errManyOthers
	}
	var all []*registerv1.Member
	for _, l := range t.leases {
		if w.wants(l.account.GetRole()) {
			all = append(all, l.account)
		}
	}
	t.watchers[w] = struct{}{}
	return all, nil
}

func (t *table) unwatch(w *watcher) { delete(t.watchers, w) }

// publish queues a change for everybody who wants it. One that is not urgent rides
// with the next beat.
func (t *table) publish(role string, c change, urgent bool) {
	for w := range t.watchers {
		if w.wants(role) {
			w.push(c, t.limits.WatcherQueue)
			if urgent {
				w.rouse()
			}
		}
	}
}

// change is one Change and whom it is about.
type change struct {
	boot    uint64
	message *registerv1.Change // shared by all watchers; never changed
	size    int                // of message, in bytes
}

func present(m *registerv1.Member) change {
	return newChange(m.GetBoot(), &registerv1.Change{Kind: &registerv1.Change_Present{Present: m}})
}

func ended(boot uint64, why registerv1.Ended_Reason, revision uint64) change {
	return newChange(boot, &registerv1.Change{Kind: &registerv1.Change_Ended{
		Ended: &registerv1.Ended{Boot: boot, Reason: why, Revision: revision},
	}})
}

func newChange(boot uint64, m *registerv1.Change) change { return change{boot, m, proto.Size(m)} }
