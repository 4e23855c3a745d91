package traffic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// talk lets bots write so many messages a second, all together, until ctx ends.
func (w *crowd) talk(ctx context.Context, perSecond int) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	due, said, last := 0.0, 0, time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		due += float64(perSecond) * min(now.Sub(last), time.Second).Seconds()
		last = now
		for ; due >= 1; due-- {
			b := w.bots[rand.IntN(len(w.bots))]
			said++
			// A full outbox waits for answers: the others go on.
			_, _ = b.client.Send(b.talksIn[rand.IntN(len(b.talksIn))], fmt.Sprintf("%s says %d", b.name, said))
		}
	}
}

// screen is what one bot's client has shown, while it is being shown.
type screen struct {
	mu sync.Mutex // guards of; a leaf, below the client's
	of map[string]*column
}

// column is one conversation on it.
type column struct {
	last    int64 // number
	seen    int   // messages of people
	again   int   // shown that were there
	skipped int   // numbers that were passed over
}

// shown is called by the client for everything that comes on the screen.
func (s *screen) shown(conversation string, m chatclient.Shown) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]*column{}
	}
	c := s.of[conversation]
	if c == nil {
		c = &column{last: m.Seq - 1}
		s.of[conversation] = c
	}
	switch {
	case m.Seq <= c.last:
		c.again++
		return
	case m.Seq > c.last+1:
		c.skipped += int(m.Seq - c.last - 1)
	}
	c.last = m.Seq
	if m.Kind == chatv1.MessageKind_MESSAGE_KIND_TEXT {
		c.seen++
	}
}

// live is how it stands at a moment.
type live struct {
	sent, stored  int64
	seen          int
	lost, doubled int // on screens, as far as they show it themselves
	sockets       sockets
}

// live adds up all bots.
func (w *crowd) live(k *kills) (l live) {
	for _, b := range w.bots {
		n := b.client.Counters()
		l.sent, l.stored = l.sent+n.Sends, l.stored+n.Acks
		b.screen.mu.Lock()
		for _, id := range b.talksIn {
			if c := b.screen.of[id]; c != nil {
				l.seen, l.lost, l.doubled = l.seen+c.seen, l.lost+c.skipped, l.doubled+c.again
			}
		}
		b.screen.mu.Unlock()
	}
	l.sockets = k.sockets()
	return l
}
