package link

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The labels of workers that the gateway goes by.
const (
	// PathLabel is how a worker says that it serves the conns of a path, and of the
	// paths below it, and no others. Workers without it serve all the rest.
	PathLabel = "path"
	// WeightLabel is how many conns a worker takes beside the others; 1 without it.
	WeightLabel = "weight"
	// RouteLabel says who of a pool gets a conn, if all in the pool say the same: with
	// RouteUser the one that the conn's user belongs to.
	RouteLabel = "route"
	RouteUser  = "user"
)

// pools are the workers that may be given conns: attached, their snapshot written,
// serving events, not draining, with the labels that this gateway wants. They are
// replaced, never changed.
type pools struct {
	of    map[string]*pool // by path; "": the rest. None is empty
	paths []string         // those with workers, the longest first
	all   int
	spare bool // there are workers that might serve, and that this gateway does not want
}

// pool is the workers of one path.
type pool struct {
	workers []*worker
	byUser  bool          // all of them want the conns of a user together
	slow    time.Duration // over which a new one gets its whole share; 0: at once
}

// poolOf is the pool that a worker is in.
func (w *worker) poolOf() string {
	path := strings.TrimRight(w.attach.GetLabels()[PathLabel], "/")
	if !strings.HasPrefix(path, "/") {
		return ""
	}
	return path
}

// publish recomputes the pools. l.mu is held.
func (l *Link) publish() {
	now, routing := &pools{of: map[string]*pool{}}, l.routing.Load()
	for w := range l.workers {
		if !w.attach.GetServesEvents() || !w.employed || w.draining.Load() || w.gone.Load() {
			continue
		}
		fits := routing.fits(w)
		w.unwanted.Store(!fits)
		if !fits {
			now.spare = true
			continue
		}
		path := w.poolOf()
		p := now.of[path]
		if p == nil {
			p = &pool{byUser: true, slow: max(0, routing.SlowStart)}
			now.of[path] = p
			if path != "" {
				now.paths = append(now.paths, path)
			}
		}
		p.workers = append(p.workers, w)
		p.byUser = p.byUser && w.attach.GetLabels()[RouteLabel] == RouteUser
		now.all++
	}
	slices.SortFunc(now.paths, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	l.pools.Store(now)
	l.alone = l.alone && now.all == 0
	select {
	case l.repooled <- struct{}{}:
	default: // place has not looked since the last time
	}
}

// pool is the workers of a path, nil while there are none.
func (l *Link) pool(path string) *pool {
	return l.pools.Load().of[path]
}

// poolFor is the pool whose workers serve a path now. A conn stays in the one that it was
// opened in.
func (l *Link) poolFor(path string) string {
	for _, pool := range l.pools.Load().paths {
		if rest, ok := strings.CutPrefix(path, pool); ok && (rest == "" || rest[0] == '/') {
			return pool
		}
	}
	return ""
}
