package link

import "sync/atomic"

// Stats counts for all links of a process.
type Stats struct {
	Sends    [5]atomic.Int64 // Send records by record.Target
	Commands atomic.Int64    // Command records
	Dropped  atomic.Int64    // sends that may be dropped, dropped because a log was full
	Attached atomic.Int64    // streams now
	Attaches atomic.Int64    // streams ever
	Breaches atomic.Int64    // links cut because the gateway broke the protocol
}

// Snapshot is what there is at a moment.
type Snapshot struct {
	Gateways int // in the view
	InStep   int // of those
	Retained int // bytes
	Conns    int // in the inboxes
}

// Stats returns the counters.
func (m *Mesh) Stats() *Stats { return &m.stats }

// Snapshot looks at all gateways.
func (m *Mesh) Snapshot() Snapshot {
	s := Snapshot{}
	for _, g := range m.Gateways() {
		s.Gateways++
		if g.InStep() {
			s.InStep++
		}
		s.Retained += g.log.retained()
		s.Conns += g.box.Len()
	}
	return s
}
