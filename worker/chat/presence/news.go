package presence

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// How news is told.
const (
	// tellEvery paces it: when a gateway with 15,000 users dies, they are told in half a
	// minute, and not at once.
	tellEvery = 2 * time.Millisecond
	// againAfter is how long nothing is told after something could not be: the store is
	// away then, or no gateway is known.
	againAfter = time.Second
	tellWithin = 5 * time.Second // the store and the gateways' logs for one piece of news
	mostNews   = 1 << 17         // users in the queue; of further ones nothing is told, clients ask
)

// news is the queue of users of whom this worker has something to tell: each once, with
// whom to tell, and what is told is how it is when its turn comes. So it does not grow
// while users come and go, or the store is away.
type news struct {
	mu           sync.Mutex // guards what follows; a leaf
	queue        []string
	queued       map[string]audience
	kept         time.Time // when the picture was last looked after
	quiet        time.Time // until then nothing is told
	told, failed int64

	wake chan struct{} // capacity 1: the queue is no longer empty
}

func newNews() news {
	return news{queued: make(map[string]audience), kept: time.Now(), wake: make(chan struct{}, 1)}
}

// add queues a user for an audience, or adds that to the one for whom it is queued.
func (n *news) add(user string, to audience) {
	if to.empty() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if before, there := n.queued[user]; there {
		n.queued[user] = before.with(to)
		return
	}
	if len(n.queue) >= mostNews {
		n.failed++
		return
	}
	n.queued[user] = to
	n.queue = append(n.queue, user)
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// attended notes that the picture is looked after. If that was not so for a while, what
// it shows may be old.
func (n *news) attended(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if stood := now.Sub(n.kept); stood > standstill {
		n.quiet = now.Add(min(max(stood, shortCatchUp), longCatchUp))
	}
	n.kept = now
}

// current reports whether the picture is looked after and has caught up.
func (n *news) current(now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return now.Sub(n.kept) <= standstill && !now.Before(n.quiet)
}

// next takes a user from the queue; ok is false when there is none, or nothing is to be
// told for a while.
func (n *news) next(now time.Time) (user string, to audience, ok bool, wait time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case len(n.queue) == 0:
		return "", audience{}, false, 0
	case now.Sub(n.kept) > standstill:
		return "", audience{}, false, tick
	case now.Before(n.quiet):
		return "", audience{}, false, n.quiet.Sub(now)
	}
	user, n.queue = n.queue[0], n.queue[1:]
	if len(n.queue) == 0 {
		n.queue = nil // so that its memory goes
	}
	to = n.queued[user]
	delete(n.queued, user)
	return user, to, true, 0
}

// done counts. What went wrong is tried again, with what is so then.
func (n *news) done(user string, to audience, err error) {
	n.mu.Lock()
	if err == nil {
		n.told++
	} else {
		n.failed++
	}
	n.mu.Unlock()
	if err != nil {
		n.add(user, to)
	}
}

func (n *news) stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return Stats{Queued: len(n.queue), Told: n.told, Failed: n.failed}
}

// tell tells what is in the queue until ctx ends, slowly enough to hurt nobody.
func (p *Presence) tell(ctx context.Context) {
	for ctx.Err() == nil {
		user, to, ok, wait := p.news.next(time.Now())
		switch {
		case ok:
			err := p.one(ctx, user, to)
			p.news.done(user, to, err)
			wait = tellEvery
			if err != nil {
				wait = againAfter
				p.cfg.Log.Debug("presence was not told", "user", user, "err", err)
			}
		case wait == 0:
			select {
			case <-p.news.wake:
			case <-ctx.Done():
			}
			continue
		}
		pause(ctx, wait)
	}
}

// one tells an audience how it is with a user.
func (p *Presence) one(ctx context.Context, user string, to audience) error {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	names := to.some
	if to.all {
		var err error
		if names, err = p.concerned(ctx, user); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	return p.cfg.Tell(ctx, names, p.of(user, false, p.cfg.Users.Present(user), to))
}

// concerned returns whom a user concerns and who is there. While this process has not
// heard of everybody, that is all of them: a gateway that it is not in step with gets
// everything anyway.
func (p *Presence) concerned(ctx context.Context, user string) ([]chat.UserID, error) {
	peers, err := p.cfg.Peers(ctx, chat.UserID(user))
	whole := p.Whole()
	return slices.DeleteFunc(peers, func(u chat.UserID) bool {
		return string(u) == user || whole && !p.cfg.Users.Present(string(u))
	}), err
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
