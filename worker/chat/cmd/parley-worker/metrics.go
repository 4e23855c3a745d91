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
	for _, m := range s.own(p) {
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
