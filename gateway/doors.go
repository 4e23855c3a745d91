package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/register"
)

// doors keep clients out until no worker can fail to know this gateway.
//
// A worker sends to every gateway of its view whose routes it does not trust
// yet; it can only miss a gateway that it has not heard of. A worker that joins
// after this gateway has joined finds it in its first view. One that joined
// before stands in the first settled view of this gateway, which waits here
// until that worker has attached, or has left the view, or DoorsTimeout is over.
type doors struct {
	*link.Link
	opened  atomic.Bool
	closing atomic.Bool
}

// Open implements ws.Handler: while the doors are shut a client is asked to come
// back in a second.
func (d *doors) Open(ctx context.Context, c *ws.Conn, r *http.Request) ws.Answer {
	switch {
	case d.closing.Load():
		return ws.Answer{Status: http.StatusServiceUnavailable, Reason: "this gateway is leaving", RetryAfter: time.Second}
	case !d.opened.Load():
		return ws.Answer{Status: http.StatusServiceUnavailable, Reason: "this gateway is not ready yet", RetryAfter: time.Second}
	}
	return d.Link.Open(ctx, c, r)
}

// senders are the roles whose processes attach to gateways and send to their conns.
var senders = []string{"worker", dialled}

// dialled is the role of which only those send that have no address or say that they do:
// parley-api is an HTTP server, says where, and attaches only for its PushService.
const dialled = "api"

// sends reports whether a member of one of these roles attaches to gateways.
func sends(m register.Member) bool {
	return m.Role != dialled || m.Addr == "" || m.Labels[register.SendsLabel] != ""
}

// run opens the doors when it is time. It returns then, or when ctx ends.
func (d *doors) run(ctx context.Context, views []*register.View, patience time.Duration, log *slog.Logger) {
	defer func() {
		if ctx.Err() == nil {
			d.opened.Store(true)
			log.Info("gateway is open", "workers", d.Serving())
		}
	}()
	for _, v := range views {
		select {
		case <-v.Ready():
		case <-ctx.Done():
			return
		}
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		missing := d.missing(views)
		if missing == "" && settled(views) {
			return
		}
		select {
		case <-poll.C:
		case <-timeout.C:
			if missing != "" {
				log.Warn("gateway opens without a worker that the register lists", "peer", missing)
			} else {
				log.Warn("gateway opens although no register has been up for a whole lease")
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

// missing names a sender of the views that is not attached.
func (d *doors) missing(views []*register.View) string {
	attached := d.Attached()
	for _, v := range views {
		for _, m := range v.Members() {
			if !attached[m.Boot] && sends(m) {
				return m.ID
			}
		}
	}
	return ""
}

func settled(views []*register.View) bool {
	for _, v := range views {
		if !v.Settled() {
			return false
		}
	}
	return true
}
