// Package worker is the SDK for the business logic of a Parley cluster: you write a
// [Handler], gateways hold the sockets.
//
//	type echo struct{ worker.Base }
//
//	func (echo) OnMessage(_ context.Context, c *worker.Conn, m worker.Message) error {
//		return c.Reply(worker.Text("Server: " + m.Text()))
//	}
//
//	func main() { worker.Main(echo{}) }
//
// Start as many of it as you like, on as many machines; they find the gateways by
// the register. When one dies, freezes or is redeployed, the others take its conns
// over and no client notices.
//
// # Handlers
//
// Frames of one conn come one at a time, in order; different conns run at once. A
// slow handler holds up its own conn only, and has 10 s before its context ends. A
// panic is recovered, counted and logged, and ends nothing.
//
// OnOpen answers the handshake: it may refuse with an HTTP status, or let the conn
// in with user, groups, session, subprotocol and first frames, all in one answer.
//
// # What happens once, and what may happen twice
//
// An event is kept by the gateway until its handler has returned. If the worker is
// lost before, another gets the event again, with [Message.Redelivered] set. What
// the handler did through [Conn.Reply], [Conn.SetSession], [Conn.MergeSession],
// [Conn.Close] and [Conn.Kill] rides on the acknowledgement, so it happens exactly once whoever handles the event. What it
// did elsewhere (a database, [Sender]) may happen twice: use a key that makes the
// second harmless, such as (Conn.ID, Message.Seq) or what the client chose, and
// [Once] for sends.
//
// A worker that was only thought dead finds its context cancelled with [ErrMoved],
// and everything it still does through its Conn refused.
//
// # Sending to others
//
// The [Sender] reaches conns, users and groups wherever they are, from any process.
// It knows which gateways have whom, so a send costs one command per gateway that
// has a recipient. After [Conn.Bind] or [Conn.Join] has returned nil, no send that
// begins anywhere misses the conn. Sends survive broken links, but not the death of
// this process before a gateway has them: [Await] waits until all have, so that a frame is
// not acknowledged before, and says what became of it; [Then] is called with it later and
// keeps up the order of many.
//
// # Who is online
//
// [Worker.WatchUsers] is a feed of the users that came or went anywhere, and tells at
// once, without asking a gateway, whether one is there: a belief, for presence and the
// like. Repeats are merged, so it needs no more memory than there are users, and a
// gateway that attaches with many waits for nobody. [Sender.Online] asks.
//
// # Sessions
//
// A session is bytes that the gateway keeps with the conn, 16 KiB by default, so
// whichever worker handles the next frame has them at hand. [Sender.MergeSession]
// changes some keys of one that is a JSON object, at the gateway; [IfVersion] makes a write
// happen only if nobody else has written meanwhile.
//
// # Testing
//
// Package workertest drives a Handler without a network, redelivers and moves at
// will, and overwrites payloads that are kept too long. Package rpc is a JSON-RPC
// router for a Handler's frames.
//
// # What it will not do
//
// It parses no frames and stores no messages: a frame to somebody who is offline is
// gone. It gives no order between conns, nor between a reply and a send of another
// worker. It does not retry a handler that returned an error.
//
// # Goroutines and memory
//
// One goroutine per conn that has something to do, a handful per gateway. Each queue is
// bounded: 32 events or 256 KiB per conn by what the gateway gives, 64 MiB of
// commands per gateway ([Config.RetainBytes]; sends then wait under their context,
// or are dropped if their class allows). Above [Config.KnownConns] a conn's state is
// forgotten between events and fetched again with the next.
//
// Locks, in the order they may be taken: those of package inbox, then Conn.mu. None
// is held while a handler runs.
package worker
