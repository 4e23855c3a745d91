//go:build !linux

package registertest

import "net"

func hold() (address string, release func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), func() {}, nil
}
