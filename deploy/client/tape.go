package client

import (
	"sync"
	"time"
)

// Mark is one numbered frame on a Tape.
type Mark struct {
	N  uint64        // the number in the frame
	At time.Duration // since the tape began
	By string        // who answered, as the frame says; empty on what was sent
}

// Tape is what one conn sent and received, as it happened. Nothing is removed
// or put in order here: whoever compares two sides must see the repeats. All
// methods may be called from any goroutine.
type Tape struct {
	Name  string
	start time.Time

	mu    sync.Mutex
	sent  []Mark
	got   []Mark
	odd   []string // what came and was no numbered frame
	ended string   // why the socket ended before we ended it
	at    time.Duration
}

// maxOdd bounds the frames without a number that a tape keeps.
const maxOdd = 16

// NewTape begins a tape; the times on it count from start.
func NewTape(name string, start time.Time) *Tape { return &Tape{Name: name, start: start} }

// Since is how long ago the tape began.
func (t *Tape) Since() time.Duration { return time.Since(t.start) }

// NextSent writes down the next number, one more than the last, and returns it.
// Call it before the frame is sent: what fails to leave counts as lost.
func (t *Tape) NextSent() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := uint64(len(t.sent)) + 1
	t.sent = append(t.sent, Mark{N: n, At: time.Since(t.start)})
	return n
}

// Got writes down a frame that came.
func (t *Tape) Got(n uint64, by string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, Mark{N: n, At: time.Since(t.start), By: by})
}

// Odd writes down a frame that should not have come to this conn at all.
func (t *Tape) Odd(frame string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.odd) < maxOdd {
		t.odd = append(t.odd, frame)
	}
}

// Ended writes down that the socket ended although nobody here wanted it to.
func (t *Tape) Ended(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended == "" {
		t.ended, t.at = why, time.Since(t.start)
	}
}

// Log is what stands on a tape at one moment.
type Log struct {
	Name    string
	Sent    []Mark
	Got     []Mark
	Odd     []string
	Ended   string // empty: the socket lives, or we ended it ourselves
	EndedAt time.Duration
}

// Log returns what stands on the tape now. The slices must not be changed.
func (t *Tape) Log() Log {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Log{
		Name: t.Name, Ended: t.ended, EndedAt: t.at,
		Sent: t.sent[:len(t.sent):len(t.sent)], Got: t.got[:len(t.got):len(t.got)], Odd: t.odd[:len(t.odd):len(t.odd)],
	}
}

// Counts returns how many frames were sent and how many came.
func (t *Tape) Counts() (sent, got int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.sent), len(t.got)
}
