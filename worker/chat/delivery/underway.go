package delivery

import "sync"

// underway is what this process is at: rows that wait for their turn in its queues, or
// for gateways to acknowledge. Whoever claims such a row for this very process would do
// twice what is being done.
type underway struct {
	mu      sync.Mutex     // guards what follows; a leaf
	rows    map[int64]bool // true: it was claimed
	rescues int            // rows that were
}

// begin notes a row, and reports false when it is there already.
func (u *underway) begin(id int64, rescued bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, there := u.rows[id]; there {
		return false
	}
	if u.rows == nil {
		u.rows = make(map[int64]bool)
	}
	u.rows[id] = rescued
	if rescued {
		u.rescues++
	}
	return true
}

// over forgets a row: all is done, or it is left to the outbox.
func (u *underway) over(id int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.rows[id] {
		u.rescues--
	}
	delete(u.rows, id)
}

// ids returns all rows.
func (u *underway) ids() []int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := make([]int64, 0, len(u.rows))
	for id := range u.rows {
		ids = append(ids, id)
	}
	return ids
}

// count returns how many rows there are, and how many of them were claimed.
func (u *underway) count() (all, rescues int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.rows), u.rescues
}
