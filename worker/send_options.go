package worker

import (
	"crypto/sha256"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
)

// SendOption changes how a send is done.
type SendOption func(*outgoing)

// Must is the default class of a send: a conn whose queue has no room for it is
// closed with 4001, which makes its client come back and fetch what it missed.
func Must() SendOption { return func(o *outgoing) { o.class = record.Must } }

// Droppable is the class of what a client can do without, such as typing: a conn
// whose queue is full does not get it. When too much waits for a gateway it is
// dropped for the whole gateway instead of waiting.
func Droppable() SendOption { return func(o *outgoing) { o.class = record.Droppable } }

// Merge is the class of what replaces an older one of the same key (1 to 256
// bytes), such as presence: it takes the place of one that is still queued, and is
// dropped like Droppable when there is none and no room.
func Merge(key string) SendOption {
	return func(o *outgoing) {
		o.class, o.key = record.Merge, key
		o.fail(checkName("merge key", key))
	}
}

// Except leaves conns out, such as the one whose message is passed on.
func Except(ids ...connid.ID) SendOption {
	return func(o *outgoing) { o.except = append(o.except, ids...) }
}

// ExceptUsers leaves out every conn of some users, at most 256, such as whoever has blocked
// the one who says it. A gateway takes the conns that they have when it begins to carry
// the send out. One of an older version, which cannot leave users out, does not get the
// send at all: it is named in Lost, and the send fails with Unimplemented.
func ExceptUsers(users ...string) SendOption {
	return func(o *outgoing) {
		o.exceptUsers = append(o.exceptUsers, users...)
		o.fail(checkNames("user", users))
		if n := len(o.exceptUsers); n > record.MaxExceptUsers {
			o.fail(invalid("a send leaves out at most %d users, not %d", record.MaxExceptUsers, n))
		}
	}
}

// Once makes the gateways drop a repeat: a send under a key that a gateway has
// already applied, by whichever worker, within the last minute or two. With a key
// made of what is sent (a message's id, or Conn.ID and Message.Seq) a handler that
// runs again does not send again. One to more than 1,000 targets of a gateway is several
// commands; if the targets fall into others the second time, some get it again.
func Once(key string) SendOption {
	sum := sha256.Sum256([]byte(key))
	return func(o *outgoing) { o.once = record.Once(sum[:16]) }
}

// NoWait makes the send pass over a gateway for which too much waits, instead of waiting
// until there is room: one gateway that is cut off then holds up nobody else's sends. The
// gateway is named in Lost, so whoever cannot do without gives it with [Await] or [Then].
func NoWait() SendOption { return func(o *outgoing) { o.noWait = true } }

// Await makes the send wait for what became of it and put it into result.
func Await(result *Result) SendOption {
	return func(o *outgoing) {
		if o.result = result; o.then != nil {
			o.fail(errAwaitThen)
		}
	}
}

// Then makes the send tell later what became of it: the send returns as soon as the
// commands are in the logs, so the next one comes behind it, and done is called when
// every gateway has answered, or with an error when ctx has ended before. If the send
// returns nil, done is called exactly once, on a goroutine of its own; otherwise never.
// That holds when the worker ends too: [Worker.Run] returns after the last done has.
// What the send was given, names and ids too, must not change before that. Give it a
// ctx that outlives the handler, and has a deadline. A send that has not told yet holds
// a goroutine and 3 to 7 KiB.
func Then(done func(Result, error)) SendOption {
	return func(o *outgoing) {
		if o.then = done; o.result != nil {
			o.fail(errAwaitThen)
		}
	}
}

var errAwaitThen = fault.New(fault.Invalid, "Await and Then exclude each other")

// Result is what became of a send, over all gateways.
type Result struct {
	Hit       int      // conns it was queued for
	Dropped   int      // conns whose queue had no room
	Missed    int      // of ToConns: conns that have ended
	Offline   []string // of ToUsers: those without any conn
	Lost      []string // gateways (their nodes) that left, had no room for what may be dropped or does not wait, or did not answer before ctx ended: what became of it there is unknown; those that are too old for ExceptUsers
	Duplicate bool     // a gateway dropped it as a repeat, see Once
}
