//go:build !linux

package ws

import "errors"

// napper exists on Linux only: elsewhere conns never nap.
type napper struct{}

func newNapper() (*napper, error)  { return nil, errors.ErrUnsupported }
func (n *napper) watch(*Conn) bool { return false }
func (n *napper) forget(*Conn)     {}
func (n *napper) close()           {}
