package ctl

import (
	"fmt"
	"strconv"
)

// CloseCode is a close code that a conn may be ended with; 0: none was given.
type CloseCode uint16

// UnmarshalText reads a number that RFC 6455 lets an endpoint send.
func (c *CloseCode) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 10, 16)
	if err != nil || len(b) != 4 || !sendable(n) {
		return fmt.Errorf("%s is no close code: say one of 4000 to 4499 when clients are to come back, of 4500 to 4999 when they are not, or 1000", shown(clip(string(b), maxShareText)))
	}
	*c = CloseCode(n)
	return nil
}

// sendable leaves out the codes that only stand for something in a log, and those that
// nobody has given a meaning to.
func sendable(n uint64) bool {
	switch {
	case n >= 1000 && n <= 1014:
		return n < 1004 || n > 1006
	}
	return n >= 3000 && n <= 4999
}
