//go:build !linux

package bare

import "errors"

// Serve needs epoll.
func Serve(string) error { return errors.New("bare: needs Linux (epoll)") }
