package link

import (
	"slices"
	"sync"
	"time"
)

// trial is what is known of an event during whose handling workers were lost. It is that of
// the oldest event of its conn, whose mu guards it.
type trial struct {
	lost    []string // nodes of the workers that were lost with it, one for each of its tries
	running *worker  // has said that it handles the event now, alone
	deaths  []death  // of those that had said so
	judging bool     // the verdict is near: nobody gets the event
}

// death is a worker that was lost while it handled one event alone.
type death struct {
	node string
	boot uint64
}

// trials are those of a gateway: there is one in a thousand conns, for a moment, so it is
// not a field of each.
type trials struct {
	mu     sync.Mutex
	of     map[*conn]*trial
	losses []time.Time // of workers, as far as no event that ran alone explains them; the latest keep of them
	keep   int
}

// get returns the trial of c's oldest event, nil if there is none.
func (t *trials) get(c *conn) *trial {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of[c]
}

// begin is get, which begins one if there is none.
func (t *trials) begin(c *conn) *trial {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of[c] == nil {
		t.of[c] = &trial{}
	}
	return t.of[c]
}

func (t *trials) end(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, c)
}

// unexplained notes that a worker was lost and nobody knows why.
func (t *trials) unexplained(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.losses) >= t.keep {
		t.losses = slices.Delete(t.losses, 0, len(t.losses)-t.keep+1)
	}
	t.losses = append(t.losses, now)
}

// explained takes back the latest n of what unexplained has noted: it is known now.
func (t *trials) explained(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.losses = t.losses[:max(0, len(t.losses)-n)]
}

// since counts what unexplained has noted since then.
func (t *trials) since(then time.Time) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, at := range t.losses {
		if at.After(then) {
			n++
		}
	}
	return n
}
