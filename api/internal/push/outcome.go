package push

import (
	"cmp"
	"slices"
	"sync"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// outcome collects what a call did. Its methods may be called from several goroutines.
type outcome struct {
	mu  sync.Mutex // guards what follows
	out pushv1.Outcome
	err error // the first that was no answer
}

// many adds what was done for conns that were named. When nothing is known of any of them
// the error counts.
func (o *outcome) many(got worker.Outcome, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil && got.Done+len(got.Stale)+len(got.Failed)+len(got.Unsure) == 0 {
		o.fail(err)
		return
	}
	o.out.Done += int32(got.Done)
	o.out.Stale = append(o.out.Stale, textsOf(got.Stale)...)
	o.out.Unsure = append(o.out.Unsure, textsOf(got.Unsure)...)
	o.out.Lost = append(o.out.Lost, got.Lost...)
	for id, why := range got.Failed {
		o.failed(id, why)
	}
}

// affected adds what was done for users or groups.
func (o *outcome) affected(got worker.Affected, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.out.Done += int32(got.Conns)
	o.out.Lost = append(o.out.Lost, got.Lost...)
	if err := partial(got.Lost, err); err != nil {
		o.fail(err)
	}
}

// one adds what was done for one conn. gateway names that of a conn, "" where it is in the
// cluster no more.
func (o *outcome) one(id connid.ID, gateway func(connid.ID) string, err error) {
	node := ""
	if unanswered(err) {
		node = gateway(id)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.out.Done++
	case fault.CodeOf(err) == fault.Stale:
		o.out.Stale = append(o.out.Stale, id.String())
	case unanswered(err) && node != "":
		o.out.Unsure = append(o.out.Unsure, id.String())
		o.out.Lost = append(o.out.Lost, node)
	case unanswered(err): // no gateway is known at all
		o.fail(err)
	default:
		o.failed(id, err)
	}
}

// failed notes why it was not done for a conn; o.mu is held.
func (o *outcome) failed(id connid.ID, why error) {
	f := fault.Of(why)
	o.out.Failed = append(o.out.Failed, &pushv1.Failure{Conn: id.String(), Reason: f.Code().String(), Message: f.Message()})
}

// fail keeps the first error; o.mu is held.
func (o *outcome) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// answer is all of it, in an order that does not depend on chance.
func (o *outcome) answer() (*pushv1.Outcome, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil, o.err
	}
	slices.Sort(o.out.Stale)
	slices.Sort(o.out.Unsure)
	slices.Sort(o.out.Lost)
	o.out.Lost = slices.Compact(o.out.Lost)
	slices.SortFunc(o.out.Failed, func(a, b *pushv1.Failure) int { return cmp.Compare(a.GetConn(), b.GetConn()) })
	return &o.out, nil
}
