package worker

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

// Every error of this package has a code of proto/fault; fault.CodeOf tells it:
//
//	Stale             the conn has ended, or its gateway is gone
//	Moved             another worker acts for the conn by now
//	Invalid, TooLarge an argument is out of bounds
//	Conflict          the session had another version
//	Unimplemented     the gateway is of an older version, which cannot do it
//	Overloaded        too much waits for a gateway, and ctx ended before there was room
//	Unavailable       no gateway is known yet, or the link to the one that is asked has
//	                  been down for a second, or its answer did not come before ctx ended,
//	                  or this worker has ended
//
// Unavailable and DeadlineExceeded leave open whether it happened.
var (
	// ErrMoved is the cause of a handler's context when its conn has moved to
	// another worker.
	ErrMoved = inbox.ErrMoved
	// ErrStopped is the cause when the worker ends before the handler does.
	ErrStopped = inbox.ErrStopped
	// ErrReturned answers what is asked of a Conn after its handler has returned:
	// the event is acknowledged and its effects have left. Use the Sender.
	ErrReturned = errors.New("the handler has returned")
)

var (
	errMoved   = fault.Wrap(fault.Moved, ErrMoved)
	errUnknown = fault.New(fault.Unavailable, "a gateway no longer knows what it did")
)

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, fmt.Sprintf(format, args...))
}

// returned is ErrReturned with a code.
func returned() error { return fault.Wrap(fault.Invalid, ErrReturned) }

// linkError gives an error of package link its code.
func linkError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, link.ErrFull):
		return fault.Wrap(fault.Overloaded, err)
	case errors.Is(err, link.ErrGone):
		return fault.Wrap(fault.Stale, err)
	case errors.Is(err, link.ErrAway), errors.Is(err, link.ErrStopped):
		return fault.Wrap(fault.Unavailable, err)
	case errors.Is(err, record.ErrTooLarge):
		return fault.Wrap(fault.TooLarge, err)
	case errors.Is(err, link.ErrUnable):
		return fault.Wrap(fault.Unimplemented, err)
	case errors.Is(err, link.ErrDetached):
		return fault.Wrap(fault.Moved, err)
	}
	return fault.Wrap(fault.Internal, err)
}

// waitError is what a caller learns when its ctx ended before the answers came.
func waitError(ctx context.Context, what string) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", what, context.Cause(ctx)))
}

// resultError turns the status of a result into an error.
func resultError(r *gatewayv1.Result) error {
	code := fault.Internal
	switch r.GetStatus() {
	case gatewayv1.Status_STATUS_OK:
		return nil
	case gatewayv1.Status_STATUS_STALE:
		code = fault.Stale
	case gatewayv1.Status_STATUS_MOVED:
		return errMoved
	case gatewayv1.Status_STATUS_CONFLICT:
		code = fault.Conflict
	case gatewayv1.Status_STATUS_INVALID:
		code = fault.Invalid
	case gatewayv1.Status_STATUS_LIMIT:
		code = fault.TooLarge
	case gatewayv1.Status_STATUS_UNIMPLEMENTED:
		code = fault.Unimplemented
	case gatewayv1.Status_STATUS_UNKNOWN:
		code = fault.Unavailable
	}
	return fault.New(code, r.GetMessage())
}

// Bounds of what names things.
const maxNameBytes = 256

func checkName(what, name string) error {
	if name == "" || len(name) > maxNameBytes {
		return invalid("a %s has 1 to %d bytes, not %d", what, maxNameBytes, len(name))
	}
	if !utf8.ValidString(name) {
		return invalid("a %s must be valid UTF-8", what)
	}
	return nil
}

func checkNames(what string, names []string) error {
	for _, name := range names {
		if err := checkName(what, name); err != nil {
			return err
		}
	}
	return nil
}
