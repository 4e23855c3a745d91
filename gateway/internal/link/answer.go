package link

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// answerOpen applies the answer of w to Open: the conn enters the hub with its
// user, groups and session before the client hears of it, and the client hears
// only when no worker can miss it. c.mu is held.
func (l *Link) answerOpen(c *conn, w *worker, a *gatewayv1.OpenAnswer) {
	if err := l.checkAnswer(a); err != nil {
		a = l.failed(c, w, err)
	}
	switch {
	case a.GetStatus() != 0:
		l.refuseOpen(c, a)
		return
	case c.phase == abandoned:
		l.acceptedLate(c, a)
		return
	}
	c.phase = open
	c.knows = c.context // what follows is what the worker itself decided
	if a.GetHasSession() {
		c.session, c.sessionVersion = a.GetSession(), 1
	}
	if p := a.GetSubprotocol(); p != "" {
		facts := c.decodeFacts()
		facts.Subprotocol = p
		c.facts = encode(facts)
	}
	mark, err := l.enter(c, a.GetUser(), a.GetGroups())
	if err != nil {
		l.hub.Remove(&c.Conn)
		c.phase = opening
		l.refuseOpen(c, l.failed(c, w, err))
		return
	}
	l.limbo.remove(c)
	l.goHome(c)
	if within := a.GetConfirmWithinMs(); within > 0 {
		c.probation = time.AfterFunc(time.Duration(within)*time.Millisecond, func() {
			c.sock.Close(uint16(fault.CloseUnconfirmed), "not confirmed in time", nil)
		})
	}
	answer := c.answer
	c.answer = nil
	l.interest.settle(mark, func() { answer <- a })
}

// checkAnswer says what in an answer cannot be carried out.
func (l *Link) checkAnswer(a *gatewayv1.OpenAnswer) error {
	switch status := a.GetStatus(); {
	case a == nil:
		return fmt.Errorf("it acknowledged the handshake without an answer")
	case status != 0 && (status < 400 || status > 599):
		return fmt.Errorf("it refused with status %d: want 400 to 599", status)
	case slices.ContainsFunc(a.GetHeaders(), badHeader):
		return errors.New("one of its headers is not what HTTP allows")
	case status != 0:
		return nil
	case len(a.GetSession()) > l.cfg.MaxSessionBytes:
		return fmt.Errorf("a session of %d bytes, at most %d are allowed", len(a.GetSession()), l.cfg.MaxSessionBytes)
	case a.GetUser() != "" && !validName(a.GetUser()):
		return errName
	case len(a.GetGroups()) > MaxGroupsPerConn:
		return fmt.Errorf("%d groups, at most %d fit into what is told of a conn", len(a.GetGroups()), MaxGroupsPerConn)
	}
	for _, g := range a.GetGroups() {
		if !validName(g) {
			return errName
		}
	}
	return nil
}

// badHeader reports whether HTTP does not allow h, such as one with a line break.
func badHeader(h *gatewayv1.Header) bool {
	return !httpguts.ValidHeaderFieldName(h.GetName()) || !httpguts.ValidHeaderFieldValue(h.GetValue())
}

// failed is what the client hears when the worker's answer is no good. The
// reason is for the log.
func (l *Link) failed(c *conn, w *worker, err error) *gatewayv1.OpenAnswer {
	l.stats.BadAnswers.Add(1)
	l.log.Error("a worker's answer to a handshake cannot be carried out", "conn", l.name(c.ID()), "peer", w.peer.Node, "err", err)
	return &gatewayv1.OpenAnswer{Status: http.StatusInternalServerError, Reason: "internal error"}
}

// refuseOpen ends a conn that never was one. c.mu is held.
func (l *Link) refuseOpen(c *conn, a *gatewayv1.OpenAnswer) {
	if c.phase == opening {
		c.answer <- a
	}
	c.phase = closed
	l.forgetConn(c)
}

// acceptedLate tells the worker of a conn that closed before it opened. c.mu is
// held.
func (l *Link) acceptedLate(c *conn, a *gatewayv1.OpenAnswer) {
	c.phase = closed
	c.knows = c.context // Closed says what the worker itself decided; in a context nothing of that would be
	l.push(c, event{kind: record.KindClosed, body: encode(&gatewayv1.Closed{
		Code: uint32(fault.CloseLost), Reason: "the handshake timed out", By: gatewayv1.ClosedBy_CLOSED_BY_GATEWAY,
		Last: &gatewayv1.ConnContext{Facts: c.decodeFacts(), User: a.GetUser(), Groups: a.GetGroups(), Session: a.GetSession()},
	})})
}

// enter puts the conn into the hub, under its user and into its groups, and
// returns the highest mark.
func (l *Link) enter(c *conn, user string, groups []string) (mark uint64, err error) {
	if err := l.hub.Add(&c.Conn); err != nil {
		return 0, err
	}
	if user != "" {
		if mark, err = l.hub.Bind(&c.Conn, user); err != nil {
			return 0, err
		}
	}
	for _, g := range groups {
		m, err := l.hub.Join(&c.Conn, g)
		if err != nil {
			return 0, err
		}
		mark = max(mark, m)
	}
	return mark, nil
}
