// Package store keeps the chat in a database: SQLite (a file), MariaDB or MySQL, and
// PostgreSQL, all by gorm. It answers for transactions, numbers without gaps,
// idempotency and the outbox, as chat.Store promises; package chattest holds it to
// that. It does not answer for who may do what: it asks package chat, inside the
// transaction.
//
// # Locks
//
// A transaction locks the rows of conversations first, in order of id, and then
// whatever belongs to them. SQLite has one writer per process, and the lock of the
// file from the first statement on. A read mark is written under the lock of its own row.
// Store.order comes after all of these: whoever holds it only commits and tells OnCommit.
//
// # Goroutines
//
// [Open] starts those that commit sends, one per lane; [Store.Close] ends them and
// waits. A send waits in a bounded queue: see send.go for what full and late mean.
package store
