package register

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// model says, in the words of the rule and with no regard to cost, who belongs into
// a view. It is compared with merge after every step of random histories.
type model struct {
	now      time.Duration
	lists    map[string]map[uint64]uint64 // register → boot → revision
	up       map[string]bool
	linked   map[uint64]bool
	left     map[uint64]uint64 // boot → revision of its leave
	leftAt   map[uint64]time.Duration
	ended    map[uint64]bool          // a register saw it end and no reachable one listed it since
	alone    map[uint64]time.Duration // reachable registers do not list it since
	in       map[uint64]bool
	revision map[uint64]uint64 // the latest of each boot, as the member itself counts
}

func (m *model) listed(boot uint64) bool {
	for r, up := range m.up {
		if rev, ok := m.lists[r][boot]; up && ok && rev > m.left[boot] {
			return true
		}
	}
	return false
}

// step works out who is in the view after something happened.
func (m *model) step(boots int) {
	reachable := false
	for _, up := range m.up {
		reachable = reachable || up
	}
	for b := uint64(1); b <= uint64(boots); b++ {
		if m.listed(b) {
			m.in[b], m.ended[b] = true, false
			delete(m.alone, b)
			continue
		}
		since, counting := m.alone[b]
		switch {
		case !reachable:
			delete(m.alone, b)
			counting = false
		case !counting:
			m.alone[b], since, counting = m.now, m.now, true
		}
		if !m.linked[b] && (m.left[b] > 0 || m.ended[b] || counting && m.now-since >= testPatience) {
			m.in[b] = false
		}
		if !m.in[b] {
			delete(m.alone, b)
			m.ended[b] = false
			if !m.linked[b] && m.now-m.leftAt[b] >= rememberLeft*testPatience {
				delete(m.left, b)
			}
		}
	}
}

func TestRandomHistoriesFollowTheRule(t *testing.T) {
	const boots, steps = 6, 400
	registers := []string{"r1", "r2", "r3"}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7))
		d := newTold()
		m := &model{
			lists: map[string]map[uint64]uint64{}, up: map[string]bool{}, linked: map[uint64]bool{},
			left: map[uint64]uint64{}, leftAt: map[uint64]time.Duration{}, ended: map[uint64]bool{},
			alone: map[uint64]time.Duration{}, in: map[uint64]bool{}, revision: map[uint64]uint64{},
		}
		for _, r := range registers {
			m.lists[r] = map[uint64]uint64{}
		}
		var history []string
		for range steps {
			r, b := registers[rng.IntN(len(registers))], 1+rng.Uint64N(boots)
			op := rng.IntN(10)
			if op >= 2 && op <= 4 && !m.up[r] {
				op = 0 // changes only follow a snapshot
			}
			switch op {
			case 0, 1: // a snapshot
				var as []account
				m.lists[r] = map[uint64]uint64{}
				for b := uint64(1); b <= boots; b++ {
					if rng.IntN(3) > 0 {
						continue
					}
					m.revision[b] = max(m.revision[b], 1)
					rev := m.revision[b] - rng.Uint64N(min(m.revision[b], 2)) // perhaps it lags behind
					if rev > m.left[b] {
						m.lists[r][b] = rev
						delete(m.left, b)
					}
					as = append(as, at(rev, gw(b)))
				}
				m.up[r] = true
				history = append(history, fmt.Sprintf("%s snapshot: %v", r, m.lists[r]))
				d.snap(r, as)
			case 2: // a member comes, comes back or changes
				m.revision[b]++
				m.lists[r][b] = m.revision[b]
				delete(m.left, b)
				history = append(history, fmt.Sprintf("%s present %d at %d", r, b, m.revision[b]))
				d.present(r, at(m.revision[b], gw(b)), d.now)
			case 3:
				delete(m.lists[r], b)
				if !m.listed(b) && m.in[b] { // it counts unless another register lists the member
					m.ended[b] = true
				}
				history = append(history, fmt.Sprintf("%s expired %d", r, b))
				d.expired(r, b, d.now)
			case 4:
				m.revision[b]++
				for _, lists := range m.lists {
					delete(lists, b)
				}
				m.left[b], m.leftAt[b] = m.revision[b], m.now
				history = append(history, fmt.Sprintf("%s left %d at %d", r, b, m.revision[b]))
				d.leave(r, b, m.revision[b], d.now)
			case 5:
				m.up[r] = false
				history = append(history, r+" lost")
				d.lost(r, d.now)
			case 6:
				m.linked[b] = !m.linked[b]
				history = append(history, fmt.Sprintf("link to %d: %v", b, m.linked[b]))
				d.link(b, m.linked[b])
			case 7, 8:
				d.now += time.Duration(rng.Int64N(int64(testPatience)))
				m.now = d.now
				history = append(history, fmt.Sprintf("time %v", d.now))
				d.tick(d.now)
			case 9:
				clear(m.alone)
				history = append(history, "forgive")
				d.forgive()
				d.tick(d.now)
			}
			m.step(boots)
			var want []uint64
			for b := uint64(1); b <= boots; b++ {
				if m.in[b] {
					want = append(want, b)
				}
			}
			var got []uint64
			for _, g := range d.members() {
				got = append(got, g.Boot)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d, after %d steps: got %v, want %v; the last steps:\n%v", seed, len(history), got, want, history[max(0, len(history)-12):])
			}
		}
	}
}
