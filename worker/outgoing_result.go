package worker

import (
	"context"
	"errors"
	"slices"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/link"
)

// collect waits for the answers and adds them up.
func (o *outgoing) collect(ctx context.Context, w *link.Waiter) error {
	offline := make(map[string]int) // how many gateways said so
	var failed error
	silent, err := w.Wait(ctx, func(r link.Reply) {
		if r.Err != nil {
			o.result.Lost = append(o.result.Lost, r.From.Node())
			if failed == nil && errors.Is(r.Err, link.ErrUnable) {
				failed = linkError(r.Err)
			}
			return
		}
		m := r.Result
		if err := resultError(m); err != nil && failed == nil {
			failed = err
		}
		o.result.Hit += int(m.GetHit())
		o.result.Dropped += int(m.GetDropped())
		o.result.Duplicate = o.result.Duplicate || m.GetDuplicate()
		if o.rec.Target == record.ToConns {
			o.result.Missed += int(m.GetMissed())
		}
		for _, user := range m.GetOffline() {
			offline[user]++
		}
	})
	for _, g := range silent {
		o.result.Lost = append(o.result.Lost, g.Node())
	}
	slices.Sort(o.result.Lost)
	o.result.Lost = slices.Compact(o.result.Lost)
	if o.rec.Target == record.ToUsers {
		for i, user := range o.names {
			if offline[user] == o.plan.Asked(i) {
				o.result.Offline = append(o.result.Offline, user)
			}
		}
	}
	if err != nil {
		return waitError(ctx, "not every gateway has answered")
	}
	return failed
}
