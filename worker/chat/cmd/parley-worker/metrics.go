package main

import (
	"bytes"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Describe announces nothing: what is collected is that of parts that are made later.
func (s *service) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *service) Collect(to chan<- prometheus.Metric) {
	p := s.parts.Load()
	if p == nil {
		return
	}
	var b bytes.Buffer
	_ = p.worker.Stats().WriteMetrics(&b) // a buffer takes everything
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&b)
	if err != nil {
		s.node.Log().Error("the metrics of the worker cannot be read", "err", err)
		return
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			to <- constant{f, m}
		}
	}
	d, n := p.delivery.Stats(), p.presence.Stats()
	for _, m := range []struct {
		name, help string
		kind       prometheus.ValueType
		value      float64
	}{
		{"parley_chat_queued", "Stored messages and changes that wait for their fan-out in this process.", prometheus.GaugeValue, float64(d.Queued)},
		{"parley_chat_fanned_total", "Stored messages and changes that every routed gateway has acknowledged.", prometheus.CounterValue, float64(d.Fanned)},
		{"parley_chat_published_total", "Events that NATS has acknowledged.", prometheus.CounterValue, float64(d.Published)},
		{"parley_chat_rescued_total", "Rows of the outbox that were taken over after their lease.", prometheus.CounterValue, float64(d.Rescued)},
		{"parley_chat_passed_over_total", "Rows left in the outbox because the queue was full.", prometheus.CounterValue, float64(d.PassedOver)},
		{"parley_chat_unacknowledged_total", "Fan-outs that not every gateway acknowledged; they are done again.", prometheus.CounterValue, float64(d.Unacknowledged)},
		{"parley_chat_unpublished_total", "Events that NATS did not take; they are published later.", prometheus.CounterValue, float64(d.Unpublished)},
		{"parley_chat_finish_errors_total", "Marks of the outbox that could not be written; the rows are done again.", prometheus.CounterValue, float64(d.FinishErrors)},
		{"parley_chat_online_users", "Users that this worker takes for online.", prometheus.GaugeValue, float64(n.Online)},
		{"parley_chat_presence_told_total", "Comings and goings that this worker told.", prometheus.CounterValue, float64(n.Told)},
		{"parley_chat_presence_failed_total", "Comings and goings that it could not tell.", prometheus.CounterValue, float64(n.Failed)},
	} {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(m.name, m.help, nil, nil), m.kind, m.value)
	}
}

// constant is a metric that the SDK wrote as text.
type constant struct {
	family *dto.MetricFamily
	metric *dto.Metric
}

// Desc implements prometheus.Metric.
func (c constant) Desc() *prometheus.Desc {
	var labels []string
	for _, l := range c.metric.GetLabel() {
		labels = append(labels, l.GetName())
	}
	return prometheus.NewDesc(c.family.GetName(), c.family.GetHelp(), labels, nil)
}

// Write implements prometheus.Metric.
func (c constant) Write(to *dto.Metric) error {
	to.Label, to.Gauge, to.Counter, to.Histogram = c.metric.Label, c.metric.Gauge, c.metric.Counter, c.metric.Histogram
	return nil
}
