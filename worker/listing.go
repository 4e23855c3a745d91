package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
)

// Listing is a list that is read while it comes, page by page, from several gateways
// side by side: the memory it takes is one page of each of four of them, however long the
// list is. A gateway that stands still is asked like the others and holds them up for
// half a second at most; it is waited for at the end, until ctx ends or its link has
// been down for a second. It is for one goroutine.
//
//	l := sender.Conns(ctx, worker.InGroups("room"), worker.Limit(100), worker.From(position))
//	for c := range l.All() { … }
//	position = l.Position() // "": that was all
type Listing[T any] struct {
	ctx    context.Context
	sender *Sender
	opts   *listOptions
	read   func(boot uint64, p *gatewayv1.Page) []T
	fresh  func(T) bool // nil: all are

	at   position
	gone bool // All has been ranged over
	over bool // there is nothing to go on with
	got  int
	lost []string
	errs []error
}

// side is how many gateways are asked at once, and patience how long one may take until
// a further one is asked beside it.
const (
	side     = 4
	patience = 500 * time.Millisecond
)

// pageOf is the answer of a gateway.
type pageOf struct {
	from *link.Gateway
	page *gatewayv1.Page
	err  error
}

func newListing[T any](ctx context.Context, s *Sender, of gatewayv1.Listed, opts []ListOption, read func(uint64, *gatewayv1.Page) []T, fresh func(T) bool) *Listing[T] {
	l := &Listing[T]{ctx: ctx, sender: s, read: read, fresh: fresh}
	var err error
	if l.opts, err = listOf(of, opts); err == nil {
		l.at, err = parsePosition(l.opts.from, of)
	}
	if err != nil {
		l.errs = append(l.errs, err)
	}
	return l
}

// Err is what kept the list from being whole, once All has ended: Invalid, an option is
// out of bounds; Unimplemented, a gateway is too old to know lists; Unavailable, not
// every gateway has answered before ctx ended. The entries that came are good.
func (l *Listing[T]) Err() error { return errors.Join(l.errs...) }

// Lost are the gateways (their nodes) whose entries are missing, or some of them: they
// have left, did not answer, or do not know lists.
func (l *Listing[T]) Lost() []string {
	return slices.Compact(slices.Sorted(slices.Values(l.lost)))
}

// Position says where to go on, as text that fits into a URL; "" when there is nothing
// more. It is exact when the list has ended, by itself or by [Limit]. After a loop that was
// left it is the end of the last whole page: what came after that comes again. Gateways
// that did not answer before ctx ended are asked again from there.
func (l *Listing[T]) Position() string {
	if l.over {
		return ""
	}
	return l.at.String()
}

// All is the list. It may be ranged over once; a loop that is left ends it. A second range
// yields nothing and is an error, Invalid.
func (l *Listing[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		if l.gone {
			l.errs = append(l.errs, invalid("a list can be read once"))
		}
		l.gone = true
		if len(l.errs) > 0 {
			return
		}
		if err := l.sender.known(l.ctx); err != nil {
			l.errs = append(l.errs, err)
			return
		}
		l.run(yield)
	}
}

// run asks the gateways and hands on what they answer, until all are done.
func (l *Listing[T]) run(yield func(T) bool) {
	ctx, cancel := context.WithCancel(l.ctx)
	answers := make(chan pageOf, side)
	asking := make(map[uint64]bool) // by boot: whether it has been slow
	defer func() {
		cancel()
		for range asking {
			<-answers
		}
	}()
	room := side // how many are asked at once, those that are slow apart
	if l.opts.limit > 0 {
		room = 1
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	l.lost = append(l.lost, l.opts.strangers(l.sender.worker.mesh.Gateways())...)
	for {
		l.begin()
		if err := l.sender.worker.running(); err != nil {
			l.errs = append(l.errs, err) // the roster is empty because of that
			return
		}
		for quick(asking) < room {
			g := l.choose(asking)
			if g == nil {
				break
			}
			asking[g.Boot()] = false
			list := l.ask(g)
			go func() { answers <- l.sender.worker.page(ctx, g, list) }()
		}
		if len(asking) == 0 {
			l.over = len(l.at.open) == 0
			return
		}
		a, ok := next(answers, timer)
		if ok {
			delete(asking, a.from.Boot())
			if !l.take(a, yield) {
				return
			}
		} else {
			for boot := range asking {
				asking[boot] = true
			}
		}
		timer.Reset(patience) // not before: how long the caller takes makes no gateway slow
	}
}

// next waits for an answer until the timer ends. One that is there by then counts.
func next(answers <-chan pageOf, timer *time.Timer) (a pageOf, ok bool) {
	select {
	case a = <-answers:
		return a, true
	case <-timer.C:
	}
	select {
	case a = <-answers:
		return a, true
	default:
		return a, false
	}
}

// quick counts those that have not been slow.
func quick(asking map[uint64]bool) (n int) {
	for _, slow := range asking {
		if !slow {
			n++
		}
	}
	return n
}

// ask is the question for the next page of a gateway.
func (l *Listing[T]) ask(g *link.Gateway) *gatewayv1.List {
	list := proto.CloneOf(&l.opts.list)
	list.After = l.at.open[l.find(g.Boot())].cursor
	if l.opts.limit > 0 {
		list.Limit = min(list.Limit, uint32(l.opts.limit-l.got))
	}
	return list
}

// begin opens the gateways that have not been begun, and gives up those that have left.
func (l *Listing[T]) begin() {
	mesh := l.sender.worker.mesh
	high := l.at.begun
	for _, g := range mesh.Gateways() {
		if g.Boot() > l.at.begun {
			if l.opts.asks(g.Node()) {
				l.at.open = append(l.at.open, place{boot: g.Boot(), node: g.Node()})
			}
			high = max(high, g.Boot())
		}
	}
	l.at.begun = high
	l.at.open = slices.DeleteFunc(l.at.open, func(at place) bool {
		gone := mesh.Gateway(at.boot) == nil
		if gone {
			l.lost = append(l.lost, at.node)
		}
		return gone
	})
	slices.SortFunc(l.at.open, func(a, b place) int { return cmp.Compare(a.boot, b.boot) })
}

// choose returns the next gateway to be asked, those that are in step before those that
// may stand still; nil when there is none.
func (l *Listing[T]) choose(asking map[uint64]bool) (g *link.Gateway) {
	for _, at := range l.at.open {
		next := l.sender.worker.mesh.Gateway(at.boot)
		if _, busy := asking[at.boot]; next == nil || busy {
			continue
		}
		if next.InStep() {
			return next
		}
		if g == nil {
			g = next
		}
	}
	return g
}

func (l *Listing[T]) find(boot uint64) int {
	return slices.IndexFunc(l.at.open, func(at place) bool { return at.boot == boot })
}

// take hands on one page and reports whether the list goes on.
func (l *Listing[T]) take(a pageOf, yield func(T) bool) bool {
	i := l.find(a.from.Boot())
	switch {
	case i < 0: // it has left, and is named
		return true
	case a.err != nil && l.ctx.Err() != nil:
		for _, at := range l.at.open {
			l.lost = append(l.lost, at.node)
		}
		l.errs = append(l.errs, waitError(l.ctx, "not every gateway has answered"))
		return false
	case a.err != nil:
		l.lost = append(l.lost, a.from.Node())
		l.at.open = slices.Delete(l.at.open, i, i+1)
		if !errors.Is(a.err, link.ErrGone) && !errors.Is(a.err, link.ErrAway) {
			l.errs = append(l.errs, a.err)
		}
		return true
	}
	entries := l.read(a.from.Boot(), a.page)
	if l.opts.limit > 0 && len(entries) > l.opts.limit-l.got {
		return true // it was asked for when there was more room: others were quicker
	}
	for _, e := range entries {
		if l.fresh != nil && !l.fresh(e) {
			continue
		}
		l.got++
		if !yield(e) {
			return false
		}
	}
	if l.at.open[i].cursor = a.page.GetNext(); len(a.page.GetNext()) == 0 {
		l.at.open = slices.Delete(l.at.open, i, i+1)
	}
	if l.opts.limit > 0 && l.got == l.opts.limit {
		l.begin() // what has not been begun is to come too
		l.over = len(l.at.open) == 0
		return false
	}
	return true
}

// page asks a gateway for one page.
func (w *Worker) page(ctx context.Context, g *link.Gateway, list *gatewayv1.List) pageOf {
	r, err := w.ask(ctx, g, query(&gatewayv1.Query{List: list}))
	if err == nil && r.GetPage() == nil {
		err = tooOld(g)
	}
	return pageOf{from: g, page: r.GetPage(), err: err}
}

// tooOld is what is said of a gateway that passed over what it does not know.
func tooOld(g *link.Gateway) error {
	return fault.Wrap(fault.Unimplemented, fmt.Errorf("gateway %s is too old to know lists", g.Node()))
}
