package proc

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Metrics are the values of one scrape, by the name as it stands on the page,
// labels included.
type Metrics map[string]float64

// Metrics scrapes /metrics once.
func (p *Process) Metrics() (Metrics, error) {
	ok, page := p.Ask("/metrics")
	if !ok {
		return nil, fmt.Errorf("metrics of %s: %s", p.Name(), page)
	}
	return ParseMetrics(page), nil
}

// ParseMetrics reads a page of metrics; what it does not understand it leaves out.
func ParseMetrics(page string) Metrics {
	m := Metrics{}
	s := bufio.NewScanner(strings.NewReader(page))
	for s.Scan() {
		line := s.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			continue
		}
		if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			m[line[:i]] = v
		}
	}
	return m
}

// Sum adds all series of a metric, whatever their labels.
func (m Metrics) Sum(name string) float64 {
	sum := 0.0
	for key, v := range m {
		if key == name || strings.HasPrefix(key, name+"{") {
			sum += v
		}
	}
	return sum
}

// AwaitMetric waits until a metric of the process, summed over its labels, has a
// value.
func (p *Process) AwaitMetric(ctx context.Context, name string, value float64) error {
	var last float64
	err := poll(ctx, fmt.Sprintf("%s of %s to be %g", name, p.Name(), value), func() (bool, error) {
		m, err := p.Metrics()
		if err != nil {
			return false, nil // it may be about to start
		}
		last = m.Sum(name)
		return last == value, nil
	})
	if err != nil {
		return fmt.Errorf("%w; it is %g", err, last)
	}
	return nil
}
