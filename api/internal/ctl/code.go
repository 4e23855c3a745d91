package ctl

import (
	"fmt"
	"strconv"
)

// CloseCode is a close code that a conn may be ended with; 0: none was given.
type CloseCode uint16

// UnmarshalText reads a number that an application may send by RFC 6455: the other ones
// tell clients what a gateway found.
func (c *CloseCode) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 10, 16)
	if err != nil || len(b) != 4 || !sendable(n) {
		return fmt.Errorf("%s is no close code: say one of 4000 to 4499 when clients are to come back, of 4500 to 4999 when they are not, or 1000", shown(clip(string(b), maxShareText)))
	}
	*c = CloseCode(n)
	return nil
}

func sendable(n uint64) bool { return n == 1000 || n >= 3000 && n <= 4999 }
