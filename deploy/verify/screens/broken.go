package screens

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Broken is the first broken promise, and what happened around it.
type Broken struct {
	Conversation string   `json:"conversation"`
	Device       string   `json:"device,omitempty"` // "": the store by itself
	Seq          int64    `json:"seq"`
	What         string   `json:"what"`
	Lines        []string `json:"timeline"`
}

// around is how many numbers before and after the broken one the timeline shows.
const around = 3

// broke writes down the first broken promise with its timeline.
func (c *comparison) broke(conversation string, d *Device, seq int64, what string) {
	if c.First != nil {
		return
	}
	b := &Broken{Conversation: conversation, Seq: seq, What: what}
	if d != nil {
		b.Device = d.Name
	}
	b.Lines = c.timeline(conversation, seq, d)
	c.First = b
}

// timeline tells what all devices sent and saw near a number, in order of time.
func (c *comparison) timeline(conversation string, seq int64, d *Device) []string {
	type moment struct {
		at   time.Duration
		line string
	}
	var list []moment
	near := func(n int64) bool { return n >= seq-around && n <= seq+around }
	for _, other := range c.Record.Devices {
		for _, s := range other.Sent {
			if s.Conversation != conversation || s.Acked > 0 && !near(s.Seq) || s.Acked == 0 {
				continue
			}
			list = append(list,
				moment{s.At, fmt.Sprintf("%s sends %s", other.Name, s.Request)},
				moment{s.Acked, fmt.Sprintf("%s is told that %s is %d", other.Name, s.Request, s.Seq)})
		}
		if d != nil && other != d {
			continue // of whom it is not about, what they sent is enough
		}
		for _, s := range other.Shown[conversation] {
			if near(s.Seq) {
				list = append(list, moment{s.At, fmt.Sprintf("%s shows %d of %s", other.Name, s.Seq, s.Sender)})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	lines := make([]string, 0, len(list))
	for _, m := range list {
		lines = append(lines, fmt.Sprintf("%9.4fs  %s", m.at.Seconds(), m.line))
	}
	return lines
}
