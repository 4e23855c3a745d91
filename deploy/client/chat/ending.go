package chatclient

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/fault"

	"github.com/parley-im/parley/deploy/client"
)

// ending is what the end of a conn, or of an attempt to get one, means.
type ending struct {
	code   fault.CloseCode // as the client sees it; 0: there was no conn
	reason string
	again  bool          // come back
	atOnce bool          // without a pause, the first time
	token  bool          // with another token
	after  time.Duration // not before
}

// endingOf reads the error with which a conn ended, or Dial.
func endingOf(err error) ending {
	var closed *client.Closed
	var refused *client.Refused
	switch {
	case errors.As(err, &closed):
		e := ending{code: fault.CloseCode(closed.Code), reason: closed.Reason}
		e.again = e.code.Again()
		e.atOnce = e.code == fault.CloseResync
		e.token = e.code == fault.CloseRenew
		if e.code == fault.CloseRestart {
			e.after = afterIn(closed.Reason)
		}
		return e
	case errors.As(err, &refused):
		return ending{
			reason: refused.Error(),
			again:  refused.Status >= 500 || refused.Status == 408 || refused.Status == 429,
			after:  seconds(refused.RetryAfter),
		}
	}
	return ending{code: fault.CloseLost, reason: err.Error(), again: true}
}

// afterIn finds the delay in the reason of a 1012: "retry-after-ms=1234". One without
// it, or with nonsense, asks for none.
func afterIn(reason string) time.Duration {
	_, rest, found := strings.Cut(reason, "retry-after-ms=")
	if !found {
		return 0
	}
	digits := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = rest[:i]
	}
	ms, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(ms)*time.Millisecond, maxRetryAfter)
}

// seconds reads a Retry-After; the form with a date, which Parley does not send, asks
// for nothing.
func seconds(header string) time.Duration {
	s, err := strconv.ParseInt(strings.TrimSpace(header), 10, 32)
	if err != nil || s < 0 {
		return 0
	}
	return min(time.Duration(s)*time.Second, maxRetryAfter)
}
