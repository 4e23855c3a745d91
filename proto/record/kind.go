package record

import "strconv"

// Kind says what a record is. 0 is never sent, so that a run of zero bytes is
// an error and not a record. Unknown kinds are skipped, see [Reader.Next].
type Kind uint8

// Gateway to worker.
const (
	KindMessage       Kind = 1  // a frame that a client sent
	KindOpen          Kind = 2  // a client asks to be let in
	KindClosed        Kind = 3  // a conn has ended
	KindContext       Kind = 4  // what a worker must know of a conn before its next event
	KindRevoked       Kind = 5  // the worker no longer acts for a conn
	KindSnapshotBegin Kind = 6  // the interest that follows replaces what was known
	KindSnapshotEnd   Kind = 7  // the snapshot is whole
	KindDelta         Kind = 8  // a user or group has got its first or lost its last conn
	KindApplied       Kind = 9  // all commands up to a number are applied
	KindResult        Kind = 10 // the answer to one command
	KindGranted       Kind = 11 // the answer to a beat
	KindLeaving       Kind = 12 // the gateway drains
	KindAttached      Kind = 13 // the first record: what the worker must know of the gateway
	KindDrained       Kind = 14 // the answer to Draining: no conn is the worker's any more
	KindDrain         Kind = 15 // the worker is to drain: somebody has asked for it
	KindAloneNoted    Kind = 16 // the answer to Alone
)

// Worker to gateway.
const (
	KindDone     Kind = 64 // an event is handled; its replies
	KindDoneWith Kind = 65 // an event is handled; richer effects
	KindSend     Kind = 66 // frames for many conns
	KindCommand  Kind = 67 // anything else a gateway does for a worker
	KindDeltaAck Kind = 68 // all deltas up to a number are known
	KindBeat     Kind = 69 // the worker lives
	KindDraining Kind = 70 // the worker drains
	KindAttach   Kind = 71 // the first record: what the gateway must know of the worker
	KindAlone    Kind = 72 // one event is about to be handled while nothing else is, or that is over
)

// String returns the name of a known kind and "Kind(n)" for others.
func (k Kind) String() string {
	if k.Known() {
		return kinds[k].name
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Known reports whether this version of the package reads the kind.
func (k Kind) Known() bool { return kinds[k].name != "" }

// kinds holds, for each known kind, its name, the smallest value of its head
// field (flags may raise it) and the check of what follows the fixed fields.
// A kind without check has nothing there.
var kinds = [256]struct {
	name  string
	head  int
	check func(rec []byte, head int) (what string, err error)
}{
	KindMessage:       {"Message", messageHead, checkMessage},
	KindOpen:          {"Open", eventHead, checkBody},
	KindClosed:        {"Closed", eventHead, checkBody},
	KindContext:       {"Context", eventHead, checkBody},
	KindRevoked:       {"Revoked", revokedHead, checkEmpty},
	KindSnapshotBegin: {"SnapshotBegin", headerSize, checkEmpty},
	KindSnapshotEnd:   {"SnapshotEnd", numberHead, checkEmpty},
	KindDelta:         {"Delta", numberHead, checkName},
	KindApplied:       {"Applied", numberHead, checkEmpty},
	KindResult:        {"Result", numberHead, checkBody},
	KindGranted:       {"Granted", numberHead, checkEmpty},
	KindLeaving:       {"Leaving", headerSize, checkEmpty},
	KindAttached:      {"Attached", headerSize, checkBody},
	KindDrained:       {"Drained", headerSize, checkEmpty},
	KindDrain:         {"Drain", headerSize, checkEmpty},
	KindAloneNoted:    {"AloneNoted", numberHead, checkEmpty},
	KindDone:          {"Done", eventHead, checkReplies},
	KindDoneWith:      {"DoneWith", eventHead, checkBody},
	KindSend:          {"Send", sendHead, checkSend},
	KindCommand:       {"Command", numberHead, checkBody},
	KindDeltaAck:      {"DeltaAck", numberHead, checkEmpty},
	KindBeat:          {"Beat", beatHead, checkBeat},
	KindDraining:      {"Draining", headerSize, checkEmpty},
	KindAttach:        {"Attach", headerSize, checkBody},
	KindAlone:         {"Alone", aloneHead, checkEmpty},
}
