package screens

import (
	"fmt"
	"time"
)

// screen compares what one device showed with the store.
func (c *comparison) screen(d *Device) {
	for _, id := range sorted(d.Shown) {
		v := c.Record.Conversations[id]
		if v == nil {
			c.Strange += len(d.Shown[id])
			c.broke(id, d, 0, "shown, and the store has no such conversation")
			continue
		}
		c.order(d, v)
	}
	for _, id := range sorted(c.Record.Conversations) {
		v := c.Record.Conversations[id]
		if m, in := v.Members[d.User]; in && d.Sees[id] {
			c.whole(d, v, m)
			c.counts(d, v, m)
		}
	}
	for user, online := range d.Presence {
		if c.Online != nil && c.Online[user] != online {
			c.Stuck++
			c.broke("", d, 0, fmt.Sprintf("%s believes that %s online is %v", d.Name, user, online))
		}
	}
}

// order looks at everything that came on the screen, in the order in which it did.
func (c *comparison) order(d *Device, v *Conversation) {
	seen := map[int64]bool{}
	last := int64(0)
	for _, s := range d.Shown[v.ID] {
		c.Shown++
		stored := v.at(s.Seq)
		switch {
		case stored == nil:
			c.Strange++
			c.broke(v.ID, d, s.Seq, "shown, and not stored")
			continue
		case stored.Sender != s.Sender || stored.Rev == 0 && s.Rev == 0 && stored.Text != s.Text:
			c.Strange++
			c.broke(v.ID, d, s.Seq, "shown otherwise than it is stored")
		case seen[s.Seq]:
			c.Doubled++
			c.broke(v.ID, d, s.Seq, "on the screen again")
			continue
		}
		// Older history may be put above what is there; between what is there, nothing.
		if s.Seq < last && !above(s.Seq, seen) {
			c.Swapped++
			c.broke(v.ID, d, s.Seq, fmt.Sprintf("came on the screen after %d", last))
		}
		seen[s.Seq] = true
		last = max(last, s.Seq)
		if at, ok := c.acked[place{v.ID, s.Seq}]; ok && stored.Sender != d.User {
			wait := d.there(at, s.At)
			c.waits = append(c.waits, wait)
			if wait > c.longest {
				c.longest = wait
				c.Findings.Longest = fmt.Sprintf("%d of %s on %s, acknowledged at %.2fs, shown at %.2fs, there for %.2fs of it", s.Seq, v.ID, d.Name, at.Seconds(), s.At.Seconds(), wait.Seconds())
			}
		}
	}
}

// there is how long a device had a session between two moments. Who is away waits for
// nothing; who is there waits, whatever session brings it in the end.
func (d *Device) there(from, to time.Duration) (sum time.Duration) {
	for _, l := range d.Live {
		sum += max(0, min(l.To, to)-max(l.From, from))
	}
	return sum
}

// above reports whether a message lies above everything on the screen: a person who
// scrolls up sees it come.
func above(seq int64, seen map[int64]bool) bool {
	for there := range seen {
		if there < seq {
			return false
		}
	}
	return true
}

// whole looks for what has to be on the screen at the end.
func (c *comparison) whole(d *Device, v *Conversation, m Member) {
	shown := map[int64]bool{}
	for _, s := range d.Shown[v.ID] {
		shown[s.Seq] = true
	}
	final := d.Final[v.ID]
	for _, stored := range v.Messages {
		if stored.Seq < m.FromSeq {
			if shown[stored.Seq] && !v.Public {
				c.Strange++
				c.broke(v.ID, d, stored.Seq, "shown to one who came later")
			}
			continue
		}
		if !shown[stored.Seq] {
			c.Lost++
			c.broke(v.ID, d, stored.Seq, fmt.Sprintf("not on the screen of %s", d.Name))
			continue
		}
		if text, ok := final.Texts[stored.Seq]; stored.Rev > 0 && (!ok || text != stored.Text) {
			c.Stale++
			c.broke(v.ID, d, stored.Seq, "its last change is not on the screen")
		}
	}
}

// counts holds unread and read mark against what they must be.
func (c *comparison) counts(d *Device, v *Conversation, m Member) {
	final := d.Final[v.ID]
	want := max(0, v.Counted-max(m.ReadCount, m.FromCount))
	byHand := int64(0)
	for _, stored := range v.Messages {
		if stored.Seq > m.ReadSeq && stored.Seq >= m.FromSeq && stored.Counts {
			byHand++
		}
	}
	if m.ReadSeq < m.FromSeq {
		// Nothing was read since the user came: what counts is counted from there.
		byHand = max(0, v.Counted-m.FromCount)
	}
	if want != byHand {
		c.Unread++
		c.broke(v.ID, d, m.ReadSeq, fmt.Sprintf("the marks of %s say %d unread, by hand it is %d", d.User, want, byHand))
	}
	if final.Unread != want {
		c.Unread++
		c.broke(v.ID, d, m.ReadSeq, fmt.Sprintf("%s shows %d unread, the store has %d", d.Name, final.Unread, want))
	}
	if final.ReadSeq > m.ReadSeq {
		c.Strange++
		c.broke(v.ID, d, final.ReadSeq, "shows a read mark that is not stored")
	}
	if final.Fell > 0 {
		c.Fell += final.Fell
		c.broke(v.ID, d, m.ReadSeq, "its read mark moved back")
	}
}
