package api

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/proto/fault"
)

// metrics is everything that an operator can see of an API. The names have their rows in
// docs/operating.md.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter
	calls    *prometheus.CounterVec
	pushes   *prometheus.CounterVec
	pushTime *prometheus.HistogramVec
	images   *prometheus.CounterVec
	kept     prometheus.Counter
	removed  prometheus.Counter
	decode   prometheus.Histogram
}

// What becomes of a picture that was to be taken in.
const (
	imageKept    = "kept"
	imageRefused = "refused" // it is none, or too much, or its sender may not
	imageFailed  = "failed"
)

func newMetrics() *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &metrics{
		requests: counters("parley_api_requests_total", "Requests, by route and status.", "route", "status"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parley_api_request_seconds", Help: "Time of a request, its body and its answer included.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30, 100},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_api_requests_under_way", Help: "Requests that are not answered yet."}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_api_panics_total", Help: "Panics caught around a request; each is a bug."}),
		calls:    counters("parley_api_calls_total", "Calls of methods, by what came of them.", "method", "reason"),
		pushes:   counters("parley_api_push_calls_total", "Calls of PushService, by what came of them.", "method", "reason"),
		pushTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parley_api_push_call_seconds", Help: "Time of a call of PushService.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10, 30},
		}, []string{"method"}),
		images:  counters("parley_api_images_total", "Pictures that were to be taken in, by what became of them.", "outcome"),
		kept:    prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_api_image_bytes_total", Help: "Bytes of pictures kept, without their small ones."}),
		removed: prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_api_images_removed_total", Help: "Pictures removed because they were not sent in time, or were recalled."}),
		decode: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "parley_api_image_seconds", Help: "Time to judge a picture and make its small one, without the wait before it.",
			Buckets: []float64{.003, .01, .03, .1, .3, 1, 3, 10},
		}),
	}
}

// register makes the metrics those of r; nil: nobody looks.
func (m *metrics) register(r prometheus.Registerer, a *API) error {
	if r == nil {
		return nil
	}
	for _, outcome := range []string{imageKept, imageRefused, imageFailed} {
		m.images.WithLabelValues(outcome)
	}
	errs := []error{a.push.register(r, m)}
	for _, c := range []prometheus.Collector{
		m.requests, m.seconds, m.inFlight, m.panics, m.calls, m.images, m.kept, m.removed, m.decode,
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "parley_api_repeats_total", Help: "Calls begun again because their worker was lost or silent.",
		}, func() float64 { return float64(a.workers.Repeats()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "parley_api_conns", Help: "Connections of clients, idle ones included.",
		}, func() float64 { return float64(a.conns.open()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "parley_api_conns_refused_total", Help: "Connections closed at once because their network had a quarter of all.",
		}, func() float64 { return float64(a.conns.refused.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "parley_api_workers", Help: "Workers that can be called.",
		}, func() float64 { return float64(a.reachable()) }),
	} {
		errs = append(errs, r.Register(c))
	}
	return errors.Join(errs...)
}

// served counts a request. A status of 0 is a client that went before its answer.
func (m *metrics) served(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// called counts a call of a method that there is.
func (m *metrics) called(method string, err error) {
	reason := "OK"
	if err != nil {
		reason = fault.CodeOf(err).String()
	}
	m.calls.WithLabelValues(method, reason).Inc()
}

// pushed counts a call of PushService.
func (m *metrics) pushed(method, reason string, took time.Duration) {
	m.pushes.WithLabelValues(method, reason).Inc()
	m.pushTime.WithLabelValues(method).Observe(took.Seconds())
}
