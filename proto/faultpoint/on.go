//go:build parley_faults

package faultpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Enabled tells whether this is a test build.
const Enabled = true

// order is what happens at one point, from its n-th hit.
type order struct {
	action string
	delay  time.Duration
	nth    int64
	hits   atomic.Int64
}

var (
	orders     = map[Point]*order{}
	weaknesses []Weakness
)

func init() {
	for _, text := range split(os.Getenv("PARLEY_FAULTPOINTS")) {
		point, o, err := parseOrder(text)
		if err != nil {
			fmt.Fprintln(os.Stderr, "PARLEY_FAULTPOINTS:", err)
			os.Exit(2)
		}
		orders[point] = o
	}
	for _, text := range split(os.Getenv("PARLEY_SABOTAGE")) {
		if all := slices.Concat(Weaknesses(), MoveWeaknesses(), ChatWeaknesses()); !slices.Contains(all, Weakness(text)) {
			fmt.Fprintf(os.Stderr, "PARLEY_SABOTAGE: no weakness %q; there are %v\n", text, all)
			os.Exit(2)
		}
		weaknesses = append(weaknesses, Weakness(text))
	}
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func parseOrder(text string) (Point, *order, error) {
	name, what, ok := strings.Cut(text, "=")
	if all := append(Points(), ChatPoints()...); !ok || !slices.Contains(all, Point(name)) {
		return "", nil, fmt.Errorf("no fault point in %q; there are %v", text, all)
	}
	action, nth, ok := strings.Cut(what, "@")
	o := &order{action: action, nth: 1}
	if ok {
		n, err := strconv.ParseInt(nth, 10, 64)
		if err != nil || n < 1 {
			return "", nil, fmt.Errorf("%q: the count after @ must be a number from 1", text)
		}
		o.nth = n
	}
	if d, found := strings.CutPrefix(action, "delay:"); found {
		delay, err := time.ParseDuration(d)
		if err != nil {
			return "", nil, fmt.Errorf("%q: %w", text, err)
		}
		o.action, o.delay = "delay", delay
	}
	switch o.action {
	case "kill", "stop", "delay":
		return Point(name), o, nil
	}
	return "", nil, fmt.Errorf("%q: the action must be kill, stop or delay:DURATION", text)
}

// Hit carries out what the environment ordered for p.
func Hit(p Point) {
	o := orders[p]
	if o == nil {
		return
	}
	n := o.hits.Add(1)
	switch {
	case o.action == "delay" && n >= o.nth:
		time.Sleep(o.delay)
	case o.action == "kill" && n == o.nth:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal ends this process before anything else happens
	case o.action == "stop" && n == o.nth:
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	}
}

// Sabotaged tells whether the environment asked for this weakness.
func Sabotaged(w Weakness) bool { return slices.Contains(weaknesses, w) }
