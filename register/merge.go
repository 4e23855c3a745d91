package register

import (
	"cmp"
	"slices"
	"time"
)

// merge unites what several registers say about the members of one role (G7 of the
// design). It does no I/O, reads no clock and takes no lock: its caller holds one
// and passes the time, a duration that only grows. Its whole rule:
//
//   - A member that a reachable register lists is in the view. A register is
//     reachable from its whole snapshot until it is lost.
//   - A member that left of its own will, at any register, counts as listed nowhere
//     until it says something newer.
//   - A member that no reachable register lists leaves the view once its link is
//     dead and one of these holds: it left; a register that saw its lease saw it
//     end; reachable registers have not listed it for the patience (three leases).
//   - While no register is reachable that last clock does not run.
//
// So a register that restarts empty, hangs or goes away takes nobody with it.
type merge struct {
	patience   time.Duration
	linked     map[uint64]struct{} // boots with a living link; shared with the Client, who changes it
	sources    map[string]*source  // by address of the register
	entries    map[uint64]*entry   // by boot
	version    uint64              // grows whenever list or settled would answer otherwise
	wasSettled bool                // settled as of version
}

// source is what one register said last.
type source struct {
	reachable bool
	settled   bool
	lists     map[uint64]struct{}
}

// entry is what is known of one boot.
type entry struct {
	member   Member
	revision uint64
	in       bool          // in the view
	ended    bool          // a register saw the lease end and no reachable one listed the member since
	left     uint64        // revision of its leave, zero: it has not left
	leftAt   time.Duration // when left was learnt
	counting bool          // unlistedAt is set: a register is reachable and none lists it
	since    time.Duration // since when
}

// account is a member as one register tells of it.
type account struct {
	member   Member
	revision uint64
}

// rememberLeft is how many patiences a leave is remembered, so that a register
// that was long out of reach does not bring the member back.
const rememberLeft = 10

func newMerge(patience time.Duration, linked map[uint64]struct{}) *merge {
	return &merge{patience: patience, linked: linked, sources: map[string]*source{}, entries: map[uint64]*entry{}}
}

func (m *merge) source(addr string) *source {
	s := m.sources[addr]
	if s == nil {
		s = &source{lists: map[uint64]struct{}{}}
		m.sources[addr] = s
	}
	return s
}

// snapshot takes the whole account of a register. Whom it does not list has not
// ended by that: it may have restarted empty, or been cut off from everybody and be
// back before its members are.
func (m *merge) snapshot(addr string, settled bool, all []account, now time.Duration) {
	s := m.source(addr)
	s.settled, s.reachable = settled, true
	s.lists = make(map[uint64]struct{}, len(all))
	for _, a := range all {
		m.list(s, a)
	}
	m.reviewAll(now)
}

// present takes one change: a member came, came back or changed.
func (m *merge) present(addr string, a account, now time.Duration) {
	m.list(m.source(addr), a)
	m.review(a.member.Boot, now)
}

// expired takes one change: a register saw the lease of a member run out. Where
// another reachable register still lists it that is no end: the views are united.
func (m *merge) expired(addr string, boot uint64, now time.Duration) {
	delete(m.source(addr).lists, boot)
	if e := m.entries[boot]; e != nil {
		e.ended = true // until review finds it listed
	}
	m.review(boot, now)
}

// leave takes one change: a register heard the member say that it leaves.
func (m *merge) leave(addr string, boot, revision uint64, now time.Duration) {
	delete(m.source(addr).lists, boot)
	if e := m.entry(boot); revision >= e.revision && revision > e.left { // else it has come back since
		e.left, e.leftAt = revision, now
		for _, s := range m.sources {
			delete(s.lists, boot)
		}
	}
	m.review(boot, now)
}

// settle takes what a register says of itself with each message.
func (m *merge) settle(addr string, settled bool) {
	m.source(addr).settled = settled
	m.noteSettled()
}

// lost says that a register is out of reach from now on.
func (m *merge) lost(addr string, now time.Duration) {
	if s := m.source(addr); s.reachable {
		s.reachable = false
		m.reviewAll(now)
	}
}

// tick lets time pass. The caller ticks several times per lease.
func (m *merge) tick(now time.Duration) { m.reviewAll(now) }

// forgive says that this process itself stood still for a while: silence
// during that time means nothing.
func (m *merge) forgive() {
	for _, e := range m.entries {
		e.counting = false
	}
}

// members returns the view, ordered by id and boot.
func (m *merge) members() []Member {
	all := make([]Member, 0, len(m.entries))
	for _, e := range m.entries {
		if e.in {
			all = append(all, e.member)
		}
	}
	slices.SortFunc(all, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Boot, b.Boot))
	})
	return all
}

// settled says whether a reachable register has been awake for a whole lease.
func (m *merge) settled() bool {
	for _, s := range m.sources {
		if s.reachable && s.settled {
			return true
		}
	}
	return false
}

func (m *merge) entry(boot uint64) *entry {
	e := m.entries[boot]
	if e == nil {
		e = &entry{}
		m.entries[boot] = e
	}
	return e
}

// list notes that a register lists a member, unless the account is older than the
// member's leave.
func (m *merge) list(s *source, a account) {
	e := m.entry(a.member.Boot)
	if e.left != 0 {
		if a.revision <= e.left {
			return
		}
		e.left = 0
	}
	s.lists[a.member.Boot] = struct{}{}
	if a.revision >= e.revision && (a.revision > e.revision || e.member.Boot == 0) {
		if e.in && !e.member.same(a.member) {
			m.version++
		}
		e.member, e.revision = a.member, a.revision
	}
}

// listed says whether a reachable register lists a member.
func (m *merge) listed(boot uint64) bool {
	for _, s := range m.sources {
		if _, ok := s.lists[boot]; ok && s.reachable {
			return true
		}
	}
	return false
}

func (m *merge) reachable() bool {
	for _, s := range m.sources {
		if s.reachable {
			return true
		}
	}
	return false
}

func (m *merge) reviewAll(now time.Duration) {
	for boot := range m.entries {
		m.review(boot, now)
	}
	m.noteSettled()
}

// review decides whether a member is in the view. All rules of who leaves are here.
func (m *merge) review(boot uint64, now time.Duration) {
	e := m.entries[boot]
	if e == nil {
		return
	}
	if m.listed(boot) {
		e.counting, e.ended = false, false
		m.set(e, true)
		return
	}
	switch reachable := m.reachable(); {
	case !reachable:
		e.counting = false
	case !e.counting:
		e.counting, e.since = true, now
	}
	if _, linked := m.linked[boot]; linked {
		return
	}
	if e.left != 0 || e.ended || e.counting && now-e.since >= m.patience {
		m.set(e, false)
	}
	if !e.in && (e.left == 0 || now-e.leftAt >= rememberLeft*m.patience) {
		delete(m.entries, boot)
	}
}

func (m *merge) set(e *entry, in bool) {
	if e.in != in {
		e.in = in
		m.version++
	}
}

func (m *merge) noteSettled() {
	if now := m.settled(); now != m.wasSettled {
		m.wasSettled = now
		m.version++
	}
}
