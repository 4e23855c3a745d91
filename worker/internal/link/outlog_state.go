package link

import (
	"context"
	"slices"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// attach makes the log that of a new stream: last is the highest number the
// gateway has applied. What follows it is sent again, in order, and before that
// what the gateway has applied and somebody still awaits a result of. What
// belonged to the stream before is gone, and so is what the gateway turns out to be
// too old for.
//
// A gateway that was without this process for long has forgotten what it had
// applied, and says a lower number than it once did. What it had confirmed is
// not sent again all the same; a result that is still awaited is then unknown.
func (l *outlog) attach(last uint64, features []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.met, l.features = true, features
	old := l.chunks
	l.chunks, l.unsent, l.held = nil, 0, 0

	again := make([]uint64, 0, len(l.waiting))
	for n, w := range l.waiting {
		switch {
		case n <= last:
			again = append(again, n)
		case n <= l.applied:
			delete(l.waiting, n)
			w.to.replies <- Reply{From: l.owner, Result: &gatewayv1.Result{Status: gatewayv1.Status_STATUS_UNKNOWN}}
		}
	}
	l.applied = max(l.applied, min(last, l.next-1))
	slices.Sort(again)
	for _, n := range again {
		l.again(0, l.waiting[n].rec)
	}
	for _, c := range old {
		r := record.NewReader(c.buf)
		for r.Next() {
			n := number(&r)
			if n <= l.applied {
				continue
			}
			if l.lacks(l.needs[n]) {
				l.again(n, l.unable(n))
				continue
			}
			if _, found := slices.BinarySearch(l.fickle, n); !found {
				l.again(n, r.Raw())
			}
		}
	}
	l.fickle, l.needs = nil, nil
	l.live, l.away = true, false
	l.changed()
	l.signal()
}

// number returns the number of a command or send, and 0 for other records.
func number(r *record.Reader) uint64 {
	switch r.Kind() {
	case record.KindSend:
		return r.Send().N
	case record.KindCommand:
		return r.Command().N
	}
	return 0
}

// again copies a record to the end of the log. mu is held.
func (l *outlog) again(n uint64, rec []byte) {
	c := l.room(len(rec))
	c.buf = append(c.buf, rec...)
	c.last = max(c.last, n)
	l.held += len(rec)
}

// detach ends the stream's part.
func (l *outlog) detach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live = false
	l.changed()
}

// setBound changes how much the log holds before it is full.
func (l *outlog) setBound(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bound = bytes
	l.changed()
}

// end makes the log take no more commands; what it has taken goes on its way.
func (l *outlog) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = why
	}
	l.changed()
}

// close ends the log and drops what is in it; whoever awaits a result hears why.
func (l *outlog) close(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = why
	}
	l.live, l.applied = false, l.next-1
	l.chunks, l.unsent, l.held = nil, 0, 0
	l.answerAll(l.ended)
	l.changed()
}

// setAway tells whoever awaits a result, now or until there is a stream again, that
// the gateway cannot be asked. What is queued for it stays so.
func (l *outlog) setAway() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.live {
		return
	}
	l.away = true
	l.answerAll(ErrAway)
	l.changed()
}

// answerAll tells whoever awaits a result that there is none. mu is held.
func (l *outlog) answerAll(err error) {
	for n, w := range l.waiting {
		delete(l.waiting, n)
		w.to.replies <- Reply{From: l.owner, Err: err}
	}
}

// result hands the answer to number n to whoever awaits it.
func (l *outlog) result(n uint64, r Reply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w, ok := l.waiting[n]; ok {
		delete(l.waiting, n)
		w.to.replies <- r
	}
}

// awaits reports whether somebody waits for the answer to number n.
func (l *outlog) awaits(n uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.waiting[n]
	return ok
}

// giveUp forgets that somebody waits for the answer to number n.
func (l *outlog) giveUp(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting, n)
}

// beat appends a sign of life, with the load of this process.
func (l *outlog) beat(token uint64, load int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.live {
		return
	}
	awaiting := l.next
	for n := range l.waiting {
		awaiting = min(awaiting, n)
	}
	c := l.room(32)
	before := len(c.buf)
	c.buf = record.AppendBeat(c.buf, record.Beat{Token: token, Awaiting: awaiting, HasLoad: true, Load: uint32(load)})
	l.appended(len(c.buf) - before)
}

// retained returns the bytes that the log holds.
func (l *outlog) retained() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// settle waits until ok, which is asked again whenever the log changes; see poke. mu is
// held when ok is called.
func (l *outlog) settle(ctx context.Context, ok func() bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settling++
	defer func() { l.settling-- }()
	for !ok() {
		if err := l.waitFreed(ctx); err != nil {
			return err
		}
	}
	return nil
}

// nextNumber returns the number of the next command.
func (l *outlog) nextNumber() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// poke makes settle ask again.
func (l *outlog) poke() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed()
}
