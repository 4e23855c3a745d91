package browser

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// crowd makes people, each with a conversation with one, and lets each say something
// there.
func (r *recorder) crowd(req *http.Request) (any, error) {
	size, err := strconv.Atoi(req.FormValue("size"))
	if err != nil {
		return nil, err
	}
	of, err := r.by(req.Context(), req.FormValue("of"))
	if err != nil {
		return nil, err
	}
	eg, ctx := errgroup.WithContext(req.Context())
	eg.SetLimit(32) // their commits go together
	for i := range size {
		eg.Go(func() error {
			for {
				err := r.meet(ctx, of, i)
				if err == nil || ctx.Err() != nil || !fault.CodeOf(err).Temporary() {
					return err
				}
			}
		})
	}
	return nil, eg.Wait()
}

func (r *recorder) meet(ctx context.Context, of chat.Caller, i int) error {
	a, err := r.add(ctx, fmt.Sprintf("crowd-%d-%s", i, of.User), fmt.Sprintf("Crowd %d", i))
	if err != nil {
		return err
	}
	c := chat.Caller{User: a.ID}
	made, err := r.store.OpenDirect(ctx, c, of.User)
	if err != nil {
		return err
	}
	_, err = r.store.Send(ctx, c, chat.Draft{Conversation: made.ID, Request: "hello", Text: fmt.Sprintf("hello from %d", i)})
	return err
}
