package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/parley-im/parley/deploy/demo"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/local/runfile"
)

// What `make run` needs besides the processes: the folder of its data, and who is in it.

// textPing is sent to browsers, which cannot see pings.
const textPing = `{"jsonrpc":"2.0","method":"ping"}`

// chat makes the workers of a cluster those of the chat.
func (o Options) chat(c *Config) {
	c.GatewayArgs = append(c.GatewayArgs, "--text-ping", textPing)
	c.WorkerArgs = []string{"--database", o.database(), "--database-relaxed", "--guests"}
	for _, a := range demo.Accounts {
		if !a.Bot { // a program answers for those: nobody should do so too
			c.WorkerArgs = append(c.WorkerArgs, "--demo-account", a.Name+":"+demo.Password+":"+a.Display)
		}
	}
	c.APIArgs = []string{"--files", filepath.Join(o.Data, "files"), "--push-keys", o.pushKeys()}
	c.NATSArgs = []string{"--store", filepath.Join(o.Data, "nats")}
}

// database is the URL of the file that everything is kept in.
func (o Options) database() string { return "sqlite:" + filepath.Join(o.Data, "parley.db") }

// seedTime bounds how long the demo accounts may take, on a slow disk too.
const seedTime = time.Minute

// seed makes the demo accounts, with what they have said, in a folder that has none yet.
// It may be killed at any moment: the next run goes on.
func (o Options) seed(ctx context.Context, program string, say func(line string)) error {
	done := filepath.Join(o.Data, "seeded")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	say("people   the demo accounts (the first time)")
	ctx, cancel := context.WithTimeout(ctx, seedTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "seed", "--database", o.database(), "--done", done)
	cmd.WaitDelay = time.Second
	if said, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("make the demo accounts: %w\n%s", err, said)
	}
	return nil
}

// writeDown keeps the file up to date from which other programs know what runs.
func (c *Cluster) writeDown(dir, database string) error {
	r := runfile.Run{
		PID: os.Getpid(), Page: c.cfg.pageURL(c.cfg.Host), Database: database, NATS: c.cfg.natsURL(), Registers: c.RegisterAddrs(),
	}
	for i := range c.Gateways {
		r.Gateways = append(r.Gateways, c.URL(i))
	}
	add := func(role string, list []*proc.Process, url func(int) string) {
		for i, p := range list {
			one := runfile.Process{Name: p.Name(), Role: role, PID: p.PID(), Ops: p.Spec().Ops, Lives: p.Lives()}
			if url != nil {
				one.URL = url(i)
			}
			r.Processes = append(r.Processes, one)
		}
	}
	add("register", c.Registers, nil)
	add("gateway", c.Gateways, c.URL)
	add("worker", c.Workers, nil)
	add("api", one(c.API), nil)
	add("nats", one(c.NATS), nil)
	add("bots", one(c.Bots), nil)
	return runfile.Write(dir, r)
}

// pageURL is where a browser finds the page of the chat.
func (c *Config) pageURL(host string) string { return "http://" + at(host, c.pagePort()) + "/" }

// hold makes the data folder ours, and its path one that children understand.
func (o *Options) hold() (release func(), err error) {
	if o.Data == "" {
		return nil, errors.New("no data folder: DATA=data")
	}
	if o.Data, err = filepath.Abs(o.Data); err != nil {
		return nil, err
	}
	return runfile.Hold(o.Data)
}
