package worker

import (
	"context"
	"flag"
)

// Handler is the business logic of a worker: three calls, one conn at a time.
//
// The calls for one conn come one after the other, in the order of its events;
// those of different conns run at the same time, so what a Handler shares
// between conns it must guard. ctx ends when the handler deadline has passed
// ([Config.HandlerTimeout], 10 s), when the worker has to end (its cause is then
// [ErrStopped]), and when the conn has moved to another worker ([ErrMoved]). In the
// last two cases whatever the handler still wants to do through its Conn is
// refused, because another worker handles the same event again.
//
// An event counts as handled once its call has returned. A worker that dies
// before leaves it to another one, which gets it again, marked Redelivered. A
// panic is recovered, counted and logged with its stack; the event counts as
// handled and nothing that was buffered for it happens. A handler that ends its
// goroutine, as a test's FailNow does, counts as one that panicked.
type Handler interface {
	// OnOpen decides about a client that wants to connect: its handshake waits
	// for the return. nil lets it in, with the user, groups, session and first
	// frames that were set through c. [Refuse] turns it away with an HTTP
	// status; any other error does so with the status that proto/fault has for
	// it, which is 500 for an error without a code.
	OnOpen(ctx context.Context, c *Conn) error

	// OnMessage handles one frame of the client. An error is logged and
	// counted, and acknowledges the event like nil does: what was buffered
	// through c (replies, session, close) happens in both cases. To have the
	// frame handled again is the client's business, never the worker's.
	OnMessage(ctx context.Context, c *Conn, m Message) error

	// OnClose learns that the conn has ended, and how. It comes once for each
	// conn that was let in, after its last OnMessage. It is not promised when a
	// gateway dies: a worker that knew the conn then gets it with
	// [Close.GatewayLost] set and the last state it knew.
	OnClose(ctx context.Context, c *Conn, why Close)
}

// Starter is implemented by a Handler that wants to prepare something. OnStart
// runs before the worker joins the register; an error ends Run. The Sender is to be
// kept for later: nobody is reached yet, and a send would wait until OnStart has
// returned and the gateways are known.
type Starter interface {
	OnStart(ctx context.Context, s *Sender) error
}

// Stopper is implemented by a Handler that wants to tidy up. OnStop runs after
// the last handler has returned and all links have ended; the Sender's calls
// answer Unavailable. ctx allows it 10 s.
type Stopper interface {
	OnStop(ctx context.Context)
}

// Flagged is implemented by a Handler that has flags of its own. [Main] calls Flags once,
// before it reads what it was given, and all else of the Handler is called after that.
// They have variables and keys in the file of --config as the others have, and are in the
// list of -h. A name that is taken panics. They are not read again on SIGHUP.
type Flagged interface {
	Flags(fs *flag.FlagSet)
}

// Base is a Handler that lets everybody in and does nothing. Embed it to write
// only the methods you need.
type Base struct{}

// OnOpen lets the conn in.
func (Base) OnOpen(context.Context, *Conn) error { return nil }

// OnMessage does nothing.
func (Base) OnMessage(context.Context, *Conn, Message) error { return nil }

// OnClose does nothing.
func (Base) OnClose(context.Context, *Conn, Close) {}

var _ Handler = Base{}
