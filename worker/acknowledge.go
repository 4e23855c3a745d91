package worker

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/faultpoint"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

// acknowledge ends the handler's time and tells the gateway, with its effects.
func (w *Worker) acknowledge(c *Conn, e *inbox.Event) {
	faultpoint.Hit(faultpoint.WorkerHandled)
	took := time.Since(c.begun)
	w.counts.handled(e.Kind, took)
	ours := c.seat.End(&c.ctx, e)
	c.mu.Lock()
	c.over = true
	fx := c.effects
	unsure := c.seat.Doubt.Swap(false) || c.seat.Asking.Load() > 0
	c.mu.Unlock()
	defer fx.release()
	if took >= w.crew.Timeout() {
		w.counts.late.Add(1)
		w.log.Warn("handler took longer than its deadline", append(c.attrs(), "took", took)...)
	}
	if e.Lost {
		return
	}
	if !ours {
		w.counts.refused.Add(1)
		return
	}
	over := e.Kind == record.KindClosed || fx.answer.GetStatus() != 0
	forget := over || unsure || w.inbox.Seats.Load() > w.knownConns.Load() && c.seat.Idle()
	err := c.tell(e, &fx, forget)
	if err != nil && !errors.Is(err, link.ErrDetached) {
		// The effects cannot travel; the conn goes on without them.
		w.log.Error("effects of an event are dropped", append(c.attrs(), "err", err)...)
		failed := effects{}
		if fx.answer != nil {
			failed.answer = refusalOf(err).answer()
			over, forget = true, true
		}
		c.mu.Lock()
		c.unwrite()
		c.mu.Unlock()
		fx.session = nil
		err = c.tell(e, &failed, forget)
	}
	if err != nil {
		w.counts.refused.Add(1)
		return
	}
	switch {
	case over:
		c.seat.Leave()
		return
	case forget:
		c.seat.Forget()
	}
	c.keep(&fx)
}

// tell writes the acknowledgement.
func (c *Conn) tell(e *inbox.Event, fx *effects, forget bool) error {
	if !fx.rich() {
		d := record.Done{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Forget: forget}
		if fx.replies != nil {
			d.Replies = *fx.replies
		}
		return c.gateway.Done(d)
	}
	m := &gatewayv1.Effects{Answer: fx.answer, Session: fx.session, Close: fx.close}
	if fx.replies != nil {
		for r := range fx.replies.All() {
			f := frameOf(r.Binary, r.Payload)
			if fx.answer != nil {
				fx.answer.First = append(fx.answer.First, f)
			} else {
				m.Replies = append(m.Replies, f)
			}
		}
	}
	if fx.answer != nil {
		fx.answer.User, fx.answer.Groups = c.known.user, c.known.groups
		if fx.answer.Status != 0 {
			fx.answer.User, fx.answer.Groups = "", nil
		}
	}
	body, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode effects: %w", err)
	}
	return c.gateway.DoneWith(record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Forget: forget, Body: body})
}

// keep leaves to the next event what this worker knows now.
func (c *Conn) keep(fx *effects) {
	k, ok := c.seat.State.(*known)
	if !ok {
		k = &known{}
		c.seat.State = k
	}
	*k = c.known
	switch a := fx.answer; {
	case a != nil:
		facts := *k.facts
		facts.Subprotocol = a.Subprotocol
		k.facts = &facts
		if a.HasSession {
			k.version = 1
		}
	case fx.session != nil:
		k.version++
	}
}
