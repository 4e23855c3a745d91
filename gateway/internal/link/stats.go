package link

import (
	"sync/atomic"

	"github.com/parley-im/parley/proto/record"
)

// MoveReason is why a conn got another owner.
type MoveReason uint8

// The reasons.
const (
	Lost     MoveReason = iota // the worker was lost
	Drained                    // the worker drains
	Levelled                   // the worker had more than its share, and the conn was idle
	Homed                      // the conn's user belongs to another worker
	Unwanted                   // the worker lacks a label that the gateway wants by now
	moveReasons
)

func (r MoveReason) String() string { return [...]string{"lost", "drain", "level", "user", "label"}[r] }

// Moves counts by reason.
type Moves [moveReasons]atomic.Int64

// Load is the sum.
func (m *Moves) Load() (n int64) {
	for i := range m {
		n += m[i].Load()
	}
	return n
}

// PickedBy is how a worker was picked.
type PickedBy uint8

// The ways.
const (
	PickedByLoad PickedBy = iota // the lighter of two
	PickedByUser                 // the one that the user belongs to
	PickedAlone                  // there is only one
	pickedBys
)

func (p PickedBy) String() string { return [...]string{"load", "user", "alone"}[p] }

// PoisonKind is of what kind an event was that workers died of.
type PoisonKind uint8

// The kinds.
const (
	PoisonOpen PoisonKind = iota
	PoisonMessage
	PoisonClosed
	poisonKinds
)

func (k PoisonKind) String() string { return [...]string{"open", "message", "closed"}[k] }

func poisonKind(k record.Kind) PoisonKind {
	switch k {
	case record.KindOpen:
		return PoisonOpen
	case record.KindClosed:
		return PoisonClosed
	}
	return PoisonMessage
}

// Stats counts what happened since the gateway started. Each is read on its own.
type Stats struct {
	Attaches         atomic.Int64              // streams that passed the handshake
	RefusedAttaches  atomic.Int64              // streams and connections that did not
	Silent           atomic.Int64              // workers given up because they said nothing
	Moves            Moves                     // conns that got another owner, by MoveReason
	Picks            [pickedBys]atomic.Int64   // workers picked for a conn, by PickedBy
	Redelivered      atomic.Int64              // events that went out again
	RefusedTerms     atomic.Int64              // acknowledgements and commands of somebody who no longer acts for the conn
	AloneTries       atomic.Int64              // times an event was handled alone on its worker
	Poison           [poisonKinds]atomic.Int64 // events that were given up because workers died of them, by PoisonKind
	PoisonDropped    atomic.Int64              // frames of their conns that were given up with them
	StaleAcks        atomic.Int64              // acknowledgements of events that are not there
	Pauses           atomic.Int64              // times a conn was not read because it had no credit
	OpenTimeouts     atomic.Int64              // handshakes that no worker answered in time
	Sends            atomic.Int64              // sends applied
	Deliveries       atomic.Int64              // frames queued by them
	RepeatedCommands atomic.Int64              // commands that came again and were not applied again
	RepeatedSends    atomic.Int64              // sends dropped because their once-key was known
	BadFrames        atomic.Int64              // replies, sends and closes that are no frame
	BadAnswers       atomic.Int64              // answers to handshakes that could not be carried out
	BadSessions      atomic.Int64              // session writes that could not be carried out: too large, or no merge
	Resyncs          atomic.Int64              // rounds of resync frames
	UnknownRecords   atomic.Int64              // records of a kind this version does not know
}

// Stats returns the counters, to be read at any time.
func (l *Link) Stats() *Stats { return &l.stats }
