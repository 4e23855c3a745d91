package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

var errDisk = errors.New("disk full")

func TestMessageIsForTheClientAndCauseForTheLog(t *testing.T) {
	err := fmt.Errorf("send: %w", fault.New(fault.Conflict, "name is taken").Because(errDisk))
	f := fault.Of(err)
	if f.Code() != fault.Conflict || f.Message() != "name is taken" {
		t.Errorf("for the client: got %v %q", f.Code(), f.Message())
	}
	if err.Error() != "send: name is taken: disk full" || !errors.Is(err, errDisk) {
		t.Errorf("for the log: got %q", err)
	}
}

func TestUncodedErrorsShowNothing(t *testing.T) {
	f := fault.Of(errDisk)
	if f.Code() != fault.Internal || f.Message() != "internal error" || !errors.Is(f, errDisk) {
		t.Errorf("got %v %q, %v", f.Code(), f.Message(), f)
	}
}

func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{fault.New(fault.NotFound, ""), fault.NotFound},
		{fault.Stale, fault.Stale},
		{fmt.Errorf("x: %w", fault.Stale), fault.Stale},
		{errors.Join(errDisk, fault.New(fault.Moved, "")), fault.Moved},
		{fault.Wrap(fault.Unavailable, fault.New(fault.NotFound, "")), fault.Unavailable}, // the outermost
		{context.DeadlineExceeded, fault.DeadlineExceeded},
		{fmt.Errorf("read: %w", context.Canceled), fault.Unavailable},
		{errDisk, fault.Internal},
	} {
		if got := fault.CodeOf(c.err); got != c.want {
			t.Errorf("%v: got %v, want %v", c.err, got, c.want)
		}
	}
}

func TestErrorsIsComparesCodes(t *testing.T) {
	err := fmt.Errorf("join: %w", fault.New(fault.Stale, "gone").Because(errDisk))
	for target, want := range map[error]bool{
		fault.Stale:                             true,
		fault.NotFound:                          false,
		fault.New(fault.Stale, "other words"):   true,
		fault.New(fault.NotFound, "gone"):       false,
		fault.New(fault.Stale, "").Because(err): false,
		errDisk:                                 true,
	} {
		if got := errors.Is(err, target); got != want {
			t.Errorf("is %v: got %v, want %v", target, got, want)
		}
	}
	if !errors.Is(fault.Wrap(fault.Unavailable, fault.Stale), fault.Stale) {
		t.Error("a code as a cause is not found")
	}
	var f *fault.Fault
	if !errors.As(err, &f) || f.Message() != "gone" {
		t.Errorf("as: got %v", f)
	}
}

func TestWrap(t *testing.T) {
	if err := fault.Wrap(fault.Unavailable, nil); err != nil {
		t.Errorf("nil: got %v", err)
	}
	f := fault.Of(fault.Wrap(fault.Unavailable, errDisk))
	if f.Message() != "unavailable, try again" || f.Error() != "unavailable, try again: disk full" {
		t.Errorf("got %q, %q", f.Message(), f)
	}
	inner := fault.New(fault.RateLimited, "one per second").After(time.Second)
	f = fault.Of(fault.Wrap(fault.Overloaded, fmt.Errorf("x: %w", inner)))
	if f.Code() != fault.Overloaded || f.Message() != "one per second" || f.RetryAfter() != time.Second {
		t.Errorf("a fault inside: got %v %q after %v", f.Code(), f.Message(), f.RetryAfter())
	}
}

func TestFaultIsImmutable(t *testing.T) {
	f := fault.New(fault.RateLimited, "")
	g := f.After(time.Second).Because(errDisk)
	if f.RetryAfter() != 0 || f.Unwrap() != nil || g.RetryAfter() != time.Second || g.Unwrap() != errDisk {
		t.Errorf("got %v %v, %v %v", f.RetryAfter(), f.Unwrap(), g.RetryAfter(), g.Unwrap())
	}
	if f.Message() != "slow down" {
		t.Errorf("a fault without a message: got %q", f.Message())
	}
}
