package worker

import (
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/proto/record"
)

// Stats is what a worker counts. The comments name the metric that WriteMetrics
// writes for each.
type Stats struct {
	// Known is whether the directory has said which gateways there are: sends wait
	// until then. No metric.
	Known bool
	// Gateways that the directory lists now. parley_worker_gateways
	Gateways int
	// Attached links now. parley_worker_links
	Attached int
	// Attaches since the start: links made, so attaches − links are those lost.
	// parley_worker_attaches_total
	Attaches int64
	// InStep gateways: those whose routes can be trusted now. Sends go to the
	// others too. parley_worker_gateways_in_step
	InStep int
	// ProtocolErrors for which a link was cut. parley_worker_protocol_errors_total
	ProtocolErrors int64

	// Conns that this worker knows now. parley_worker_conns
	Conns int
	// Handlers that run or stand in line now. parley_worker_handlers
	Handlers int
	// Opened, Messages and Closed count events handled.
	// parley_worker_events_total{kind="open"|"message"|"closed"}
	Opened, Messages, Closed int64
	// TurnedAway counts OnOpen calls that did not let the conn in.
	// parley_worker_turned_away_total
	TurnedAway int64
	// Redelivered events among those handled. parley_worker_redelivered_total
	Redelivered int64
	// Errors that handlers returned. parley_worker_handler_errors_total
	Errors int64
	// Panics of handlers. parley_worker_panics_total
	Panics int64
	// Late counts handlers that took longer than their deadline.
	// parley_worker_late_total
	Late int64
	// Refused counts handled events, and handlers about to begin, whose conn had
	// moved or whose link had ended: their effects did not happen.
	// parley_worker_refused_total
	Refused int64
	// Revoked conns: taken away while this worker knew them.
	// parley_worker_revoked_total
	Revoked int64
	// OldEvents that were ignored because their term was over.
	// parley_worker_old_events_total
	OldEvents int64
	// HandleTime of all events. parley_worker_handle_seconds
	HandleTime Histogram

	// SendsToConns, SendsToUsers, SendsToGroups and SendsToAll count the commands
	// that were given to gateways: a send to a user on one of eight is one.
	// parley_worker_sends_total{target="conns"|"users"|"groups"|"all"}
	SendsToConns, SendsToUsers, SendsToGroups, SendsToAll int64
	// Commands other than sends: bind, join, close, queries ….
	// parley_worker_commands_total
	Commands int64
	// DroppedSends counts commands of a class that may be dropped, for which a
	// gateway's log had no room. parley_worker_dropped_sends_total
	DroppedSends int64
	// RetainedBytes wait for gateways now. parley_worker_retained_bytes
	RetainedBytes int
}

// counts are the counters that are written while events are handled.
type counts struct {
	events      [256]atomic.Int64 // by record.Kind
	turnedAway  atomic.Int64
	redelivered atomic.Int64
	errors      atomic.Int64
	panics      atomic.Int64
	late        atomic.Int64
	refused     atomic.Int64
	time        histogram
}

func (c *counts) handled(kind record.Kind, took time.Duration) {
	c.events[kind].Add(1)
	c.time.observe(took)
}

// Stats reads all counters. It walks the gateways, so it is for once a second, not
// for every frame.
func (w *Worker) Stats() Stats {
	m, now, c := w.mesh.Stats(), w.mesh.Snapshot(), &w.counts
	known := false
	select {
	case <-w.mesh.Known():
		known = true
	default:
	}
	return Stats{
		Known:          known,
		Gateways:       now.Gateways,
		Attached:       int(m.Attached.Load()),
		Attaches:       m.Attaches.Load(),
		InStep:         now.InStep,
		ProtocolErrors: m.Breaches.Load(),
		Conns:          now.Conns,
		Handlers:       w.crew.Working(),
		Opened:         c.events[record.KindOpen].Load(),
		Messages:       c.events[record.KindMessage].Load(),
		Closed:         c.events[record.KindClosed].Load(),
		TurnedAway:     c.turnedAway.Load(),
		Redelivered:    c.redelivered.Load(),
		Errors:         c.errors.Load(),
		Panics:         c.panics.Load(),
		Late:           c.late.Load(),
		Refused:        c.refused.Load(),
		Revoked:        w.inbox.Revoked.Load(),
		OldEvents:      w.inbox.Old.Load(),
		HandleTime:     c.time.read(),
		SendsToConns:   m.Sends[record.ToConns].Load(),
		SendsToUsers:   m.Sends[record.ToUsers].Load(),
		SendsToGroups:  m.Sends[record.ToGroups].Load(),
		SendsToAll:     m.Sends[record.ToAll].Load(),
		Commands:       m.Commands.Load(),
		DroppedSends:   m.Dropped.Load(),
		RetainedBytes:  now.Retained,
	}
}
