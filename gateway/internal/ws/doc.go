// Package ws holds the sockets of a gateway: accept, handshake, reading whole
// messages, one bounded queue per conn outward, liveness, close.
//
// It answers for: limits on what a client may cost, the order of bytes on a
// socket, RFC 6455 (through gws, of which this package is the only importer)
// and closing every conn exactly once with a reason. It does not know users,
// groups, workers or what a message says.
//
// # One writer
//
// Every byte that leaves a socket passes the queue of its Conn: the 101, data,
// ping, pong and close. gws is given a net.Conn (type wire) whose Write puts
// into that queue and whose Close means "close when the queue is empty". Who
// writes to the socket holds the conn's pen (Conn.writing): a flusher, the
// goroutine that reads or opens the conn (for the 101, a pong, a close frame that
// finds the queue empty), or the conn's own pump. There is one pen, so no two ever
// meet.
//
// Flushers make one non-blocking write for all that is queued on a conn and go
// to the next; who has a frame for few goes before those who have one of a blast.
// What the socket does not take goes to a pump, a goroutine of that conn, which
// waits until its queue is empty and gives the pen back. Conns without a
// descriptor of their own (TLS) are always written by a pump.
//
// # What full means
//
//	queue of a conn     Droppable frames are dropped, Merge frames replace their
//	                    like, then the conn is closed with 4001: its queue is
//	                    thrown away and the close frame sent in its place
//	queues of a server  the conns that hold more than their share are closed 4001,
//	                    those that hold most first
//	messages half read  the conn whose message exceeds the sum is closed 1013
//	conns               503 with Retry-After
//	handshakes          at once: who has said nothing for a fifth of HandshakeTimeout
//	                    goes; else the accept loop waits, the kernel's backlog with it;
//	                    per second: a short wait, then 503 with Retry-After
//	of one address      its conns, its handshakes per second: 429 with Retry-After,
//	                    and nothing of what all may have is used up
//	who was refused     reads why for half a second, as many as a quarter of the
//	                    handshakes at once; more are closed at once
//	frames or bytes per second, of one conn: reading waits
//
// # The life of a conn
//
// accept → handshake goroutine (PROXY protocol, TLS, header, Handler.Open, 101) → read goroutine
// (Handler.Message …, Handler.Farewell if the peer closes; Handler.Moving if we want it
// to go elsewhere, then Conn.MoveNow) ⇄ nap → Handler.Closed
// → socket closed. The wheel visits each conn at its next deadline: ping, nap,
// idle, message begun and not finished, close not finished. No conn has a timer
// of its own.
//
// A nap is what silence makes of a conn on Linux: no goroutine, no stack, no
// gws.Conn, some 2.4 KiB instead of 6.9. The napper waits for its next byte.
//
// # Who is at the other end
//
// The peer of the socket, unless it is one of Config.Proxies. Then it is the client that
// the proxy names, by the PROXY protocol before TLS, by X-Forwarded-For in the request:
// for the handler (Conn.RemoteAddr), the log and the limits of an address. These apply as
// soon as the client is known, and to a proxy that names nobody not at all.
//
// # Locks
//
// Conn.mu, then lanes.mu, wheel.mu or napper.mu. Server.mu, then gate.mu; addresses.mu alone. None
// is held while a socket is written or a Handler is called.
package ws
