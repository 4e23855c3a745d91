package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/bus"
)

// figure is a metric without labels.
type figure struct {
	name, help string
	kind       prometheus.ValueType
	value      float64
}

// own are the metrics of the chat itself.
func (s *service) own(p *parts) []figure {
	d, n := p.delivery.Stats(), p.presence.Stats()
	var b bus.Stats
	if p.bus != nil {
		b = p.bus.Stats()
	}
	var lag chat.Lag
	if l := s.lag.Load(); l != nil {
		lag = *l
	}
	connected := 0.0
	if b.Connected {
		connected = 1
	}
	return []figure{
		{"parley_chat_queued", "Stored messages and changes that wait for their fan-out in this process.", prometheus.GaugeValue, float64(d.Queued)},
		{"parley_chat_fanned_total", "Stored messages and changes that every routed gateway has acknowledged.", prometheus.CounterValue, float64(d.Fanned)},
		{"parley_chat_published_total", "Events that NATS has acknowledged.", prometheus.CounterValue, float64(d.Published)},
		{"parley_chat_rescued_total", "Rows of the outbox that were taken over after their lease.", prometheus.CounterValue, float64(d.Rescued)},
		{"parley_chat_passed_over_total", "Rows left in the outbox because the queue was full.", prometheus.CounterValue, float64(d.PassedOver)},
		{"parley_chat_unacknowledged_total", "Fan-outs that not every gateway acknowledged, or that were too many to be waited for; they are done again.", prometheus.CounterValue, float64(d.Unacknowledged)},
		{"parley_chat_unpublished_total", "Events that NATS did not take; they are published later.", prometheus.CounterValue, float64(d.Unpublished)},
		{"parley_chat_finish_errors_total", "Marks of the outbox that could not be written; the rows are done again.", prometheus.CounterValue, float64(d.FinishErrors)},
		{"parley_chat_unjoined_total", "Wide group chats that conns did not join because they are in too many groups.", prometheus.CounterValue, float64(p.unjoined.Count())},
		{"parley_chat_sign_ins_waiting", "Passwords that wait for their turn to be checked or hashed.", prometheus.GaugeValue, float64(p.passwords.Waiting())},
		{"parley_chat_online_users", "Users that this worker takes for online.", prometheus.GaugeValue, float64(n.Online)},
		{"parley_chat_presence_told_total", "Comings and goings that this worker told.", prometheus.CounterValue, float64(n.Told)},
		{"parley_chat_presence_failed_total", "Tries to tell a coming or going that failed; they are made again.", prometheus.CounterValue, float64(n.Failed)},
		{"parley_chat_outbox_unfanned", "Rows of the outbox, of all processes, that wait for their fan-out.", prometheus.GaugeValue, float64(lag.Unfanned)},
		{"parley_chat_outbox_unpublished", "Rows of the outbox, of all processes, whose event waits.", prometheus.GaugeValue, float64(lag.Unpublished)},
		{"parley_chat_outbox_oldest_seconds", "Age of the oldest row of the outbox.", prometheus.GaugeValue, max(lag.OldestUnfanned, lag.OldestUnpublished).Seconds()},
		{"parley_chat_nats_connected", "1 while NATS is connected.", prometheus.GaugeValue, connected},
		{"parley_chat_nats_reconnects_total", "Connections to NATS that came back.", prometheus.CounterValue, float64(b.Reconnects)},
		{"parley_chat_nats_full_total", "Events refused because the stream is full.", prometheus.CounterValue, float64(b.Full)},
		{"parley_chat_nats_drains_total", "Turns at the outbox.", prometheus.CounterValue, float64(b.Drained)},
		{"parley_chat_nats_invalidations_total", "Invalidations sent to other workers.", prometheus.CounterValue, float64(b.Invalidations)},
		{"parley_chat_nats_remade_total", "Streams, consumers and messages that were gone and made again.", prometheus.CounterValue, float64(b.Remade)},
	}
}
