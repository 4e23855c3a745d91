// Package inbox brings the events of each conn to their handler: one at a time,
// in order, different conns at once.
//
// A Box holds the conns that one gateway has given to this process. The link's
// receiving goroutine puts events in and never waits; a conn has a goroutine
// only while it has something to do. The boxes of a process share a Crew, which
// counts, bounds and ends those goroutines.
//
// # Terms
//
// Who may act for a conn is told by its term (docs/link-protocol.md). An event
// of a higher term than the last ends what was under way in the lower one: its
// queue is dropped, the context of its handler is cancelled with ErrMoved, and
// the new events begin when that handler has returned. Events of a lower term
// are ignored. When the link ends, all terms that it brought are void.
//
// # Bounds
//
// A gateway gives a conn at most MaxEvents events or MaxBytes bytes (one event
// may pass that) before it waits for acknowledgements, so the queues here cannot
// outgrow that. A gateway that does not keep to it gets ErrCredits and its link
// is cut.
//
// # Locks, in the order they may be taken
//
//	Box.mu → Seat.mu → Crew.mu
//	         Seat.mu → Ctx.mu
//
// None is held while a handler runs.
package inbox
