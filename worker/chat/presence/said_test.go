package presence

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// Everybody who opens a page asks who is there, and at the start of a cluster nobody is
// yet. Who comes is told by one worker to all, and by each other one, be it as new as it
// may, to those who asked it.
func TestWhoAnsweredTellsThoseWhoAskedAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 2, 3)
		w.askers = []chat.UserID{"bob", "cyd", "dan"}
		_, stop1 := w.start(t, 1)
		defer stop1()
		p2, stop2 := w.start(t, 2)
		defer stop2()
		ann := chat.UserID(ofFirst(1, 2, 3))
		time.Sleep(settled + time.Second)
		p3, stop3 := w.start(t, 3)
		defer stop3()
		time.Sleep(2 * tick)
		for by, p := range map[chat.UserID]*Presence{"bob": p2, "cyd": p2, "dan": p3} {
			if p.Look(by, []chat.UserID{ann})[0].GetOnline() {
				t.Fatal("she is not there yet")
			}
		}
		w.set(true, string(ann))
		if news, want := w.heard(), fmt.Sprintf("%016x %s true", 1, ann); !slices.Equal(news, []string{want}) {
			t.Errorf("all were told %v, want %s", news, want)
		}
		var heard []string
		w.change(func() { slices.Sort(w.named); heard, w.named = w.named, nil })
		two, three := fmt.Sprintf("%016x %s true ", 2, ann), fmt.Sprintf("%016x %s true ", 3, ann)
		if len(heard) != 2 || heard[0] != two+"[bob cyd]" && heard[0] != two+"[cyd bob]" || heard[1] != three+"[dan]" {
			t.Errorf("who asked was told %q", heard)
		}
		w.set(true, string(ann)) // another conn
		w.heard()
		w.change(func() {
			if len(w.named) > 0 || w.asked != 1 {
				t.Errorf("told again %v; the store was asked %d times", w.named, w.asked)
			}
		})
	})
}

func TestMoreThanAFewWhoAskedAreToldWithAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 2)
		_, stop1 := w.start(t, 1)
		defer stop1()
		p2, stop2 := w.start(t, 2)
		defer stop2()
		ann := chat.UserID(ofFirst(1, 2))
		time.Sleep(settled + time.Second)
		for i := range few + 1 {
			p2.Look(chat.UserID(fmt.Sprint("asker ", i)), []chat.UserID{ann})
			if i == few/2 {
				time.Sleep(behind) // half of them a while ago
			}
		}
		w.set(true, string(ann))
		news := w.heard()
		slices.Sort(news)
		if want := []string{fmt.Sprintf("%016x %s true", 1, ann), fmt.Sprintf("%016x %s true", 2, ann)}; !slices.Equal(news, want) {
			t.Errorf("told %v, want %v", news, want)
		}
	})
}

func TestNewsIsOnceInTheQueueForAllWhoAreToHearIt(t *testing.T) {
	n := newNews()
	n.add("ann", audience{some: []chat.UserID{"bob"}})
	n.add("ann", audience{some: []chat.UserID{"bob", "cyd"}})
	n.add("eve", everybody)
	n.add("eve", audience{some: []chat.UserID{"bob"}})
	n.add("nobody asked", audience{})
	if _, to, _, _ := n.next(time.Now()); to.all || !slices.Equal(to.some, []chat.UserID{"bob", "cyd"}) {
		t.Errorf("of ann %v is told", to)
	}
	if _, to, _, _ := n.next(time.Now()); !to.all {
		t.Errorf("of eve %v is told", to)
	}
	if user, _, ok, _ := n.next(time.Now()); ok {
		t.Errorf("there is news of %s", user)
	}
}
