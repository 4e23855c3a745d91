package server

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the register's. Gauges and totals are read from the table when they
// are asked for, so that keeping them costs nothing.
type metrics struct {
	s        *Server
	refusals *prometheus.CounterVec
	cut      prometheus.Counter
}

var (
	membersDesc = prometheus.NewDesc("parley_register_members",
		"Members that have a lease, by role; roles other than Parley's own count as other.", []string{"role"}, nil)
	watchersDesc = prometheus.NewDesc("parley_register_watchers",
		"Watch streams that are open.", nil, nil)
	settledDesc = prometheus.NewDesc("parley_register_settled",
		"1 once the register has been awake for a whole lease, so that members had the time to come back, else 0.", nil, nil)
	joinsDesc = prometheus.NewDesc("parley_register_joins_total",
		"Leases granted to members that had none.", nil, nil)
	endsDesc = prometheus.NewDesc("parley_register_ends_total",
		"Leases that ended, by reason: left (the member said so), expired (nothing was heard of it for a lease).", []string{"reason"}, nil)
	pausesDesc = prometheus.NewDesc("parley_register_pauses_total",
		"Times the register itself stood still for over half a lease and therefore gave every lease another full length.", nil, nil)
)

// refusalReasons and roles are the closed sets of label values.
var (
	refusalReasons = []string{"boot", "busy", "cluster", "full", "invalid", "lost", "major", "member", "secret", "timeout"}
	roles          = []string{"api", "gateway", "worker", "other"}
)

func newMetrics(s *Server, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		s: s,
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_register_refusals_total",
			Help: "Streams refused, by reason: secret, cluster, major, boot, invalid, timeout, lost (of the handshake), busy (too many handshakes), member (what it announced), full.",
		}, []string{"reason"}),
		cut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "parley_register_watchers_cut_total",
			Help: "Watch streams cut because the watcher did not read or its queue was full; it begins anew.",
		}),
	}
	for _, reason := range refusalReasons {
		m.refusals.WithLabelValues(reason)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m, m.refusals, m.cut} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }

var _ prometheus.Collector = (*metrics)(nil)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{membersDesc, watchersDesc, settledDesc, joinsDesc, endsDesc, pausesDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.s.mu.Lock()
	byRole := map[string]int{}
	for _, role := range roles {
		byRole[role] = 0
	}
	for _, l := range m.s.table.leases {
		role := l.account.GetRole()
		if _, known := byRole[role]; !known {
			role = "other"
		}
		byRole[role]++
	}
	watchers, counts, settled := len(m.s.table.watchers), m.s.table.counts, 0.0
	if m.s.table.isSettled(m.s.now()) {
		settled = 1
	}
	m.s.mu.Unlock()

	for role, n := range byRole {
		ch <- prometheus.MustNewConstMetric(membersDesc, prometheus.GaugeValue, float64(n), role)
	}
	ch <- prometheus.MustNewConstMetric(watchersDesc, prometheus.GaugeValue, float64(watchers))
	ch <- prometheus.MustNewConstMetric(settledDesc, prometheus.GaugeValue, settled)
	ch <- prometheus.MustNewConstMetric(joinsDesc, prometheus.CounterValue, float64(counts.joins))
	ch <- prometheus.MustNewConstMetric(endsDesc, prometheus.CounterValue, float64(counts.left), "left")
	ch <- prometheus.MustNewConstMetric(endsDesc, prometheus.CounterValue, float64(counts.expired), "expired")
	ch <- prometheus.MustNewConstMetric(pausesDesc, prometheus.CounterValue, float64(counts.pauses))
}
