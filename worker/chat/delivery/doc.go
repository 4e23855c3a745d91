// Package delivery takes what was stored to those who are online, and to the bus.
//
// What a commit left to be done ([chat.Outgoing]) comes in the order of the commits of
// this process and goes out in that order, by one goroutine, encoded once. A row of the
// outbox is marked only when every gateway that has, or may have, a recipient has
// acknowledged the command, and the bus the event. Whatever does not come to that (a
// gateway that is cut off, a process that dies, a queue that is full) stays in the
// outbox and is done again by whoever claims it after its lease: twice is harmless,
// clients tell by seq and rev.
//
// It answers for who is told and when a row goes. It does not answer for what may be
// lost: typing, receipts and presence pass by the outbox ([Courier]).
package delivery
