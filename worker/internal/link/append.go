package link

import (
	"context"
	"errors"

	"github.com/parley-im/parley/proto/record"
)

// mode says what an append does when the log is full or there is no stream.
type mode uint8

const (
	try    mode = iota // full: ErrFull
	wait               // full: wait for room, or ctx
	ask                // like wait; full and away: ErrAway, for nobody should wait for the answer
	fickle             // like wait; without a stream ErrDetached, and never sent on another
)

// send numbers s and appends it. With w its result goes there.
func (l *outlog) send(ctx context.Context, s *record.Send, w *Waiter, m mode) error {
	size := 136 + len(s.Key) + 8*(len(s.Conns)+len(s.Exclude))
	for _, name := range s.ExceptUsers {
		size += 2 + len(name)
	}
	for _, name := range s.Names {
		size += 2 + len(name)
	}
	for i := range s.Bodies {
		size += 8 + len(s.Bodies[i].Subprotocol) + len(s.Bodies[i].Payload)
	}
	need := needOfSend(s)
	c, err := l.lock(ctx, size, need, m)
	if err != nil {
		return err
	}
	defer l.mu.Unlock()
	s.N = l.next
	before := len(c.buf)
	if c.buf, err = record.AppendSend(c.buf, s); err != nil {
		return err
	}
	l.numbered(c, before, need, w, m)
	return nil
}

// command numbers a command that needs a feature, "" for none, and appends it.
func (l *outlog) command(ctx context.Context, body []byte, need string, w *Waiter, m mode) error {
	c, err := l.lock(ctx, 32+len(body), need, m)
	if err != nil {
		return err
	}
	defer l.mu.Unlock()
	before := len(c.buf)
	if c.buf, err = record.AppendCommand(c.buf, record.Command{N: l.next, Body: body}); err != nil {
		return err
	}
	l.numbered(c, before, need, w, m)
	return nil
}

// numbered notes that record l.next stands in c from before on. mu is held.
func (l *outlog) numbered(c *chunk, before int, need string, w *Waiter, m mode) {
	if need != "" && !l.met {
		l.needs[l.next] = need
	}
	if w != nil {
		w.asked = append(w.asked, question{to: l.owner, number: l.next})
		if l.away {
			w.replies <- Reply{From: l.owner, Err: ErrAway}
		} else {
			l.waiting[l.next] = waiting{w, c.buf[before:len(c.buf):len(c.buf)]}
		}
	}
	if m == fickle {
		l.fickle = append(l.fickle, l.next)
	}
	c.last = l.next
	l.next++
	l.appended(len(c.buf) - before)
}

// lock waits until the log takes size bytes and returns with mu held and the
// chunk to append to. On an error mu is not held. ErrUnable: the gateway is known to lack
// the feature that is needed, "" for none.
func (l *outlog) lock(ctx context.Context, size int, need string, m mode) (*chunk, error) {
	l.mu.Lock()
	for {
		switch {
		case l.ended != nil:
			err := l.ended
			l.mu.Unlock()
			return nil, err
		case l.lacks(need):
			l.mu.Unlock()
			return nil, ErrUnable
		case m == fickle && !l.live:
			l.mu.Unlock()
			return nil, ErrDetached
		case l.held < l.bound:
			return l.room(size), nil
		case m == try:
			l.mu.Unlock()
			return nil, ErrFull
		case m == ask && l.away:
			l.mu.Unlock()
			return nil, ErrAway
		}
		if err := l.waitFreed(ctx); err != nil {
			l.mu.Unlock()
			return nil, errors.Join(ErrFull, err)
		}
	}
}

// room returns a chunk with room for size bytes, so that appending to it does
// not move it. mu is held.
func (l *outlog) room(size int) *chunk {
	if n := len(l.chunks); n > 0 {
		if c := l.chunks[n-1]; cap(c.buf)-len(c.buf) >= size {
			return c
		}
	}
	c := &chunk{buf: make([]byte, 0, max(chunkBytes, size))}
	l.chunks = append(l.chunks, c)
	return c
}

// note appends a record that belongs to this stream: write appends it to the
// slice it is given, in at most size bytes. Without a stream nothing happens, and it
// reports so. It never waits; what comes this way is little.
func (l *outlog) note(size int, write func(dst []byte) []byte) (live bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.live {
		return false
	}
	c := l.room(size)
	before := len(c.buf)
	c.buf = write(c.buf)
	l.appended(len(c.buf) - before)
	return true
}

// lockAck is lock for an acknowledgement: it has a bound of its own, so that
// full of commands does not mean that handlers stop. ErrDetached when the stream
// has ended: the acknowledgement is then void.
func (l *outlog) lockAck(size int) (*chunk, error) {
	l.mu.Lock()
	for l.live && l.held >= 2*l.bound {
		_ = l.waitFreed(context.Background()) // ends when the stream does
	}
	if !l.live {
		l.mu.Unlock()
		return nil, ErrDetached
	}
	return l.room(size), nil
}

// done appends an acknowledgement.
func (l *outlog) done(d record.Done) error {
	c, err := l.lockAck(32 + d.Replies.Size())
	if err != nil {
		return err
	}
	defer l.mu.Unlock()
	before := len(c.buf)
	if c.buf, err = record.AppendDone(c.buf, d); err != nil {
		return err
	}
	l.appended(len(c.buf) - before)
	return nil
}

// doneWith appends an acknowledgement with effects.
func (l *outlog) doneWith(d record.DoneWith) error {
	c, err := l.lockAck(32 + len(d.Body))
	if err != nil {
		return err
	}
	defer l.mu.Unlock()
	before := len(c.buf)
	if c.buf, err = record.AppendDoneWith(c.buf, d); err != nil {
		return err
	}
	l.appended(len(c.buf) - before)
	return nil
}
