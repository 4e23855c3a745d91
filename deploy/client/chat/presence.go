package chatclient

import (
	"maps"
	"slices"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// maxPresence bounds the users of whom it is known whether they are there; of further
// ones it is not.
const maxPresence = 1 << 14

// presencesAtOnce is how many a call asks for.
const presencesAtOnce = 200

// Watch makes the client ask whether users are there, now and whenever a session opens.
// Peers of direct conversations are watched as they become known.
func (c *Client) Watch(users ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range users {
		c.watch(u)
		if c.line != nil && c.watched[u] {
			c.line.unknown[u] = true
		}
	}
	c.wakeUp()
}

func (c *Client) watch(user string) {
	if c.watched[user] || len(c.watched) >= maxPresence {
		return
	}
	c.watched[user] = true
	if c.line != nil {
		c.line.unknown[user] = true
		c.wakeUp()
	}
}

// Presences returns what is known of others now.
func (c *Client) Presences() map[string]Presence {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.presence)
}

// lookAround makes the client ask for the presence of all whom it watches.
func (c *Client) lookAround() {
	if c.line == nil {
		return // the next session asks
	}
	for user := range c.watched {
		c.line.unknown[user] = true
	}
	c.wakeUp()
}

// present takes news about a user: of the same owner only a higher counter is newer.
func (c *Client) present(p *chatv1.Presence) {
	user := c.intern(p.GetUser())
	have, known := c.presence[user]
	if known && have.Owner == p.GetOwner() && p.GetCounter() <= have.Counter || !known && len(c.presence) >= maxPresence {
		return
	}
	c.presence[user] = Presence{Online: p.GetOnline(), Owner: c.intern(p.GetOwner()), Counter: p.GetCounter()}
	c.watch(user)
	if c.line != nil && c.line.asking {
		c.line.news[user] = true
	}
}

// ask asks for the presence of those of whom it is not known on this conn.
func (c *Client) ask(l *line, now time.Time) time.Time {
	switch {
	case !l.live || l.asking || len(l.unknown) == 0:
		return time.Time{}
	case now.Before(l.askAt):
		return l.askAt
	}
	users := slices.Sorted(maps.Keys(l.unknown))
	users = users[:min(len(users), presencesAtOnce)]
	for _, u := range users {
		delete(l.unknown, u)
	}
	l.asking = true
	clear(l.news)
	res := &chatv1.GetPresenceResponse{}
	k := &call{method: "getPresence", req: &chatv1.GetPresenceRequest{Users: users}, res: res}
	k.done = func(err error) {
		l.asking = false
		if err == nil {
			l.inquiry.reset()
		} else if !final(err) {
			for _, u := range users {
				l.unknown[u] = true
			}
			l.askAt = time.Now().Add(l.inquiry.next(retryAfter(err)))
		}
		c.wakeUp()
	}
	if err := c.start(l, k, c.cfg.Times.Call); err != nil {
		l.asking = false
	}
	return time.Time{}
}

// presences takes an answer about users. Who is left out of it shares no conversation
// with the user any more: nothing is known of them. Of whom there was news meanwhile the
// answer may be the older one, of a worker that had not heard it: they are asked for again.
func (c *Client) presences(asked []string, got []*chatv1.Presence) {
	there := make(map[string]bool, len(got))
	for _, p := range got {
		there[p.GetUser()] = true
		if c.line != nil && c.line.news[p.GetUser()] {
			c.line.unknown[p.GetUser()] = true
			continue
		}
		c.present(p)
	}
	for _, u := range asked {
		if !there[u] {
			delete(c.presence, u)
		}
	}
}
