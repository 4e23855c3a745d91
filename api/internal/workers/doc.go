// Package workers asks the workers of the cluster on behalf of people.
//
// [Methods] is what the door offers of ChatService, read from its descriptor: an rpc that
// is added to the proto needs no line here. [Conn] carries a call out: it waits for a
// worker when there is none, and asks another one when the first is lost in the middle,
// where the proto says by an idempotency_level that asking twice is doing once. Every
// call has an end, CallTime.
//
// The package knows nothing of HTTP, and has no rule of the chat.
package workers
