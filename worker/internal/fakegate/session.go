package fakegate

import (
	"errors"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/mergepatch"
)

func (g *Gateway) setSession(s *gatewayv1.SetSession, m *gatewayv1.Result) error {
	c, err := g.conn(s.GetConn())
	if err != nil {
		return err
	}
	err = c.write(s.GetWrite())
	c.stale = c.stale || err == nil
	m.SessionVersion = c.version
	return err
}

// write replaces the session or merges into it. An error is a refusal: nothing is written.
func (c *Conn) write(w *gatewayv1.SessionWrite) error {
	if w.GetConditional() && w.GetIfVersion() != c.version {
		return refusal(gatewayv1.Status_STATUS_CONFLICT)
	}
	session := w.GetSession()
	if w.GetMerge() {
		var err error
		session, err = mergepatch.Apply(c.session, session, maxSession)
		switch {
		case errors.Is(err, mergepatch.ErrTooLarge):
			return refusal(gatewayv1.Status_STATUS_LIMIT)
		case err != nil:
			return refusal(gatewayv1.Status_STATUS_INVALID)
		}
	}
	if len(session) > maxSession {
		return refusal(gatewayv1.Status_STATUS_LIMIT)
	}
	c.session, c.version = session, c.version+1
	return nil
}
