package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/deploy/client"
)

// Broken is the first conn, by time, on which a promise was broken.
type Broken struct {
	Conn  string        `json:"conn"`
	What  string        `json:"what"`
	N     uint64        `json:"n"`
	At    time.Duration `json:"atNs"` // since the run began
	Lines []string      `json:"timeline"`
}

// around is how many entries of each side a timeline shows before and after.
const around = 6

// broke notes a broken promise if none was broken earlier.
func (f *Findings) broke(log *client.Log, what string, n uint64, at time.Duration) {
	if f.First != nil && f.First.At <= at {
		return
	}
	f.First = &Broken{Conn: log.Name, What: what, N: n, At: at, Lines: timeline(log, at)}
}

// timeline tells what the conn sent and received around a moment, in order of time.
func timeline(log *client.Log, at time.Duration) []string {
	type entry struct {
		at   time.Duration
		text string
	}
	var entries []entry
	for _, m := range nearby(log.Sent, at) {
		entries = append(entries, entry{m.At, fmt.Sprintf("sent %d", m.N)})
	}
	for _, m := range nearby(log.Got, at) {
		entries = append(entries, entry{m.At, strings.TrimSpace(fmt.Sprintf("got  %d %s", m.N, m.By))})
	}
	for _, odd := range log.Odd {
		entries = append(entries, entry{at, fmt.Sprintf("odd  %.80q", odd)})
	}
	if log.Ended != "" {
		entries = append(entries, entry{log.EndedAt, "ended: " + log.Ended})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return int(a.at - b.at) })
	lines := make([]string, len(entries))
	for i, e := range entries {
		lines[i] = fmt.Sprintf("%10.4fs  %s", e.at.Seconds(), e.text)
	}
	return lines
}

func nearby(marks []client.Mark, at time.Duration) []client.Mark {
	i, _ := slices.BinarySearchFunc(marks, at, func(m client.Mark, at time.Duration) int { return int(m.At - at) })
	return marks[max(0, i-around):min(len(marks), i+around)]
}
