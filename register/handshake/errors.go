package handshake

import (
	"context"
	"errors"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Why a handshake fails, for callers that branch. Each error of Dial and Accept
// wraps one of them, or the error of the stream.
var (
	ErrInvalid = errors.New("malformed handshake")            // a step was missing, too large or out of order
	ErrCluster = errors.New("wrong cluster")                  // the ends are of different clusters
	ErrMajor   = errors.New("incompatible version")           // the ends speak different major versions
	ErrBoot    = errors.New("not the process that was meant") // the address belongs to another boot by now
	ErrSecret  = errors.New("wrong secret")                   // a proof does not hold
)

// reasons is the one table of what an error is called on the wire, in gRPC and in
// metrics.
var reasons = []struct {
	err    error
	reason nodev1.Refusal_Reason
	code   codes.Code
	name   string
}{
	{ErrInvalid, nodev1.Refusal_REASON_INVALID, codes.InvalidArgument, "invalid"},
	{ErrCluster, nodev1.Refusal_REASON_CLUSTER, codes.FailedPrecondition, "cluster"},
	{ErrMajor, nodev1.Refusal_REASON_MAJOR, codes.FailedPrecondition, "major"},
	{ErrBoot, nodev1.Refusal_REASON_BOOT, codes.FailedPrecondition, "boot"},
	{ErrSecret, nodev1.Refusal_REASON_PROOF, codes.Unauthenticated, "secret"},
}

// Status turns an error of Accept into what a gRPC handler returns. An error that
// is not one of ours passes as it is.
func Status(err error) error {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return status.Error(r.code, err.Error())
		}
	}
	return err
}

// Reason is one word for why somebody was turned away, for metrics and [Knocks]; "lost"
// when the stream was.
func Reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.name
		}
	}
	if errors.Is(err, errCrowd) { // told to nobody, and another time there is room
		return "crowd"
	}
	return "lost"
}

// Final says whether dialling the same address again with the same configuration
// would fail in the same way, as opposed to an error of the network.
func Final(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return true
		}
	}
	return false
}

// refusal is what the listener sends for err, or nil when err is the stream's own.
func refusal(err error) *nodev1.Handshake {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return &nodev1.Handshake{Step: &nodev1.Handshake_Refusal{Refusal: &nodev1.Refusal{Reason: r.reason}}}
		}
	}
	return nil
}

// refused is the error that a refusal of the listener means to the dialler.
func refused(r *nodev1.Refusal) error {
	for _, known := range reasons {
		if known.reason == r.GetReason() {
			return known.err
		}
	}
	return ErrInvalid
}
