package api

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/parley-im/parley/api/internal/files"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// When pictures go that nobody can get.
const (
	// sendable is how long somebody may send a picture that lies ready: a day, the life of
	// its ticket, and some hours because clocks differ. Before that nothing is taken away,
	// be it recalled: the same ticket may be sent a second time.
	sendable = 24*time.Hour + 6*time.Hour
	// usable is how long after a picture was kept a message may say that it was sent. It is
	// more than sendable, for the database's clock may be set meanwhile; without it each
	// recalled picture would have its conversation looked through to its end.
	usable = 2 * sendable
	// sweepEvery is how often one of those who share a folder looks through it.
	sweepEvery = 50 * time.Minute
	// sweepLook is how often each of them asks whether it is due.
	sweepLook = 5 * time.Minute
	// sweepPause is after each question: people's calls come first.
	sweepPause = 50 * time.Millisecond
	// sweepAtOnce is how many pictures a question is about.
	sweepAtOnce = 200
	// sweepErrors is how many of those that were passed over are told.
	sweepErrors = 8
)

// sweeping looks through the folder now and then, until ctx ends.
func (a *API) sweeping(ctx context.Context) {
	for pause(ctx, sweepLook) {
		due, err := a.files.Due(sweepEvery)
		if err == nil && due {
			err = a.sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("pictures that nobody can get stay for now", "err", err)
		}
	}
}

// sweep takes pictures away that were not sent in time, or whose messages were recalled.
// Workers say which: with the first question that nobody answers it ends, and what it does
// not know stays. A question that is answered with an error, and a picture or a folder
// that fails, are passed over: they would be there the next time, too.
func (a *API) sweep(ctx context.Context) error {
	s := &sweep{a: a}
	err := a.files.Noted(ctx, func(list []files.Noted, failed error) error {
		if s.stops(failed) {
			return failed
		}
		return s.some(ctx, list)
	})
	if s.gone > 0 {
		a.log.Info("pictures that nobody can get were removed", "pictures", s.gone)
	}
	if err != nil {
		_ = a.files.Again() // else it is tried an hour later
	}
	return errors.Join(append(s.passed, err)...)
}

// sweep is one look through the folder.
type sweep struct {
	a      *API
	gone   int     // pictures
	passed []error // what it was passed over for, the first few
}

// stops reports whether the look ends with an error, which else is kept for its end.
func (s *sweep) stops(err error) bool {
	switch {
	case err == nil:
		return false
	case fault.CodeOf(err).Temporary():
		return true
	case len(s.passed) < sweepErrors:
		s.passed = append(s.passed, err)
	}
	return false
}

// some takes away of some pictures those that are to go.
func (s *sweep) some(ctx context.Context, list []files.Noted) error {
	var sent []files.Noted
	unknown := make(map[string][]files.Noted) // by conversation
	for _, n := range list {
		switch {
		case time.Since(n.Kept) < sendable:
		case n.Note.Seq > 0:
			sent = append(sent, n)
		default:
			unknown[n.Note.Conversation] = append(unknown[n.Note.Conversation], n)
		}
	}
	for some := range slices.Chunk(sent, sweepAtOnce) {
		recalled, err := s.a.recalled(ctx, some)
		if s.stops(err) {
			return err
		}
		for _, n := range recalled { // another message may have it
			if err := s.a.files.Renote(n, 0); err != nil {
				s.stops(err)
				continue
			}
			n.Note.Seq = 0
			unknown[n.Note.Conversation] = append(unknown[n.Note.Conversation], n)
		}
	}
	for conversation, all := range unknown {
		for some := range slices.Chunk(all, sweepAtOnce) {
			if err := s.unknown(ctx, conversation, some); s.stops(err) {
				return err
			}
		}
	}
	return nil
}

// recalled returns those whose messages have them no more.
func (a *API) recalled(ctx context.Context, list []files.Noted) (found []files.Noted, err error) {
	uses := make([]*chatv1.ImageUse, len(list))
	for i, n := range list {
		uses[i] = &chatv1.ImageUse{File: string(n.ID), Conversation: n.Note.Conversation, Seq: n.Note.Seq}
	}
	res, err := a.images.FindRecalled(ctx, &chatv1.FindRecalledRequest{Uses: uses})
	if err != nil {
		return nil, err
	}
	for _, n := range list {
		if slices.Contains(res.GetFiles(), string(n.ID)) {
			found = append(found, n)
		}
	}
	return found, a.rest(ctx)
}

// unknown looks for messages with pictures that were to be sent into a conversation,
// notes those, and takes away what has none.
func (s *sweep) unknown(ctx context.Context, conversation string, list []files.Noted) error {
	used, err := s.a.uses(ctx, conversation, list)
	if err != nil && fault.CodeOf(err) == fault.NotFound {
		return nil // of another database than this one, which knows nothing of it
	}
	if err != nil {
		return err
	}
	for _, n := range list {
		if seq := used[n.ID]; seq > 0 {
			err = s.a.files.Renote(n, seq)
		} else if err = s.a.files.Remove(n.ID, n.Note); err == nil {
			s.gone++
			s.a.metrics.removed.Inc()
		}
		if s.stops(err) {
			return err
		}
	}
	return nil
}

// uses returns which messages of a conversation have one of these pictures.
func (a *API) uses(ctx context.Context, conversation string, list []files.Noted) (map[files.ID]int64, error) {
	req := &chatv1.FindUsesRequest{Conversation: conversation, After: list[0].Note.After}
	var last time.Time
	for _, n := range list {
		req.Files = append(req.Files, string(n.ID))
		req.After = min(req.After, n.Note.After)
		if n.Kept.After(last) {
			last = n.Kept
		}
	}
	req.Until = timestamppb.New(last.Add(usable))
	used := make(map[files.ID]int64)
	for {
		res, err := a.images.FindUses(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, u := range res.GetUses() {
			used[files.ID(u.GetFile())] = u.GetSeq()
		}
		if err := a.rest(ctx); err != nil {
			return nil, err
		}
		if res.GetNext() <= req.GetAfter() {
			return used, nil
		}
		req.After = res.GetNext()
	}
}

// rest is the pause after a question.
func (a *API) rest(ctx context.Context) error {
	if !pause(ctx, sweepPause) {
		return fault.New(fault.Unavailable, "this api is leaving").Because(context.Cause(ctx))
	}
	return nil
}

// pause waits, and reports false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
