package link

import (
	"slices"
	"strings"
)

// PathLabel is the label by which a worker says that it serves the conns of a path, and
// of the paths below it, and no others. Workers without it serve all the rest.
const PathLabel = "path"

// pools are the workers that may be given conns: attached, their snapshot written,
// serving events, not draining. They are replaced, never changed.
type pools struct {
	of    map[string][]*worker // by path; "": the rest
	paths []string             // those with workers, the longest first
	all   int
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
	now := &pools{of: map[string][]*worker{}}
	for w := range l.workers {
		if !w.attach.GetServesEvents() || !w.employed || w.draining.Load() || w.gone.Load() {
			continue
		}
		path := w.poolOf()
		if len(now.of[path]) == 0 && path != "" {
			now.paths = append(now.paths, path)
		}
		now.of[path] = append(now.of[path], w)
		now.all++
	}
	slices.SortFunc(now.paths, func(a, b string) int { return len(b) - len(a) })
	l.pools.Store(now)
	l.alone = l.alone && now.all == 0
}

// serving are the workers of a pool.
func (l *Link) serving(pool string) []*worker {
	if p := l.pools.Load(); p != nil {
		return p.of[pool]
	}
	return nil
}

// poolFor is the pool whose workers serve a path now. A conn stays in the one that it was
// opened in.
func (l *Link) poolFor(path string) string {
	p := l.pools.Load()
	if p == nil {
		return ""
	}
	for _, pool := range p.paths {
		if rest, ok := strings.CutPrefix(path, pool); ok && (rest == "" || rest[0] == '/') {
			return pool
		}
	}
	return ""
}
