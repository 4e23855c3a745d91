package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/register/node"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/chat/store"
)

// config is the flags of parley-worker.
type config struct {
	node.Config
	node.Membership

	ChatListen string `default:"127.0.0.1:0" help:"Where api calls this worker; port 0 is a free one: the registers tell which."`
	ChatAddr   string `placeholder:"HOST:PORT" help:"Under which address api reaches it, if another."`
	Guests     bool   `help:"People may come without a password."`

	DemoAccount []string `sep:"none" placeholder:"NAME:PASSWORD:SHOWN" help:"Account whose password everybody is told before they sign in: to try things out. May be given several times."`

	Database        string `default:"${database}" placeholder:"URL" help:"Where everything is kept: sqlite:FILE, mysql://user:password@host/name or postgres://user:password@host/name. A password is better given by PARLEY_WORKER_DATABASE or the file."`
	DatabaseConns   int    `default:"${database_conns}" help:"Connections to a database server."`
	DatabaseRelaxed bool   `help:"SQLite: answer before the disk has it; a power failure may then take the last moments."`
	NATS            string `name:"nats" placeholder:"URL" help:"NATS servers, with commas between; empty: none, and no events."`
	NATSCreds       string `name:"nats-creds" placeholder:"FILE" help:"Credentials for NATS: a JWT and its key."`
	NATSPrefix      string `name:"nats-prefix" default:"parley" help:"What begins all subjects; clusters that share a NATS need different ones."`

	Realm           []string      `help:"Realms that are served; empty: all."`
	TokenSecretFile string        `reload:"" placeholder:"FILE" help:"File with the secrets that sign access tokens, one in each line, the current one first; empty: one that the database keeps."`
	AccessLasts     time.Duration `default:"${access_lasts}" help:"How long an access token is good."`
	RefreshLasts    time.Duration `default:"${refresh_lasts}" help:"How long a sign-in lasts that is not used."`
	Heartbeat       time.Duration `default:"25s" help:"What clients are told about pings: the gateways' --ping-interval."`

	HandlerTimeout time.Duration `default:"${handler_timeout}" help:"How long a call may take."`
	MaxHandlers    int           `help:"Calls that run at once; 0: no bound."`
	KnownConns     int           `default:"${known_conns}" help:"Conns above which their state is forgotten between calls."`
	RetainBytes    int           `default:"${retain_bytes}" help:"Bytes that wait for one gateway before sends wait too."`
}

// Vars names the defaults, which live where they are used.
func (c *config) Vars() map[string]string {
	return map[string]string{
		"database": store.DefaultURL, "database_conns": fmt.Sprint(store.DefaultConns),
		"access_lasts": auth.DefaultAccess.String(), "refresh_lasts": auth.DefaultRefresh.String(),
		"handler_timeout": worker.DefaultHandlerTimeout.String(), "known_conns": fmt.Sprint(worker.DefaultKnownConns),
		"retain_bytes": fmt.Sprint(worker.DefaultRetainBytes),
	}
}

// Validate reports everything wrong at once.
func (c *config) Validate() error {
	errs := []error{c.ValidateMembership(c.Membership), c.store().Validate(), c.Guarded("chat-listen", c.ChatListen), checkAddr(c.ChatAddr)}
	_, err := c.tokenSecrets()
	errs = append(errs, err)
	_, err = c.demoAccounts()
	errs = append(errs, err)
	for _, r := range c.Realm {
		if err := chat.Realm(r).Check(); err != nil {
			errs = append(errs, fmt.Errorf("--realm: %w", err))
		}
	}
	for _, d := range []struct {
		flag         string
		value, least time.Duration
	}{
		{"access-lasts", c.AccessLasts, ops.MinAccess}, {"refresh-lasts", c.RefreshLasts, time.Second},
		{"heartbeat", c.Heartbeat, time.Second}, {"handler-timeout", c.HandlerTimeout, time.Second},
	} {
		if d.value < d.least {
			errs = append(errs, fmt.Errorf("--%s: %v: at least %v", d.flag, d.value, d.least))
		}
	}
	return errors.Join(errs...)
}

// checkAddr says what is wrong with an address that others are to dial; empty: none is
// given.
func checkAddr(addr string) error {
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" || port == "0" {
		return fmt.Errorf("--chat-addr: %q names no host and port that can be dialled", addr)
	}
	return nil
}

func (c *config) store() store.Config {
	return store.Config{URL: c.Database, Conns: c.DatabaseConns, Relaxed: c.DatabaseRelaxed, Bus: c.NATS != ""}
}

func (c *config) realms() (list []chat.Realm) {
	for _, r := range c.Realm {
		list = append(list, chat.Realm(r))
	}
	return list
}

// tokenSecrets reads the secrets that were given; none: the database has one.
func (c *config) tokenSecrets() (keys [][]byte, err error) {
	if c.TokenSecretFile == "" {
		return nil, nil
	}
	b, err := os.ReadFile(c.TokenSecretFile)
	if err != nil {
		return nil, fmt.Errorf("--token-secret-file: %w", err)
	}
	for line := range bytes.Lines(b) {
		if key := bytes.TrimSpace(line); len(key) > 0 {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		if len(key) < auth.MinKeyBytes {
			return nil, fmt.Errorf("--token-secret-file: a secret has at least %d bytes", auth.MinKeyBytes)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("--token-secret-file: there is no secret in it")
	}
	return keys, nil
}

// demoAccounts reads what is told of them.
func (c *config) demoAccounts() (list []*chatv1.DemoAccount, err error) {
	for _, a := range c.DemoAccount {
		name, rest, ok := strings.Cut(a, ":")
		password, shown, _ := strings.Cut(rest, ":")
		if !ok || name == "" || password == "" {
			return nil, errors.New("--demo-account: NAME:PASSWORD or NAME:PASSWORD:SHOWN")
		}
		list = append(list, &chatv1.DemoAccount{Name: name, Password: password, DisplayName: shown})
	}
	return list, nil
}
