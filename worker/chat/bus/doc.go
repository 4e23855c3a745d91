// Package bus carries three things between processes over NATS, and is the only
// package that knows NATS. The database is the record: what is lost here is lost to
// nobody who asks the database.
//
//	b, err := bus.New(bus.Config{URL: "nats://127.0.0.1:4222", Name: "worker-1"})
//	deliver := delivery.New(delivery.Config{Publisher: b, …})
//	b.OnDrain(deliver.Drain)
//	stop := b.Watch("membership", func(key string) { cache.Drop(key) })
//	err = b.Run(ctx) // until ctx ends
//
// # Events
//
// [Bus.Publish] puts an event into the JetStream stream PARLEY_EVENTS, under
// parley.<realm>.event.<name>; the default realm is written _. Anybody may read it, in
// any language, with a consumer of his own. An event is published when JetStream has
// acknowledged it, and not before; whatever else happens is told to the caller, who
// keeps the row of the outbox and comes again. So an event may come twice, with the same
// Nats-Msg-Id: JetStream drops the second within five minutes, readers have to after
// that. Events come in the order of Publish, but one that failed comes when it is
// published again: who needs the order of a conversation has its seq and rev.
//
// When the stream is full, new events are refused and old ones stay: they wait in the
// outbox, [Bus.Ready] says so, the log says it once, [Stats] counts. Events older than
// seven days go. A stream that exists is never changed: its limits are the operator's.
//
// By default JetStream acknowledges before its disk has the event (it syncs every two
// minutes), so a power failure of the NATS server may take the last moments of the stream
// although the outbox let go of them. The messages are in the database all the same.
// Who reads events for something that must be complete runs three replicas, or
// sync_interval: always, or compares with the database now and then.
//
// # The drain
//
// One of all workers at a time is told, about once a second, to look at the outbox for
// what others have left. It is one message that is never acknowledged, in the stream
// PARLEY_DRAIN, handed out by a consumer that all workers share: whoever gets it drains,
// says meanwhile that he is alive, and gives it back for a second later. A worker that
// dies with it loses it after two seconds. Stream, consumer and message are made anew
// by whoever finds them missing, and the consumer if nobody is told for long.
//
// # Invalidation
//
// [Bus.Invalidate] tells the watchers of a topic in other processes that they should
// forget a key. It goes over core NATS and may be lost, so a cache must be right without
// it after a bounded time; it makes that time short. After a connection is (again) there,
// watchers are told "", which means everything, since they may have missed something;
// and a process that could not send says "" for the topic when it can.
//
// # What it will not do
//
// It does not wait for NATS: without it [Bus.Publish] fails at once and chatting goes on.
// It runs no tasks, and keeps nothing over a restart.
//
// # Goroutines
//
// [New] starts nothing. [Bus.Run] waits for all it started, and for those of the NATS
// client. Locks: none is held while a callback runs but Bus.telling, while watchers run.
package bus
