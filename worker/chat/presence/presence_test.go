package presence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what gateways claim and who works, as all workers of a test see it.
type world struct {
	mu      sync.Mutex
	present map[string]bool
	boots   []uint64
	feeds   []*feed
	news    []string      // "owner user online", as told
	named   []string      // who was told by name, of those in askers: "owner to"
	askers  []chat.UserID // who may be told without being who it concerns
	asked   int           // times that the store was asked whom it concerns
	away    error         // what the store says
	stuck   chan struct{} // what calls of the store wait for; nil: for nothing
	stopped chan struct{} // what workers stand still for; nil: they run
	partial bool          // workers have not heard of everybody
}

// feed is one worker's view of the world.
type feed struct {
	*world
	users, workers chan struct{}
	list           map[string]bool
	behind         map[string]bool // what it still believes, of users of whom it has not heard the news
}

func newWorld(boots ...uint64) *world { return &world{present: map[string]bool{}, boots: boots} }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *world) set(online bool, users ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range users {
		w.present[u] = online
		for _, f := range w.feeds {
			f.list[u] = true
			poke(f.users)
		}
	}
}

func (w *world) work(boots ...uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.boots = boots
	for _, f := range w.feeds {
		poke(f.workers)
	}
}

// start runs a worker's presence; it begins with everybody who is there.
func (w *world) start(t *testing.T, boot uint64) (p *Presence, stop func()) {
	t.Helper()
	f := &feed{world: w, users: make(chan struct{}, 1), workers: make(chan struct{}, 1), list: map[string]bool{}}
	w.mu.Lock()
	w.feeds = append(w.feeds, f)
	for u, online := range w.present {
		f.list[u] = f.list[u] || online
	}
	w.mu.Unlock()
	poke(f.users)
	p = New(Config{
		Boot: boot, Users: f, Workers: ranks{f},
		Whole: func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return !w.partial
		},
		Peers: func(context.Context, chat.UserID) ([]chat.UserID, error) {
			w.mu.Lock()
			away, stuck := w.away, w.stuck
			w.asked++
			w.mu.Unlock()
			if stuck != nil {
				<-stuck
			}
			return []chat.UserID{"watcher", "away"}, away
		},
		Tell: func(_ context.Context, to []chat.UserID, n *chatv1.Presence) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if slices.Contains(w.askers, to[0]) {
				w.named = append(w.named, fmt.Sprintf("%s %s %v %v", n.GetOwner(), n.GetUser(), n.GetOnline(), to))
				return nil
			}
			want := []chat.UserID{"watcher"}
			if w.partial {
				want = append(want, "away") // it may be there
			}
			if !slices.Equal(to, want) {
				t.Errorf("told %v, want %v", to, want)
			}
			w.news = append(w.news, fmt.Sprintf("%s %s %v", n.GetOwner(), n.GetUser(), n.GetOnline()))
			return nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.Run(ctx)
	}()
	return p, func() { cancel(); <-done }
}

func (f *feed) Changed() <-chan struct{} { return f.users }
func (f *feed) Take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := slices.Collect(maps.Keys(f.list))
	clear(f.list)
	return list
}
func (f *feed) Present(u string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old, ok := f.behind[u]; ok {
		return old
	}
	return u == "watcher" || f.present[u]
}

// hold lets the feed of the n-th worker lag: it does not hear of a user until catchUp.
func (w *world) hold(n int, user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.feeds[n].behind = map[string]bool{user: w.present[user]}
}

func (w *world) catchUp(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feeds[n]
	for u := range f.behind {
		f.list[u] = true
	}
	f.behind = nil
	poke(f.users)
}

// ofFirst returns a user of whom the first of the boots tells.
func ofFirst(boots ...uint64) string {
	for i := 0; ; i++ {
		if u := fmt.Sprint("u", i); first(boots, u) == boots[0] {
			return u
		}
	}
}

type ranks struct{ *feed }

func (r ranks) Changed() <-chan struct{} { return r.workers }
func (r ranks) Boots() []uint64 {
	r.mu.Lock()
	stopped := r.stopped
	r.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.boots)
}

// heard returns the news since the last call.
func (w *world) heard() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.news
	w.news = nil
	return news
}

func TestComingIsToldOnceAndGoingAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 2)
		p, stop1 := w.start(t, 1)
		_, stop2 := w.start(t, 2)
		defer stop2()
		defer stop1()
		time.Sleep(settled + time.Second)
		w.set(true, "ann")
		time.Sleep(time.Second)
		if news := w.heard(); len(news) != 1 || news[0] != fmt.Sprintf("%016x ann true", first([]uint64{1, 2}, "ann")) {
			t.Errorf("two workers told %v", news)
		}
		w.set(false, "ann")
		time.Sleep(Grace - time.Second)
		if news := w.heard(); len(news) != 0 || !p.Look("watcher", []chat.UserID{"ann"})[0].GetOnline() {
			t.Errorf("within the grace: told %v", news)
		}
		time.Sleep(2 * time.Second)
		if news := w.heard(); len(news) != 1 || p.Look("watcher", []chat.UserID{"ann"})[0].GetOnline() {
			t.Errorf("after the grace: told %v", news)
		}
	})
}

func TestFlappingUserIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		_, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		w.set(true, "ann")
		time.Sleep(time.Second)
		w.heard()
		for range 20 {
			w.set(false, "ann")
			time.Sleep(Grace / 2)
			w.set(true, "ann")
			time.Sleep(time.Second)
		}
		if news := w.heard(); len(news) != 0 {
			t.Errorf("told %v", news)
		}
	})
}

// Of two workers the one that saw ann go first tells that she is offline, and ends. The
// other one has to tell that she is there, although it never took her for gone.
func TestWhoComesBackLateIsToldThoughTheGraceLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		_, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		w.set(true, "ann")
		time.Sleep(time.Second)
		w.heard()
		w.set(false, "ann")
		time.Sleep(Grace - skew + time.Second)
		w.set(true, "ann")
		time.Sleep(time.Second)
		if news, want := w.heard(), fmt.Sprintf("%016x ann true", 1); !slices.Equal(news, []string{want}) {
			t.Errorf("told %v, want %s", news, want)
		}
	})
}

// Ann has come, and the worker whose part it is has told so, before bob was there. Another
// worker has not heard of it and answers bob that she is offline. Nobody but that one can
// know that bob believes it.
func TestWhoAnsweredWhatWasNoLongerSoTellsHowItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 2)
		_, stop1 := w.start(t, 1)
		defer stop1()
		p2, stop2 := w.start(t, 2)
		defer stop2()
		ann := ofFirst(1, 2)
		time.Sleep(settled + time.Second)
		w.hold(1, ann)
		w.set(true, ann)
		w.heard()
		if p2.Look("watcher", []chat.UserID{chat.UserID(ann)})[0].GetOnline() {
			t.Fatal("it has heard")
		}
		w.catchUp(1)
		if news, want := w.heard(), fmt.Sprintf("%016x %s true", 2, ann); !slices.Equal(news, []string{want}) {
			t.Errorf("who answered told %v, want %s", news, want)
		}

		// The same with who goes: it answers within the grace that the other saw the end of.
		w.hold(1, ann)
		w.set(false, ann)
		time.Sleep(skew - time.Second)
		w.catchUp(1)
		time.Sleep(Grace - skew + 2*time.Second)
		w.heard()
		if !p2.Look("watcher", []chat.UserID{chat.UserID(ann)})[0].GetOnline() {
			t.Fatal("it saw her go as early as the other")
		}
		time.Sleep(skew)
		if news, want := w.heard(), fmt.Sprintf("%016x %s false", 2, ann); !slices.Equal(news, []string{want}) {
			t.Errorf("who answered told %v, want %s", news, want)
		}
	})
}

// A worker tells that ann is offline when she is back, which it has not heard; and when
// it hears it another worker is the one that tells.
func TestWhoToldWhatWasNoLongerSoTellsHowItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		_, stop := w.start(t, 1)
		defer stop()
		ann := ofFirst(2, 1)
		time.Sleep(settled + time.Second)
		w.set(true, ann)
		time.Sleep(time.Second)
		w.set(false, ann)
		time.Sleep(Grace - settled + 2*tick)
		w.work(1, 2) // the other one tells from half a second after the grace on
		time.Sleep(settled - 3*tick)
		w.hold(0, ann)
		w.set(true, ann)
		time.Sleep(behind/2 + tick)
		if news, want := w.heard(), fmt.Sprintf("%016x %s false", 1, ann); len(news) == 0 || news[len(news)-1] != want {
			t.Fatalf("told %v, want %s at last", news, want)
		}
		w.catchUp(0)
		if news, want := w.heard(), fmt.Sprintf("%016x %s true", 1, ann); !slices.Equal(news, []string{want}) {
			t.Errorf("told %v, want %s", news, want)
		}
	})
}

// Others leave news to a worker that has been there for five seconds, so from then on it
// tells, also if it has not been in step with everybody yet: gateways come and go.
func TestWorkerThatIsNeverInStepTellsAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.partial = true
		_, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		w.set(true, "ann")
		if news, want := w.heard(), fmt.Sprintf("%016x ann true", 1); !slices.Equal(news, []string{want}) {
			t.Errorf("told %v, want %s", news, want)
		}
	})
}

func TestWorkerThatStartsTellsNobodyWhatTheyKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		for i := range 1000 {
			w.set(true, fmt.Sprint("u", i))
		}
		_, stop := w.start(t, 1)
		defer stop()
		time.Sleep(time.Minute)
		if news := w.heard(); len(news) != 0 {
			t.Errorf("%d news, such as %s", len(news), news[0])
		}
	})
}

func TestWhatADeadWorkerLeftUntoldIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 2)
		_, stop1 := w.start(t, 1)
		_, stop2 := w.start(t, 2)
		defer stop2()
		time.Sleep(settled + time.Second)
		var ofOne []string
		for i := 0; len(ofOne) < 5; i++ {
			if u := fmt.Sprint("u", i); first([]uint64{1, 2}, u) == 1 {
				ofOne = append(ofOne, u)
			}
		}
		stop1() // it is dead, and the others do not know yet
		w.set(true, ofOne...)
		time.Sleep(time.Second)
		if news := w.heard(); len(news) != 0 {
			t.Fatalf("the living one told %v", news)
		}
		time.Sleep(3 * time.Second)
		w.work(2)
		time.Sleep(time.Second)
		if news := w.heard(); len(news) != len(ofOne) {
			t.Errorf("after its lease: told %v, want %d", news, len(ofOne))
		}
	})
}

func TestWorkerThatHasJustStartedTellsWhatADeadOneLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		w.set(true, "old")
		_, stop1 := w.start(t, 1)
		time.Sleep(settled + time.Second)
		w.work(1, 2)
		_, stop2 := w.start(t, 2)
		defer stop2()
		time.Sleep(introduced + 2*tick)
		stop1()
		w.set(true, "ann")
		time.Sleep(time.Second)
		if news := w.heard(); len(news) != 0 {
			t.Fatalf("the new one told %v", news)
		}
		w.work(2)
		time.Sleep(time.Second)
		if news, want := w.heard(), fmt.Sprintf("%016x ann true", 2); !slices.Equal(news, []string{want}) {
			t.Errorf("told %v, want %s", news, want)
		}
	})
}

func TestWhoIsNotInStepTellsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		p, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		w.change(func() { w.partial = true })
		w.set(true, "ann")
		time.Sleep(time.Second)
		if news := w.heard(); len(news) != 1 {
			t.Errorf("told %v", news)
		}
		if p.Whole() {
			t.Error("it says that it has heard of everybody")
		}
	})
}

func TestWhoStoodStillAnswersNothingUntilItHasListened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		p, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled)
		if !p.Whole() {
			t.Fatal("it runs, and does not answer")
		}
		goesOn := make(chan struct{})
		w.change(func() { w.stopped = goesOn })
		time.Sleep(standstill + 2*tick)
		if p.Whole() {
			t.Error("it stands still, and answers")
		}
		w.change(func() { w.stopped = nil })
		close(goesOn)
		time.Sleep(shortCatchUp - tick)
		if p.Whole() {
			t.Error("it has just gone on, and answers")
		}
		time.Sleep(2 * tick)
		if !p.Whole() {
			t.Error("it has listened, and does not answer")
		}
	})
}

func TestDeathOfAFullGatewayIsToldSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		_, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		var users []string
		for i := range 15_000 {
			users = append(users, fmt.Sprint("u", i))
		}
		w.set(true, users...)
		time.Sleep(3 * time.Minute)
		w.heard()
		w.set(false, users...)
		time.Sleep(Grace + 2*time.Second)
		if n := len(w.heard()); n == 0 || n > 2000 {
			t.Errorf("%d news within two seconds", n)
		}
		time.Sleep(3 * time.Minute)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, n := range w.news {
			if n[len(n)-5:] != "false" {
				t.Fatalf("told %s", n)
			}
		}
	})
}

// change does something that workers which run may look at.
func (w *world) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

func TestNewsWaitsForTheStoreAndIsThenHowItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		p, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		w.change(func() { w.away = errors.New("the store is away") })
		for range 10 { // while the store is away
			w.set(true, "ann", "bob", "cyd")
			time.Sleep(time.Second)
			w.set(false, "ann", "bob")
			time.Sleep(Grace + time.Second)
		}
		if got := p.Stats(); got.Queued > 3 || got.Failed == 0 {
			t.Errorf("while the store is away: %+v", got)
		}
		w.change(func() { w.away = nil })
		time.Sleep(10 * time.Second)
		news := w.heard()
		slices.Sort(news)
		owner := fmt.Sprintf("%016x ", 1)
		if want := []string{owner + "ann false", owner + "bob false", owner + "cyd true"}; !slices.Equal(news, want) {
			t.Errorf("told %v\nwant %v", news, want)
		}
	})
}

func TestStoreThatHangsDoesNotHoldUpThePicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		p, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		hangs := make(chan struct{})
		w.change(func() { w.stuck = hangs })
		w.set(true, "ann")
		time.Sleep(time.Second)
		w.set(true, "bob", "cyd")
		time.Sleep(time.Second)
		w.set(false, "cyd")
		time.Sleep(Grace + time.Second)
		if got := p.Stats(); got.Online != 2 {
			t.Errorf("while the store hangs: %+v", got)
		}
		w.change(func() { w.stuck = nil })
		close(hangs)
	})
}

func TestWorkerThatStoodStillTellsWhatIsSoNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		_, stop := w.start(t, 1)
		defer stop()
		time.Sleep(settled + time.Second)
		var users []string
		for i := range 15_000 {
			users = append(users, fmt.Sprint("u", i))
		}
		w.set(true, users...)
		time.Sleep(3 * time.Minute)
		w.set(false, users...)
		time.Sleep(Grace + 2*time.Second) // it has begun to tell
		w.heard()
		goesOn := make(chan struct{})
		w.change(func() { w.stopped = goesOn })
		time.Sleep(standstill + time.Second)
		w.heard() // what it told until it stood still
		time.Sleep(time.Minute)
		if news := w.heard(); len(news) != 0 {
			t.Errorf("told %d news while it stood still", len(news))
		}
		w.change(func() { w.stopped = nil })
		close(goesOn)
		time.Sleep(settled / 2) // what has happened meanwhile comes bit by bit
		w.set(true, users...)
		time.Sleep(3 * time.Minute)
		for _, n := range w.heard() {
			if strings.HasSuffix(n, "false") {
				t.Fatalf("told %s, who is there", n)
			}
		}
	})
}

func TestRankIsFairAndStable(t *testing.T) {
	three, two := []uint64{11, 22, 33}, []uint64{11, 33}
	count := map[uint64]int{}
	for i := range 9000 {
		u := fmt.Sprint("user-", i)
		who := first(three, u)
		count[who]++
		if now := first(two, u); who != 22 && now != who {
			t.Fatalf("%s moved from %d to %d although %d stayed", u, who, now, who)
		}
	}
	for boot, n := range count {
		if n < 2500 || n > 3500 {
			t.Errorf("worker %d tells of %d of 9000", boot, n)
		}
	}
}
