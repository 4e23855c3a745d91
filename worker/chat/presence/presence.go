package presence

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

// Users is the feed of claims; *worker.Users is one.
type Users interface {
	Changed() <-chan struct{}
	Take() []string
	Present(user string) bool
}

// Workers is who is in the cluster, this process among them.
type Workers interface {
	Changed() <-chan struct{}
	Boots() []uint64
}

// Config is what a Presence is made of.
type Config struct {
	Boot    uint64 // of this process
	Users   Users
	Workers Workers
	// Peers returns who is told of a user.
	Peers func(ctx context.Context, user chat.UserID) ([]chat.UserID, error)
	// Tell sends the news. It does not wait for anybody.
	Tell func(ctx context.Context, to []chat.UserID, p *chatv1.Presence) error
	Log  *slog.Logger
}

// The times of presence.
const (
	Grace = 10 * time.Second // from the last conn's end to "offline"
	// settled is how long a worker has to be there before it tells: until then it may
	// take everybody for new whom it hears of for the first time.
	settled = 5 * time.Second
	// remember is how long what was told is kept, to be told again when its teller goes:
	// a lease of the register, and some time to find out.
	remember = 15 * time.Second
	// tellEvery paces the news: when a gateway with 15,000 users dies, they are told in
	// half a minute, and not at once.
	tellEvery = 2 * time.Millisecond
	tick      = 250 * time.Millisecond
)

// Presence is one worker's picture. Run keeps it; the other methods may be called from
// any goroutine.
type Presence struct {
	cfg     Config
	owner   string
	counter atomic.Int64

	mu    sync.Mutex          // guards users; a leaf
	users map[string]struct{} // taken for online

	// What follows is Run's alone.
	leaving map[string]time.Time // since when users are absent whom we take for online
	recent  []change             // in order of time
	since   map[uint64]time.Time // when we first saw each worker
	told    []uint64             // the workers that tell, as of the last look
	queue   []change             // to be told by us
	stats   stats
}

// change is somebody coming or going.
type change struct {
	user   string
	online bool
	at     time.Time
}

type stats struct{ told, failed atomic.Int64 }

// Stats are what a Presence counts.
type Stats struct {
	Online int   // users taken for online now
	Told   int64 // news that this worker told
	Failed int64 // news that it could not tell
}

// New starts nothing.
func New(cfg Config) *Presence {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Presence{
		cfg: cfg, owner: fmt.Sprintf("%016x", cfg.Boot),
		users: map[string]struct{}{}, leaving: map[string]time.Time{}, since: map[uint64]time.Time{},
	}
}

// Run keeps the picture and tells the news until ctx ends.
func (p *Presence) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	began := time.Now()
	p.look(began)
	for {
		select {
		case <-p.cfg.Users.Changed():
		case <-p.cfg.Workers.Changed():
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		p.look(now)
		for _, user := range p.cfg.Users.Take() {
			p.see(user, now, now.Sub(began) < settled)
		}
		p.expire(now)
		p.tell(ctx)
	}
}

// see takes in that a user may have come or gone. A worker that has just started takes
// everybody it hears of for known.
func (p *Presence) see(user string, now time.Time, quiet bool) {
	online := p.cfg.Users.Present(user)
	switch {
	case online:
		delete(p.leaving, user)
		if p.set(user, true) && !quiet {
			p.note(change{user, true, now})
		}
	case p.has(user):
		if _, there := p.leaving[user]; !there {
			p.leaving[user] = now
		}
	}
}

// expire takes those for offline whose grace is over.
func (p *Presence) expire(now time.Time) {
	for user, since := range p.leaving {
		if now.Sub(since) < Grace {
			continue
		}
		delete(p.leaving, user)
		if p.cfg.Users.Present(user) {
			continue // the news of it is on its way
		}
		p.set(user, false)
		p.note(change{user, false, now})
	}
	old := 0
	for old < len(p.recent) && now.Sub(p.recent[old].at) > remember {
		old++
	}
	p.recent = slices.Delete(p.recent, 0, old)
}

// note remembers a change, and tells it if that is this worker's part.
func (p *Presence) note(c change) {
	p.recent = append(p.recent, c)
	if first(p.told, c.user) == p.cfg.Boot {
		p.queue = append(p.queue, c)
	}
}

// look finds out which workers tell. What one that is gone may have left untold is told
// again by whoever is first now.
func (p *Presence) look(now time.Time) {
	boots := p.cfg.Workers.Boots()
	if !slices.Contains(boots, p.cfg.Boot) {
		boots = append(boots, p.cfg.Boot)
	}
	for boot := range p.since {
		if !slices.Contains(boots, boot) {
			delete(p.since, boot)
		}
	}
	var tellers []uint64
	for _, boot := range boots {
		if _, known := p.since[boot]; !known {
			p.since[boot] = now
		}
		if now.Sub(p.since[boot]) >= settled {
			tellers = append(tellers, boot)
		}
	}
	if len(tellers) == 0 {
		tellers = boots // all of us are new: somebody has to
	}
	slices.Sort(tellers)
	if slices.Equal(tellers, p.told) {
		return
	}
	before := p.told
	p.told = tellers
	for _, c := range p.recent {
		was := first(before, c.user)
		if was != 0 && !slices.Contains(tellers, was) && first(tellers, c.user) == p.cfg.Boot {
			p.queue = append(p.queue, c)
		}
	}
}

// tell tells what is in the queue, slowly enough to hurt nobody.
func (p *Presence) tell(ctx context.Context) {
	until := time.Now().Add(tick / 2)
	n := 0
	for ; n < len(p.queue) && time.Now().Before(until); n++ {
		c := p.queue[n]
		if p.has(c.user) != c.online {
			continue // it has changed again, and that is in the queue too
		}
		if err := p.one(ctx, c); err != nil {
			p.stats.failed.Add(1)
			p.cfg.Log.Debug("presence was not told", "user", c.user, "err", err)
			continue
		}
		p.stats.told.Add(1)
		pause(ctx, tellEvery)
	}
	p.queue = slices.Delete(p.queue, 0, n)
}

// one tells one change to whom it concerns and who is there.
func (p *Presence) one(ctx context.Context, c change) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	peers, err := p.cfg.Peers(ctx, chat.UserID(c.user))
	if err != nil {
		return err
	}
	to := slices.DeleteFunc(peers, func(u chat.UserID) bool {
		return string(u) == c.user || !p.cfg.Users.Present(string(u))
	})
	if len(to) == 0 {
		return nil
	}
	return p.cfg.Tell(ctx, to, p.of(c.user, c.online))
}

// Look returns what is known of users, without asking anybody.
func (p *Presence) Look(users []chat.UserID) []*chatv1.Presence {
	list := make([]*chatv1.Presence, len(users))
	for i, u := range users {
		list[i] = p.of(string(u), p.has(string(u)) || p.cfg.Users.Present(string(u)))
	}
	return list
}

func (p *Presence) of(user string, online bool) *chatv1.Presence {
	return &chatv1.Presence{User: user, Online: online, Owner: p.owner, Counter: p.counter.Add(1)}
}

// Stats reads all counters.
func (p *Presence) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Online: len(p.users), Told: p.stats.told.Load(), Failed: p.stats.failed.Load()}
}

func (p *Presence) has(user string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, online := p.users[user]
	return online
}

// set takes a user for online or offline, and reports whether that is new.
func (p *Presence) set(user string, online bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, was := p.users[user]
	if online {
		p.users[user] = struct{}{}
	} else {
		delete(p.users, user)
	}
	return was != online
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
