package ops

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// Tokens end on conns that say nothing, and the worker that saw the token may be dead
// by then. So each conn is in the hub group of the minute in which its token ends, and
// every worker says, for each minute, what has to be said; gateways pass it on once.

// renewAhead is how long before its end a client is asked for a new token, and
// renewGrace how long after it the conn is closed. renewBack is how many minutes are
// looked at for conns to be closed, should there have been no worker for a while; a
// group that is empty costs nothing.
const (
	renewAhead = 2 * time.Minute
	renewGrace = time.Minute
	renewBack  = 30
)

// MinAccess is how long an access token has to last: who opens a session with a shorter
// one is not asked for the next in time.
const MinAccess = renewAhead

// expiryGroup is the hub group of the conns whose tokens end in the same minute.
func expiryGroup(t time.Time) string { return minuteGroup(t.Unix() / 60) }

func minuteGroup(minute int64) string { return "x:" + strconv.FormatInt(minute, 10) }

// renewals does its part of every minute, at a moment of its own in it.
func (s *Service) renewals(ctx context.Context) error {
	at := rand.N(20 * time.Second)
	for {
		next := time.Now().Truncate(time.Minute).Add(time.Minute + at)
		t := time.NewTimer(time.Until(next))
		select {
		case <-t.C:
			s.renew(ctx, time.Now())
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// renew asks those whose tokens end soon, and ends the conns of those that have not
// answered: they come back with another token, or not at all.
func (s *Service) renew(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	soon := now.Add(renewAhead).Unix() / 60
	for minute := soon; minute > soon-2; minute-- { // that before it, should nobody have been there
		push := &chatv1.RenewPush{ExpiresAt: timestamppb.New(time.Unix(minute*60, 0))}
		s.tell("renew", s.cfg.Courier.Renew(ctx, minuteGroup(minute), push, "renew:"+strconv.FormatInt(minute, 10)))
	}
	over := now.Add(-renewGrace).Unix()/60 - 1
	var errs []error
	for minute := over; minute > over-renewBack; minute-- {
		_, err := s.cfg.Sender.CloseGroup(ctx, minuteGroup(minute), fault.CloseRenew, "the token has ended")
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("conns whose tokens have ended are still open", "err", err)
	}
}
