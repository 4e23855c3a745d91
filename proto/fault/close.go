package fault

import "strconv"

// CloseCode is a WebSocket close code. From 4000 to 4499 the client may come
// back, from 4500 to 4999 it should not; of RFC 6455's own, 1001, 1006, 1011,
// 1012 and 1013 say "come back".
type CloseCode uint16

// The close codes that Parley sends.
const (
	CloseNormal      CloseCode = 1000 // done
	CloseGoingAway   CloseCode = 1001 // the other end goes
	CloseProtocol    CloseCode = 1002 // what came is no WebSocket
	CloseUnsupported CloseCode = 1003 // a kind of frame that is not taken
	CloseNotUTF8     CloseCode = 1007 // a text that is none
	ClosePolicy      CloseCode = 1008 // against a rule; the same again will end the same
	CloseTooLarge    CloseCode = 1009 // a frame above the bound
	CloseInternal    CloseCode = 1011 // a mistake of ours
	CloseRestart     CloseCode = 1012 // the gateway drains: come back elsewhere after the delay in the reason
	CloseTryLater    CloseCode = 1013 // too much at the moment

	CloseResync      CloseCode = 4001 // the conn was too slow: come back and fetch what is missing
	CloseIdle        CloseCode = 4002 // nothing was heard for too long
	CloseUnconfirmed CloseCode = 4003 // no session was opened in time
	CloseRenew       CloseCode = 4004 // the token has ended: come back with another

	CloseUnauthenticated CloseCode = 4501 // the token is not good
	CloseReplaced        CloseCode = 4502 // a newer conn of the same session or device took its place
	CloseForbidden       CloseCode = 4503 // may not be here
	CloseKicked          CloseCode = 4504 // somebody with the right to do so ended this session
	ClosePoison          CloseCode = 4505 // what it sent cannot be handled: workers died of it
)

// Codes that are never sent: what is reported when none came.
const (
	CloseNone CloseCode = 1005 // a close frame without a code
	CloseLost CloseCode = 1006 // the conn was lost, or reset
)

// closeNames are for logs and labels: a closed set, so that a client cannot
// invent labels.
var closeNames = map[CloseCode]string{
	CloseNormal:          "normal",
	CloseGoingAway:       "going_away",
	CloseProtocol:        "protocol",
	CloseUnsupported:     "unsupported",
	CloseNone:            "none",
	CloseLost:            "lost",
	CloseNotUTF8:         "not_utf8",
	ClosePolicy:          "policy",
	CloseTooLarge:        "too_large",
	CloseInternal:        "internal",
	CloseRestart:         "restart",
	CloseTryLater:        "try_later",
	CloseResync:          "resync",
	CloseIdle:            "idle",
	CloseUnconfirmed:     "unconfirmed",
	CloseRenew:           "renew",
	CloseUnauthenticated: "unauthenticated",
	CloseReplaced:        "replaced",
	CloseForbidden:       "forbidden",
	CloseKicked:          "kicked",
	ClosePoison:          "poison",
}

// Again reports whether a client that was closed with this code should come back
// by itself.
func (c CloseCode) Again() bool {
	switch c {
	case CloseGoingAway, CloseLost, CloseInternal, CloseRestart, CloseTryLater:
		return true
	}
	return c >= 4000 && c <= 4499
}

// Name returns a word for a code of this package and "other" for the rest: a
// label of a metric.
func (c CloseCode) Name() string {
	if name, ok := closeNames[c]; ok {
		return name
	}
	return "other"
}

// String returns number and name, "4001 resync".
func (c CloseCode) String() string { return strconv.Itoa(int(c)) + " " + c.Name() }
