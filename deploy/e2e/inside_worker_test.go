package e2e

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker"
)

// insideWorker is a worker.Worker whose links pass through relays.
type insideWorker struct {
	name      string
	registers []string
	handler   worker.Handler // nil: one of package answer

	mu     sync.Mutex
	n      int
	relays map[string]*relay // by address of the gateway
	frozen bool
	worker *worker.Worker
	life   *life
}

func (w *insideWorker) Name() string { return w.name }

func (w *insideWorker) Start(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	for _, r := range w.relays {
		r.cut(false)
	}
	d := &detour{w: w, t: t}
	var handler worker.Handler = &answer.Handler{Who: fmt.Sprintf("%s.%d", w.name, w.n)}
	if w.handler != nil {
		handler = w.handler
	}
	made, err := worker.New(worker.Config{Handler: handler, Node: w.name, Log: silent, Directory: d})
	must(t, err)
	// The client must be of the worker's boot, which there is only now.
	id := handshake.Identity{Cluster: worker.DefaultCluster, Role: "worker", Node: w.name, Boot: made.Boot()}
	client, err := register.New(register.Config{Registers: w.registers, Identity: id, Log: silent})
	must(t, err)
	d.Directory = worker.Registers(client)
	w.worker, w.life = made, begun(made.Run)
}

func (w *insideWorker) Ready(t *testing.T) {
	t.Helper()
	eventually(t, func() bool {
		m, err := w.Metrics()
		return err == nil && m["parley_worker_links"] > 0
	}, func() string { return w.name + " has no link" })
}

func (w *insideWorker) Stop(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	l := w.life
	w.life = nil
	w.mu.Unlock()
	if l != nil {
		l.end(t, w.name)
	}
}

// Kill cuts the links first, so that nothing of the end gets out.
func (w *insideWorker) Kill(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	for _, r := range w.relays {
		r.cut(true)
	}
	made := w.worker
	w.mu.Unlock()
	if made != nil {
		made.Hurry()
	}
	w.Stop(t)
}

func (w *insideWorker) Freeze(*testing.T) { w.each((*relay).hold, true) }
func (w *insideWorker) Thaw(*testing.T)   { w.each((*relay).release, false) }

func (w *insideWorker) each(do func(*relay), frozen bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = frozen
	for _, r := range w.relays {
		do(r)
	}
}

func (w *insideWorker) end(t *testing.T) {
	t.Helper()
	w.Thaw(t)
	if w.worker != nil {
		w.worker.Hurry()
	}
	w.Stop(t)
	for _, r := range w.relays {
		r.end()
	}
}

func (w *insideWorker) Metrics() (proc.Metrics, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var page bytes.Buffer
	err := w.worker.Stats().WriteMetrics(&page)
	return proc.ParseMetrics(page.String()), err
}

// detour is a directory in which every gateway lives behind a relay.
type detour struct {
	worker.Directory
	w *insideWorker
	t *testing.T
}

func (d *detour) Watch(role string) worker.View { return &detourView{d.Directory.Watch(role), d} }

type detourView struct {
	worker.View
	d *detour
}

func (v *detourView) Members() []register.Member {
	list := v.View.Members()
	for i := range list {
		list[i].Addr = v.d.w.relay(v.d.t, list[i].Addr)
	}
	return list
}

// relay returns the address of the relay to a gateway, which it makes at first.
func (w *insideWorker) relay(t *testing.T, target string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.relays[target]
	if r == nil {
		r = newRelay(t, target)
		if w.frozen {
			r.hold()
		}
		w.relays[target] = r
	}
	return r.Addr().String()
}
