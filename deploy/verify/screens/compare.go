package screens

import (
	"fmt"
	"slices"
	"time"
)

// Findings are what a comparison found, over all devices. Anything but zero in what
// Broken adds up is a broken promise.
type Findings struct {
	Devices       int `json:"devices"`
	Conversations int `json:"conversations"`
	Sent          int `json:"sent"`
	Acked         int `json:"acked"`
	Stored        int `json:"stored"`
	Shown         int `json:"shown"`

	Unstored int `json:"unstored"` // acknowledged, and not in the store as it was acknowledged
	Twice    int `json:"twice"`    // stored more than once
	Gaps     int `json:"gaps"`     // numbers that a conversation of the store has not, or has twice
	Lost     int `json:"lost"`     // stored, and not on the screen of one who has to have it
	Doubled  int `json:"doubled"`  // on a screen more than once
	Swapped  int `json:"swapped"`  // on a screen below a later one
	Strange  int `json:"strange"`  // on a screen, and not in the store like that
	Stale    int `json:"stale"`    // on a screen without its last change
	Unread   int `json:"unread"`   // counts that differ from a subtraction by hand
	Fell     int `json:"fell"`     // read marks that moved back
	Stuck    int `json:"stuck"`    // presence that is not so

	LongestToAck    time.Duration `json:"longestToAckNs"`    // from a send to its acknowledgement
	LongestToScreen time.Duration `json:"longestToScreenNs"` // from the acknowledgement to another's screen, while that device had a session
	P99ToScreen     time.Duration `json:"p99ToScreenNs"`
	Longest         string        `json:"longest"` // which one waited longest

	First *Broken `json:"firstBroken,omitempty"`
}

// Broken counts what was found wrong.
func (f *Findings) Broken() int {
	return f.Unstored + f.Twice + f.Gaps + f.Lost + f.Doubled + f.Swapped + f.Strange + f.Stale + f.Unread + f.Fell + f.Stuck
}

// Clean reports whether every promise was kept and something was said and seen at all.
func (f *Findings) Clean() bool { return f.Acked > 0 && f.Shown > 0 && f.Broken() == 0 }

// Compare holds the sides of a record against each other.
func Compare(r *Record) Findings {
	c := comparison{Record: r, acked: map[place]time.Duration{}}
	c.Findings.Conversations, c.Findings.Devices = len(r.Conversations), len(r.Devices)
	for _, id := range sorted(r.Conversations) {
		c.store(r.Conversations[id])
	}
	for _, d := range r.Devices {
		c.acks(d)
	}
	for _, d := range r.Devices {
		c.screen(d)
	}
	slices.Sort(c.waits)
	if n := len(c.waits); n > 0 {
		c.P99ToScreen, c.LongestToScreen = c.waits[n*99/100], c.waits[n-1]
	}
	return c.Findings
}

// place is where a message is for ever.
type place struct {
	conversation string
	seq          int64
}

type comparison struct {
	*Record
	Findings
	acked map[place]time.Duration // when its sender heard of it
	waits []time.Duration

	longest time.Duration
}

// store looks at one conversation by itself: no gaps, nothing twice.
func (c *comparison) store(v *Conversation) {
	c.Stored += len(v.Messages)
	requests := map[[2]string]int64{}
	want, counted := int64(1), int64(0)
	for _, m := range v.Messages {
		if m.Seq != want {
			c.Gaps++
			c.broke(v.ID, nil, m.Seq, fmt.Sprintf("the store has %d where %d comes next", m.Seq, want))
			want = m.Seq
		}
		want++
		if m.Counts {
			counted++
		}
		if m.Request == "" {
			continue
		}
		key := [2]string{m.Sender, m.Request}
		if first, again := requests[key]; again {
			c.Twice++
			c.broke(v.ID, nil, m.Seq, fmt.Sprintf("request %s is stored as %d and as %d", m.Request, first, m.Seq))
		}
		requests[key] = m.Seq
	}
	if v.Seq != want-1 {
		c.Gaps++
		c.broke(v.ID, nil, v.Seq, fmt.Sprintf("the conversation counts to %d, its messages to %d", v.Seq, want-1))
	}
	for i, ch := range v.Changes {
		if ch.Rev != int64(i+1) {
			c.Gaps++
			c.broke(v.ID, nil, ch.Seq, fmt.Sprintf("the store has rev %d where %d comes next", ch.Rev, i+1))
			break
		}
	}
	if v.Rev != int64(len(v.Changes)) {
		c.Gaps++
		c.broke(v.ID, nil, 0, fmt.Sprintf("the conversation counts to rev %d, its changes to %d", v.Rev, len(v.Changes)))
	}
	if v.Counted != counted {
		c.Unread++
		c.broke(v.ID, nil, v.Seq, fmt.Sprintf("the conversation says that %d messages count, and %d do", v.Counted, counted))
	}
}

// acks looks for what a device was told is stored.
func (c *comparison) acks(d *Device) {
	for i := range d.Sent {
		s := &d.Sent[i]
		c.Sent++
		v := c.Record.Conversations[s.Conversation]
		if s.Acked == 0 {
			if s.Refused && v != nil && slices.ContainsFunc(v.Messages, func(m Message) bool { return m.Sender == d.User && m.Request == s.Request }) {
				c.Strange++
				c.broke(s.Conversation, d, 0, "refused for good and stored: "+s.Request)
			}
			continue
		}
		c.Acked++
		c.LongestToAck = max(c.LongestToAck, s.Acked-s.At)
		m := v.at(s.Seq)
		if m == nil || m.Sender != d.User || m.Request != s.Request {
			c.Unstored++
			c.broke(s.Conversation, d, s.Seq, fmt.Sprintf("acknowledged to %s as %s, and the store has %s", d.Name, s.Request, m))
			continue
		}
		c.acked[place{s.Conversation, s.Seq}] = s.Acked
	}
}

// at returns the message of a number, nil when there is none.
func (v *Conversation) at(seq int64) *Message {
	if v == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(v.Messages, seq, func(m Message, seq int64) int { return int(m.Seq - seq) })
	if !ok {
		return nil
	}
	return &v.Messages[i]
}

func (m *Message) String() string {
	if m == nil {
		return "nothing there"
	}
	return fmt.Sprintf("%q of %s there", m.Request, m.Sender)
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
