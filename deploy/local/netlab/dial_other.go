//go:build !linux

package netlab

import (
	"context"
	"net"
)

// Dial works on Linux only, where there are nodes.
func (n *Node) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, ErrUnavailable
}
