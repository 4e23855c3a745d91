package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/register/node"
)

// backends is what lets backends in; all of it is empty without keys.
type backends struct {
	keys     *pushkeys.Set
	listener net.Listener
}

// validatePush reports everything wrong with the flags for backends, the file of keys
// included.
func (c *config) validatePush() error {
	var errs []error
	if c.PushKeys != "" {
		if _, err := pushkeys.Load(c.PushKeys); err != nil {
			errs = append(errs, fmt.Errorf("--push-keys: %w", err))
		}
	}
	switch host, port, err := net.SplitHostPort(c.PushListen); {
	case c.PushListen == "":
	case c.PushKeys == "":
		errs = append(errs, errors.New("--push-listen: nobody could call there without --push-keys"))
	case err != nil:
		errs = append(errs, fmt.Errorf("--push-listen: %q is not host:port", c.PushListen))
	default:
		if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
			errs = append(errs, fmt.Errorf("--push-listen: %q has no port that there is", c.PushListen))
		}
		if ip := net.ParseIP(host); c.ClientTLS.TLSCert == "" && !c.PushPlain && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("--push-listen: keys would cross the network in the clear at %s; give --client-tls-cert, or --push-plain if something in front has a certificate", c.PushListen))
		}
	}
	return errors.Join(errs...)
}

// push reads the keys and opens the listener.
func (c *config) push(n *node.Node) (b backends, err error) {
	if c.PushKeys == "" {
		return b, nil
	}
	if b.keys, err = pushkeys.Load(c.PushKeys); err != nil {
		return b, fmt.Errorf("--push-keys: %w", err)
	}
	if c.PushListen == "" {
		return b, nil
	}
	if b.listener, err = n.Listen("push-listen", c.PushListen); err != nil {
		return b, err
	}
	n.Log().Info("listening for backends", "push_addr", b.listener.Addr().String(), "keys", b.keys.Len())
	return b, nil
}

// reloadPush takes over the keys that the file has now. One that became wrong since it was
// validated changes nothing.
func (c *config) reloadPush(n *node.Node, a *api.API) {
	if c.PushKeys == "" {
		return
	}
	keys, err := pushkeys.Load(c.PushKeys)
	if err != nil {
		n.Log().Error("keys not taken over", "err", err)
		return
	}
	a.SetPushKeys(keys)
	n.Log().Info("keys taken over", "keys", keys.Len())
}
