// Package rpc is a router for JSON-RPC 2.0 in the frames of a conn.
//
//	type Move struct{ X, Y int }
//	type Moved struct{ Turn int }
//
//	mux := rpc.NewMux()
//	rpc.Handle(mux, "move", func(ctx context.Context, m *Move) (*Moved, error) {
//		c := rpc.Conn(ctx) // the conn that calls
//		…
//		return &Moved{Turn: 7}, nil
//	})
//
//	func (h game) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
//		return h.mux.Serve(ctx, c, m)
//	}
//
// Types that are protobuf messages take protobuf's JSON mapping, others that of
// encoding/json; fields that a type does not have are ignored. A call without an id
// is a notification and gets no reply. A batch is an array of up to [MaxBatch] calls,
// carried out in order and answered in one array. Once the answers fill half a frame,
// the calls that are left are not carried out but answered OVERLOADED, temporary.
//
// # Errors
//
// What goes wrong becomes a JSON-RPC error with data:
//
//	{"jsonrpc":"2.0","id":3,"error":{"code":-32005,"message":"slow down",
//	 "data":{"reason":"RATE_LIMITED","temporary":true,"retryAfterMs":1200}}}
//
// Code, message and reason are those that proto/fault has for the error a method
// returned; one without a code is INTERNAL and shows nothing. The router's own are
// -32700 (no JSON, or nested deeper than [MaxDepth]), -32600 (JSON, but no call),
// -32601 (no such method) and -32602 (params of another type). A result that is larger
// than a frame is TOO_LARGE to the client, and an error to the handler.
//
// # What it will not do
//
// It reads no binary frames, calls no methods of the client (see [Notification] for
// what a client is told), and runs no two calls of a conn at once. A panic in a method
// ends the handler call without a reply: the client's time-out is the answer.
package rpc
