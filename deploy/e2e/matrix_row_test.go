package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/worker"
)

// row is one line of the matrix: a call, what it answers, and what it does. What it says
// of conns and gateways is for four gateways with a conn of the cell each, or for one with
// all four; the one that stands still has D.
type row struct {
	calls string // the methods that it calls, "Sender.Bind"
	how   string // told apart from other rows of the same method

	// What it is about.
	one       bool // D alone, not A to D
	ids       bool // A to D, by id
	own       bool // conns that have a user each, not one together
	reads     bool // changes nothing
	probation bool // conns that have to be confirmed
	everyone  bool // every gateway there is, whoever is on it
	ending    bool // it ends processes, or many conns: played last
	calm      bool // only done while no gateway stands still

	// What it answers.
	quick  bool   // without asking anybody
	enough bool   // as soon as one gateway has said so
	names  bool   // and names gateways that are lost
	sure   bool   // and fails, too, because of one whose link is down
	soft   bool   // and does not fail because of any
	well   string // when all answer
	part   string // when all do but that of D
	none   string // when that is the only one; "": part

	// What it does.
	blast bool   // the frame goes to everybody
	hears string // who hears the frame, by letter
	ends  string // whose conn ends
	code  int    // with which code; 0: none
	after func(ctx context.Context, s *worker.Sender, c cell) (any, error)
	is    string // what after answers once it is done
	later bool   // once the event is acknowledged

	sender func(ctx context.Context, s *worker.Sender, c cell) (any, error) // by anybody
	conn   func(ctx context.Context, k *worker.Conn, c cell) (any, error)   // or in a handler of D
	push   func(ctx context.Context, call calling, c cell) (any, error)     // or by a backend
	opens  bool                                                             // in OnOpen of D
}

// nothing is the none of a row that answers "" then.
const nothing = "nothing at all"

func (r *row) key() string { return strings.TrimSpace(r.calls + " " + r.how) }

// text is the frame that goes to everybody, "" if the row's frame does not.
func (r *row) text(c cell) string {
	if r.blast {
		return c.toAll()
	}
	return ""
}

// state is how things are while a row is played.
type state string

const (
	allWell  state = "well"    // everybody answers
	stopped  state = "stopped" // the gateway of D stands still
	beside   state = "beside"  // a gateway stands still that has no conn of the cell
	linkDown state = "down"    // the gateway of D has stood still for so long that its link is down
)

// fits reports whether the row can be played then. A link is down for longer than a conn
// may wait to be confirmed, and handlers of its conns have been told that they moved.
func (r *row) fits(in state) bool {
	if r.ending {
		return false
	}
	switch in {
	case allWell:
		return true
	case beside:
		return !r.calm && !r.everyone
	case linkDown:
		return !r.calm && !r.probation && r.conn == nil
	}
	return !r.calm
}

// waits reports whether the call needs an answer of the gateway that stands still.
func (r *row) waits(in state, gateways int) bool {
	switch in {
	case allWell, beside:
		return false
	}
	return !r.quick && !(r.enough && gateways > 1)
}

// want is what the call has to answer.
func (r *row) want(in state, gateways int, still string) said {
	if !r.waits(in, gateways) {
		return said{Value: r.well, After: r.told()}
	}
	s := said{Value: r.part}
	if gateways == 1 {
		s.Value = strings.TrimPrefix(cmp.Or(r.none, r.part), nothing)
	}
	if r.names {
		s.Lost = []string{still}
	}
	if (in == stopped || r.sure) && !r.soft {
		s.Code = "UNAVAILABLE"
	}
	return s
}

// outOfStep reports whether a call answered as one does that had to ask a gateway too that
// stands still: it might have had somebody of the cell, as far as this process knew.
func (r *row) outOfStep(s said, still string) bool {
	return byName(r) && s.Value == r.well && slices.Equal(s.Lost, []string{still})
}

// byName reports whether a call looks for names, for which it must be in step.
func byName(r *row) bool { return r.names && !r.one && !r.ids }

// told is what the process that plays the row is told right after.
func (r *row) told() string {
	if r.later {
		return ""
	}
	return r.is
}

// play plays the row in this process: by k in a handler of D, by call as a backend, otherwise by s.
func (r *row) play(ctx context.Context, s *worker.Sender, k *worker.Conn, call calling, c cell) said {
	var v any
	var err error
	began := time.Now()
	switch {
	case r.push != nil:
		v, err = r.push(ctx, call, c)
	case r.conn != nil:
		v, err = r.conn(ctx, k, c)
	default:
		v, err = r.sender(ctx, s, c)
	}
	took := time.Since(began)
	said := say(c, v, err)
	said.Took = took
	if err == nil && r.after != nil && !r.later {
		said.After = r.look(ctx, s, c)
	}
	return said
}

// look asks what is after the row.
func (r *row) look(ctx context.Context, s *worker.Sender, c cell) string {
	v, err := r.after(ctx, s, c)
	there := say(c, v, err)
	if err != nil || len(there.Lost) > 0 {
		return fmt.Sprint(there)
	}
	return there.Value
}

// same reports whether a call answered as it should; the time it took is another matter.
func (s said) same(want said) bool {
	return s.Value == want.Value && s.Code == want.Code && s.After == want.After && slices.Equal(s.Lost, want.Lost)
}
