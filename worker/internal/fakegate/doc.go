// Package fakegate is a gateway in memory, small enough to be read in one go: it
// speaks the link's records as a real one does, without sockets, time-outs or
// bounds. Package workertest puts it behind a Handler; the tests of package link
// put gRPC before it.
//
// It answers for the protocol (docs/link-protocol.md): terms, redelivery, commands
// applied once, interest, the answers to binds, drains. It does not answer for
// speed: one lock guards everything.
package fakegate
