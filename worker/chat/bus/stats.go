package bus

import "sync/atomic"

// stats are counted as things happen.
type stats struct {
	published, failed, full, reconnects, turns, drainErrors, invalidations, heard, unsaid, made, remade atomic.Int64
}

// Stats are what a Bus counts.
type Stats struct {
	Connected     bool
	Pending       int   // events whose callers have not heard yet
	PendingBytes  int   // of those
	Published     int64 // events that JetStream acknowledged
	Failed        int64 // events that it did not, for whatever reason
	Full          int64 // of those: refused because the stream is full
	Reconnects    int64 // connections that came back
	Drained       int64 // turns at the outbox
	DrainErrors   int64 // of those: ended with an error
	Invalidations int64 // sent
	Heard         int64 // invalidations of others
	Unsaid        int64 // invalidations that could not be sent; "everything" follows them
	Made          int64 // streams, consumers and messages that were missing
	Remade        int64 // of those: had been there before
}

// Stats reads all counters.
func (b *Bus) Stats() Stats {
	s := &b.stats
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Connected: b.state == running && b.down.since.IsZero(), Pending: b.waiting, PendingBytes: b.bytes,
		Published: s.published.Load(), Failed: s.failed.Load(), Full: s.full.Load(), Reconnects: s.reconnects.Load(),
		Drained: s.turns.Load(), DrainErrors: s.drainErrors.Load(),
		Invalidations: s.invalidations.Load(), Heard: s.heard.Load(), Unsaid: s.unsaid.Load(),
		Made: s.made.Load(), Remade: s.remade.Load(),
	}
}
