package push

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// oncePrefix keeps the once-keys of backends apart from those of workers.
const oncePrefix = "push/"

// The bounds of a send beside those of the Sender.
const (
	maxExceptUsers = 256
	maxForms       = 3
	maxOnce        = 256
)

// Send implements pushv1.PushServiceServer.
func (s *service) Send(ctx context.Context, r *pushv1.SendRequest) (*pushv1.SendResponse, error) {
	frame, opts, err := outgoing(r)
	if err != nil {
		return nil, err
	}
	send, err := s.target(r)
	if err != nil {
		return nil, err
	}
	if r.GetForget() {
		return &pushv1.SendResponse{}, send(ctx, frame, opts...)
	}
	var got worker.Result
	err = send(ctx, frame, append(opts, worker.Await(&got))...)
	if err := partial(got.Lost, err); err != nil {
		return nil, err
	}
	return &pushv1.SendResponse{
		Hit: int32(got.Hit), Dropped: int32(got.Dropped), Missed: int32(got.Missed),
		Offline: got.Offline, Lost: got.Lost, Duplicate: got.Duplicate,
	}, nil
}

type sending func(context.Context, worker.Frame, ...worker.SendOption) error

// target is the send to whom r names.
func (s *service) target(r *pushv1.SendRequest) (sending, error) {
	named := 0
	for _, is := range []bool{len(r.GetConns()) > 0, len(r.GetUsers()) > 0, len(r.GetGroups()) > 0, r.GetAll()} {
		if is {
			named++
		}
	}
	if named != 1 {
		return nil, fault.New(fault.Invalid, "a send names one of conns, users, groups and all")
	}
	ids, err := connsOf("conns", r.GetConns(), maxMany)
	if err := firstOf(err, within("users", len(r.GetUsers()), maxMany), within("groups", len(r.GetGroups()), maxGroups)); err != nil {
		return nil, err
	}
	return func(ctx context.Context, f worker.Frame, opts ...worker.SendOption) error {
		switch {
		case r.GetAll():
			return s.sender.ToAll(ctx, f, opts...)
		case len(ids) > 0:
			return s.sender.ToConns(ctx, ids, f, opts...)
		case len(r.GetUsers()) > 0:
			return s.sender.ToUsers(ctx, r.GetUsers(), f, opts...)
		}
		return s.sender.ToGroups(ctx, r.GetGroups(), f, opts...)
	}, nil
}

// outgoing is the frame of a send, and how it is sent.
func outgoing(r *pushv1.SendRequest) (worker.Frame, []worker.SendOption, error) {
	var frame worker.Frame
	switch kind := r.GetKind().(type) {
	case *pushv1.SendRequest_Text:
		frame = worker.Text(kind.Text)
	case *pushv1.SendRequest_Binary:
		frame = worker.Binary(kind.Binary)
	default: // a slip, which everybody would hear
		return frame, nil, fault.New(fault.Invalid, `neither text nor binary: to send an empty text say "text": ""`)
	}
	if err := within("forms", len(r.GetForms()), maxForms); err != nil {
		return frame, nil, err
	}
	for _, form := range r.GetForms() {
		frame = frame.For(form.GetSubprotocol(), frameOf(form.GetFrame()))
	}
	except, err := connsOf("exceptConns", r.GetExceptConns(), maxMany)
	if err := firstOf(frame.Err(), err, within("exceptUsers", len(r.GetExceptUsers()), maxExceptUsers)); err != nil {
		return frame, nil, err
	}
	var opts []worker.SendOption
	if len(except) > 0 {
		opts = append(opts, worker.Except(except...))
	}
	if users := r.GetExceptUsers(); len(users) > 0 {
		opts = append(opts, worker.ExceptUsers(users...))
	}
	switch {
	case r.GetDroppable() && r.GetMergeKey() != "":
		return frame, nil, fault.New(fault.Invalid, "what has a mergeKey is droppable already")
	case r.GetDroppable():
		opts = append(opts, worker.Droppable())
	case r.GetMergeKey() != "":
		opts = append(opts, worker.Merge(r.GetMergeKey()))
	}
	if key := r.GetOnce(); len(key) > maxOnce {
		return frame, nil, fault.New(fault.Invalid, fmt.Sprintf("once has 1 to %d bytes, not %d", maxOnce, len(key)))
	} else if key != "" {
		opts = append(opts, worker.Once(oncePrefix+key))
	}
	if r.GetNoWait() {
		opts = append(opts, worker.NoWait())
	}
	return frame, opts, nil
}

func frameOf(f *pushv1.Frame) worker.Frame {
	if b, ok := f.GetKind().(*pushv1.Frame_Binary); ok {
		return worker.Binary(b.Binary)
	}
	return worker.Text(f.GetText())
}
