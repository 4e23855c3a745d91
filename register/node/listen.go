package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Listen opens a TCP listener at addr, the value of the flag of that name. Its errors
// say in one line what is wrong and what to change.
func (n *Node) Listen(flag, addr string) (net.Listener, error) {
	return n.ListenBy(flag, addr, func(ctx context.Context, addr string) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, "tcp", addr)
	})
}

// ListenBy is Listen with another way to open the listener. The node closes it when
// the service has ended, or was never run.
func (n *Node) ListenBy(flag, addr string, listen func(ctx context.Context, addr string) (net.Listener, error)) (net.Listener, error) {
	l, err := listen(n.ctx, addr)
	if err != nil {
		return nil, listenError(n.config.role, flag, addr, err)
	}
	n.listeners = append(n.listeners, l)
	return l, nil
}

func listenError(role, flag, addr string, err error) error {
	names := envNames(role, flag, false)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("--%s %s is already in use; choose another with --%s or %s", flag, addr, flag, names[0])
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("--%s %s: this user may not listen there; choose a port above 1023 with --%s or %s", flag, addr, flag, names[0])
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("--%s %s: this machine has no such address; choose another with --%s or %s", flag, addr, flag, names[0])
	}
	return fmt.Errorf("--%s %s: %s", flag, addr, strings.TrimPrefix(err.Error(), "listen tcp "))
}
