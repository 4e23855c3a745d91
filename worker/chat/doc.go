// Package chat is the domain of the product: what a conversation is, who may do
// what in it, and what its store, its clocks and its couriers must promise. It
// imports the standard library and proto/fault, so that the rules can be read and
// tested without a database, a bus or a socket.
//
//	store/     keeps everything: gorm on SQLite, MariaDB/MySQL and PostgreSQL
//	auth/      passwords and tokens
//	ops/       the rpcs of proto/chat/v1, and the session of a conn
//	delivery/  takes what was committed to those who are online
//	bus/       NATS: events, the drain of the outbox, invalidation
//	chattest/  the suites that every store has to pass
//
// # What holds
//
// A message is (conversation, seq). Its number is given in the transaction that
// stores it, under the lock of its conversation's row, so a conversation counts
// 1, 2, 3 … without gaps. Changes of older messages count the same way, by rev.
//
// What was committed is handed over as [Outgoing], in the order of the commits of
// this process, and stays in the outbox until [Store.Finish].
package chat
