package push

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// Close implements pushv1.PushServiceServer.
func (s *service) Close(ctx context.Context, r *pushv1.CloseRequest) (*pushv1.CloseResponse, error) {
	ids, err := connsOf("conns", r.GetConns(), maxMany)
	err = firstOf(
		err, within("users", len(r.GetUsers()), maxEach), within("groups", len(r.GetGroups()), maxGroups),
		someone(len(ids)+len(r.GetUsers())+len(r.GetGroups()), "conns, users or groups"), checkEnd(r),
	)
	if err != nil {
		return nil, err
	}
	code, reason, now := fault.CloseCode(r.GetCode()), r.GetReason(), r.GetNow()
	var last []worker.Frame
	if r.GetLast() != nil {
		last = append(last, frameOf(r.GetLast()))
	}
	var o outcome
	switch {
	case len(ids) == 0:
	case now:
		o.many(s.sender.KillAll(ctx, ids))
	default:
		o.many(s.sender.CloseAll(ctx, ids, code, reason, last...))
	}
	each(ctx, len(r.GetUsers()), func(ctx context.Context, i int) {
		if now {
			o.affected(s.sender.KillUser(ctx, r.GetUsers()[i]))
		} else {
			o.affected(s.sender.CloseUser(ctx, r.GetUsers()[i], code, reason, last...))
		}
	})
	each(ctx, len(r.GetGroups()), func(ctx context.Context, i int) {
		if now {
			o.affected(s.sender.KillGroup(ctx, r.GetGroups()[i]))
		} else {
			o.affected(s.sender.CloseGroup(ctx, r.GetGroups()[i], code, reason, last...))
		}
	})
	out, err := o.answer()
	return &pushv1.CloseResponse{Outcome: out}, err
}

// checkEnd wants how conns are to end to fit together.
func checkEnd(r *pushv1.CloseRequest) error {
	if r.GetNow() && (r.GetCode() != 0 || r.GetReason() != "" || r.GetLast() != nil) {
		return fault.New(fault.Invalid, "who is ended now gets no code, reason or last frame")
	}
	if c := r.GetCode(); c != 0 && c != uint32(fault.CloseNormal) && (c < 3000 || c > 4999) {
		return fault.New(fault.Invalid, fmt.Sprintf("the close code is %d: want 1000 or 3000 to 4999", c))
	}
	return nil
}
