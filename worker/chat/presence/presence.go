package presence

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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
	// Whole reports whether the claims of all gateways have been heard; nil: always.
	Whole func() bool
	// Peers returns who is told of a user.
	Peers func(ctx context.Context, user chat.UserID) ([]chat.UserID, error)
	// Tell sends the news. It does not wait for anybody.
	Tell func(ctx context.Context, to []chat.UserID, p *chatv1.Presence) error
	Log  *slog.Logger
}

// The times of presence.
const (
	Grace = 10 * time.Second // from the last conn's end to "offline"
	// skew is how far the workers may differ in when they saw somebody go: one heard it from
	// a lease that ended, another stood still. Who comes back so shortly before the grace is
	// over is news: another worker may have told that the grace was over.
	skew = 5 * time.Second
	// settled is how long a worker has to be there before it tells: until then it may
	// take everybody for new whom it hears of for the first time.
	settled = 5 * time.Second
	// remember is how long what has changed is kept, to be told again when its teller
	// goes: a lease of the register, some time to find out, and what it had not come to.
	remember = 30 * time.Second
	// introduced is for how long a worker has to be in step with every gateway until it
	// takes who comes for news. Before, they may have been there all the time.
	introduced = time.Second
	// standstill is how long the picture may not have been looked after. After that this
	// process was stopped, or starved: gateways do without one that is silent for a second,
	// and others may have told its news since. It neither tells nor answers until it has
	// listened for as long as it stood still, within these bounds.
	standstill   = 750 * time.Millisecond
	shortCatchUp = 2 * time.Second
	longCatchUp  = 5 * time.Second
	tick         = 250 * time.Millisecond
)

// Presence is one worker's picture. Run keeps it; the other methods may be called from
// any goroutine.
type Presence struct {
	cfg   Config
	owner string

	mu      sync.Mutex          // guards what follows; a leaf
	users   map[string]struct{} // taken for online
	counter int64               // of what was said last
	offline said                // who was told that somebody is offline
	online  said                // who was told that somebody is online who had no conn any more

	news news

	// What follows is of the goroutine that keeps the picture.
	leaving map[string]time.Time // since when users are absent whom we take for online
	recent  []change             // in order of time
	since   map[uint64]time.Time // when we first saw each worker
	told    []uint64             // the workers that tell, as of the last look
	whole   time.Time            // since when this process has heard of everybody; zero: it has not
	knows   bool                 // who comes is news
}

// change is somebody coming or going.
type change struct {
	user string
	at   time.Time
}

// mostRecent bounds what is remembered; of more, the oldest is not told again when its
// teller goes.
const mostRecent = 1 << 17

// Stats are what a Presence counts.
type Stats struct {
	Online int   // users taken for online now
	Queued int   // users of whom this worker has something to tell
	Told   int64 // news that this worker told
	Failed int64 // tries that went wrong, and users for whom the queue had no room
}

// New starts nothing.
func New(cfg Config) *Presence {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Presence{
		cfg: cfg, owner: fmt.Sprintf("%016x", cfg.Boot), news: newNews(),
		users: map[string]struct{}{}, offline: said{lasts: behind}, online: said{lasts: Grace + skew}, leaving: map[string]time.Time{}, since: map[uint64]time.Time{},
	}
}

// Run keeps the picture and tells the news until ctx ends.
func (p *Presence) Run(ctx context.Context) error {
	var all errgroup.Group
	all.Go(func() error { p.keep(ctx); return nil })
	all.Go(func() error { p.tell(ctx); return nil })
	return all.Wait()
}

// keep keeps the picture until ctx ends. It waits for nobody.
func (p *Presence) keep(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	p.look(time.Now())
	for {
		ticked, workers := false, false
		select {
		case <-p.cfg.Users.Changed():
		case <-p.cfg.Workers.Changed():
			workers = true
		case <-t.C:
			ticked = true
		case <-ctx.Done():
			return
		}
		now := time.Now()
		p.news.attended(now)
		if ticked || workers {
			p.look(now)
		}
		// What a worker hears of before it is whole is in the feed by then, so whoever is
		// taken from it long after that has come since.
		p.introduce(now)
		for _, user := range p.cfg.Users.Take() {
			p.see(user, now, p.fresh(now))
		}
		if ticked {
			p.expire(now)
		}
	}
}

// introduce finds out whether this process knows its cluster.
func (p *Presence) introduce(now time.Time) {
	switch {
	case p.knows:
	case p.cfg.Whole != nil && !p.cfg.Whole():
		p.whole = time.Time{}
	case p.whole.IsZero():
		p.whole = now
	default:
		p.knows = now.Sub(p.whole) >= introduced
	}
}

// fresh reports whether this process cannot tell yet who comes from who was there. Once it
// has been there for as long as the others wait until they leave news to it, it tells,
// also if it has not been in step with all gateways for a second since: where they come
// and go that may take long.
func (p *Presence) fresh(now time.Time) bool {
	since, looked := p.since[p.cfg.Boot]
	return !p.knows && (!looked || now.Sub(since) < settled)
}

// see takes in that a user may have come or gone. A worker that has just started takes
// everybody it hears of for known.
func (p *Presence) see(user string, now time.Time, quiet bool) {
	online := p.cfg.Users.Present(user)
	switch {
	case online:
		since, left := p.leaving[user]
		delete(p.leaving, user)
		late := left && now.Sub(since) > Grace-skew
		news, believers := p.set(user, true)
		if (news || late) && !quiet {
			p.note(change{user, now}, believers)
		} else {
			p.news.add(user, believers)
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
		_, believers := p.set(user, false)
		p.note(change{user, now}, believers)
	}
	p.mu.Lock()
	p.offline.turn(now)
	p.online.turn(now)
	p.mu.Unlock()
	old := max(0, len(p.recent)-mostRecent)
	for old < len(p.recent) && now.Sub(p.recent[old].at) > remember {
		old++
	}
	p.recent = slices.Delete(p.recent, 0, old)
}

// note remembers a change, and has it told: to everybody if that is this worker's part,
// otherwise to those who believe something else because of it.
func (p *Presence) note(c change, believers audience) {
	p.recent = append(p.recent, c)
	if first(p.told, c.user) == p.cfg.Boot {
		believers = everybody
	}
	p.news.add(c.user, believers)
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
			p.news.add(c.user, everybody)
		}
	}
}

// Whole reports whether this process has heard of everybody who is there.
func (p *Presence) Whole() bool {
	return (p.cfg.Whole == nil || p.cfg.Whole()) && p.news.current(time.Now())
}

// Look tells somebody what is known of users, without asking anybody. Should it turn out
// to have been over already, they are told how it is.
func (p *Presence) Look(by chat.UserID, users []chat.UserID) []*chatv1.Presence {
	list, to := make([]*chatv1.Presence, len(users)), audience{some: []chat.UserID{by}}
	for i, u := range users {
		claimed := p.cfg.Users.Present(string(u))
		list[i] = p.of(string(u), claimed, claimed, to)
	}
	return list
}

// of is what is said of a user, who is there if counted in any case; claimed is whether
// there is a conn. What has a higher counter is the later truth: both are taken under the
// lock under which that changes, and so is the note of who hears what may be over already.
func (p *Presence) of(user string, counted, claimed bool, to audience) *chatv1.Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, online := p.users[user]
	online = online || counted
	switch {
	case !online:
		p.offline.add(user, to)
	case !claimed:
		p.online.add(user, to)
	}
	p.counter++
	return &chatv1.Presence{User: user, Online: online, Owner: p.owner, Counter: p.counter}
}

// Stats reads all counters.
func (p *Presence) Stats() Stats {
	s := p.news.stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Online = len(p.users)
	return s
}

func (p *Presence) has(user string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, online := p.users[user]
	return online
}

// set takes a user for online or offline. news: that is new; believers are those whom
// this worker has told the opposite lately.
func (p *Presence) set(user string, online bool) (news bool, believers audience) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, was := p.users[user]
	if online {
		p.users[user] = struct{}{}
		return !was, p.offline.take(user)
	}
	delete(p.users, user)
	return was, p.online.take(user)
}
