package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"github.com/parley-im/parley/register/handshake"
	"golang.org/x/sync/errgroup"
)

// Exit codes of a process.
const (
	exitClean  = 0
	exitFailed = 1
	exitConfig = 2
)

// lastMoment is how long a service that did not drain in time has to end before the
// process ends without it.
const lastMoment = 2 * time.Second

// Main is the main of a role: it reads the configuration into p, runs what p.New
// builds until a signal ends it, and exits.
func Main(role string, p Program) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE) // whoever reads the log may end; this process goes on without
	pr := &process{
		role: role, blank: p, args: os.Args[1:], env: newEnvironment(os.Environ()),
		stdout: os.Stdout, stderr: os.Stderr, signals: signals,
	}
	os.Exit(pr.run())
}

// process is one life of a process, from its command line to its exit code.
type process struct {
	role           string
	blank          Program // before anything was read into it
	args           []string
	env            environment
	stdout, stderr io.Writer
	signals        <-chan os.Signal

	boot         uint64
	drainTimeout time.Duration
}

func (pr *process) run() int {
	pr.boot = handshake.NewBoot()
	p, settings, errs := pr.read()
	if p == nil {
		printWrong(pr.stderr, pr.role, errs)
		return exitFailed
	}
	c := p.common()
	switch {
	case c.Version:
		fmt.Fprintf(pr.stdout, "parley-%s %s\n", pr.role, Build())
		return exitClean
	case c.Help:
		k, _, _ := load(pr.role, pr.fresh(), nil, nil)
		if err := printHelp(pr.stdout, pr.role, k); err != nil {
			return exitFailed
		}
		return exitClean
	case len(errs) > 0:
		printWrong(pr.stderr, pr.role, errs)
		return exitConfig
	case c.Check:
		printSettings(pr.stdout, pr.role, c, settings)
		return exitClean
	case c.Probe:
		if err := probe(context.Background(), c.OpsListen); err != nil {
			fmt.Fprintf(pr.stderr, "%s: %v\n", pr.role, err)
			return exitFailed
		}
		return exitClean
	}
	n, service, ops, err := pr.build(p)
	if err != nil {
		fmt.Fprintf(pr.stderr, "%s: %v\n", pr.role, err)
		return exitFailed
	}
	if err := pr.serve(n, service, ops, settings); err != nil {
		n.log.Error("stopped", "err", err)
		return exitFailed
	}
	n.log.Info("stopped")
	return exitClean
}

// fresh is a Program as the main made it.
func (pr *process) fresh() Program {
	v := reflect.New(reflect.TypeOf(pr.blank).Elem())
	v.Elem().Set(reflect.ValueOf(pr.blank).Elem())
	return v.Interface().(Program)
}

// read reads all sources into a fresh Program and reports everything wrong with it.
func (pr *process) read() (Program, []setting, []error) {
	p := pr.fresh()
	k, settings, err := load(pr.role, p, pr.args, pr.env)
	if k == nil {
		return nil, nil, []error{err}
	}
	var errs []error
	if err != nil {
		errs = split(err)
	}
	c := p.common()
	secrets, err := readSecrets(pr.role, pr.env, c.SecretFile)
	if err != nil {
		errs = append(errs, err)
	}
	c.adopt(pr.role, pr.boot, secrets)
	return p, settings, append(errs, validate(p)...)
}

// validate reports everything wrong with the flags of p.
func validate(p Program) (errs []error) {
	for _, check := range []func() error{p.common().validate, p.Validate} {
		if err := check(); err != nil {
			errs = append(errs, split(err)...)
		}
	}
	return errs
}

// The ends of a process that is not waited for.
var (
	errAtOnce = errors.New("told twice to stop, not drained to the end")
	errDrain  = errors.New("not drained within --drain-timeout")
)

// build makes everything that is needed and opens the listeners.
func (pr *process) build(p Program) (n *Node, service Service, ops net.Listener, err error) {
	if n, err = newNode(p.common(), pr.stderr); err != nil {
		return nil, nil, nil, err
	}
	if ops, err = n.Listen("ops-listen", p.common().OpsListen); err == nil {
		service, err = p.New(n)
	}
	if err != nil {
		n.close()
	}
	return n, service, ops, err
}

// serve runs the service until it ends, by itself or by signals.
func (pr *process) serve(n *Node, service Service, ops net.Listener, settings []setting) error {
	defer n.close()
	pr.drainTimeout = n.config.DrainTimeout
	n.log.Info("started", "build", Build(), "cluster", n.config.Cluster, "boot", fmt.Sprintf("%016x", pr.boot), "ops", ops.Addr().String())

	bg, endBackground := context.WithCancel(context.Background())
	defer endBackground()
	group, groupCtx := errgroup.WithContext(bg)
	group.Go(func() error { return serveOps(groupCtx, ops, opsHandler(n.ready, n.metrics)) })
	for _, run := range n.background {
		group.Go(func() error { return run(groupCtx) })
	}
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()

	err := pr.attend(n, settings, drain, ended, groupCtx.Done())
	if errors.Is(err, errAtOnce) || errors.Is(err, errDrain) {
		return err // the process ends; what still runs ends with it
	}
	endBackground()
	return errors.Join(err, group.Wait())
}

// attend waits for the end of the service and minds the signals meanwhile.
func (pr *process) attend(n *Node, settings []setting, drain context.CancelFunc, ended <-chan error, failed <-chan struct{}) error {
	var timeout, last <-chan time.Time
	draining, signalled, asked := false, false, n.drains
	begin := func() {
		draining = true
		n.ready.drain()
		drain()
		timeout = time.After(pr.drainTimeout)
	}
	for {
		select {
		case err := <-ended:
			return err
		case <-failed: // what runs beside the service
			failed = nil
			if !draining {
				begin()
			}
		case <-asked:
			asked = nil
			if !draining {
				n.log.Info("draining", "asked", true, "timeout", pr.drainTimeout)
				begin()
			}
		case <-timeout:
			n.log.Error("drain takes too long", "timeout", pr.drainTimeout)
			n.giveUp()
			timeout, last = nil, time.After(lastMoment)
		case <-last:
			return errDrain
		case sig := <-pr.signals:
			switch {
			case sig == syscall.SIGHUP:
				settings = pr.reload(n, settings)
			case signalled:
				return errAtOnce
			case draining: // by itself, or because others asked: this signal is the first
				signalled = true
				n.log.Info("draining already", "signal", sig.String())
			default:
				signalled = true
				n.log.Info("draining", "signal", sig.String(), "timeout", pr.drainTimeout)
				begin()
			}
		}
	}
}
