// Package link is the gateway's side of the link: it decides which worker acts
// for a conn, numbers what the conn says and remembers it until that worker has
// handled it, and carries out what workers command.
//
// It answers for three guarantees. An event that was read reaches a handler
// although workers die (conn.go, move.go). Of two workers that believe they own
// a conn one is refused (ack.go, commands.go: the term). A bind is answered only
// when no worker can miss the route any more (interest.go). It does not know
// what a frame means, and it never writes to a socket: that is package ws.
//
// # Where to read
//
//	a stream      attach.go service.go stream.go worker.go outbox.go session.go memory.go
//	a handshake   open.go facts.go answer.go
//	an event      message.go farewell.go moving.go closed.go events.go pick.go move.go ack.go
//	its worker    pools.go choice.go user.go level.go
//	a command     commands.go membership.go control.go send.go once.go
//
// # Who runs
//
// For each attached worker one goroutine receives and applies, one sends, and
// the handler of the stream waits for either to end; one per gateway watches for
// silence, and one moves conns to where they belong. A conn's own reading goroutine
// calls Message and waits there while the conn has no credit. Everything else runs on
// one of these. Run waits for all of them but the conns', which are package ws's.
//
// # Locks, in the order they may be taken
//
//	session.telling
//	conn.mu → Link.mu → hub's shard locks → session.mu → interest.mu → outbox.mu
//
// The locks of limbo and once are leaves. None is held while anything is written
// to a socket or a stream: the outbox and the conn's queue only take notes. Never
// the other way round: the hub calls Delta with a shard locked, and Delta only
// appends to an outbox.
//
// # Queues
//
//	events of a conn     32 events, 256 KiB       full: the conn is not read; one that ends is read slowly
//	events of a gateway  256 MiB                  full: a conn with one event under way is not read
//	outbox of a worker   512 MiB                  full: the worker is given up
//	results of a worker  64k, 64 MiB              full: the older half is answered "unknown"
//	sessions             60 s after the last stream, 4096
//	once-keys            one to two minutes, 512k
package link
