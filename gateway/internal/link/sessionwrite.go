package link

import (
	"errors"
	"fmt"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/mergepatch"
)

var errVersion = errors.New("the session has another version")

func (l *Link) setSession(w *worker, do *gatewayv1.SetSession, result *gatewayv1.Result) {
	l.acts(w, do.GetConn(), result, func(c *conn) {
		switch err := l.writeSession(c, do.GetWrite()); {
		case err == nil:
			l.changed(c, do.GetConn())
			result.Affected = 1
		case errors.Is(err, errVersion):
			result.Status = gatewayv1.Status_STATUS_CONFLICT
		case errors.Is(err, mergepatch.ErrTooLarge):
			result.Status = gatewayv1.Status_STATUS_LIMIT
			result.Message = err.Error()
		default:
			result.Status = gatewayv1.Status_STATUS_INVALID
			result.Message = err.Error()
		}
		result.SessionVersion = c.sessionVersion
	})
}

// ackSession is the session write inside an acknowledgement, which has no answer. It
// reports whether it was done; if not the worker, whose copy is wrong, learns the truth
// with the next event. c.mu is held.
func (l *Link) ackSession(c *conn, write *gatewayv1.SessionWrite) bool {
	if err := l.writeSession(c, write); err != nil {
		c.touched()
		return false
	}
	l.amendClosed(c)
	c.touched()
	c.toldOwner()
	return true
}

// writeSession replaces the session or merges into it, which is one write whatever it
// changes. An error says that nothing was written. c.mu is held.
func (l *Link) writeSession(c *conn, write *gatewayv1.SessionWrite) error {
	if write.GetConditional() && write.GetIfVersion() != c.sessionVersion {
		return errVersion
	}
	session, err := l.sessionOf(c, write)
	if err != nil {
		l.stats.BadSessions.Add(1)
		return err
	}
	c.session = session
	c.sessionVersion++
	return nil
}

// sessionOf returns what a write makes of the session, in memory of its own.
func (l *Link) sessionOf(c *conn, write *gatewayv1.SessionWrite) ([]byte, error) {
	most := l.cfg.MaxSessionBytes
	if !write.GetMerge() {
		if n := len(write.GetSession()); n > most {
			return nil, fmt.Errorf("%w: it has at most %d bytes, not %d", mergepatch.ErrTooLarge, most, n)
		}
		return append([]byte(nil), write.GetSession()...), nil
	}
	session, err := mergepatch.Apply(c.session, write.GetSession(), most)
	if errors.Is(err, mergepatch.ErrTooLarge) {
		return nil, fmt.Errorf("%w: it has at most %d bytes", err, most)
	}
	return session, err
}
