package grpcfault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
)

// allCodes asks the table until it repeats itself.
func allCodes() (all []fault.Code) {
	for c := fault.Code(1); c.String() != "INTERNAL"; c++ {
		all = append(all, c)
	}
	return append(all, fault.Internal)
}

// overTheWire is what the other end sees of an error.
func overTheWire(t *testing.T, err error) error {
	t.Helper()
	b, mErr := proto.Marshal(ToStatus(err).Proto())
	if mErr != nil {
		t.Fatal(mErr)
	}
	p := status.New(codes.OK, "").Proto()
	if uErr := proto.Unmarshal(b, p); uErr != nil {
		t.Fatal(uErr)
	}
	return status.FromProto(p).Err()
}

func TestEveryCodeGoesThereAndBack(t *testing.T) {
	if n := len(allCodes()); n < 14 {
		t.Fatalf("only %d codes", n)
	}
	for _, c := range allCodes() {
		in := fault.New(c, "words for "+c.String()).After(1200 * time.Millisecond).Because(errors.New("secret"))
		seen := overTheWire(t, fmt.Errorf("method: %w", in))
		if strings.Contains(seen.Error(), "secret") || strings.Contains(seen.Error(), "method") {
			t.Errorf("%v: the cause travels: %v", c, seen)
		}
		out := fault.Of(FromError(seen))
		if out.Code() != c || out.Message() != in.Message() || out.RetryAfter() != in.RetryAfter() {
			t.Errorf("%v: came back as %v %q after %v", c, out.Code(), out.Message(), out.RetryAfter())
		}
	}
}

func TestNilStaysNil(t *testing.T) {
	if ToError(nil) != nil || FromError(nil) != nil || ToStatus(nil).Code() != codes.OK {
		t.Error("nil became an error")
	}
}

func TestUncodedErrorsShowNothing(t *testing.T) {
	seen := overTheWire(t, errors.New("password is hunter2"))
	if s := status.Convert(seen); s.Code() != codes.Internal || s.Message() != "internal error" {
		t.Errorf("got %v %q", s.Code(), s.Message())
	}
}

func TestContextsEndHasACode(t *testing.T) {
	if got := status.Code(ToError(context.DeadlineExceeded)); got != codes.DeadlineExceeded {
		t.Errorf("deadline: got %v", got)
	}
	if got := status.Code(ToError(context.Canceled)); got != codes.Unavailable {
		t.Errorf("cancelled: got %v", got)
	}
}

// A status of gRPC itself or of another program is read by its code, and its
// words stay in the log.
func TestForeignStatus(t *testing.T) {
	foreign, err := status.New(codes.Unavailable, "dial 10.0.0.7: refused").WithDetails(
		&errdetails.ErrorInfo{Reason: "RATE_LIMITED", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	got := FromError(foreign.Err())
	f := fault.Of(got)
	if f.Code() != fault.Unavailable || strings.Contains(f.Message(), "10.0.0.7") || !strings.Contains(got.Error(), "10.0.0.7") {
		t.Errorf("got %v %q, log %q", f.Code(), f.Message(), got)
	}
}

// A reason of a later version is read by its status, and its words kept.
func TestReasonOfALaterVersion(t *testing.T) {
	later, err := status.New(codes.NotFound, "no such planet").WithDetails(&errdetails.ErrorInfo{Reason: "NO_PLANET", Domain: Domain})
	if err != nil {
		t.Fatal(err)
	}
	if f := fault.Of(FromError(later.Err())); f.Code() != fault.NotFound || f.Message() != "no such planet" {
		t.Errorf("got %v %q", f.Code(), f.Message())
	}
}

func TestWhatIsNoStatusStaysAsItIs(t *testing.T) {
	plain := errors.New("plain")
	if got := FromError(plain); got != plain {
		t.Errorf("got %v", got)
	}
	own := fault.New(fault.Stale, "")
	if got := FromError(own); got != error(own) {
		t.Errorf("a fault: got %v", got)
	}
}

func TestLongMessageIsCut(t *testing.T) {
	for _, long := range []string{strings.Repeat("x", 1<<20), strings.Repeat("語", 1000), "\xff" + strings.Repeat("語", 1000)} {
		f := fault.Of(FromError(overTheWire(t, fault.New(fault.Stale, long))))
		if n := len(f.Message()); f.Code() != fault.Stale || n > maxMessage || n < maxMessage-5 {
			t.Errorf("got %v with %d bytes", f.Code(), n)
		}
	}
}

// Whoever wraps the error of a call does not put his words into the client's
// message.
func TestWrappedStatus(t *testing.T) {
	err := fmt.Errorf("ask gw-1: %w", overTheWire(t, fault.New(fault.NotFound, "no such room")))
	got := FromError(err)
	if f := fault.Of(got); f.Code() != fault.NotFound || f.Message() != "no such room" || !strings.Contains(got.Error(), "gw-1") {
		t.Errorf("got %v %q, log %q", f.Code(), f.Message(), got)
	}
}
