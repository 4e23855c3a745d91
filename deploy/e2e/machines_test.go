package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/deploy/compose"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/netlab"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/local/proxy"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// What runs on the machines, by target of the Dockerfile.
var roles = map[string]string{
	"register": build.Register, "gateway": build.Gateway, "worker": "worker/chat/cmd/parley-worker", "api": "api/cmd/parley-api",
	"nats": "deploy/cmd/parley-nats",
}

// released builds what users run: this is about machines, not about races.
var released = sync.OnceValues(func() (map[string]string, error) {
	var packages []string
	for _, p := range roles {
		packages = append(packages, p)
	}
	slices.Sort(packages)
	return build.Builder{Say: func(line string) { fmt.Println(line) }}.Programs(ctxBackground, packages...)
})

// machines is the cluster of deploy/compose on hosts of their own: one for each gateway
// and each worker, one for the rest, and the phone of those who chat. Every service
// runs by its command in compose.yaml, and finds the others by the names there.
type machines struct {
	lab   *netlab.Lab
	file  *compose.File
	hosts map[string]*netlab.Node // by the name of the service; several share one
	phone *netlab.Node
	fleet *proc.Fleet
	runs  map[string]realPlayer
}

// rest is the host of all services that have none of their own.
const rest = "rest"

// startMachines sets everything up and waits until all of it is ready.
func startMachines(t *testing.T) *machines {
	t.Helper()
	lab, err := netlab.New(t.Context())
	if errors.Is(err, netlab.ErrUnavailable) {
		if inCI() {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(lab.Close)
	database := storetest.Postgres(t)
	file, err := compose.Read("../compose/compose.yaml")
	must(t, err)
	programs, err := released()
	must(t, err)

	out := &journal{}
	m := &machines{lab: lab, file: file, hosts: map[string]*netlab.Node{}, fleet: proc.NewFleet(out), runs: map[string]realPlayer{}}
	t.Cleanup(func() {
		m.fleet.Close()
		if t.Failed() || os.Getenv("PARLEY_LOG") != "" {
			t.Logf("what the processes wrote:\n%s", out)
		}
	})
	m.settle(t)
	folder := m.prepare(t, database.URL)
	nats := m.fleet.Add(proc.Spec{
		Name: "nats", Path: programs[roles["nats"]], Netns: m.hosts["nats"].Netns, Ops: m.hosts["nats"].Addr + ":8222",
		Args: []string{"--listen", "0.0.0.0:4222", "--store", filepath.Join(folder, "events"), "--ops-listen", m.hosts["nats"].Addr + ":8222"},
	})
	m.runs["nats"] = realPlayer{nats}
	for _, name := range file.Ours() {
		m.runs[name] = realPlayer{m.fleet.Add(m.spec(name, programs[roles[file.Services[name].Build.Target]], folder))}
	}
	for _, p := range m.runs {
		p.Start(t) // in any order
	}
	m.balance(t, folder)
	for _, p := range m.runs {
		p.Ready(t)
	}
	return m
}

// settle makes the hosts and gives them the names of compose.yaml.
func (m *machines) settle(t *testing.T) {
	t.Helper()
	add := func(name string) *netlab.Node {
		n, err := m.lab.Add(t.Context(), name)
		must(t, err)
		return n
	}
	others := add(rest)
	names := map[string]string{}
	for name, s := range m.file.Services {
		m.hosts[name] = others
		if s.Build != nil && (s.Build.Target == "gateway" || s.Build.Target == "worker") {
			m.hosts[name] = add(name)
		}
		names[name] = m.hosts[name].Addr
	}
	m.phone = add("phone")
	names["postgres"] = m.lab.Host() // that of this machine, through a proxy
	must(t, m.lab.Name(names))
}

// prepare writes what compose mounts into containers, and returns the folder.
func (m *machines) prepare(t *testing.T, database string) string {
	t.Helper()
	folder := t.TempDir()
	u, err := url.Parse(database)
	must(t, err)
	forward, err := proxy.Open(net.JoinHostPort(m.lab.Host(), "0"), u.Host)
	must(t, err)
	t.Cleanup(forward.Close)
	_, port, err := net.SplitHostPort(forward.Addr())
	must(t, err)
	u.Host = net.JoinHostPort("postgres", port)
	for name, text := range map[string]string{
		"cluster":     "secret-of-one-end-to-end-test\n",
		"push.keys":   "# nobody's\n",
		"worker.conf": "worker.database = " + u.String() + "\nworker.nats = nats://nats:4222\n",
	} {
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	must(t, os.Mkdir(filepath.Join(folder, "pictures"), 0o700))
	return folder
}

// quick is what differs from compose.yaml, so that a test need not wait for minutes.
var quick = map[string][]string{
	"gateway": {"--ping-interval", "1s", "--idle-timeout", "4s", "--drain-window", "1s"},
	"worker":  {"--heartbeat", "1s"},
}

// spec is a service of compose.yaml as a process. Clients know gateways by their own
// address, because there is one network here, and no name that a phone could ask for.
func (m *machines) spec(name, program, folder string) proc.Spec {
	s, host := m.file.Services[name], m.hosts[name]
	_, port, _ := net.SplitHostPort(s.Flag("ops-listen"))
	spec := proc.Spec{Name: name, Path: program, Netns: host.Netns, Ops: net.JoinHostPort(host.Addr, port)}
	for i, arg := range s.Command {
		if i > 0 {
			switch s.Command[i-1] {
			case "--ops-listen":
				arg = spec.Ops
			case "--public-url":
				arg = strings.Replace(arg, "://", "://"+host.Addr, 1)
			case "--trusted-proxy":
				arg = m.lab.Subnet()
			}
		}
		arg = strings.Replace(arg, "/run/secrets/", folder+"/", 1)
		if arg == "/pictures" {
			arg = filepath.Join(folder, "pictures")
		}
		spec.Args = append(spec.Args, arg)
	}
	spec.Args = append(spec.Args, append(quick[s.Build.Target], "--log-format", "json")...)
	return spec
}

// balance runs the balancer of compose, if there is a haproxy; in CI there has to be.
func (m *machines) balance(t *testing.T, folder string) {
	t.Helper()
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		if inCI() {
			t.Fatal("no haproxy found; install the package haproxy")
		}
		return
	}
	text, err := os.ReadFile("../compose/balancer/haproxy.cfg")
	must(t, err)
	// There is no name server here: names are looked up once.
	cfg := regexp.MustCompile(` resolvers names init-addr \S+`).ReplaceAllString(string(text), "")
	cfg = regexp.MustCompile(`(?m)^\tserver \S+ \S+:`).ReplaceAllStringFunc(cfg, func(line string) string {
		name := strings.Fields(line)[1]
		return "\tserver " + name + " " + m.hosts[name].Addr + ":"
	})
	cfg = strings.Replace(cfg, "maxconn 50000", "maxconn 500", 1) // this machine's limit of descriptors may be a low one
	path := filepath.Join(folder, "haproxy.cfg")
	must(t, os.WriteFile(path, []byte(cfg), 0o600))
	p := m.fleet.Add(proc.Spec{Name: "balancer", Path: haproxy, Args: []string{"-db", "-f", path}, Netns: m.hosts["balancer"].Netns})
	must(t, p.Start())
	m.runs["balancer"] = realPlayer{p}
}

// players returns the processes of one role.
func (m *machines) players(target string) (list []player) {
	for _, name := range m.file.Ours() {
		if m.file.Services[name].Build.Target == target {
			list = append(list, m.runs[name])
		}
	}
	return list
}

// whole waits until every worker is attached to every gateway, and trusted.
func (m *machines) whole(t *testing.T) {
	t.Helper()
	gateways, workers := m.players("gateway"), m.players("worker")
	for _, w := range workers {
		await(t, w, "parley_worker_gateways_in_step", float64(len(gateways)))
	}
	for _, g := range gateways {
		await(t, g, "parley_gateway_workers", float64(len(workers)))
	}
}

// probes runs the health checks of compose.yaml where its services run.
func (m *machines) probes(t *testing.T) {
	t.Helper()
	for _, name := range m.file.Ours() {
		s, spec := m.file.Services[name], m.runs[name].Spec()
		args := []string{"netns", "exec", spec.Netns, spec.Path}
		for _, arg := range s.Healthcheck.Test[2:] {
			if arg == s.Flag("ops-listen") {
				arg = spec.Ops
			}
			args = append(args, arg)
		}
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Errorf("%s is not well: %v\n%s", name, err, out)
		}
	}
}

// stop ends everything in order, as by SIGTERM.
func (m *machines) stop(t *testing.T) {
	t.Helper()
	for _, target := range []string{"api", "gateway", "worker", "register"} {
		var all sync.WaitGroup
		for _, p := range m.players(target) {
			all.Go(func() {
				e, err := p.(realPlayer).Process.Stop(within(t, everything))
				if err != nil || e.Code != 0 {
					t.Errorf("%s ended with %v, %v", p.Name(), e, err)
				}
			})
		}
		all.Wait()
	}
}
