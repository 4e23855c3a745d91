// Package link is the worker's side of the link: one stream to every gateway,
// what is owed to each over the life of several streams, and the knowledge of
// which gateway has whom.
//
// It answers for this: a command is applied once by its gateway however often
// the stream breaks (outlog.go); a send never passes by a gateway that has a
// recipient (reach.go, lease.go); events reach the inbox in the order they came
// (receive.go). It does not run handlers and does not know what a frame means.
//
// # A gateway's life here
//
// A Mesh follows the directory's view. Each gateway in it, known by its boot,
// gets a Gateway with a goroutine that dials, attaches, and dials again after a
// pause, until the view drops it. While a stream lives four goroutines serve it:
// one receives, one sends, one beats and watches for silence, one ends the stream
// when another of them has ended. The receiving one never waits for anything but
// the stream.
//
// # What is sent
//
// Everything for one gateway goes into one ordered log. Commands and sends are
// numbered and stay until the gateway has applied them; the rest belongs to the
// stream and is forgotten with it. The sending goroutine takes all there is,
// after one turn for whoever is about to append, so under load a message carries
// many records and at rest none waits.
//
// # Queues
//
//	log of a gateway      64 MiB retained   full: Must waits, others are refused
//	  acknowledgements    another 64 MiB    full: the handler's goroutine waits
//	inbox of a conn       32 events         full: the gateway broke the protocol, the link is cut
//	results               one per caller that waits, until it gives up
//
// # Locks
//
// outlog.mu is a leaf. Mesh.mu guards the roster and is never held while a
// stream is used. The inbox's and the table's locks are taken with none of these
// held.
package link
