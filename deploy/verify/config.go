package verify

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/faultpoint"
)

// Phases, in the order in which they run.
const (
	phaseFaults   = "faults"
	phaseRolling  = "rolling"
	phaseMessages = "messages"
	phaseDrain    = "drain"
	phaseShed     = "shed"
	phaseBinds    = "binds"
	phasePoints   = "points"
	phaseSabotage = "sabotage"

	phaseChat         = "chat"
	phaseChatOutages  = "chat-outages"
	phaseChatSabotage = "chat-sabotage"
)

var allPhases = []string{phaseFaults, phaseRolling, phaseMessages, phaseDrain, phaseShed, phaseBinds, phasePoints, phaseSabotage, phaseChat, phaseChatOutages, phaseChatSabotage}

// Config is what a run is made of; parley-verify's flags fill it.
type Config struct {
	Seed     uint64        // of the schedule; 0: from the clock
	Phases   []string      // none: all
	Conns    int           // 0: 500
	Rate     int           // frames a second, all conns together; 0: 2000
	Gateways int           // 0: 2
	Workers  int           // 0: 3
	Faults   int           // of the first phase; 0: 25, with Long 60
	Binds    int           // of the binds phase; 0: 2000, with Long 10,000
	Patience time.Duration // of the gateways with workers; 0: 1.2 s, with Long 3 s, their default
	Long     bool          // everything at full length

	Databases []string  // of the chat; none: sqlite and postgres, with Long mysql too
	Race      bool      // the processes are built with the race detector
	Out       io.Writer // progress and tables; nil: nobody looks
	Verbose   bool      // the log of all processes too
}

func (c Config) withDefaults() Config {
	or := func(v *int, short, long int) {
		if *v == 0 {
			*v = short
			if c.Long {
				*v = long
			}
		}
	}
	or(&c.Conns, 500, 500)
	or(&c.Rate, 2000, 2000)
	or(&c.Gateways, 2, 2)
	or(&c.Workers, 3, 3)
	or(&c.Faults, 25, 60)
	or(&c.Binds, 2000, 10_000)
	if c.Patience == 0 {
		c.Patience = 1200 * time.Millisecond
		if c.Long {
			c.Patience = 3 * time.Second
		}
	}
	if c.Seed == 0 {
		c.Seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if len(c.Phases) == 0 {
		c.Phases = allPhases
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	return c
}

// Validate reports everything wrong at once, naming the flags.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	for _, p := range c.Phases {
		if !slices.Contains(allPhases, p) {
			errs = append(errs, fmt.Errorf("--phases: no phase %q; there are %s", p, strings.Join(allPhases, ", ")))
		}
	}
	for _, n := range []struct {
		flag         string
		value, least int
	}{
		{"conns", c.Conns, 1}, {"rate", c.Rate, 1}, {"gateways", c.Gateways, 2}, {"workers", c.Workers, 2},
		{"faults", c.Faults, 1}, {"binds", c.Binds, 1},
	} {
		if n.value < n.least {
			errs = append(errs, fmt.Errorf("--%s=%d: want at least %d", n.flag, n.value, n.least))
		}
	}
	if c.Patience < time.Second {
		errs = append(errs, fmt.Errorf("--patience=%v: gateways take no less than 1s", c.Patience))
	}
	return errors.Join(errs...)
}

// tags are the build tags of processes that obey fault points.
var tags = []string{"parley_faults"}

// points and weaknesses of the processes.
var (
	points     = faultpoint.Points()
	weaknesses = faultpoint.Weaknesses()
	moving     = faultpoint.MoveWeaknesses()
)
