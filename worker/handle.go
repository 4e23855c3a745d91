package worker

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

// work handles one event, or learns a Context, on the goroutine of its conn.
func (w *Worker) work(g *link.Gateway, seat *inbox.Seat, e *inbox.Event) {
	if e.Kind == record.KindContext {
		w.learn(g, seat, e)
		return
	}
	if e.Lost && seat.State == nil {
		return // nothing was known of it: it was not let in here
	}
	c := &Conn{
		worker: w, gateway: g, seat: seat, event: e.Kind, term: e.Term, begun: time.Now(),
		id: connid.ID{Gateway: g.Boot(), Conn: e.Conn},
	}
	if k, ok := seat.State.(*known); ok {
		c.known = *k
	}
	if !seat.Begin(&c.ctx, e) {
		w.counts.refused.Add(1)
		return
	}
	if e.Redelivered {
		w.counts.redelivered.Add(1)
	}
	done := false
	defer func() {
		if done {
			return
		}
		// The goroutine ends, and the event counts as handled like one that panicked.
		if e.Kind == record.KindOpen {
			w.turnAway(c, &panicked{errExit})
		}
		w.acknowledge(c, e)
	}()
	switch e.Kind {
	case record.KindOpen:
		w.open(c, e)
	case record.KindMessage:
		w.message(c, e)
	case record.KindClosed:
		w.closed(c, e)
	}
	done = true
}

// learn takes in what is to be known before the event that follows.
func (w *Worker) learn(g *link.Gateway, seat *inbox.Seat, e *inbox.Event) {
	m := &gatewayv1.ConnContext{}
	if err := proto.Unmarshal(e.Body, m); err != nil {
		g.Cut(fmt.Errorf("context: %w", err))
		return
	}
	k, ok := seat.State.(*known)
	if !ok {
		k = &known{}
		seat.State = k
	}
	// A context comes when nothing of the conn is under way, so it is never older than what
	// this worker has written: what it counted and the gateway refused is corrected.
	k.session, k.version = nil, 0
	k.learn(m)
}

func (w *Worker) open(c *Conn, e *inbox.Event) {
	m := &gatewayv1.Open{}
	if err := proto.Unmarshal(e.Body, m); err != nil {
		c.seat.End(&c.ctx, e)
		c.gateway.Cut(fmt.Errorf("open: %w", err))
		return
	}
	if within := m.GetDeadlineMs(); within > 0 {
		c.seat.Limit(&c.ctx, time.Duration(within)*time.Millisecond)
	}
	c.known = known{facts: factsOf(m.GetFacts())}
	c.effects.answer = &gatewayv1.OpenAnswer{}
	err := w.call(c, func() error { return w.cfg.Handler.OnOpen(&c.ctx, c) })
	if err != nil {
		w.turnAway(c, err)
	}
	w.acknowledge(c, e)
}

// turnAway makes the answer of OnOpen a refusal.
func (w *Worker) turnAway(c *Conn, err error) {
	w.counts.turnedAway.Add(1)
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		w.complain(c, "OnOpen", err)
		refusal = refusalOf(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.effects.release()
	c.effects = effects{answer: refusal.answer()}
}

// refusalOf is what a client is told of an error that is no Refusal.
func refusalOf(err error) *Refusal {
	f := fault.Of(err)
	return &Refusal{Status: f.Code().HTTP(), Reason: f.Message(), RetryAfter: f.RetryAfter()}
}

// answer is what travels. What HTTP or protobuf cannot carry is mended or left out:
// the client is turned away in any case.
func (r *Refusal) answer() *gatewayv1.OpenAnswer {
	a := &gatewayv1.OpenAnswer{
		Status: uint32(r.Status), Reason: strings.ToValidUTF8(r.Reason, "\uFFFD"),
		RetryAfterMs: uint32(min(max(0, r.RetryAfter.Milliseconds()), math.MaxUint32)),
	}
	if r.Status < 400 || r.Status > 599 {
		a.Status = http.StatusInternalServerError
	}
	for name, values := range r.Header {
		for _, v := range values {
			if goodHeader(name, v) {
				a.Headers = append(a.Headers, &gatewayv1.Header{Name: name, Value: v})
			}
		}
	}
	return a
}

func (w *Worker) message(c *Conn, e *inbox.Event) {
	if c.seat.State == nil {
		c.seat.End(&c.ctx, e)
		c.gateway.Cut(fmt.Errorf("a message of conn %s, and no context before it", c.id))
		return
	}
	err := w.call(c, func() error {
		return w.cfg.Handler.OnMessage(&c.ctx, c, Message{
			Payload: e.Body, Binary: e.Binary, Redelivered: e.Redelivered, Seq: e.Seq,
		})
	})
	if err != nil {
		w.complain(c, "OnMessage", err)
	}
	w.acknowledge(c, e)
}

func (w *Worker) closed(c *Conn, e *inbox.Event) {
	why := Close{GatewayLost: true}
	if !e.Lost {
		m := &gatewayv1.Closed{}
		if err := proto.Unmarshal(e.Body, m); err != nil {
			c.seat.End(&c.ctx, e)
			c.gateway.Cut(fmt.Errorf("closed: %w", err))
			return
		}
		why = closeOf(m)
		why.Redelivered = e.Redelivered
		if m.GetLast() != nil {
			c.known.learn(m.GetLast())
		}
	}
	why.User, why.Groups, why.Session = c.known.user, c.known.groups, c.known.session
	err := w.call(c, func() error {
		w.cfg.Handler.OnClose(&c.ctx, c, why)
		return nil
	})
	if err != nil {
		w.complain(c, "OnClose", err)
	}
	w.acknowledge(c, e)
}
