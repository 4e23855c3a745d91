package api

import (
	"context"
	"errors"
	"maps"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	pushdoor "github.com/parley-im/parley/api/internal/push"
	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/register"
	sdk "github.com/parley-im/parley/worker"
)

// maxPushCalls is how many calls of PushService are under way at once.
const maxPushCalls = 1024

// push is the door for backends, and the worker without a handler that sends for them.
// A nil one does nothing: there is none.
type push struct {
	door   *pushdoor.Door
	worker *sdk.Worker
	server *pushdoor.Server // nil: no gRPC
	serve  func() error
	peers  *register.View // the other apis
}

// openPush builds what keys are for, and starts nothing.
func (a *API) openPush() error {
	if a.cfg.PushKeys == nil {
		return nil
	}
	id := a.cfg.Identity
	w, err := sdk.New(sdk.Config{
		Directory: sinceJoin{sdk.RunningRegisters(a.cfg.Directory)}, Cluster: id.Cluster, Node: id.Node, Role: id.Role, Boot: id.Boot, Build: id.Build,
		Secrets: a.cfg.Secrets, TLS: a.cfg.WorkerTLS, Log: a.log.With("for", "push"),
	})
	if err != nil {
		return err
	}
	p := &push{worker: w, peers: a.cfg.Directory.Watch(Role)}
	p.door = pushdoor.New(pushdoor.Config{
		Sender: w.Sender(), Keys: a.cfg.PushKeys, MaxCalls: maxPushCalls, Log: a.log, Called: a.metrics.pushed,
		Registers: a.cfg.Directory.Registers,
		Members: func() []pushdoor.Member {
			return append(append(a.gateways.Members(), a.serving.Members()...), p.peers.Members()...)
		},
	})
	if l := a.cfg.Push; l != nil {
		p.server = pushdoor.NewServer(p.door, a.cfg.ClientTLS, a.cfg.Proxies)
		p.serve = func() error { return p.server.Serve(l) }
	}
	a.push = p
	return nil
}

// SetPushKeys replaces the keys of PushService, if there is one: calls that begin from
// now on need one of these.
func (a *API) SetPushKeys(keys *pushkeys.Set) {
	if a.push != nil && keys != nil {
		a.push.door.SetKeys(keys)
	}
}

// labels are what the register is told: one that sends says so, and gateways wait for it.
func (a *API) labels() map[string]string {
	if a.push == nil {
		return a.cfg.Labels
	}
	all := maps.Clone(a.cfg.Labels)
	if all == nil {
		all = map[string]string{}
	}
	all[register.SendsLabel] = "push"
	return all
}

// run sends, from once the process has joined until sending ends, and then until what was
// sent has arrived; and serves gRPC until shutdown. What sends hurries when until ends.
func (p *push) run(sending, until context.Context, eg *errgroup.Group) {
	if p == nil {
		return
	}
	eg.Go(func() error {
		defer context.AfterFunc(until, p.worker.Hurry)()
		return p.worker.Run(sending)
	})
	if p.server != nil {
		eg.Go(p.serve)
	}
}

// shutdown takes no call over gRPC any more, and waits for those under way until ctx ends.
func (p *push) shutdown(ctx context.Context) error {
	if p == nil || p.server == nil {
		return nil
	}
	return p.server.Shutdown(ctx)
}

// register makes what concerns backends visible.
func (p *push) register(r prometheus.Registerer, m *metrics) error {
	if p == nil {
		return nil
	}
	gauge := func(name, help string, read func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.pushes, m.pushTime,
		gauge("parley_api_push_calls_under_way", "Calls of PushService that are not answered yet.", p.door.UnderWay),
		gauge("parley_api_push_gateways", "Gateways that PushService is linked to.", func() int { return p.worker.Stats().Attached }),
	} {
		errs = append(errs, r.Register(c))
	}
	return errors.Join(errs...)
}
