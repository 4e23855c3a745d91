// Package workertest drives a worker.Handler without a network.
//
//	func TestGreets(t *testing.T) {
//		h := workertest.New(t, myHandler{})
//		ann := h.Dial("/chat?user=ann")
//		ann.Expect("welcome, ann")
//		ann.SendText("hello")
//		ann.Expect("Server: hello")
//	}
//
// Behind the Handler is a whole Worker, and behind that a gateway in memory that
// speaks the real protocol: users, groups, sessions, the Sender, redelivery and moves
// behave as in a cluster. Nothing listens, no time is slept for, and it runs inside
// a testing/synctest bubble too.
//
// What a Handler must stand in a cluster can be provoked: [Harness.LoseAcks] makes
// an event come again after it was handled, [Harness.MoveAll] takes all conns from
// the worker while its handlers run, [Harness.FreezeGateway] leaves sends without an
// answer. Payloads are overwritten as soon as a handler has returned, so one that keeps
// them fails its test.
//
// Everything that waits gives up after [Timeout] and fails the test. It will not
// tell how fast a Handler is.
package workertest
