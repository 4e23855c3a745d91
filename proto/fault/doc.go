// Package fault is the one table of what can go wrong between Parley and whoever
// calls it, and of what each of those is called in gRPC, HTTP, JSON-RPC and as a
// WebSocket close code.
//
//	return fault.New(fault.NotFound, "no such conversation")
//	return fault.New(fault.RateLimited, "slow down").After(2 * time.Second)
//	return fault.New(fault.Conflict, "name is taken").Because(err)
//	return fault.Wrap(fault.Unavailable, err)
//
//	if errors.Is(err, fault.Stale) { … }
//	f := fault.Of(err) // what a client may be told
//
// The message of a Fault goes to the client; its cause goes to the log only. An
// error without a code is Internal and tells the client nothing.
//
// Temporary means that the same request, with the same request id, may succeed
// later; a client tries again after RetryAfter, or after a pause of its own that
// grows. Everything else is final until something about the request changes.
//
// The package answers for the table. Turning a Fault into a gRPC status and back
// is fault/grpcfault's part, so that this one needs the standard library only.
// JSON-RPC's error object and HTTP's body are written by those who write the
// rest of the answer.
package fault
