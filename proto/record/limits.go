package record

// The bounds of protocol 1. Appenders refuse what is above them and so does
// [Reader.Next], so a sender never learns of them from a broken link.
const (
	MaxPayload     = 1 << 20 // bytes of one WebSocket message, either way
	MaxBody        = 1 << 20 // bytes of one protobuf body
	MaxName        = 1024    // bytes of a user's, group's or merge key's name
	MaxSubprotocol = 255     // bytes of a subprotocol's name
	MaxTargets     = 65536   // targets of one Send; also conns it excludes
	MaxBodies      = 4       // bodies of one Send
	MaxExceptUsers = 256     // users that one Send excludes
	MaxRecord      = 4 << 20 // bytes of one record, its header included

	// MaxBatch bounds the records of one stream message. A sender closes a
	// batch before it grows above; a receiver gives gRPC MaxBatch and some
	// room for the envelope as its limit.
	MaxBatch = 8 << 20
)
