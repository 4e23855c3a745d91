package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Command is the command line of parley-verify.
type Command struct {
	Seed     uint64        `help:"Seed of the schedule of faults; 0: from the clock. It is printed, and the same one gives the same schedule."`
	Phases   []string      `help:"Phases to run: faults, rolling, messages, drain, shed, binds, points, sabotage, chat, chat-outages, chat-sabotage. Default: all."`
	Sabotage bool          `help:"Only the sabotage phase: builds that leave one guarantee out must each be caught."`
	Long     bool          `help:"Everything at full length: 60 faults, 10,000 binds, the gateways' default patience."`
	Conns    int           `help:"Conns at once; 0: 500."`
	Rate     int           `help:"Frames a second, of all conns together; 0: 2000."`
	Gateways int           `help:"Gateways; 0: 2."`
	Workers  int           `help:"Workers; 0: 3."`
	Faults   int           `help:"Faults of the first phase; 0: 25, with --long 60."`
	Binds    int           `help:"Binds of the binds phase; 0: 2000, with --long 10000."`
	Patience time.Duration `help:"How long gateways wait for a silent worker; 0: 1.2s, with --long 3s."`
	Database []string      `help:"Databases of the chat: sqlite, postgres, mysql. Default: sqlite and postgres, with --long mysql too."`
	Race     bool          `help:"Build the processes with the race detector."`
	JSON     string        `help:"File for the report as JSON." type:"path"`
	Verbose  bool          `help:"Print the log of every process."`
}

// errBroken makes the program end with 1.
var errBroken = errors.New("promises were broken, see above")

// Run implements kong's command.
func (c *Command) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	phases := c.Phases
	if c.Sabotage {
		phases = []string{phaseSabotage, phaseChatSabotage}
	}
	report, err := Run(ctx, Config{
		Seed: c.Seed, Phases: phases, Conns: c.Conns, Rate: c.Rate, Gateways: c.Gateways, Workers: c.Workers,
		Faults: c.Faults, Binds: c.Binds, Patience: c.Patience, Long: c.Long, Race: c.Race,
		Out: os.Stdout, Verbose: c.Verbose, Databases: c.Database,
	})
	if err != nil {
		return err
	}
	report.Write(os.Stdout)
	if c.JSON != "" {
		if err := writeJSON(report, c.JSON); err != nil {
			return err
		}
	}
	if !report.OK {
		return errBroken
	}
	if !report.Cuts && os.Getenv("PARLEY_CI") != "" {
		return fmt.Errorf("PARLEY_CI is set, and packets could not be dropped")
	}
	return nil
}

func writeJSON(r *Report, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(r.JSON(f), f.Close())
}
