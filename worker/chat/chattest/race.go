package chattest

import (
	"sync"

	"github.com/parley-im/parley/worker/chat"
)

// race is what many were answered who asked at once.
type race[T any] struct {
	mu       sync.Mutex // guards what follows while it runs
	fresh    []T        // of those who were told to be the first
	repeated []T        // of those who were told to have repeated
	errs     []error
}

// run asks n times at once and returns when all were answered.
func (r *race[T]) run(n int, ask func(i int) (T, bool, error)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			answer, duplicate, err := ask(i)
			r.mu.Lock()
			defer r.mu.Unlock()
			switch {
			case err != nil:
				r.errs = append(r.errs, err)
			case duplicate:
				r.repeated = append(r.repeated, answer)
			default:
				r.fresh = append(r.fresh, answer)
			}
		})
	}
	all.Wait()
}

// either is one store or the other.
func (w *world) either(i int) chat.Store { return []chat.Store{w.a, w.b}[i%2] }
