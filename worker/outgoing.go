package worker

import (
	"context"
	"errors"
	"sync"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/link"
)

// Targets of one command. With a result it is fewer, because a result names at
// most that many who are offline.
const (
	maxTargets      = 4096 // so that their names, 1 MiB at most, leave room for the frame
	maxAwaitTargets = 1000
)

// outgoing is one send on its way to the logs. They are pooled: it costs no
// allocation of its own.
type outgoing struct {
	frame  Frame
	class  record.Class
	key    string
	once   record.Once
	noWait bool
	except []connid.ID
	result *Result

	exceptUsers []string
	then        func(Result, error)
	err         error // of an option

	worker *Worker
	owes   bool     // with then: Run waits for it
	names  []string // all that were named
	single [1]string
	missed int // conns whose gateway is gone
	plan   link.Plan
	shares []share
	rec    record.Send // what is encoded; its slices are used again
	full   []blocked
}

// share is what one gateway gets.
type share struct {
	to    *link.Gateway
	conns []uint64
	names []string
}

// blocked is a command that found no room.
type blocked struct {
	share share
	from  int
}

// maxKeptConns is the longest list of conns whose memory goes back to the pool.
const maxKeptConns = 4096

var outgoings = sync.Pool{New: func() any { return new(outgoing) }}

// prepare checks what is the same for all targets, and waits for the gateways to
// be known. The caller releases what it returns.
func (s *Sender) prepare(ctx context.Context, f Frame, opts []SendOption) (*outgoing, error) {
	if f.err != nil {
		return nil, f.err
	}
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	out := outgoings.Get().(*outgoing)
	out.worker, out.frame, out.class = s.worker, f, record.Must
	for _, opt := range opts {
		opt(out)
	}
	if out.err != nil {
		defer out.release()
		return nil, out.err
	}
	if out.then != nil {
		out.result = new(Result)
		out.owes = true
		s.worker.telling.begin()
	}
	return out, nil
}

func (o *outgoing) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

func (o *outgoing) release() {
	if o.owes {
		o.worker.telling.over()
	}
	for i := range o.shares {
		kept := o.shares[i].conns[:0]
		if cap(kept) > maxKeptConns {
			kept = nil
		}
		o.shares[i] = share{conns: kept}
	}
	clear(o.plan.Shares)
	clear(o.rec.Bodies)
	clear(o.exceptUsers)
	clear(o.full)
	*o = outgoing{
		plan: o.plan, shares: o.shares[:0], full: o.full[:0], except: o.except[:0], exceptUsers: o.exceptUsers[:0],
		rec: record.Send{Exclude: o.rec.Exclude[:0], Bodies: o.rec.Bodies[:0]},
	}
	outgoings.Put(o)
}

// share returns the place for what g gets.
func (o *outgoing) share(g *link.Gateway) *share {
	for i := range o.shares {
		if o.shares[i].to == g {
			return &o.shares[i]
		}
	}
	if len(o.shares) < cap(o.shares) {
		o.shares = o.shares[:len(o.shares)+1]
	} else {
		o.shares = append(o.shares, share{})
	}
	last := &o.shares[len(o.shares)-1]
	last.to = g
	return last
}

// send gives every gateway its command, first those that have room, and with
// Await collects the answers. With Then a goroutine does.
func (o *outgoing) send(ctx context.Context, target record.Target) error {
	// The links may have ended since prepare. That nobody is left to be asked does not
	// mean then that nobody is online.
	if err := o.worker.running(); err != nil {
		return err
	}
	o.rec.Target, o.rec.Class, o.rec.Key, o.rec.Trace = target, o.class, o.key, traceOf(ctx)
	o.rec.Bodies = append(append(o.rec.Bodies, o.frame.body), o.frame.alts...)
	o.rec.WantResult = o.result != nil
	if target != record.ToUsers { // whose names are without them
		o.rec.ExceptUsers = o.exceptUsers
	}
	var waiter *link.Waiter
	if o.result != nil {
		n := 0
		for i := range o.shares {
			n += (max(len(o.shares[i].conns), len(o.shares[i].names), 1) + maxAwaitTargets - 1) / maxAwaitTargets
		}
		waiter = link.NewWaiter(n)
		*o.result = Result{Missed: o.missed}
	}
	var errs []error
	for i := range o.shares {
		if err := o.give(&o.shares[i], waiter); err != nil {
			errs = append(errs, err)
		}
	}
	for _, b := range o.full {
		if err := o.giveLater(ctx, b, waiter); err != nil {
			errs = append(errs, err)
		}
	}
	if o.then != nil {
		if len(errs) > 0 {
			waiter.Close()
			return errors.Join(errs...)
		}
		o.tellLater(ctx, waiter)
		return nil
	}
	if waiter != nil {
		defer waiter.Close()
		if err := o.collect(ctx, waiter); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// give queues what a gateway gets, as far as there is room now.
func (o *outgoing) give(s *share, w *link.Waiter) error {
	for from := 0; ; {
		next := o.fill(s, from)
		switch err := s.to.TrySend(&o.rec, w); {
		case err == nil:
		case errors.Is(err, link.ErrFull):
			o.full = append(o.full, blocked{*s, from})
			return nil
		default:
			return o.failed(s, err)
		}
		if from = next; from >= max(len(s.conns), len(s.names)) {
			return nil
		}
	}
}

// giveLater queues the rest for a gateway that had no room: what may be dropped, or
// must not hold up others, is, everything else waits.
func (o *outgoing) giveLater(ctx context.Context, b blocked, w *link.Waiter) error {
	if o.class != record.Must || o.noWait {
		b.share.to.CountDropped()
		if o.result != nil {
			o.result.Lost = append(o.result.Lost, b.share.to.Node())
		}
		return nil
	}
	for from := b.from; ; {
		next := o.fill(&b.share, from)
		if err := b.share.to.Send(ctx, &o.rec, w); err != nil {
			return o.failed(&b.share, err)
		}
		if from = next; from >= max(len(b.share.conns), len(b.share.names)) {
			return nil
		}
	}
}

// failed sorts the errors of one gateway: that it is gone is no error of the send.
func (o *outgoing) failed(s *share, err error) error {
	gone := errors.Is(err, link.ErrGone)
	if o.result != nil && (gone || errors.Is(err, link.ErrUnable)) {
		o.result.Lost = append(o.result.Lost, s.to.Node())
	}
	if gone {
		return nil
	}
	return linkError(err)
}

// fill points the record at the targets of s from there on, and returns where the
// next command begins.
func (o *outgoing) fill(s *share, from int) (next int) {
	most := maxTargets
	if o.result != nil {
		most = maxAwaitTargets
	}
	o.rec.Conns, o.rec.Names, o.rec.Once = nil, nil, o.once
	if len(s.conns) > 0 {
		next = min(from+most, len(s.conns))
		o.rec.Conns = s.conns[from:next]
	} else {
		next = min(from+most, len(s.names))
		o.rec.Names = s.names[from:next]
	}
	if !o.once.IsZero() && max(len(s.conns), len(s.names)) > most {
		o.rec.Once = o.onceOfPart()
	}
	o.rec.Exclude = o.rec.Exclude[:0]
	if o.rec.Target != record.ToConns {
		for _, id := range o.except {
			if id.Gateway == s.to.Boot() {
				o.rec.Exclude = append(o.rec.Exclude, id.Conn)
			}
		}
	}
	return next
}
