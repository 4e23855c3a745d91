package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
)

// DefaultURL is the server of this machine.
const DefaultURL = "nats://127.0.0.1:4222"

// Config is what a Bus is made of. The zero Config is the server of this machine.
type Config struct {
	// URL is where NATS is; several servers of a cluster are separated by commas. User and
	// password, or a token, may be in it; it is never logged with them.
	URL string
	// Name is how the server calls this connection, "": parley.
	Name string
	// Creds is a file with a JWT and its key, for servers that ask for one.
	Creds string
	// TLS is used when it is set or the scheme is tls.
	TLS *tls.Config
	// Prefix begins all subjects and, in upper case, all streams, "": parley. It keeps
	// apart clusters, and tests, that share a NATS.
	Prefix string
	// Replicas is how many servers keep a stream that is made here, 0: 1.
	Replicas int
	// EventBytes bounds the stream of events when it is made here, 0: what the server
	// gives. Further events are refused then, and wait in the outbox.
	EventBytes int64
	// Log is for what an operator should know; nil: slog.Default().
	Log *slog.Logger
}

const maxPrefix = 32

// Validate reports everything wrong at once, without the password of the URL.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	for _, one := range c.servers() {
		u, err := url.Parse(one)
		switch {
		case err != nil:
			errs = append(errs, errors.New("nats url: not a URL such as nats://127.0.0.1:4222")) // err would quote it
		case u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss":
			errs = append(errs, fmt.Errorf("nats url: %s: nats://, tls://, ws:// or wss://, and a host", shown(one)))
		}
	}
	if !isToken(c.Prefix) || len(c.Prefix) > maxPrefix {
		errs = append(errs, fmt.Errorf("nats prefix: %q: 1 to %d of a-z, 0-9, - and _", c.Prefix, maxPrefix))
	}
	if c.Replicas < 1 || c.Replicas > 5 {
		errs = append(errs, fmt.Errorf("nats replicas: %d: 1 to 5", c.Replicas))
	}
	if c.EventBytes < 0 {
		errs = append(errs, fmt.Errorf("nats event bytes: %d: 0 or more", c.EventBytes))
	}
	if c.Creds != "" {
		if _, err := os.Stat(c.Creds); err != nil {
			errs = append(errs, fmt.Errorf("nats creds: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.URL == "" {
		c.URL = DefaultURL
	}
	if c.Name == "" {
		c.Name = "parley"
	}
	if c.Prefix == "" {
		c.Prefix = "parley"
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func (c Config) servers() []string {
	list := strings.Split(c.URL, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
		if !strings.Contains(list[i], "://") {
			list[i] = "nats://" + list[i]
		}
	}
	return list
}

// shown is the URLs without what is before the @: a token stands where a user would.
func shown(urls string) string {
	list := Config{URL: urls}.servers()
	for i, one := range list {
		u, err := url.Parse(one)
		if err != nil {
			list[i] = "(no URL)"
			continue
		}
		list[i] = u.Scheme + "://" + u.Host
	}
	return strings.Join(list, ",")
}
