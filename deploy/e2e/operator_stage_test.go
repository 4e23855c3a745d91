package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// operatorPrograms builds what an operator needs besides a cluster.
var operatorPrograms = sync.OnceValues(func() (map[string]string, error) {
	b := build.Builder{Race: race, Say: func(line string) { fmt.Println(line) }}
	return b.Programs(ctxBackground, build.API, build.Ctl)
})

// control is a cluster with an api, and who looks after it.
type control struct {
	*staged
	t    *testing.T
	ctl  string
	api  string
	keys map[string]string // files, by role
}

// openControl starts a cluster and waits until the api reaches all gateways.
func openControl(t *testing.T, c cast) *control {
	t.Helper()
	built, err := operatorPrograms()
	must(t, err)
	dir := t.TempDir()
	o := &control{t: t, ctl: built[build.Ctl], keys: map[string]string{}}
	var lines strings.Builder
	for _, role := range []pushv1.Role{pushv1.Role_ROLE_ADMIN, pushv1.Role_ROLE_SEND} {
		name := strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
		text, key, err := pushkeys.New(name, pushkeys.RolesOf(role), 1000)
		must(t, err)
		fmt.Fprintln(&lines, key.Line())
		o.keys[name] = filepath.Join(dir, name+".key")
		must(t, os.WriteFile(o.keys[name], []byte(text+"\n"), 0o600))
	}
	pushKeys := filepath.Join(dir, "push.keys")
	must(t, os.WriteFile(pushKeys, []byte(lines.String()), 0o600))
	c.withDefaults()
	o.staged = processes(t, c, func(cfg *local.Config) {
		cfg.Programs.API = built[build.API]
		cfg.APIArgs = []string{"--push-keys", pushKeys, "--files", filepath.Join(dir, "files")}
	})
	must(t, o.API.Start())
	begin(t, o)
	o.api = "http://" + flagOf(o.API.Spec().Args, "--listen")
	eventually(t, func() bool {
		return o.run("admin", "count").code == 0 && len(o.cluster().Counts.Gateways) == c.gateways
	}, func() string { return o.run("admin", "members").err })
	return o
}

func flagOf(args []string, name string) string {
	for i, arg := range args {
		if arg == name {
			return args[i+1]
		}
	}
	return ""
}

// told is what one run of parleyctl said.
type told struct {
	out, err string
	code     int
}

// run runs parleyctl with the key of a role.
func (o *control) run(role string, args ...string) told { return o.runWith("", role, args...) }

func (o *control) runWith(in, role string, args ...string) told {
	ctx, cancel := context.WithTimeout(o.t.Context(), everything)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.ctl, args...)
	cmd.Env = append(os.Environ(), "PARLEY_API="+o.api, "PARLEY_KEY_FILE="+o.keys[role], "GORACE=atexit_sleep_ms=0")
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errs
	_ = cmd.Run() // the exit code says it
	return told{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// done is run that must succeed.
func (o *control) done(args ...string) told {
	o.t.Helper()
	r := o.run("admin", args...)
	if r.code != 0 {
		o.t.Fatalf("parleyctl %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r
}

// view is the status screen, for programs.
type view struct {
	Members []struct {
		Role, Node, StartedAt string
		Load                  int
	}
	Counts struct {
		Total    struct{ Conns int }
		Gateways map[string]struct{ Conns int }
		Workers  map[string]struct {
			Conns    int
			Draining bool
		}
	}
}

func (o *control) cluster() (v view) {
	o.t.Helper()
	must(o.t, json.Unmarshal([]byte(o.done("members", "--json").out), &v))
	return v
}

// conns is how many each gateway has.
func (o *control) conns() (list []int) {
	o.t.Helper()
	all := o.cluster().Counts.Gateways
	for _, g := range o.Gateways() {
		list = append(list, all[g.Name()].Conns)
	}
	return list
}

// ended waits until a process ends by itself, which has to be in order.
func (o *control) ended(p player) {
	o.t.Helper()
	process := p.(realPlayer).Process
	select {
	case <-process.Done():
	case <-within(o.t, everything).Done():
		o.t.Fatalf("%s has not ended", p.Name())
	}
	if e, ok := process.Exit(); !ok || e.Code != 0 {
		o.t.Errorf("%s ended with %v", p.Name(), e)
	}
}

// visitor is a client that comes back elsewhere when it is asked to.
type visitor struct {
	tag  string
	mu   sync.Mutex // guards what follows
	conn *client.Conn
	at   int
	left bool
	said []string      // what it was sent
	last client.Closed // how a conn of it ended that it did not come back from
}

// admit lets a visitor in at a gateway and keeps it there, or wherever it is sent.
func (o *control) admit(tag string, at int) *visitor {
	g := &visitor{tag: tag, at: at}
	in := make(chan struct{})
	var gone sync.WaitGroup
	gone.Go(func() { g.stay(urls(o), in) })
	o.t.Cleanup(func() {
		g.mu.Lock()
		g.left = true
		if g.conn != nil {
			g.conn.Cut()
		}
		g.mu.Unlock()
		gone.Wait()
	})
	select {
	case <-in:
	case <-within(o.t, everything).Done():
		o.t.Fatalf("%s is not let in", tag)
	}
	return g
}

func (g *visitor) stay(gateways []string, in chan<- struct{}) {
	for first := true; ; {
		ctx, cancel := context.WithTimeout(ctxBackground, everything)
		conn, err := client.Dial(ctx, gateways[g.at]+"?tag="+url.QueryEscape(g.tag), client.Options{})
		cancel()
		g.mu.Lock()
		g.conn = conn
		left := g.left
		g.mu.Unlock()
		switch {
		case left:
			if err == nil {
				conn.Cut()
			}
			return
		case err != nil: // it drains, or has gone: the next one
			g.at = (g.at + 1) % len(gateways)
			time.Sleep(10 * time.Millisecond) // the pace of a client, nothing is waited for
			continue
		}
		if first {
			first = false
			close(in)
		}
		var closed *client.Closed
		for err == nil {
			var m client.Message
			if m, err = conn.Read(); err == nil {
				g.mu.Lock()
				g.said = append(g.said, string(m.Payload))
				g.mu.Unlock()
			}
		}
		conn.Cut()
		if !errors.As(err, &closed) {
			return // cut, by us
		}
		delay, again := strings.CutPrefix(closed.Reason, "retry-after-ms=")
		ms, err := strconv.Atoi(delay)
		if closed.Code != 1012 || !again || err != nil {
			g.mu.Lock()
			g.last = *closed
			g.mu.Unlock()
			return
		}
		time.Sleep(time.Duration(ms) * time.Millisecond) // what it was asked for
		g.at = (g.at + 1 + rand.IntN(len(gateways)-1)) % len(gateways)
	}
}

func (g *visitor) heard(text string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, said := range g.said {
		if said == text {
			return true
		}
	}
	return false
}

func (g *visitor) ending() client.Closed {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

func (g *visitor) says(t *testing.T, text string) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	must(t, g.conn.Send(text))
}
