package node

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestProbeAsksTheProcessThatRuns has one command line for both: a container's health
// check is its own command with --probe.
func TestProbeAsksTheProcessThatRuns(t *testing.T) {
	var ready atomic.Bool
	l := begin(t, func(n *Node, c *echoConfig) (Service, error) {
		n.Ready("kettle", func() error {
			if ready.Load() {
				return nil
			}
			return errors.New("the water is cold")
		})
		return serving(n, c)
	}, "--ops-listen=127.0.0.1:0")
	ops := "--ops-listen=" + l.until(t, `"ops":"([^"]*)"`)

	asked := begin(t, serving, "--probe", ops)
	asked.want(t, exitFailed)
	if got := asked.out.String(); got != "echo: kettle: the water is cold\n" {
		t.Errorf("got %q", got)
	}
	ready.Store(true)
	begin(t, serving, "--probe", ops).want(t, exitClean)
	everywhere := "--ops-listen=0.0.0.0:" + ops[strings.LastIndex(ops, ":")+1:]
	begin(t, serving, "--probe", everywhere).want(t, exitClean)

	l.signals <- syscall.SIGTERM
	l.want(t, exitClean)
	begin(t, serving, "--probe", ops).want(t, exitFailed)
}

func TestProbeNeedsAPort(t *testing.T) {
	l := begin(t, serving, "--probe")
	l.want(t, exitFailed)
	if got := l.out.String(); !strings.Contains(got, "--ops-listen 127.0.0.1:0 names no port") {
		t.Errorf("got %q", got)
	}
}
