package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/parley-im/parley/deploy/load/figures"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
)

// counterpartProgram is the worker that everything is measured with.
const counterpartProgram = "deploy/load/counterpart/parley-counterpart"

// options are the flags of every scenario.
type options struct {
	Runs       int           `help:"Windows to measure; figures are their medians." default:"3"`
	Window     time.Duration `help:"Length of one window." default:"3s"`
	Warm       time.Duration `help:"Time before the first window." default:"1s"`
	Pin        bool          `help:"Put all servers on CPU 0 and the clients on CPU 1."`
	Programs   string        `help:"Folder with the programs to measure; empty: they are built." type:"existingdir"`
	GatewayArg []string      `help:"Further flag for the gateway, such as --ping-interval=5s. May be given several times." sep:"none"`
	WorkerArg  []string      `help:"Further flag for the worker. May be given several times." sep:"none"`
	Profile    string        `help:"Folder for CPU and allocation profiles of both, taken during the first window." type:"path"`
	JSON       string        `help:"File for the report as JSON." type:"path"`
	Verbose    bool          `help:"Print the log of every process."`
	Bare       bool          `help:"Measure one thread with an epoll in place of gateway and worker, for echo and fanout: what this machine can do today."`

	out io.Writer
}

// errBeyond makes the program end with 1.
var errBeyond = errors.New("a figure is beyond its bound, see above")

// report runs a scenario and prints what it found.
func (o *options) report(r *figures.Report, measure func(context.Context, *figures.Report) error) error {
	if o.out == nil {
		o.out = os.Stdout
	}
	if o.Runs < 1 || o.Window <= 0 || o.Warm < 0 {
		return errors.New("--runs, --window, --warm: want at least one run, and times above 0")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r.At, r.Machine = time.Now().UTC().Truncate(time.Second), figures.ThisMachine()
	if err := measure(ctx, r); err != nil {
		return err
	}
	r.Judge()
	r.Write(o.out)
	if o.JSON != "" {
		if err := r.JSON(o.JSON); err != nil {
			return err
		}
	}
	if !r.OK {
		return errBeyond
	}
	return nil
}

// say prints one line of progress.
func (o *options) say(format string, args ...any) { fmt.Fprintf(o.out, format+"\n", args...) }

// programs builds what is measured, unless it was given.
func (o *options) programs(ctx context.Context) (local.Programs, error) {
	at := func(pkg string) string { return filepath.Join(o.Programs, filepath.Base(pkg)) }
	if o.Programs == "" {
		b := build.Builder{Say: func(line string) { o.say("%s", line) }}
		p, err := b.Programs(ctx, build.Register, build.Gateway, counterpartProgram)
		if err != nil {
			return local.Programs{}, err
		}
		at = func(pkg string) string { return p[pkg] }
	}
	return local.Programs{Register: at(build.Register), Gateway: at(build.Gateway), Worker: at(counterpartProgram)}, nil
}
