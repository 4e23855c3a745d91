// Package grpcfault turns faults into gRPC statuses and back.
//
// A status carries the fault's message, its code's gRPC code, its reason as a
// google.rpc.ErrorInfo (several reasons share a gRPC code) and its RetryAfter as
// a google.rpc.RetryInfo. The cause stays on the side where it arose.
//
//	return grpcfault.ToError(err)        // at the end of a server's method
//	err = grpcfault.FromError(err)       // around a client's call
//
// An error that is no fault leaves as INTERNAL and says nothing.
package grpcfault

import (
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/parley-im/parley/proto/fault"
)

// Domain is that of the ErrorInfo: reasons of other domains are not ours.
const Domain = "parley"

// maxMessage bounds a message, which travels in an HTTP header: with a longer
// one the whole answer could be refused.
const maxMessage = 1024

// ToStatus returns the status that tells a client of err; of nil it is OK.
func ToStatus(err error) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	f := fault.Of(err)
	message := f.Message()
	message = strings.ToValidUTF8(message[:min(len(message), maxMessage)], "") // else protobuf refuses it
	s := status.New(codes.Code(f.Code().GRPC()), message)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: f.Code().String(), Domain: Domain}}
	if d := f.RetryAfter(); d > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(d)})
	}
	with, err := s.WithDetails(details...)
	if err != nil { // only of a status that is OK, and ours is not
		return s
	}
	return with
}

// ToError returns the error that a server's method returns for err: nil for
// nil.
func ToError(err error) error { return ToStatus(err).Err() }

// FromError returns what a client's call returned as a fault, whose cause it
// is. A status without a reason of ours is read by its code; an error without
// a status, and nil, is returned as it is.
func FromError(err error) error {
	if err == nil {
		return nil
	}
	if own := new(fault.Fault); errors.As(err, &own) {
		return err // not from the network
	}
	var from interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &from) || from.GRPCStatus().Code() == codes.OK {
		return err
	}
	s := from.GRPCStatus()
	code := fault.FromGRPC(uint32(s.Code()))
	message := "" // of gRPC itself, or a stranger: for the log only
	var after *errdetails.RetryInfo
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() != Domain {
				continue
			}
			message = s.Message()
			if known, ok := fault.FromReason(d.GetReason()); ok {
				code = known
			}
		case *errdetails.RetryInfo:
			after = d
		}
	}
	f := fault.New(code, message).Because(err)
	if d := after.GetRetryDelay().AsDuration(); after != nil && d > 0 {
		f = f.After(d)
	}
	return f
}
