package register

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const testPatience = 9 * time.Second

// told drives a merge the way registers do and reads the view back as text.
type told struct {
	*merge
	now time.Duration
}

func newTold() *told { return &told{merge: newMerge(testPatience, map[uint64]struct{}{})} }

func gw(boot uint64) Member {
	return Member{ID: fmt.Sprint("gw-", boot), Role: "gateway", Boot: boot, Addr: "10.0.0.1:2900"}
}

func at(revision uint64, m Member) account { return account{m, revision} }

// all makes accounts of boots at revision 1.
func all(boots ...uint64) (as []account) {
	for _, b := range boots {
		as = append(as, at(1, gw(b)))
	}
	return as
}

func (d *told) snap(addr string, as []account) { d.snapshot(addr, true, as, d.now) }

// pass lets time pass in ticks.
func (d *told) pass(t time.Duration) {
	for end := d.now + t; d.now < end; {
		d.now += min(300*time.Millisecond, end-d.now)
		d.tick(d.now)
	}
}

func (d *told) link(boot uint64, alive bool) {
	if alive {
		d.linked[boot] = struct{}{}
	} else {
		delete(d.linked, boot)
	}
	d.review(boot, d.now)
}

func (d *told) want(t *testing.T, when string, boots ...uint64) {
	t.Helper()
	var got []uint64
	for _, m := range d.members() {
		got = append(got, m.Boot)
	}
	if !slices.Equal(got, boots) {
		t.Fatalf("%s: got %v, want %v", when, got, boots)
	}
}

func TestViewsOfSeveralRegistersAreUnited(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1, 2))
	d.snap("r2", all(2, 3))
	d.want(t, "after both snapshots", 1, 2, 3)
	d.expired("r1", 2, d.now)
	d.want(t, "one of two registers saw the lease of 2 end", 1, 2, 3)
	d.expired("r2", 2, d.now)
	d.want(t, "both did", 1, 3)
	d.expired("r1", 1, d.now)
	d.want(t, "the only register that saw the lease of 1 saw it end", 3)
}

func TestLeaveIsTrueAtEveryRegister(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1))
	d.snap("r2", all(1))
	d.leave("r1", 1, 2, d.now)
	d.want(t, "it said so at r1")
	d.present("r2", at(1, gw(1)), d.now)
	d.snap("r3", all(1))
	d.want(t, "others tell what it said before")
	d.pass(5 * testPatience)
	d.snap("r4", all(1))
	d.want(t, "even long after")
	d.present("r2", at(3, gw(1)), d.now)
	d.want(t, "it has joined again", 1)
	d.leave("r1", 1, 2, d.now)
	d.want(t, "the old leave comes once more", 1)
}

func TestLeaveOfSomebodyUnknownIsRemembered(t *testing.T) {
	d := newTold()
	d.snap("r1", nil)
	d.leave("r1", 1, 5, d.now)
	d.snap("r2", []account{at(4, gw(1))})
	d.want(t, "r2 lags behind")
	d.pass(rememberLeft*testPatience + time.Second)
	if len(d.entries) != 0 {
		t.Errorf("still remembered: %v", d.entries)
	}
}

func TestRegisterRestartedEmptyTakesNobody(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1, 2))
	d.lost("r1", d.now)
	d.pass(time.Minute)
	d.want(t, "no register is reachable for a minute", 1, 2)
	d.snap("r1", nil)
	d.want(t, "it came back empty", 1, 2)
	d.pass(testPatience - time.Second)
	d.want(t, "within the patience", 1, 2)
	d.present("r1", at(1, gw(1)), d.now)
	d.pass(2 * time.Second)
	d.want(t, "2 did not come back", 1)
}

func TestRegisterThatWasCutOffTakesNobody(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1, 2))
	d.lost("r1", d.now)
	d.snap("r1", all(2)) // the lease of 1 ran out while nobody could reach the register
	d.want(t, "we are back there before 1 is", 1, 2)
	d.pass(testPatience)
	d.want(t, "1 did not come back", 2)
}

func TestLivingLinkOutvotesRegisters(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1, 2, 3, 4))
	for b := uint64(1); b <= 4; b++ {
		d.link(b, true)
	}
	d.expired("r1", 1, d.now)
	d.leave("r1", 2, 2, d.now)
	d.lost("r1", d.now)
	d.snap("r1", nil)
	d.pass(time.Minute)
	d.want(t, "its lease ended, it left, it is listed nowhere", 1, 2, 3, 4)
	for b := uint64(1); b <= 4; b++ {
		d.link(b, false)
	}
	d.want(t, "the links are dead too")
}

func TestDeadLinkAloneEndsNobody(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1))
	d.link(1, true)
	d.link(1, false)
	d.pass(time.Minute)
	d.want(t, "a register lists it", 1)
	d.lost("r1", d.now)
	d.link(1, true)
	d.link(1, false)
	d.pass(time.Minute)
	d.want(t, "no register is reachable", 1)
}

func TestPatienceRunsOnlyWhileARegisterIsReachable(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1))
	d.lost("r1", d.now)
	for range 10 {
		d.snap("r1", nil)
		d.pass(testPatience / 2)
		d.lost("r1", d.now)
		d.pass(testPatience)
	}
	d.want(t, "no register was reachable for the whole patience", 1)
	d.snap("r1", nil)
	d.snap("r2", nil)
	d.pass(testPatience / 2)
	d.lost("r1", d.now)
	d.pass(testPatience/2 - time.Second)
	d.want(t, "almost", 1)
	d.pass(time.Second)
	d.want(t, "one register after the other was reachable for the patience")
}

func TestUnreachableRegisterDoesNotCountAsListing(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1))
	d.snap("r2", nil)
	d.lost("r1", d.now)
	d.pass(testPatience - time.Second)
	d.want(t, "within the patience", 1)
	d.pass(time.Second)
	d.want(t, "r2 has not listed it for three leases")
}

func TestOwnPauseIsForgiven(t *testing.T) {
	d := newTold()
	d.snap("r1", all(1))
	d.lost("r1", d.now)
	d.snap("r1", nil)
	d.pass(testPatience - time.Second)
	d.now += time.Hour // this process was stopped
	d.forgive()
	d.tick(d.now)
	d.want(t, "right after the pause", 1)
	d.pass(testPatience)
	d.want(t, "the patience has passed awake")
}

func TestSameAddressWithAnotherBootIsAnotherMember(t *testing.T) {
	d := newTold()
	old, young := gw(1), gw(2)
	young.ID = old.ID
	d.snap("r1", []account{at(1, old)})
	d.present("r1", at(1, young), d.now)
	d.want(t, "the old lease still runs", 1, 2)
	d.expired("r1", 1, d.now)
	d.want(t, "the old lease is over", 2)
}

func TestNewerAccountWins(t *testing.T) {
	d := newTold()
	loaded := func(load uint32) Member { m := gw(1); m.Load = load; return m }
	d.snap("r1", []account{at(5, loaded(50))})
	for _, step := range []struct {
		revision uint64
		load     uint32
		want     uint32
		changes  bool
	}{{4, 40, 50, false}, {5, 50, 50, false}, {6, 60, 60, true}, {7, 60, 60, false}} {
		before := d.version
		d.present("r2", at(step.revision, loaded(step.load)), d.now)
		if got := d.members()[0].Load; got != step.want || (d.version != before) != step.changes {
			t.Errorf("revision %d: load %d, changed %v; want %d, %v", step.revision, got, d.version != before, step.want, step.changes)
		}
	}
}

func TestSettledFollowsReachableRegisters(t *testing.T) {
	d := newTold()
	check := func(when string, want bool) {
		t.Helper()
		if d.settled() != want {
			t.Errorf("%s: settled is %v", when, !want)
		}
	}
	check("at first", false)
	d.snapshot("r1", false, nil, d.now)
	check("a young register", false)
	v := d.version
	d.settle("r1", true)
	check("it has aged", true)
	if d.version == v {
		t.Error("nobody is told that the view is settled")
	}
	d.snapshot("r2", false, nil, d.now)
	check("a second, young one", true)
	d.lost("r1", d.now)
	check("the old one is lost", false)
}

func TestMembersAreOrdered(t *testing.T) {
	d := newTold()
	var as []account
	for _, id := range strings.Split("c a b a", " ") {
		as = append(as, at(1, Member{ID: id, Boot: uint64(10 - len(as))}))
	}
	d.snap("r1", as)
	d.want(t, "by id, then boot", 7, 9, 8, 10)
}
