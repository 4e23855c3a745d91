// Package gateway is a process that holds sockets and nothing else. It accepts
// WebSocket clients, asks a worker about each, passes on what they say and
// queues what workers send them; it survives any worker, and never looks into a
// frame.
//
// What it is made of, in the order a frame meets them:
//
//	internal/ws     the socket: handshake, limits, one outbound queue per conn
//	internal/link   the streams to workers: who acts for a conn, what is
//	                remembered until a worker has handled it
//	internal/hub    which conns belong to a user or a group, and telling workers so
//	internal/frame  the bytes of one message, encoded once and shared
//
// A Gateway is made with New, which starts nothing, and lives in Run.
package gateway
