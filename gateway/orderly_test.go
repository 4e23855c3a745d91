package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// An end that was planned is nothing to warn of, whichever side of a link hears of
// it first.
func TestPlannedEndIsNoWarning(t *testing.T) {
	t.Run("of the gateway", func(t *testing.T) {
		for range 10 {
			p := start(t, config(t))
			w := p.attach(handshake.NewBoot(), false)
			eventually(t, "ready", func() bool { return p.ready("") })
			p.stop()
			if err := p.wait(); err != nil {
				t.Fatal(err)
			}
			<-w.over
			if log := p.log.String(); strings.Contains(log, "level=WARN") || !strings.Contains(log, "the gateway ends") {
				t.Fatalf("log:\n%s", log)
			}
		}
	})
	t.Run("of a link to a gateway that leaves", func(t *testing.T) {
		cfg := config(t)
		cfg.Limits.DrainWindow = time.Second
		p := start(t, cfg)
		leaves, stays := p.attach(handshake.NewBoot(), false), p.attach(handshake.NewBoot(), false)
		eventually(t, "ready", func() bool { return p.ready("") })
		p.knock() // so that the drain takes its time
		var idle *worker
		eventually(t, "an owner", func() bool {
			switch {
			case leaves.saw(record.KindOpen) > 0:
				idle = stays
			case stays.saw(record.KindOpen) > 0:
				idle = leaves
			}
			return idle != nil
		})
		p.stop()
		eventually(t, "leaving is told", func() bool { return idle.saw(record.KindLeaving) > 0 })
		idle.end()
		eventually(t, "a line about it", func() bool { return strings.Contains(p.log.String(), "worker left") })
		if log := p.log.String(); strings.Contains(log, "level=WARN") {
			t.Errorf("log:\n%s", log)
		}
	})
}
