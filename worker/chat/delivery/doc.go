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
// A conversation that is not narrow is sent to by its hub group, so the conns of those
// who are added join before they are told. Only these lines wait for that, in queues of
// their own, and those who were added then hear how far the conversation has come: what
// others wrote meanwhile went to the group without them.
//
// A message is encoded once for all of its recipients, so the request id is not in it:
// the conn that sent it has the answer, and other devices of the sender need not know.
//
// # Queues
//
//	waiting for their turn     16,384         full: left to the outbox
//	waiting for conns to join  4 × 256        full: left to the outbox
//	waiting for gateways       8,192          full: sent without waiting, and left to the outbox
//	log of a gateway           of the SDK     full: that gateway is passed over, and the row left to the outbox
//	rows of others             1,024          full: no more are claimed
//	marks to be written        65,536         full: the row is done again
//
// It answers for who is told and when a row goes. It does not answer for what may be
// lost: typing, receipts and presence pass by the outbox ([Courier]).
package delivery
