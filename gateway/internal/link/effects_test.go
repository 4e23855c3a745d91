package link_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// Workers are killed, frozen, drained, dialled twice and not wanted any more, all at once
// at times, while some clients talk for long and others come, talk and are gone before they
// are answered. Every frame takes effect once, reply and session together and in
// order, and whoever handles it knows all that came before it.
func TestEffectsHappenOnceWhateverDies(t *testing.T) {
	const talkers, guests, window = 4, 16, 10
	frames, visits := 600, 6 // a visit waits for the fence behind the last loss, a second at most
	if testing.Short() {
		frames, visits = 150, 2
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := newRig(t, impatient)
	b := &book{closed: map[uint64]bool{}}
	team := []*member{r.recruit(b, seed, 0, 0), r.recruit(b, seed, 1, 0)}

	var talk sync.WaitGroup
	var entered atomic.Int64
	for range talkers {
		c := r.enter()
		entered.Add(1)
		talk.Go(func() {
			if err := c.count(frames, window); err != nil {
				b.complain("%v", err)
			}
		})
	}
	for g := range uint64(guests) {
		talk.Go(func() {
			dice := rand.New(rand.NewPCG(seed, 1000+g))
			for range visits {
				if c, err := r.tryKnock(); err != nil || c.resp.StatusCode != 101 {
					b.complain("a guest is not let in: %v", err)
				} else {
					entered.Add(1)
					c.visit(dice)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { talk.Wait(); close(done) }()
	faults := r.torment(b, team, seed, done)

	eventually(t, "the end of every conn", func() bool { return b.ends() >= int(entered.Load()) })
	eventually(t, "all acknowledged", func() bool { return r.link.Unacked() == 0 && r.hub.Len() == 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, wrong := range b.wrong {
		if i < 10 {
			t.Error(wrong)
		}
	}
	if len(b.closed) != int(entered.Load()) {
		t.Errorf("conns closed: got %d, want %d", len(b.closed), entered.Load())
	}
	s := r.link.Stats()
	t.Logf("%v; moves %d, redelivered %d, refused %d", faults, s.Moves.Load(), s.Redelivered.Load(), s.RefusedTerms.Load())
	if s.Moves.Load() == 0 || s.Redelivered.Load() == 0 {
		t.Error("nothing was tried")
	}
}

// member is a worker with a ledger.
type member struct {
	*worker
	book *ledger
}

// recruit attaches a member. A boot of 0 is a new one.
func (r *rig) recruit(b *book, seed, n, boot uint64) *member {
	r.t.Helper()
	l := &ledger{shared: b, dice: rand.New(rand.NewPCG(seed, n))}
	if boot == 0 {
		boot = handshake.NewBoot()
	}
	w, err := r.tryAttach(l.script(script{node: fmt.Sprint("w", n), boot: boot, labels: zone(fmt.Sprint(n % 2))}))
	if err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, "the snapshot", l.whole.Load)
	return &member{w, l}
}

// torment does one thing after the other to the team until done.
func (r *rig) torment(b *book, team []*member, seed uint64, done <-chan struct{}) (faults map[string]int) {
	r.t.Helper()
	dice := rand.New(rand.NewPCG(seed, 999))
	faults = map[string]int{}
	for n := uint64(2); ; n++ {
		select {
		case <-done:
			r.reroute(func(now *link.Routing) { now.WorkerLabels = nil })
			return faults
		case <-time.After(time.Duration(dice.IntN(8)) * time.Millisecond):
		}
		i := dice.IntN(len(team))
		old := team[i]
		switch fault := dice.IntN(24); {
		case fault < 7:
			faults["killed"]++
			team[i] = r.recruit(b, seed, n, 0)
			old.end()
		case fault < 9:
			faults["all killed"]++
			for _, w := range team {
				w.end()
			}
			team = []*member{r.recruit(b, seed, n, 0), r.recruit(b, seed, n+1e6, 0)}
		case fault < 10:
			faults["frozen"]++ // its patience is over in a second, and others go on meanwhile
			old.book.frozen.Store(true)
			team[i] = r.recruit(b, seed, n, 0)
			time.AfterFunc(time.Duration(dice.IntN(7)*50)*time.Millisecond, old.end)
		case fault < 16:
			faults["drained"]++
			team[i] = r.recruit(b, seed, n, 0)
			old.give(record.AppendDraining(nil))
			eventually(r.t, "drained", old.book.drained.Load)
			old.leave()
			old.end()
		case fault < 20:
			faults["rerouted"]++ // at times nobody is wanted
			labels := []map[string]string{nil, zone("0"), zone("1")}[dice.IntN(3)]
			r.reroute(func(now *link.Routing) { now.WorkerLabels = labels })
		default:
			faults["dialled twice"]++
			team[i] = r.recruit(b, seed, n, old.worker.script.boot)
			old.end()
		}
	}
}

// count sends frames, window of them unanswered, and reads "1", "2", "3" …
func (c *client) count(frames, window int) error {
	_ = c.nc.SetDeadline(time.Now().Add(6 * patience))
	defer c.nc.Close()
	for i := range frames + window {
		if i < frames {
			text := "p"
			if i%200 == 7 {
				text = "j" // this one joins a group
			}
			if err := c.write(opText, []byte(text)); err != nil {
				return err
			}
		}
		if i < window {
			continue
		}
		if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i-window+1) {
			return fmt.Errorf("reply %d: got %q, %w", i-window+1, body, err)
		}
	}
	return nil
}

// visit says a few things and goes, with or without a word, answered or not.
func (c *client) visit(dice *rand.Rand) {
	defer c.nc.Close()
	said := 1 + dice.IntN(12)
	for range said {
		if c.write(opText, []byte("p")) != nil {
			return
		}
	}
	for i := range dice.IntN(said + 1) {
		if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i+1) {
			c.t.Errorf("a guest's reply %d: got %q, %v", i+1, body, err)
			return
		}
	}
	if dice.IntN(2) == 0 {
		_ = c.write(opClose, []byte{0x03, 0xe8})
	}
}
