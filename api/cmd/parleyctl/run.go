package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/parley-im/parley/api/internal/ctl"
	"github.com/parley-im/parley/register/node"
)

const description = `Shows what a cluster of Parley does, and does what you want of it, by its api.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but for gateways that did not answer.
Keys never stand in a flag, where others on the machine see them: they are read from a file.`

// run is one life of the program, from its command line to its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ended := -1
	k, err := parser(ctx, &command{env: env{in: in, out: out, errs: errs}}, func(code int) { ended = code })
	if err != nil {
		fmt.Fprintln(errs, "parleyctl:", err)
		return ctl.ExitFailed
	}
	parsed, err := k.Parse(args)
	if ended >= 0 {
		return ended // it has shown its help
	}
	if err != nil {
		fmt.Fprintf(errs, "parleyctl: %s\n  parleyctl --help lists the commands, parleyctl COMMAND --help its flags.\n", ctl.Line(err.Error()))
		return ctl.ExitUsage
	}
	err = parsed.Run()
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		err = errInterrupted
	}
	if err != nil {
		fmt.Fprintln(errs, "parleyctl:", ctl.Explain(err))
	}
	return ctl.ExitCode(err)
}

// parser reads command lines into c; exit is called after what only says something.
func parser(ctx context.Context, c *command, exit func(code int)) (*kong.Kong, error) {
	return kong.New(c, kong.Name("parleyctl"), kong.Description(description), kong.Writers(c.out, c.errs),
		kong.Exit(exit), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": "parleyctl " + node.Build(), "limit": strconv.Itoa(ctl.DefaultLimit)},
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(c))
}

var errInterrupted = errors.New("interrupted; what was asked of a gateway goes on")

// env is what surrounds the program.
type env struct {
	in        io.Reader
	out, errs io.Writer
}

// connect is a Ctl for the api and the key that were named.
func (c *command) connect() (*ctl.Ctl, error) {
	if c.KeyFile == "" {
		return nil, errNoKey
	}
	f, err := os.Open(c.KeyFile)
	if err != nil {
		return nil, ctl.WrongUsage("--key-file: %v", err)
	}
	defer f.Close()
	key, err := ctl.ReadKey(f)
	if err != nil {
		return nil, ctl.WrongUsage("%s: %v", c.KeyFile, err)
	}
	door, err := ctl.NewDoor(c.API, key, c.Timeout)
	if err != nil {
		return nil, err
	}
	return &ctl.Ctl{Door: door, Out: c.out, Err: c.errs, Width: terminalWidth(c.out), JSON: c.JSON}, nil
}

var errNoKey = ctl.WrongUsage("no key: --key-file FILE, or PARLEY_KEY_FILE, names the file with one. parleyctl key new --help says how to make one; make run has made one for what it runs.")
