package local

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/parley-im/parley/deploy/local/build"
)

// Command is the command line of parley-local.
type Command struct {
	Run     runCommand     `cmd:"" help:"Start the chat on this machine, with all it needs, until Ctrl-C."`
	Example exampleCommand `cmd:"" help:"Start an example worker behind gateways until Ctrl-C."`
	Page    pageCommand    `cmd:"" help:"Build the page of the chat, if it has changed; a parley-api that is built afterwards has it in it."`
}

type pageCommand struct{}

// Run implements kong's command.
func (pageCommand) Run() error {
	ctx, _, stop := interrupts()
	defer stop()
	b := build.Builder{Say: func(line string) { fmt.Println(line) }}
	return b.Page(ctx)
}

type runCommand struct {
	counts
	Data string `help:"Folder of everything that is kept." default:"data" placeholder:"FOLDER"`
	LAN  bool   `name:"lan" help:"Let others in the network reach the page and the gateways. The demo accounts have a password that everybody knows."`
}

type exampleCommand struct {
	Name string `help:"Example that the workers run: a folder of worker/examples." default:""`
	counts
}

// counts are the flags of both commands.
type counts struct {
	Gateways int `help:"How many gateways." default:"2"`
	Workers  int `help:"How many workers, of each pool where an example has several; 0: start your own." default:"2"`
	Port     int `help:"Port of the first gateway. All other ports move by the same amount: register 1236, links 2900, calls 2950, NATS 4722, page 8080, push 8081, health 9600." default:"8282"`
}

// Run implements kong's command.
func (c *runCommand) Run() error {
	return c.run(Options{Chat: true, Data: c.Data, LAN: c.LAN})
}

// Run implements kong's command.
func (c *exampleCommand) Run() error { return c.run(Options{Example: c.Name}) }

func (c *counts) run(o Options) error {
	ctx, now, stop := interrupts()
	defer stop()
	o.Gateways, o.Workers, o.Port = c.Gateways, c.Workers, c.Port
	o.Out, o.Color = os.Stdout, colorful(os.Stdout)
	return Run(ctx, now, o)
}

// interrupts ends ctx at the first SIGINT or SIGTERM and closes now at the second.
func interrupts() (ctx context.Context, now <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	second, done := make(chan struct{}), make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-signals:
			case <-done:
				return
			}
			cancel()
			if n == 2 {
				close(second)
				return
			}
		}
	}()
	return ctx, second, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// colorful reports whether f is a terminal on which colours are wanted.
func colorful(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
