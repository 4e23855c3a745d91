package chat

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/parley-im/parley/deploy/local"
)

// Config is what a run is made of.
type Config struct {
	Database string // SQLite, Postgres or MySQL
	Programs local.Programs
	NATS     string // path of parley-nats

	Seed     uint64
	Users    int // 0: 60
	Rate     int // sends a second, all together; 0: 400
	Faults   int // 0: 30
	Gateways int // 0: 2
	Workers  int // 0: 3
	Patience time.Duration

	// Races lets tabs of one user ask for the same thing at once, before the talk.
	Races bool
	// Weakness makes the workers leave a guarantee out; NoDedupe the clients.
	Weakness string
	NoDedupe bool
	// Points are orders for the processes of that name, see package faultpoint.
	Points map[string]string
	// Schedule takes the place of one that is drawn from Seed.
	Schedule []Fault
	// Linger is how long people go on talking after the last fault; 0: 2 s.
	Linger time.Duration
	// Abrupt ends the talk Linger after the last fault begins, mended or not.
	Abrupt bool
	// Settle is how long everything has to come to rest at the end; 0: 45 s.
	Settle time.Duration

	Say    func(format string, args ...any) // progress
	Output io.Writer                        // the log of all processes; nil: nobody looks
}

func (c Config) withDefaults() Config {
	or := func(v *int, n int) {
		if *v == 0 {
			*v = n
		}
	}
	or(&c.Users, 60)
	or(&c.Rate, 400)
	or(&c.Faults, 30)
	or(&c.Gateways, 2)
	or(&c.Workers, 3)
	if c.Patience == 0 {
		c.Patience = 1200 * time.Millisecond
	}
	if c.Settle == 0 {
		c.Settle = 45 * time.Second
	}
	if c.Linger == 0 {
		c.Linger = 2 * time.Second
	}
	if c.Say == nil {
		c.Say = func(string, ...any) {}
	}
	return c
}

// Validate reports everything wrong at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if !slices.Contains([]string{SQLite, Postgres, MySQL}, c.Database) {
		errs = append(errs, fmt.Errorf("no database called %q", c.Database))
	}
	if c.Users < 12 {
		errs = append(errs, fmt.Errorf("%d users: at least 12", c.Users))
	}
	if c.Gateways < 2 || c.Workers < 2 {
		errs = append(errs, errors.New("at least two gateways and two workers"))
	}
	return errors.Join(errs...)
}
