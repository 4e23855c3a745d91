package ws

import "sync/atomic"

// counters are kept per flusher, so that its conns do not meet others' at one
// cache line.
type counters struct {
	writes, writesInPlace         atomic.Uint64
	pumps                         atomic.Uint64
	pumping                       atomic.Int64
	bytesOut, framesOut           atomic.Uint64
	bytesIn, framesIn, messagesIn atomic.Uint64
	throttled                     atomic.Uint64
	napping                       atomic.Int64
	wakes                         atomic.Uint64
	droppedDroppable, droppedMust atomic.Uint64
	merged, slowCloses            atomic.Uint64
}

type serverStats struct {
	conns      atomic.Int64
	turnedAway atomic.Int64 // of conns: refused for a limit, and being told so
	opened     atomic.Uint64
	closedBy   [ByLoss + 1]atomic.Uint64
	panics     atomic.Uint64
	sumCloses  atomic.Uint64

	refusedLimit                           [limitKinds]atomic.Uint64
	refusedRequest, refusedHandler, failed atomic.Uint64
	badProxyHeaders                        atomic.Uint64
	askedToMove                            [moveReasons]atomic.Uint64
}

func (s *serverStats) closed(by By) { s.closedBy[min(by, ByLoss)].Add(1) }

// Stats are the figures of a Server at one moment. All but the gauges only rise.
type Stats struct {
	Conns   int64 // gauge: sockets, handshakes and closing ones included
	Pumping int64 // gauge: conns that a goroutine of their own writes
	Napping int64 // gauge: conns that have no read goroutine, for being silent

	Opened           uint64              // handshakes answered 101
	RefusedLimit     uint64              // … refused by a limit of this package (429, 503)
	Refused          Refusals            // … of these, by which
	RefusedRequest   uint64              // … because the request was none we take (4xx)
	RefusedHandler   uint64              // … by Handler.Open
	HandshakesFailed uint64              // … that broke off, or were too slow or too big
	BadProxyHeaders  uint64              // … of proxies that said nothing we can read: of failed ones in the PROXY protocol, else in X-Forwarded-For
	Closed           map[By]uint64       // conns, by who ended them
	AskedToMove      [moveReasons]uint64 // … closed with 1012 to come back elsewhere, by MoveReason
	Panics           uint64

	BytesIn, FramesIn, MessagesIn uint64
	BytesOut, FramesOut           uint64
	Deflations                    uint64 // bodies that were compressed: each once, however many conns it goes to
	Throttled                     uint64 // waits before a read because of a rate
	Wakes                         uint64 // ends of a nap

	DroppedDroppable uint64 // frames of that class, for a full queue
	DroppedMust      uint64 // … thrown away with a queue that was full
	Merged           uint64 // … replaced by a newer one of the same key
	SlowCloses       uint64 // conns closed with fault.CloseResync
	SumCloses        uint64 // … of them for the sum of all queues

	QueuedBytes  int64 // gauge: cost of all queued frames, a shared one once per conn
	InboundBytes int64 // gauge: of messages half read

	Writes        uint64 // write calls by flushers and pumps
	WritesInPlace uint64 // … by senders themselves
	Pumps         uint64 // goroutines started because a socket was full (TLS: to write)
}

// Refusals are handshakes that a limit refused, by its name: conns, closing,
// handshake_rate, conns_per_ip, handshakes_per_ip.
type Refusals map[string]uint64

// Stats adds up the counters.
func (s *Server) Stats() Stats {
	st := Stats{
		Conns:            s.stats.conns.Load(),
		Opened:           s.stats.opened.Load(),
		Refused:          make(Refusals),
		RefusedRequest:   s.stats.refusedRequest.Load(),
		RefusedHandler:   s.stats.refusedHandler.Load(),
		HandshakesFailed: s.stats.failed.Load(),
		BadProxyHeaders:  s.stats.badProxyHeaders.Load(),
		Closed:           make(map[By]uint64),
		Panics:           s.stats.panics.Load(),
		SumCloses:        s.stats.sumCloses.Load(),
		Deflations:       s.encoder.deflations.Load(),
		QueuedBytes:      s.queued(),
		InboundBytes:     s.inbound.Load(),
	}
	for why := range st.AskedToMove {
		st.AskedToMove[why] = s.stats.askedToMove[why].Load()
	}
	for by := range limitKinds {
		n := s.stats.refusedLimit[by].Load()
		st.Refused[by.String()] = n
		st.RefusedLimit += n
	}
	for by := range s.stats.closedBy {
		if by > 0 {
			st.Closed[By(by)] = s.stats.closedBy[by].Load()
		}
	}
	for _, f := range s.flushers {
		c := &f.stats
		st.Pumping += c.pumping.Load()
		st.Napping += c.napping.Load()
		st.Wakes += c.wakes.Load()
		st.BytesIn += c.bytesIn.Load()
		st.FramesIn += c.framesIn.Load()
		st.MessagesIn += c.messagesIn.Load()
		st.BytesOut += c.bytesOut.Load()
		st.FramesOut += c.framesOut.Load()
		st.Throttled += c.throttled.Load()
		st.DroppedDroppable += c.droppedDroppable.Load()
		st.DroppedMust += c.droppedMust.Load()
		st.Merged += c.merged.Load()
		st.SlowCloses += c.slowCloses.Load()
		st.Writes += c.writes.Load()
		st.WritesInPlace += c.writesInPlace.Load()
		st.Pumps += c.pumps.Load()
	}
	return st
}
