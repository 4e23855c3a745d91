package link

import (
	"fmt"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

func (l *Link) closeTarget(w *worker, do *gatewayv1.Close, result *gatewayv1.Result) {
	if code := do.GetClose().GetCode(); !closable(code) {
		result.Status = gatewayv1.Status_STATUS_INVALID
		result.Message = fmt.Sprintf("close code %d may not be sent", code)
		return
	}
	l.eachOf(w, do.GetTarget(), result, func(c *conn) {
		l.closeConn(c, do.GetClose())
		result.Affected++
	})
}

// closeConn ends a conn after what is queued, or at once. Its last frame, or a
// code, that cannot be sent is left out and counted: commands are checked
// before. c.mu is held.
func (l *Link) closeConn(c *conn, e *gatewayv1.CloseConn) {
	if c.phase != open {
		return
	}
	c.kicked = true
	if e.GetNow() {
		c.sock.Kill()
		return
	}
	var last *frame.Frame
	if f := e.GetLast(); f != nil {
		var err error
		if last, err = l.frames(opOf(f.GetOpcode()), f.GetPayload(), frame.Must, ""); err != nil {
			l.stats.BadFrames.Add(1)
		}
	}
	code := e.GetCode()
	if !closable(code) {
		l.stats.BadFrames.Add(1)
		code = 0
	}
	if code == 0 {
		code = uint32(fault.CloseNormal)
	}
	c.sock.Close(uint16(code), e.GetReason(), last)
}

// closable reports whether a worker may send the close code, by RFC 6455. 0 is
// none.
func closable(code uint32) bool {
	switch code {
	case 0, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

func (l *Link) confirm(w *worker, do *gatewayv1.Confirm, result *gatewayv1.Result) {
	l.acts(w, do.GetConn(), result, func(c *conn) {
		if c.probation != nil && !c.probation.Stop() {
			result.Status = gatewayv1.Status_STATUS_STALE // too late: it is being closed
			return
		}
		c.probation = nil
		result.Affected = 1
	})
}
