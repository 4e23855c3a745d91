package link

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"time"
)

// Routing is what may change while a gateway runs of who gets a conn. Zero values become
// the defaults beside them.
type Routing struct {
	WorkerLabels map[string]string // only workers with all of these are given conns
	SlowStart    time.Duration     // 10 s until a new worker gets its whole share of new conns; negative: at once
	Rebalance    float64           // 1 percent of a pool's conns move per second at most, while shares are uneven; negative: none
}

// check names the flags of what is wrong.
func (r Routing) check() error {
	var errs []error
	if r.Rebalance > 100 || math.IsNaN(r.Rebalance) {
		errs = append(errs, fmt.Errorf("rebalance is %v: want a percentage, or a negative number for none", r.Rebalance))
	}
	return errors.Join(errs...)
}

func (r Routing) withDefaults() Routing {
	if r.SlowStart == 0 {
		r.SlowStart = 10 * time.Second
	}
	if r.Rebalance == 0 {
		r.Rebalance = 1
	}
	return r
}

// Reroute changes who gets conns from now on. Conns of a worker that is not wanted any more
// move to those that are, as with a drain: in order, each when nothing of it is under way.
// While their pool has nobody else they stay. What was held because nobody was wanted goes
// to those that are now. Wrong values change nothing.
func (l *Link) Reroute(change func(*Routing)) error {
	if err := l.setRouting(change); err != nil {
		return err
	}
	l.unpark()
	return nil
}

func (l *Link) setRouting(change func(*Routing)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := *l.routing.Load()
	change(&next)
	next = next.withDefaults()
	if err := next.check(); err != nil {
		return err
	}
	next.WorkerLabels = maps.Clone(next.WorkerLabels)
	l.routing.Store(&next)
	l.publish()
	return nil
}

// fits reports whether a worker has all the labels that this gateway wants.
func (r *Routing) fits(w *worker) bool {
	for k, v := range r.WorkerLabels {
		if have, ok := w.attach.GetLabels()[k]; !ok || have != v {
			return false
		}
	}
	return true
}
