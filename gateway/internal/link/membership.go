package link

import (
	"errors"

	"github.com/parley-im/parley/gateway/internal/hub"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// maxNameBytes bounds a user or group.
const maxNameBytes = 256

var errName = errors.New("a user or group has 1 to 256 bytes")

func validName(name string) bool { return name != "" && len(name) <= maxNameBytes }

func (l *Link) bind(w *worker, do *gatewayv1.Bind, result *gatewayv1.Result) (mark uint64) {
	if !nameOK(do.GetUser(), result) {
		return 0
	}
	l.acts(w, do.GetConn(), result, func(c *conn) {
		var err error
		if mark, err = l.hub.Bind(&c.Conn, do.GetUser()); err != nil {
			refuse(result, err)
			return
		}
		l.changed(c, do.GetConn())
		l.goHome(c)
		result.Affected = 1
	})
	return mark
}

func (l *Link) unbind(w *worker, do *gatewayv1.Unbind, result *gatewayv1.Result) {
	l.acts(w, do.GetConn(), result, func(c *conn) {
		if user := c.User(); user != "" && (do.GetUser() == "" || do.GetUser() == user) && l.hub.Unbind(&c.Conn, user) {
			l.changed(c, do.GetConn())
			result.Affected = 1
		}
	})
}

// join puts every conn of the target into all the groups, or into as many as it
// may be in: the result then says so.
func (l *Link) join(w *worker, do *gatewayv1.Join, result *gatewayv1.Result) (mark uint64) {
	for _, g := range do.GetGroups() {
		if !nameOK(g, result) {
			return 0
		}
	}
	l.eachOf(w, do.GetTarget(), result, func(c *conn) {
		for _, g := range do.GetGroups() {
			m, err := l.hub.Join(&c.Conn, g)
			if err != nil {
				// The owner does not know which it is in: touched tells it all.
				c.touched()
				refuse(result, err)
				return
			}
			mark = max(mark, m)
		}
		l.changed(c, do.GetTarget().GetConn())
		result.Affected++
	})
	return mark
}

func (l *Link) leave(w *worker, do *gatewayv1.Leave, result *gatewayv1.Result) {
	l.eachOf(w, do.GetTarget(), result, func(c *conn) {
		left := false
		for _, g := range do.GetGroups() {
			left = l.hub.Leave(&c.Conn, g) || left
		}
		if left {
			l.changed(c, do.GetTarget().GetConn())
			result.Affected++
		}
	})
}

func nameOK(name string, result *gatewayv1.Result) bool {
	if validName(name) {
		return true
	}
	result.Status = gatewayv1.Status_STATUS_INVALID
	result.Message = errName.Error()
	return false
}

// refuse says in a result what the hub said.
func refuse(result *gatewayv1.Result, err error) {
	result.Message = err.Error()
	switch {
	case errors.Is(err, hub.ErrGone):
		result.Status = gatewayv1.Status_STATUS_STALE
	case errors.Is(err, hub.ErrTooManyGroups):
		result.Status = gatewayv1.Status_STATUS_LIMIT
	default:
		result.Status = gatewayv1.Status_STATUS_INVALID
	}
}
