package inbox

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/proto/record"
)

// What a gateway may give for one conn before it must wait for acknowledgements.
const (
	MaxEvents = 32
	MaxBytes  = 256 << 10 // one event may go beyond
)

// forgetAfter is how long a forgotten conn is kept. A gateway that was told so hears it
// sooner, or has given this process up: its patience is 3 s.
const forgetAfter = 5 * time.Second

// ErrCredits says that a gateway has given a conn more than it may. It is an
// error of the protocol.
var ErrCredits = errors.New("more unacknowledged events of one conn than allowed")

// Stats counts for all boxes of a process.
type Stats struct {
	Seats   atomic.Int64 // conns that are known now
	Old     atomic.Int64 // events ignored because their term was over
	Revoked atomic.Int64 // conns taken away
}

// Box holds the conns that one gateway has given to this process.
type Box struct {
	crew  *Crew
	stats *Stats
	work  func(*Seat, *Event)

	mu        sync.Mutex
	seats     map[uint64]*Seat
	forgotten []forgotten // in the order of their times
}

// forgotten is a seat and when Forget was called for it.
type forgotten struct {
	seat *Seat
	at   time.Time
}

// New returns an empty box. work is called for each event, on the goroutine of
// its conn; the event is not to be kept.
func New(crew *Crew, stats *Stats, work func(*Seat, *Event)) *Box {
	return &Box{crew: crew, stats: stats, work: work, seats: make(map[uint64]*Seat)}
}

// Put takes an event in and returns at once; it copies the body. It is to be
// called from one goroutine at a time, in the order in which events came.
func (b *Box) Put(e *Event) error {
	b.mu.Lock()
	s := b.seats[e.Conn]
	if s == nil {
		s = &Seat{box: b, conn: e.Conn, term: e.Term}
		b.seats[e.Conn] = s
		b.stats.Seats.Add(1)
	}
	s.mu.Lock()
	b.mu.Unlock()
	defer s.mu.Unlock()
	return s.put(e)
}

// Revoke takes a conn away: term is the first that this process does not hold.
func (b *Box) Revoke(conn uint64, term uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.seats[conn]
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.term >= term {
		return
	}
	b.stats.Revoked.Add(1)
	s.void = true
	b.dismiss(s)
}

// Suspend notes that the link has ended: what runs is cancelled with cause, what waits
// is dropped, nothing can be acknowledged. What is known of the conns stays, for Lost.
func (b *Box) Suspend(cause error) {
	b.each(func(s *Seat) {
		s.interrupt(cause)
		s.void = true
	})
}

// Resume notes that there is a new link to the same gateway. The conns have been
// given to others meanwhile; those that come back come with their context.
func (b *Box) Resume() { b.each(b.dismiss) }

// Lost notes that the gateway has left the cluster: each conn that is still
// known gets a last event. Nothing is put into the box any more.
func (b *Box) Lost() {
	b.each(func(s *Seat) {
		if s.gone {
			return
		}
		s.interrupt(ErrMoved)
		s.void, s.gone = true, true
		s.stale = false // what is known is all there will ever be
		s.push(&Event{Kind: record.KindClosed, Conn: s.conn, Term: s.term, Lost: true})
	})
}

// Len returns how many conns there are.
func (b *Box) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.seats)
}

func (b *Box) each(do func(*Seat)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.seats {
		s.mu.Lock()
		do(s)
		s.mu.Unlock()
	}
}

// dismiss ends what s does and takes it out as soon as its handler has returned.
// b.mu and s.mu are held.
func (b *Box) dismiss(s *Seat) {
	s.interrupt(ErrMoved)
	if s.busy {
		s.gone, s.stale = true, true
		return
	}
	b.remove(s)
}

// sweep takes out the forgotten of which nothing has come. b.mu is held.
func (b *Box) sweep(now time.Time) {
	for len(b.forgotten) > 0 && now.Sub(b.forgotten[0].at) >= forgetAfter {
		f := b.forgotten[0]
		b.forgotten[0] = forgotten{}
		b.forgotten = b.forgotten[1:]
		f.seat.mu.Lock()
		if f.seat.forgot.Equal(f.at) { // nothing has come since
			if f.seat.busy {
				f.seat.gone = true
			} else {
				b.remove(f.seat)
			}
		}
		f.seat.mu.Unlock()
	}
}

// remove takes s out. b.mu and s.mu are held.
func (b *Box) remove(s *Seat) {
	if b.seats[s.conn] == s {
		delete(b.seats, s.conn)
		b.stats.Seats.Add(-1)
	}
}
