package worker

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
)

// WriteMetrics writes the Stats in the text format that Prometheus reads, without
// needing its library.
func (s Stats) WriteMetrics(to io.Writer) error {
	w := bufio.NewWriter(to)
	metric := func(name, kind, help string) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	one := func(name, kind, help string, v int64) {
		metric(name, kind, help)
		fmt.Fprintf(w, "%s %d\n", name, v)
	}
	one("parley_worker_gateways", "gauge", "Gateways that the directory lists.", int64(s.Gateways))
	one("parley_worker_links", "gauge", "Links to gateways that are attached.", int64(s.Attached))
	one("parley_worker_attaches_total", "counter", "Links that were attached.", s.Attaches)
	one("parley_worker_gateways_in_step", "gauge", "Gateways whose routes can be trusted.", int64(s.InStep))
	one("parley_worker_protocol_errors_total", "counter", "Links cut because of what the gateway sent.", s.ProtocolErrors)
	one("parley_worker_conns", "gauge", "Conns that this worker knows.", int64(s.Conns))
	one("parley_worker_handlers", "gauge", "Handlers that run or stand in line.", int64(s.Handlers))
	metric("parley_worker_events_total", "counter", "Events handled.")
	fmt.Fprintf(w, "parley_worker_events_total{kind=\"open\"} %d\n", s.Opened)
	fmt.Fprintf(w, "parley_worker_events_total{kind=\"message\"} %d\n", s.Messages)
	fmt.Fprintf(w, "parley_worker_events_total{kind=\"closed\"} %d\n", s.Closed)
	one("parley_worker_turned_away_total", "counter", "Clients that OnOpen did not let in.", s.TurnedAway)
	one("parley_worker_redelivered_total", "counter", "Events handled that another worker may have handled before.", s.Redelivered)
	one("parley_worker_handler_errors_total", "counter", "Errors that handlers returned.", s.Errors)
	one("parley_worker_panics_total", "counter", "Panics of handlers.", s.Panics)
	one("parley_worker_late_total", "counter", "Handlers that took longer than their deadline.", s.Late)
	one("parley_worker_refused_total", "counter", "Events whose effects did not happen because the conn had moved.", s.Refused)
	one("parley_worker_revoked_total", "counter", "Conns taken away while this worker knew them.", s.Revoked)
	one("parley_worker_old_events_total", "counter", "Events ignored because their term was over.", s.OldEvents)
	metric("parley_worker_handle_seconds", "histogram", "Time from the begin of a handler to its acknowledgement.")
	for _, b := range s.HandleTime.Buckets {
		fmt.Fprintf(w, "parley_worker_handle_seconds_bucket{le=\"%g\"} %d\n", b.UpTo.Seconds(), b.Count)
	}
	fmt.Fprintf(w, "parley_worker_handle_seconds_bucket{le=\"+Inf\"} %d\n", s.HandleTime.Count)
	fmt.Fprintf(w, "parley_worker_handle_seconds_sum %g\n", s.HandleTime.Sum.Seconds())
	fmt.Fprintf(w, "parley_worker_handle_seconds_count %d\n", s.HandleTime.Count)
	metric("parley_worker_sends_total", "counter", "Commands given to gateways for sends: one per gateway with a recipient.")
	fmt.Fprintf(w, "parley_worker_sends_total{target=\"conns\"} %d\n", s.SendsToConns)
	fmt.Fprintf(w, "parley_worker_sends_total{target=\"users\"} %d\n", s.SendsToUsers)
	fmt.Fprintf(w, "parley_worker_sends_total{target=\"groups\"} %d\n", s.SendsToGroups)
	fmt.Fprintf(w, "parley_worker_sends_total{target=\"all\"} %d\n", s.SendsToAll)
	one("parley_worker_commands_total", "counter", "Commands given to gateways other than sends.", s.Commands)
	one("parley_worker_dropped_sends_total", "counter", "Commands that may be dropped, for which there was no room.", s.DroppedSends)
	one("parley_worker_retained_bytes", "gauge", "Bytes that wait for gateways.", int64(s.RetainedBytes))
	return w.Flush()
}

// Metrics serves the Stats of w to Prometheus.
func Metrics(w *Worker) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = w.Stats().WriteMetrics(rw) // the reader has gone
	})
}
