package register_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const r1, r2, r3 = "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"

func isReady(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestLeaseEndsWithoutHeartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		gw := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(time.Second)
		want(t, v, "joined", "gw-1")
		gw.kill()
		pass(1900 * time.Millisecond)
		want(t, v, "its stream broke, its lease runs on", "gw-1")
		pass(1500 * time.Millisecond)
		want(t, v, "silent for a lease", "")
	})
}

func TestAnyProcessMayStartFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.process("worker", "w-1", r1)
		v := p.Watch("gateway")
		gw := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		pass(31 * time.Second)
		if isReady(v.Ready()) || isReady(gw.Joined()) {
			t.Error("ready or joined without a register")
		}
		// At once, and then when 10 s have passed at the next attempt.
		if n := w.log.count("gw-1", "waiting for a register", r1); n != 3 && n != 4 {
			t.Errorf("said %d times in 31 s that it waits, want 3 or 4", n)
		}
		w.start(r1)
		pass(time.Second + register.DefaultBeat)
		want(t, v, "the register has come", "gw-1")
		if !isReady(v.Ready()) || !isReady(gw.Joined()) {
			t.Error("not ready or not joined although the register is there")
		}
		if n := w.log.count("gw-1", "register reached"); n != 1 {
			t.Errorf("said %d times that the register is reached", n)
		}
	})
}

func TestRegistersDownViewsStay(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		w.start(r2)
		w.process("gateway", "gw-1", r1, r2).join("10.0.0.1:2900")
		w.process("gateway", "gw-2", r1, r2).join("10.0.0.2:2900")
		v := w.process("worker", "w-1", r1, r2).Watch("gateway")
		pass(time.Second)
		// In any order: both down, one up, the other up, one hung, one restarted empty.
		for _, step := range []struct {
			name string
			do   func()
		}{
			{"r1 killed", func() { w.kill(r1) }},
			{"r2 killed", func() { w.kill(r2) }},
			{"r2 started empty", func() { w.start(r2) }},
			{"r1 started empty", func() { w.start(r1) }},
			{"r1 hangs", func() { w.hang(r1, true) }},
			{"r2 hangs", func() { w.hang(r2, true) }},
			{"r1 goes on", func() { w.hang(r1, false) }},
			{"r2 killed while it hangs", func() { w.kill(r2) }},
			{"r1 restarted empty", func() { w.kill(r1); w.start(r1) }},
			{"r2 started empty again", func() { w.start(r2) }},
		} {
			step.do()
			for range 100 {
				pass(200 * time.Millisecond)
				want(t, v, step.name, "gw-1 gw-2")
			}
		}
	})
}

func TestMemberThatDiedWithTheRegisterLeavesAfterThreeLeases(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		gone := w.process("gateway", "gw-2", r1).join("10.0.0.2:2900")
		linked := w.process("gateway", "gw-3", r1).join("10.0.0.3:2900")
		p := w.process("worker", "w-1", r1)
		v := p.Watch("gateway")
		p.LinkAlive(linked.boot, true)
		pass(time.Second)
		w.kill(r1)
		gone.kill()
		linked.kill()
		pass(time.Minute)
		want(t, v, "no register for a minute", "gw-1 gw-2 gw-3")
		w.start(r1)
		pass(8 * time.Second)
		want(t, v, "within three leases", "gw-1 gw-2 gw-3")
		pass(3 * time.Second)
		want(t, v, "after three leases", "gw-1 gw-3")
		p.LinkAlive(linked.boot, false)
		want(t, v, "its link is dead too", "gw-1")
	})
}

func TestHungRegisterIsNoticedByItsSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		p := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		pass(time.Second)
		w.hang(r1, true)
		pass(register.DefaultLease + 100*time.Millisecond)
		if n := w.log.count("gw-1", "register lost", "silent for a lease"); n != 1 {
			t.Errorf("after a lease: said %d times that the register is lost, want once", n)
		}
		w.kill(r1)
		w.start(r1)
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(5 * time.Second)
		want(t, v, "the register is back", "gw-1")
		_ = p
	})
}

func TestReusedAddressWithAnotherBootIsAnotherMember(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		old := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(time.Second)
		old.kill()
		young := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		pass(500 * time.Millisecond)
		want(t, v, "the old lease still runs", "gw-1 gw-1")
		pass(3 * time.Second)
		if ms := v.Members(); len(ms) != 1 || ms[0].Boot != young.boot {
			t.Errorf("got %+v, want only boot %x", ms, young.boot)
		}
	})
}

func TestLeaveIsAnsweredByEveryRegister(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s1, s2 := w.start(r1), w.start(r2)
		gw := w.process("gateway", "gw-1", r1, r2).join("10.0.0.1:2900")
		v := w.process("worker", "w-1", r1, r2).Watch("gateway")
		pass(time.Second)
		want(t, v, "joined", "gw-1")
		if err := gw.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s1.Members(""))+len(s2.Members("")) != 0 {
			t.Error("a register still lists it when Leave has returned")
		}
		synctest.Wait()
		want(t, v, "it has left", "")
		pass(30 * time.Second)
		want(t, v, "later", "")
		if isReady(gw.Joined()) {
			t.Error("still joined after leaving")
		}

		gw.join("10.0.0.9:2900")
		pass(2 * time.Second)
		if ms := v.Members(); len(ms) != 1 || ms[0].Addr != "10.0.0.9:2900" {
			t.Errorf("it has joined again: got %+v", ms)
		}
		<-gw.Joined()
	})
}

func TestLeaveNamesTheRegistersThatDidNotAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		w.start(r2)
		gw := w.process("gateway", "gw-1", r1, r2).join("10.0.0.1:2900")
		pass(time.Second)
		w.hang(r2, true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := gw.Leave(ctx); err == nil || !strings.Contains(err.Error(), r2) || strings.Contains(err.Error(), r1) {
			t.Errorf("got %v, want only %s named", err, r2)
		}
		if err := gw.Leave(t.Context()); err == nil || !strings.Contains(err.Error(), r2) {
			t.Errorf("r2 was lost meanwhile: got %v, want it named", err)
		}
	})
}

func TestLeaveBeforeAnythingWasAnnounced(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.process("gateway", "gw-1", r1)
		if err := p.Leave(t.Context()); err != nil {
			t.Errorf("never joined: %v", err)
		}
		p.join("10.0.0.1:2900")
		if err := p.Leave(t.Context()); err != nil {
			t.Errorf("no register was reached: %v", err)
		}
	})
}

// A process that leaves while it is just being introduced to a register must not be
// listed there afterwards, not even for a moment: Leave has already promised that.
func TestLeaveWhileARegisterIsBeingReached(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		metrics := prometheus.NewRegistry()
		w.startWith(r1, server.Config{Metrics: metrics})
		dialled, held := make(chan struct{}, 9), make(chan struct{})
		p := w.processBy(func(ctx context.Context, addr string) (net.Conn, error) {
			dialled <- struct{}{}
			<-held
			return w.dial(ctx, addr)
		}, "gateway", "gw-1", r1).join("10.0.0.1:2900")
		v := p.Watch("gateway")
		<-dialled
		synctest.Wait()
		if err := p.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(held)
		pass(2 * time.Second)
		if !isReady(v.Ready()) {
			t.Error("the register is not reached")
		}
		want := strings.NewReader("# HELP parley_register_joins_total Leases granted to members that had none.\n" +
			"# TYPE parley_register_joins_total counter\nparley_register_joins_total 0\n")
		if err := testutil.GatherAndCompare(metrics, want, "parley_register_joins_total"); err != nil {
			t.Error(err)
		}
		p.join("10.0.0.1:2900")
		pass(2 * time.Second)
		if !isReady(p.Joined()) {
			t.Error("it cannot join any more")
		}
	})
}

// A register that takes a process and cuts it at once is dialled anew with growing
// pauses, like one that is not reached: a full one is not stormed by all at once.
func TestRegisterThatCutsAtOnceIsNotStormed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.startWith(r1, server.Config{MaxWatchers: 1})
		_ = w.process("worker", "w-1", r1).Watch("gateway")
		pass(time.Second)
		_ = w.process("gateway", "gw-1", r1).join("10.0.0.1:2900").Watch("gateway")
		const long = 20 * time.Second
		pass(long)
		if n := w.log.count("gw-1", "register lost", "too many watchers"); n < 5 || n > int(2*long/time.Second) {
			t.Errorf("it was lost %d times in %v, want about once a second", n, long)
		}
	})
}

func TestLoadRidesOnBeatsAndFactsAreToldAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		gw := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(time.Second)
		gw.SetLoad(42)
		pass(2*register.DefaultBeat + time.Millisecond) // one beat up, one beat down
		if got := v.Members()[0].Load; got != 42 {
			t.Errorf("load: got %d, want 42", got)
		}
		if err := gw.Join(register.Member{Addr: "10.0.0.1:2900", Load: 42, Labels: map[string]string{"pool": "a"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := v.Members()[0].Labels["pool"]; got != "a" {
			t.Errorf("label: got %q, want a", got)
		}
	})
}

func TestAMemberTellsWhenItsLifeBegan(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(time.Minute)
		began := time.Now()
		gw := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		pass(time.Minute)
		// What is announced again is the same life.
		if err := gw.Join(register.Member{Addr: "10.0.0.1:2901"}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if m := v.Members()[0]; !m.Started.Equal(began) || m.Addr != "10.0.0.1:2901" {
			t.Errorf("%s says that it began at %v, it was %v", m.Addr, m.Started, began)
		}
	})
}

func TestViewSignalsAndCloses(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.start(r1)
		p := w.process("worker", "w-1", r1)
		v, other := p.Watch("gateway"), p.Watch("gateway")
		everybody := p.Watch("")
		pass(time.Second)
		drain(v)
		w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		w.process("api", "api-1", r1).join("10.0.0.1:8080")
		pass(time.Second)
		want(t, v, "joined", "gw-1")
		want(t, everybody, "every role", "api-1 gw-1")
		if n := drain(v); n != 1 {
			t.Errorf("signals after one change: %d", n)
		}
		v.Close()
		v.Close()
		w.process("gateway", "gw-2", r1).join("10.0.0.2:2900")
		pass(time.Second)
		want(t, other, "the other view goes on", "gw-1 gw-2")
		other.Close()
		pass(time.Second)
		again := p.Watch("gateway")
		pass(time.Second)
		want(t, again, "watched again", "gw-1 gw-2")
		if len(s.Members("")) != 3 {
			t.Errorf("the register has %d members", len(s.Members("")))
		}
	})
}

func drain(v *register.View) (n int) {
	for {
		select {
		case <-v.Changed():
			n++
		default:
			return n
		}
	}
}

func TestSettledAfterALease(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(2 * time.Second)
		if v.Settled() {
			t.Error("settled although the register is younger than a lease")
		}
		drain(v)
		pass(1500 * time.Millisecond)
		if !v.Settled() || drain(v) != 1 {
			t.Error("not settled, or not told, after a lease")
		}
		w.kill(r1)
		pass(time.Second)
		if v.Settled() {
			t.Error("settled without a register")
		}
	})
}

func TestReadyComesAfterOurOwnJoin(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		p := w.process("worker", "w-1", r1)
		early := p.Watch("gateway")
		pass(time.Second)
		if !isReady(early.Ready()) {
			t.Error("not ready although this process has not joined")
		}
		p.join("")
		late := p.Watch("api")
		pass(time.Second)
		<-p.Joined()
		if !isReady(late.Ready()) {
			t.Error("not ready after the join was confirmed")
		}
	})
}

// Of two processes that join, then watch, at least one must see the other.
func TestTwoThatJoinAndWatchDoNotMissEachOther(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		for range 50 {
			gw := w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
			p := w.process("worker", "w-1", r1).join("")
			gateways, workers := p.Watch("gateway"), gw.Watch("worker")
			seen := make(chan bool, 2)
			for v, other := range map[*register.View]uint64{gateways: gw.boot, workers: p.boot} {
				go func() {
					<-v.Ready()
					found := false
					for _, m := range v.Members() {
						found = found || m.Boot == other
					}
					seen <- found
				}()
			}
			if a, b := <-seen, <-seen; !a && !b {
				t.Fatal("neither saw the other when it was ready")
			}
			gw.kill()
			p.kill()
		}
	})
}

func TestDrainingRegisterEndsNoLease(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.start(r1)
		w.process("gateway", "gw-1", r1).join("10.0.0.1:2900")
		v := w.process("worker", "w-1", r1).Watch("gateway")
		pass(5 * time.Second)
		start := time.Now()
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("draining took %v", took)
		}
		w.kill(r1)
		pass(time.Minute)
		want(t, v, "the register said goodbye", "gw-1")
		if w.log.count("gw-1", "register lost", "about to stop") != 1 {
			t.Errorf("the member did not hear the goodbye:\n%s", strings.Join(w.log.lines, ""))
		}
		w.start(r1)
		pass(10 * time.Second)
		want(t, v, "its successor is there", "gw-1")
	})
}

func TestRunTwiceIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.process("worker", "w-1", r1)
		synctest.Wait()
		if err := p.Run(t.Context()); err == nil {
			t.Error("a second Run did not fail")
		}
	})
}

func TestJoinRefusesWhatIsNotThisProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := w.process("worker", "w-1", r1)
		for _, m := range []register.Member{
			{ID: "w-2"}, {Role: "gateway"}, {Boot: p.boot + 1}, {Addr: strings.Repeat("x", 257)},
			{PublicURL: strings.Repeat("x", 1025)}, {Labels: map[string]string{"": "v"}}, {Labels: map[string]string{"k": "\n"}},
		} {
			if err := p.Join(m); err == nil {
				t.Errorf("%+v was taken", m)
			}
		}
	})
}

func TestConfigNamesEverythingWrong(t *testing.T) {
	_, err := register.New(register.Config{Registers: []string{"nonsense", "10.0.0.1:1", r1, r1}})
	for _, part := range []string{"nonsense", "10.0.0.1:1 is not a loopback address", r1 + " is given twice", "identity"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q in it", err, part)
		}
	}
	if _, err := register.New(register.Config{}); err == nil || !strings.Contains(err.Error(), "none is given") {
		t.Errorf("no registers: got %v", err)
	}
}

func TestRegistersAreToldWithWhetherTheyAreReached(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.start(r1)
		p := w.process("api", "api-1", r1, r2)
		p.Watch("gateway")
		pass(time.Second)
		if got := p.Registers(); len(got) != 2 || !got[r1] || got[r2] {
			t.Errorf("with one of two: %v", got)
		}
		w.start(r2)
		pass(10 * time.Second)
		if got := p.Registers(); !got[r1] || !got[r2] {
			t.Errorf("with both: %v", got)
		}
	})
}
