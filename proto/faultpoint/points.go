package faultpoint

// Point is a named moment in the life of a process.
type Point string

// The moments, each where a crash leaves two processes with different beliefs.
const (
	// WorkerHandled: the handler returned, its reply and acknowledgement are
	// not yet in the outgoing log.
	WorkerHandled Point = "worker.handled"
	// WorkerAckSent: the acknowledgement left, sends after it have not.
	WorkerAckSent Point = "worker.ack-sent"
	// WorkerDeltaApplied: a route is in the table, its acknowledgement not sent.
	WorkerDeltaApplied Point = "worker.delta-applied"
	// GatewayReplyQueued: the reply is in the conn's queue, the event it
	// answers not yet taken off the list of the unacknowledged.
	GatewayReplyQueued Point = "gateway.reply-queued"
	// GatewayBound: a bind is done, its delta not acknowledged, its answer not
	// given.
	GatewayBound Point = "gateway.bound"
	// GatewaySnapshotHalf: half of the snapshot of routes has been written.
	GatewaySnapshotHalf Point = "gateway.snapshot-half"
	// GatewayCommandApplied: a command took effect, its number is not yet
	// acknowledged.
	GatewayCommandApplied Point = "gateway.command-applied"
	// GatewayMoving: a conn's term has risen, its events have not been resent.
	GatewayMoving Point = "gateway.moving"
	// ChatCommitted: messages are stored, nobody was told of them.
	ChatCommitted Point = "chat.committed"
	// ChatLocked: a batch of sends holds the locks of its conversations, and has written
	// nothing.
	ChatLocked Point = "chat.locked"
	// ChatBound: a session's conn is bound to its user, its heads are not read.
	ChatBound Point = "chat.bound"
)

// Points lists those of gateways and of every worker, for help texts and checks.
func Points() []Point {
	return []Point{
		WorkerHandled, WorkerAckSent, WorkerDeltaApplied,
		GatewayReplyQueued, GatewayBound, GatewaySnapshotHalf, GatewayCommandApplied, GatewayMoving,
	}
}

// ChatPoints lists those that only the chat's workers have.
func ChatPoints() []Point { return []Point{ChatLocked, ChatCommitted, ChatBound} }

// Weakness is a guarantee that a sabotage build leaves out.
type Weakness string

// The weaknesses; each must be caught by the tests within one run.
const (
	// NoRedelivery: events of a lost worker are forgotten.
	NoRedelivery Weakness = "no-redelivery"
	// NoTerms: anybody who once owned a conn may still act for it.
	NoTerms Weakness = "no-terms"
	// AckOnEnqueue: an event counts as handled once it is written to the link.
	AckOnEnqueue Weakness = "ack-on-enqueue"
	// LateInterest: routes are announced after the bind was answered.
	LateInterest Weakness = "late-interest"
	// MoveAtOnce: conns that are to move over a window are all asked at once.
	MoveAtOnce Weakness = "move-at-once"
	// MoveDeaf: what a conn that is to move says before it knows is dropped.
	MoveDeaf Weakness = "move-deaf"
	// AckBeforeCommit: a send is answered before it is stored.
	AckBeforeCommit Weakness = "ack-before-commit"
	// OutboxOff: what a dead worker left to be done is done by nobody.
	OutboxOff Weakness = "outbox-off"
	// HeadsBeforeBind: a session reads its heads, and then binds.
	HeadsBeforeBind Weakness = "heads-before-bind"
	// RequestIgnored: a request that comes again is carried out again.
	RequestIgnored Weakness = "request-ignored"
)

// Weaknesses lists those of gateways and of every worker.
func Weaknesses() []Weakness {
	return []Weakness{NoRedelivery, NoTerms, AckOnEnqueue, LateInterest}
}

// MoveWeaknesses lists those of gateways that ask conns to move.
func MoveWeaknesses() []Weakness { return []Weakness{MoveAtOnce, MoveDeaf} }

// ChatWeaknesses lists those that only the chat's workers have.
func ChatWeaknesses() []Weakness {
	return []Weakness{AckBeforeCommit, OutboxOff, HeadsBeforeBind, RequestIgnored}
}
