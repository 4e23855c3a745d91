package worker

import (
	"time"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// ClosedBy says who ended a conn.
type ClosedBy uint8

// The sides that can end a conn.
const (
	ByUnknown ClosedBy = iota // the gateway is gone and nobody knows
	ByClient                  // a close frame from the client
	ByWorker                  // Close or CloseUser
	ByGateway                 // a limit, a drain, a protocol error
	ByTimeout                 // silence beyond the idle timeout
	ByNetwork                 // the connection was lost or reset
)

// String returns the side's name in lower case.
func (b ClosedBy) String() string {
	switch b {
	case ByClient:
		return "client"
	case ByWorker:
		return "worker"
	case ByGateway:
		return "gateway"
	case ByTimeout:
		return "timeout"
	case ByNetwork:
		return "network"
	}
	return "unknown"
}

// Close tells how a conn ended and what it was in its last moment.
type Close struct {
	Code     fault.CloseCode // 1005: none was given, 1006: lost without a close frame
	Reason   string
	By       ClosedBy
	Duration time.Duration // how long it was open, from the socket's first moment on, in whole milliseconds
	BytesIn  uint64        // bytes read from the socket, all of them: the handshake and the heads of frames too
	BytesOut uint64        // bytes written to it, likewise; what is just being written when the end is noticed, such as a close frame, may be missing

	User    string   // the user it was bound to, "" for none
	Groups  []string // the groups it was in
	Session []byte   // nil when there was none

	// GatewayLost says that its gateway has left the cluster without telling:
	// Code, By, Duration and the counts are then unknown, and user, groups and
	// session are the last that this worker knew.
	GatewayLost bool
	// Redelivered says that a worker may have handled this end before.
	Redelivered bool
}

func closedBy(b gatewayv1.ClosedBy) ClosedBy {
	if b < gatewayv1.ClosedBy_CLOSED_BY_CLIENT || b > gatewayv1.ClosedBy_CLOSED_BY_NETWORK {
		return ByUnknown
	}
	return ClosedBy(b)
}

func closeOf(m *gatewayv1.Closed) Close {
	return Close{
		Code:     fault.CloseCode(m.GetCode()),
		Reason:   m.GetReason(),
		By:       closedBy(m.GetBy()),
		Duration: time.Duration(m.GetDurationMs()) * time.Millisecond,
		BytesIn:  m.GetBytesIn(),
		BytesOut: m.GetBytesOut(),
	}
}
