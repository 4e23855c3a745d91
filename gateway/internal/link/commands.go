package link

import (
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/proto/faultpoint"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// command applies a numbered command once and answers it. A bind or join is
// answered when no worker can miss it; everything else at once.
func (l *Link) command(w *worker, r record.Command) error {
	if !w.session.first(r.N) {
		l.stats.RepeatedCommands.Add(1)
		return nil
	}
	cmd := &gatewayv1.Command{}
	if err := proto.Unmarshal(r.Body, cmd); err != nil {
		return err
	}
	result := &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK}
	if cmd.GetDrain() != nil && l.cfg.OnDrain != nil {
		w.session.answer(r.N, result) // before it begins: it may be over soon
		l.cfg.OnDrain()
		return nil
	}
	mark := l.do(w, cmd, result)
	faultpoint.Hit(faultpoint.GatewayCommandApplied)
	if mark == 0 || faultpoint.Sabotaged(faultpoint.LateInterest) {
		w.session.answer(r.N, result)
		return nil
	}
	w.session.owe(r.N)
	faultpoint.Hit(faultpoint.GatewayBound)
	l.interest.settle(mark, func() { w.session.answer(r.N, result) })
	return nil
}

// do carries out a command and returns the number of the delta that its answer
// has to wait for, or 0.
func (l *Link) do(w *worker, cmd *gatewayv1.Command, result *gatewayv1.Result) (mark uint64) {
	switch do := cmd.GetDo().(type) {
	case *gatewayv1.Command_Bind:
		return l.bind(w, do.Bind, result)
	case *gatewayv1.Command_Unbind:
		l.unbind(w, do.Unbind, result)
	case *gatewayv1.Command_Join:
		return l.join(w, do.Join, result)
	case *gatewayv1.Command_Leave:
		l.leave(w, do.Leave, result)
	case *gatewayv1.Command_Close:
		l.closeTarget(w, do.Close, result)
	case *gatewayv1.Command_Session:
		l.setSession(w, do.Session, result)
	case *gatewayv1.Command_Confirm:
		l.confirm(w, do.Confirm, result)
	case *gatewayv1.Command_Query:
		l.query(w, do.Query, result)
	case *gatewayv1.Command_Batch:
		return l.batch(w, do.Batch, result)
	case *gatewayv1.Command_Shed:
		l.shed(do.Shed, result)
	case *gatewayv1.Command_DrainWorker:
		l.drainWorker(do.DrainWorker, result)
	default:
		result.Status = gatewayv1.Status_STATUS_UNIMPLEMENTED
	}
	return 0
}

// acts runs f on the conn that ref names, if w may act for it: f runs under the
// conn's lock. Otherwise the result says why not.
func (l *Link) acts(w *worker, ref *gatewayv1.ConnRef, result *gatewayv1.Result, f func(*conn)) {
	c := l.find(ref.GetConn())
	if c == nil {
		result.Status = gatewayv1.Status_STATUS_STALE
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.phase != open:
		result.Status = gatewayv1.Status_STATUS_STALE
	case ref.GetTerm() != 0 && (c.owner != w || c.term != ref.GetTerm()) && !faultpoint.Sabotaged(faultpoint.NoTerms):
		l.stats.RefusedTerms.Add(1)
		result.Status = gatewayv1.Status_STATUS_MOVED
	default:
		f(c)
	}
}

// eachOf runs f on every conn of the target that w may act for.
func (l *Link) eachOf(w *worker, t *gatewayv1.Target, result *gatewayv1.Result, f func(*conn)) {
	var kind hub.Kind
	var name string
	switch of := t.GetOf().(type) {
	case *gatewayv1.Target_Conn:
		l.acts(w, of.Conn, result, f)
		return
	case *gatewayv1.Target_User:
		kind, name = hub.User, of.User
	case *gatewayv1.Target_Group:
		kind, name = hub.Group, of.Group
	default:
		result.Status = gatewayv1.Status_STATUS_INVALID
		result.Message = "no target is given"
		return
	}
	l.hub.Each(kind, name, func(h *hub.Conn) bool {
		c := h.Out().(*conn)
		c.mu.Lock()
		if c.phase == open {
			f(c)
		}
		c.mu.Unlock()
		return true
	})
}

// changed notes that user, groups or session are new; the owner need not be
// told what it did itself. c.mu is held.
func (l *Link) changed(c *conn, ref *gatewayv1.ConnRef) {
	c.touched()
	if ref.GetTerm() != 0 {
		c.toldOwner()
	}
}
