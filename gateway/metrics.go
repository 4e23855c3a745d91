package gateway

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
)

// metric is one number that is read when somebody scrapes.
type metric struct {
	name string
	help string
	kind prometheus.ValueType
	read func() float64
}

// measure registers everything that an operator can see of a gateway. The names
// have their rows in docs/operating.md.
func (g *Gateway) measure(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	return r.Register(newCollector(g))
}

func (g *Gateway) linkMetrics() []metric {
	s := g.link.Stats()
	count := func(name, help string, read interface{ Load() int64 }) metric {
		return metric{name: name, help: help, kind: prometheus.CounterValue, read: func() float64 { return float64(read.Load()) }}
	}
	gauge := func(name, help string, read func() int) metric {
		return metric{name: name, help: help, kind: prometheus.GaugeValue, read: func() float64 { return float64(read()) }}
	}
	return []metric{
		gauge("conns", "Conns that are open.", g.hub.Len),
		gauge("users", "Users with at least one conn here.", g.hub.UserCount),
		gauge("groups", "Groups with at least one conn here.", g.hub.GroupCount),
		gauge("workers", "Attached workers that may be given conns.", g.link.Serving),
		gauge("unacked_events", "Events that no worker has acknowledged.", g.link.Unacked),
		count("attaches_total", "Streams of workers that passed the handshake.", &s.Attaches),
		count("refused_attaches_total", "Streams and connections that did not pass the handshake.", &s.RefusedAttaches),
		count("silent_workers_total", "Workers given up because nothing was heard of them.", &s.Silent),
		count("redelivered_total", "Events that went out again because their worker was lost.", &s.Redelivered),
		count("refused_terms_total", "Acknowledgements and commands refused because their worker no longer acts for the conn.", &s.RefusedTerms),
		count("alone_tries_total", "Times that an event was handled alone on its worker, because it had cost others.", &s.AloneTries),
		count("poison_dropped_frames_total", "Frames given up with the conn that sent a poison event.", &s.PoisonDropped),
		count("stale_acks_total", "Acknowledgements of events that are not there any more.", &s.StaleAcks),
		count("pauses_total", "Times a conn was not read because its events pile up.", &s.Pauses),
		count("open_timeouts_total", "Handshakes that no worker answered in time.", &s.OpenTimeouts),
		count("sends_total", "Sends of workers that were applied.", &s.Sends),
		count("deliveries_total", "Frames that sends put into queues of conns.", &s.Deliveries),
		count("repeated_commands_total", "Commands and sends that came again and were not applied again.", &s.RepeatedCommands),
		count("repeated_sends_total", "Sends dropped because their once-key was known.", &s.RepeatedSends),
		count("bad_frames_total", "Replies, sends and closes of workers that could not be a frame.", &s.BadFrames),
		count("bad_answers_total", "Answers of workers to handshakes that could not be carried out.", &s.BadAnswers),
		count("bad_sessions_total", "Session writes that could not be carried out: too large, or a merge of what is no JSON object.", &s.BadSessions),
		count("resyncs_total", "Rounds of resync frames, after a worker was lost or passed this gateway over.", &s.Resyncs),
		count("unknown_records_total", "Records of a kind this version does not know.", &s.UnknownRecords),
	}
}

// poisonMetrics count the events that were given up.
func (g *Gateway) poisonMetrics() []family {
	s := g.link.Stats()
	return []family{
		{"poison_events_total", "Events given up because workers died of them, by kind.", prometheus.CounterValue, "kind", func(*ws.Stats) []sample {
			var list []sample
			for kind := range s.Poison {
				list = append(list, sample{link.PoisonKind(kind).String(), float64(s.Poison[kind].Load())})
			}
			return list
		}},
	}
}

// routeMetrics say which workers conns were given to.
func (g *Gateway) routeMetrics() []family {
	s := g.link.Stats()
	return []family{
		{"moves_total", "Conns that got another worker, by why.", prometheus.CounterValue, "reason", func(*ws.Stats) []sample {
			var list []sample
			for reason := range s.Moves {
				list = append(list, sample{link.MoveReason(reason).String(), float64(s.Moves[reason].Load())})
			}
			return list
		}},
		{"picks_total", "Workers picked for a conn, by how.", prometheus.CounterValue, "by", func(*ws.Stats) []sample {
			var list []sample
			for by := range s.Picks {
				list = append(list, sample{link.PickedBy(by).String(), float64(s.Picks[by].Load())})
			}
			return list
		}},
		{"worker_share", "Conns of the worker that has least, and most, for its weight; 1 is its share.", prometheus.GaugeValue, "of", func(*ws.Stats) []sample {
			least, most := g.link.Spread()
			return []sample{{"least", least}, {"most", most}}
		}},
	}
}

// socketMetrics are those of package ws. They are read together, once per scrape.
func (g *Gateway) socketMetrics() []family {
	counter, gauge := prometheus.CounterValue, prometheus.GaugeValue
	return []family{
		{"sockets", "Sockets, handshakes and closing ones included.", gauge, "", func(s *ws.Stats) []sample { return one(s.Conns) }},
		{"sockets_pumping", "Sockets that a goroutine of their own writes, because they are full.", gauge, "", func(s *ws.Stats) []sample { return one(s.Pumping) }},
		{"sockets_napping", "Idle sockets that have given back their goroutine.", gauge, "", func(s *ws.Stats) []sample { return one(s.Napping) }},
		{"handshakes_total", "Handshakes, by outcome.", counter, "outcome", func(s *ws.Stats) []sample {
			return []sample{
				{"opened", float64(s.Opened)}, {"limit", float64(s.RefusedLimit)}, {"request", float64(s.RefusedRequest)},
				{"refused", float64(s.RefusedHandler)}, {"failed", float64(s.HandshakesFailed)},
			}
		}},
		{"limit_refusals_total", "Handshakes refused by a limit, by which.", counter, "limit", func(s *ws.Stats) []sample {
			var list []sample
			for limit, n := range s.Refused {
				list = append(list, sample{limit, float64(n)})
			}
			return list
		}},
		{"bad_proxy_headers_total", "Conns of trusted proxies whose PROXY protocol header or X-Forwarded-For could not be read.", counter, "", func(s *ws.Stats) []sample { return one(s.BadProxyHeaders) }},
		{"closed_total", "Conns that have ended, by who ended them.", counter, "by", func(s *ws.Stats) []sample {
			var list []sample
			for by, n := range s.Closed {
				list = append(list, sample{by.String(), float64(n)})
			}
			return list
		}},
		{"asked_to_move_total", "Conns that were asked to go elsewhere, by why.", counter, "reason", func(s *ws.Stats) []sample {
			var list []sample
			for why, n := range s.AskedToMove {
				list = append(list, sample{ws.MoveReason(why).String(), float64(n)})
			}
			return list
		}},
		{"socket_bytes_total", "Bytes over sockets, by direction.", counter, "dir", func(s *ws.Stats) []sample {
			return []sample{{"in", float64(s.BytesIn)}, {"out", float64(s.BytesOut)}}
		}},
		{"frames_total", "Frames over sockets, control frames included, by direction.", counter, "dir", func(s *ws.Stats) []sample {
			return []sample{{"in", float64(s.FramesIn)}, {"out", float64(s.FramesOut)}}
		}},
		{"writes_total", "Write calls to sockets.", counter, "", func(s *ws.Stats) []sample { return one(s.Writes + s.WritesInPlace) }},
		{"deflations_total", "Bodies compressed, each once for all conns it goes to.", counter, "", func(s *ws.Stats) []sample { return one(s.Deflations) }},
		{"throttled_total", "Waits before a read because a conn is over its rate.", counter, "", func(s *ws.Stats) []sample { return one(s.Throttled) }},
		{"dropped_frames_total", "Frames that a full queue did not take, by class.", counter, "class", func(s *ws.Stats) []sample {
			return []sample{{"must", float64(s.DroppedMust)}, {"droppable", float64(s.DroppedDroppable)}, {"merge", float64(s.Merged)}}
		}},
		{"slow_closes_total", "Conns closed because their queue was full.", counter, "", func(s *ws.Stats) []sample { return one(s.SlowCloses) }},
		{"queued_bytes", "Bytes in all outbound queues.", gauge, "", func(s *ws.Stats) []sample { return one(s.QueuedBytes) }},
		{"panics_total", "Panics caught around a conn.", counter, "", func(s *ws.Stats) []sample { return one(s.Panics) }},
	}
}

// family is a metric with several samples, by a label, or one that is read with the
// others of package ws.
type family struct {
	name, help string
	kind       prometheus.ValueType
	label      string
	read       func(*ws.Stats) []sample
}

type sample struct {
	label string
	value float64
}

func one[N int64 | uint64](n N) []sample { return []sample{{value: float64(n)}} }

// collector reads the metrics when it is asked to.
type collector struct {
	metrics  []metric
	families []family
	stats    func() ws.Stats
	descs    map[string]*prometheus.Desc
}

func newCollector(g *Gateway) *collector {
	c := &collector{metrics: g.linkMetrics(), families: slices.Concat(g.socketMetrics(), g.routeMetrics(), g.poisonMetrics()), stats: g.ws.Stats, descs: map[string]*prometheus.Desc{}}
	for _, m := range c.metrics {
		c.descs[m.name] = prometheus.NewDesc("parley_gateway_"+m.name, m.help, nil, nil)
	}
	for _, f := range c.families {
		var labels []string
		if f.label != "" {
			labels = []string{f.label}
		}
		c.descs[f.name] = prometheus.NewDesc("parley_gateway_"+f.name, f.help, labels, nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.metrics {
		ch <- prometheus.MustNewConstMetric(c.descs[m.name], m.kind, m.read())
	}
	stats := c.stats()
	for _, f := range c.families {
		for _, s := range f.read(&stats) {
			var labels []string
			if f.label != "" {
				labels = []string{s.label}
			}
			ch <- prometheus.MustNewConstMetric(c.descs[f.name], f.kind, s.value, labels...)
		}
	}
}
